"""The audit trail, as every feature writes it: a change, before and after, in the change's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

Facts = Mapping[str, object]


class Trail(Protocol):
    """Keeps what was done, by whom and when. Never pass passwords, hashes or tokens."""

    def note(
        self,
        action: str,
        entity: str,
        entity_id: UUID,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> None:
        """Keep one change: `before` is None for what is new, `after` for what is gone."""
        ...


@dataclass(frozen=True)
class Difference:
    """What differs between two states of one thing."""

    before: dict[str, object]
    after: dict[str, object]


def difference(before: Facts, after: Facts) -> Difference:
    """Keep only the facts that changed."""
    changed = [name for name in after if before.get(name) != after[name]]
    return Difference({name: before.get(name) for name in changed}, {name: after[name] for name in changed})
