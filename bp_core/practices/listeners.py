"""Listeners that combine several listeners, and that write the audit trail."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from typing_extensions import override

from bp_core.practices.ports import PracticeListener
from bp_core.practices.workflow import PracticeState
from bp_core.shared.auditing import AuditTrail, difference


@dataclass(frozen=True)
class PracticeListeners(PracticeListener):
    """Calls several listeners in order."""

    listeners: Sequence[PracticeListener]

    @override
    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        for listener in self.listeners:
            listener.practice_changed(before, after)


@dataclass(frozen=True)
class AuditListener(PracticeListener):
    """Records every change of a practice in the audit trail."""

    audit_trail: AuditTrail

    @override
    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        if before is None and after is not None:
            self.audit_trail.record("practice.created", "practice", after.id, after=_facts(after))
        elif before is not None and after is None:
            self.audit_trail.record("practice.deleted", "practice", before.id, before=_facts(before))
        elif before is not None and after is not None:
            changed = difference(_facts(before), _facts(after))
            action = f"practice.{after.status}" if after.status != before.status else "practice.changed"
            self.audit_trail.record(action, "practice", after.id, before=changed.before, after=changed.after)


def _facts(practice: PracticeState) -> dict[str, object]:
    return {
        **asdict(practice.content),
        "plant_id": practice.plant_id,
        "status": practice.status,
        "submitted_date": practice.submitted_date,
    }
