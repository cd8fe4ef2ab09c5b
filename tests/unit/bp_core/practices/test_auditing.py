from dataclasses import replace
from datetime import date

from bp_core.practices.auditing import Ledgers, PracticeTrail
from bp_core.practices.life import PracticeState
from tests.unit.bp_core.fakes import Note, NotedTrail
from tests.unit.bp_core.practices.fakes import NotedChanges
from tests.unit.bp_core.support import PUNE, content, practice


def notes_of(before: PracticeState | None, after: PracticeState | None) -> list[Note]:
    trail = NotedTrail()
    PracticeTrail(trail).practice_changed(before, after)
    return trail.notes


def test_a_new_practice_is_kept_whole() -> None:
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


def test_an_edit_keeps_what_it_changed_and_nothing_else() -> None:
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


def test_a_step_is_named_by_the_state_that_it_leads_to() -> None:
    before = practice("draft")
    after = replace(before, status="submitted", submitted_date=date(2025, 7, 15))

    (note,) = notes_of(before, after)

    assert note.action == "practice.submitted"
    assert note.before == {"status": "draft", "submitted_date": None}
    assert note.after == {"status": "submitted", "submitted_date": date(2025, 7, 15)}


def test_a_deleted_practice_is_kept_as_it_was() -> None:
    gone = practice("approved")

    (note,) = notes_of(gone, None)

    assert (note.action, note.after) == ("practice.deleted", None)
    assert note.before is not None
    assert note.before["status"] == "approved"


def test_no_practice_before_or_after_is_no_change() -> None:
    assert notes_of(None, None) == []


def test_every_ledger_is_told() -> None:
    first, second = NotedChanges(), NotedChanges()
    written = practice("draft")

    Ledgers((first, second)).practice_changed(None, written)

    assert first.changes == second.changes == [(None, written)]
