"""The caller of a use case, and the checks of their role (rules 1)."""

from dataclasses import dataclass
from uuid import UUID

from bp_core.shared.errors import Forbidden
from bp_core.shared.schemas import Role


@dataclass(frozen=True)
class Caller:
    """A signed-in, active user; `plant_id` is None for headquarters only.

    `session_id` is None for a caller with a token of another issuer (OIDC), which has no session here.
    """

    user_id: UUID
    session_id: UUID | None
    role: Role
    plant_id: UUID | None

    @property
    def is_hq(self) -> bool:
        """Whether the caller is a headquarters user."""
        return self.role == "hq"

    def belongs_to(self, plant_id: UUID) -> bool:
        """Whether the caller is a user of this plant."""
        return self.plant_id == plant_id


def require_role(caller: Caller, role: Role) -> None:
    """Check that the caller has a role. Raises Forbidden."""
    if caller.role != role:
        raise Forbidden(f"Only {'headquarters' if role == 'hq' else 'plant users'} can do this.")


def require_headquarters(caller: Caller) -> None:
    """Check that the caller is a headquarters user. Raises Forbidden."""
    require_role(caller, "hq")


def require_plant_user(caller: Caller) -> None:
    """Check that the caller is a plant user. Raises Forbidden."""
    require_role(caller, "plant")
