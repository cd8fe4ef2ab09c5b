from dataclasses import replace
from datetime import date

from bp_core.practices.listeners import AuditListener, PracticeListeners
from bp_core.practices.workflow import PracticeState
from tests.unit.bp_core.fakes import Note, RecordedAuditTrail
from tests.unit.bp_core.practices.fakes import RecordedChanges
from tests.unit.bp_core.support import PUNE, content, practice


def notes_of(before: PracticeState | None, after: PracticeState | None) -> list[Note]:
    audit_trail = RecordedAuditTrail()
    AuditListener(audit_trail).practice_changed(before, after)
    return audit_trail.notes


def test_all_facts_of_a_new_practice_are_recorded() -> None:
    written = practice("draft")

    (note,) = notes_of(None, written)

    assert (note.action, note.entity, note.entity_id, note.before) == (
        "practice.created", "practice", written.id, None,
    )  # fmt: skip
    assert note.after is not None
    assert note.after["title"] == written.content.title
    assert (note.after["plant_id"], note.after["status"], note.after["submitted_date"]) == (
        PUNE,
        "draft",
        None,
    )


def test_only_the_facts_that_an_edit_changed_are_recorded() -> None:
    before = practice("submitted")
    after = replace(before, content=content(title="Better hoses"))

    assert notes_of(before, after) == [
        Note(
            "practice.changed",
            "practice",
            before.id,
            {"title": before.content.title},
            {"title": "Better hoses"},
        )
    ]


def test_a_transition_is_named_by_its_new_state() -> None:
    before = practice("draft")
    after = replace(before, status="submitted", submitted_date=date(2025, 7, 15))

    (note,) = notes_of(before, after)

    assert note.action == "practice.submitted"
    assert note.before == {"status": "draft", "submitted_date": None}
    assert note.after == {"status": "submitted", "submitted_date": date(2025, 7, 15)}


def test_all_facts_of_a_deleted_practice_are_recorded() -> None:
    gone = practice("approved")

    (note,) = notes_of(gone, None)

    assert (note.action, note.after) == ("practice.deleted", None)
    assert note.before is not None
    assert note.before["status"] == "approved"


def test_no_practice_before_or_after_is_no_change() -> None:
    assert notes_of(None, None) == []


def test_every_listener_is_called() -> None:
    first, second = RecordedChanges(), RecordedChanges()
    written = practice("draft")

    PracticeListeners((first, second)).practice_changed(None, written)

    assert first.changes == second.changes == [(None, written)]
