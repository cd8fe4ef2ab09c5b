"""The port for writing the audit trail, and the difference between two states that it records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

AuditedEntity = Literal[
    "user", "session", "invite", "plant", "category", "practice", "image", "document", "copy", "question"
]
"""The kinds of things whose changes the audit trail records."""

Facts = Mapping[str, object]
"""The fields of an entity that the audit trail records, by name."""

Snapshot = Facts | None
"""The recorded fields of an entity at one time; None if the entity does not exist."""


class AuditTrail(Protocol):
    """Records changes, in the transaction of the change. Never pass passwords, hashes or tokens."""

    def record(
        self,
        action: str,
        entity: AuditedEntity,
        entity_id: UUID,
        before: Snapshot = None,
        after: Snapshot = None,
    ) -> None:
        """Insert one change: `before` is None for a creation, `after` is None for a deletion."""
        ...


@dataclass(frozen=True)
class Difference:
    """The changed facts of an entity, before and after the change."""

    before: dict[str, object]
    after: dict[str, object]


def difference(before: Facts, after: Facts) -> Difference:
    """Return the facts that differ between two states of an entity."""
    changed = [name for name in after if before.get(name) != after[name]]
    return Difference({name: before.get(name) for name in changed}, {name: after[name] for name in changed})
