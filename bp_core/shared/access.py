"""Who is calling, and what belongs to them (rules 1)."""

from dataclasses import dataclass
from uuid import UUID

from bp_core.shared.model import Role


@dataclass(frozen=True)
class Caller:
    """A signed-in, active user; `plant_id` is None for headquarters only.

    `session_id` is None for who comes with another issuer's token: that has no session of ours.
    """

    user_id: UUID
    session_id: UUID | None
    role: Role
    plant_id: UUID | None

    @property
    def is_hq(self) -> bool:
        """Whether the caller belongs to headquarters."""
        return self.role == "hq"

    def belongs_to(self, plant_id: UUID) -> bool:
        """Whether the caller is a user of this plant."""
        return self.plant_id == plant_id
