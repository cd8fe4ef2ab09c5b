"""What the audit trail keeps of practices."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bp_core.practices.life import PracticeState
from bp_core.practices.store import Ledger
from bp_core.shared.trail import Trail, difference


@dataclass(frozen=True)
class PracticeTrail:
    """Keeps every change of a practice in the audit trail."""

    trail: Trail

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        """Keep what changed, under the name of what was done."""
        if before is None and after is not None:
            self.trail.note("practice.created", "practice", after.id, after=_facts(after))
        elif before is not None and after is None:
            self.trail.note("practice.deleted", "practice", before.id, before=_facts(before))
        elif before is not None and after is not None:
            changed = difference(_facts(before), _facts(after))
            action = f"practice.{after.status}" if after.status != before.status else "practice.changed"
            self.trail.note(action, "practice", after.id, before=changed.before, after=changed.after)


@dataclass(frozen=True)
class Ledgers:
    """Several ledgers, told one after the other."""

    ledgers: Sequence[Ledger]

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        """Tell every ledger."""
        for ledger in self.ledgers:
            ledger.practice_changed(before, after)


def _facts(practice: PracticeState) -> dict[str, object]:
    return {
        **asdict(practice.content),
        "plant_id": practice.plant_id,
        "status": practice.status,
        "submitted_date": practice.submitted_date,
    }
