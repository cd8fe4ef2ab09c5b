from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from bp_core.practices import writing
from bp_core.practices.life import PracticeState
from bp_core.practices.models import NewPractice, PracticeChanges, Status
from bp_core.practices.store import Transition
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from tests.unit.bp_core.practices.fakes import MemoryPractices, NotedChanges, NotedPoints
from tests.unit.bp_core.support import (
    CATEGORY,
    CHENNAI,
    HQ,
    NOW,
    OWNER,
    PUNE,
    STATUSES,
    content,
    practice,
    saving,
)

LAST_MONTH = date(2025, 6, 20)
TEXTS: dict[str, Any] = {
    "title": "Shorter hoses",
    "description": "Too long.",
    "category_id": CATEGORY,
    "problem_statement": "Pressure is lost.",
    "solution": "Cut to length.",
}


def create(caller: Caller = OWNER, **sent: Any) -> tuple[MemoryPractices, NotedChanges, PracticeState]:
    store, ledger = MemoryPractices(), NotedChanges()
    practice_id = writing.create(store, ledger, caller, NewPractice.model_validate(sent), moment=NOW)
    return store, ledger, store.states[practice_id]


def edit(
    written: PracticeState, caller: Caller = OWNER, **sent: Any
) -> tuple[MemoryPractices, NotedChanges, PracticeState]:
    store, ledger = MemoryPractices(written), NotedChanges()
    changes = PracticeChanges.model_validate(sent)
    writing.edit(store, ledger, caller, written.id, changes, moment=NOW)
    return store, ledger, store.states[written.id]


def test_a_draft_needs_a_title_only() -> None:
    store, ledger, written = create(title="Shorter hoses")

    assert (written.status, written.plant_id, written.submitted_date) == ("draft", PUNE, None)
    assert written.content.title == "Shorter hoses"
    assert written.content.benefits == ()
    assert store.authors[written.id] == OWNER.user_id
    assert store.transitions == [Transition(written.id, None, "draft", OWNER.user_id, None, NOW.at)]
    assert ledger.changes == [(None, written)]


def test_a_practice_may_be_submitted_at_once_and_is_dated_today() -> None:
    store, _, written = create(**TEXTS, status="submitted")

    assert (written.status, written.submitted_date) == ("submitted", NOW.day)
    assert [step.to_status for step in store.transitions] == ["submitted"]


def test_a_submission_names_every_field_that_is_missing() -> None:
    with pytest.raises(Invalid) as refusal:
        create(title="Shorter hoses", status="submitted", solution=" ")

    assert {fault.field for fault in refusal.value.details} == TEXTS.keys() - {"title"}


def test_a_submission_may_be_dated_into_the_previous_month() -> None:
    _, _, written = create(**TEXTS, status="submitted", submitted_date=LAST_MONTH)

    assert written.submitted_date == LAST_MONTH


def test_a_draft_takes_no_date() -> None:
    with pytest.raises(Invalid) as refusal:
        create(title="Shorter hoses", submitted_date=LAST_MONTH)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


def test_a_new_practice_states_its_saving_in_full_or_not_at_all() -> None:
    with pytest.raises(Invalid) as refusal:
        create(title="Shorter hoses", savings_amount="3.50")

    assert [fault.field for fault in refusal.value.details] == ["savings_currency", "savings_period"]


def test_headquarters_names_the_plant_that_it_writes_for() -> None:
    _, _, written = create(HQ, title="Shorter hoses", plant_id=CHENNAI)

    assert written.plant_id == CHENNAI
    with pytest.raises(Invalid, match="plant"):
        create(HQ, title="Shorter hoses")


def test_a_plant_user_may_name_the_own_plant_but_no_other() -> None:
    _, _, written = create(OWNER, title="Shorter hoses", plant_id=PUNE)

    assert written.plant_id == PUNE
    with pytest.raises(Forbidden):
        create(OWNER, title="Shorter hoses", plant_id=CHENNAI)


def test_a_refused_practice_is_not_kept() -> None:
    store, ledger = MemoryPractices(), NotedChanges()

    with pytest.raises(Forbidden):
        writing.create(store, ledger, OWNER, NewPractice(title="Mine?", plant_id=CHENNAI), moment=NOW)

    assert (store.states, store.transitions, ledger.changes) == ({}, [], [])


def test_what_is_not_sent_stays_and_what_is_sent_as_null_is_emptied() -> None:
    draft = practice("draft", content=content(metrics="bar", investment="none"))

    _, _, edited = edit(draft, metrics=None, benefits=["Less air"])

    assert edited.content.metrics is None
    assert edited.content.benefits == ("Less air",)
    assert (edited.content.investment, edited.content.title) == ("none", draft.content.title)


def test_an_edit_is_kept_once_and_the_ledger_told_of_both_versions() -> None:
    draft = practice("draft")

    store, ledger, edited = edit(draft, title="Better hoses")

    assert store.saved == [(edited, NOW.at)]
    assert ledger.changes == [(draft, edited)]
    assert store.transitions == []


def test_an_edit_that_changes_nothing_keeps_nothing() -> None:
    draft = practice("draft")

    store, ledger, _ = edit(draft, title=draft.content.title)

    assert (store.saved, ledger.changes) == ([], [])


@pytest.mark.parametrize("status", ["submitted", "approved"])
def test_a_practice_that_all_see_stays_complete(status: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice(status), HQ, solution=None)

    assert [fault.field for fault in refusal.value.details] == ["solution"]


@pytest.mark.parametrize("status", ["draft", "revision_required"])
def test_a_practice_in_the_works_may_be_incomplete(status: Any) -> None:
    _, _, edited = edit(practice(status), solution=None)

    assert edited.content.solution is None


def test_half_a_saving_is_refused_when_the_rest_is_taken_away() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("draft", content=content(**saving("3"))), savings_period=None)

    assert [fault.field for fault in refusal.value.details] == ["savings_period"]


def test_an_owner_does_not_edit_an_approved_practice() -> None:
    with pytest.raises(Forbidden):
        edit(practice("approved"), OWNER, title="Better hoses")


def test_headquarters_edits_an_approved_practice() -> None:
    _, _, edited = edit(practice("approved"), HQ, **saving("3"))

    assert edited.content == content(**saving("3"))


def test_a_status_in_an_edit_is_a_transition_under_the_same_rules() -> None:
    draft = practice("draft", content=content(solution=None))

    store, _, edited = edit(draft, status="submitted", solution="Cut to length.")

    assert (edited.status, edited.submitted_date) == ("submitted", NOW.day)
    assert store.transitions == [Transition(draft.id, "draft", "submitted", OWNER.user_id, None, NOW.at)]
    assert len(store.saved) == 1


def test_an_edit_that_submits_must_leave_the_practice_complete() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("draft"), status="submitted", solution=None)

    assert [fault.field for fault in refusal.value.details] == ["solution"]


def test_an_edit_may_send_a_practice_back_with_a_comment() -> None:
    store, _, edited = edit(practice("submitted"), HQ, status="revision_required", comment="Say more.")

    assert edited.status == "revision_required"
    assert [step.comment for step in store.transitions] == ["Say more."]


def test_an_edit_by_a_plant_user_does_not_approve() -> None:
    with pytest.raises(Forbidden):
        edit(practice("submitted"), OWNER, status="approved")


def test_an_edit_with_the_status_that_the_practice_has_is_no_transition() -> None:
    store, _, edited = edit(practice("submitted"), status="submitted", title="Better hoses")

    assert (edited.status, edited.content.title) == ("submitted", "Better hoses")
    assert store.transitions == []


def test_a_comment_goes_with_a_change_of_status_only() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("submitted"), HQ, comment="Nice.")

    assert [fault.field for fault in refusal.value.details] == ["comment"]


def test_headquarters_moves_the_date_of_a_submitted_practice() -> None:
    _, _, edited = edit(practice("approved"), HQ, submitted_date=date(2024, 1, 31))

    assert edited.submitted_date == date(2024, 1, 31)


def test_an_owner_does_not_move_the_date_of_a_submitted_practice() -> None:
    with pytest.raises(Forbidden):
        edit(practice("submitted"), OWNER, submitted_date=date(2025, 6, 21))


@pytest.mark.parametrize("dated", [LAST_MONTH, date(2024, 1, 31)])
def test_an_owner_may_send_the_date_that_the_practice_has_however_old(dated: date) -> None:
    _, _, edited = edit(
        practice("submitted", submitted_date=dated), OWNER, submitted_date=dated, title="Better hoses"
    )

    assert (edited.submitted_date, edited.content.title) == (dated, "Better hoses")


def test_a_draft_may_be_sent_with_the_date_that_it_does_not_have() -> None:
    _, _, edited = edit(practice("draft"), submitted_date=None, title="Better hoses")

    assert (edited.submitted_date, edited.content.title) == (None, "Better hoses")


def test_a_draft_has_no_date_to_be_moved() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("draft"), submitted_date=LAST_MONTH)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


def test_the_date_of_a_submitted_practice_is_not_taken_away() -> None:
    with pytest.raises(Invalid) as refusal:
        edit(practice("submitted"), HQ, submitted_date=None)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


@pytest.mark.parametrize("dated", [date(2025, 7, 16), date(2099, 1, 1)])
def test_not_even_headquarters_moves_a_date_into_the_future(dated: date) -> None:
    with pytest.raises(Invalid, match="future"):
        edit(practice("submitted"), HQ, submitted_date=dated)


def move(written: PracticeState, caller: Caller, to_status: Any, **how: Any) -> PracticeState:
    store = MemoryPractices(written)
    writing.move(store, NotedChanges(), caller, written.id, to_status, **how, moment=NOW)
    return store.states[written.id]


def test_the_first_submission_dates_a_practice() -> None:
    assert move(practice("draft"), OWNER, "submitted").submitted_date == NOW.day


def test_the_first_submission_takes_a_date_within_the_window() -> None:
    assert move(practice("draft"), OWNER, "submitted", submitted_date=LAST_MONTH).submitted_date == LAST_MONTH
    with pytest.raises(Invalid):
        move(practice("draft"), OWNER, "submitted", submitted_date=date(2025, 5, 31))


def test_a_resubmission_does_not_move_the_date() -> None:
    returned = practice("revision_required", submitted_date=date(2025, 1, 10))

    assert move(returned, OWNER, "submitted").submitted_date == date(2025, 1, 10)


def test_a_resubmission_by_the_owner_may_repeat_the_date_but_not_move_it() -> None:
    returned = practice("revision_required", submitted_date=date(2025, 1, 10))

    again = move(returned, OWNER, "submitted", submitted_date=date(2025, 1, 10))
    assert again.submitted_date == date(2025, 1, 10)
    with pytest.raises(Forbidden):
        move(returned, OWNER, "submitted", submitted_date=NOW.day)


def test_an_approval_keeps_the_date() -> None:
    approved = move(practice("submitted", submitted_date=LAST_MONTH), HQ, "approved")

    assert (approved.status, approved.submitted_date) == ("approved", LAST_MONTH)


def test_every_move_is_kept_with_who_when_and_why_and_the_ledger_is_told() -> None:
    submitted = practice("submitted")
    store, ledger = MemoryPractices(submitted), NotedChanges()

    writing.move(store, ledger, HQ, submitted.id, "revision_required", comment="Say more.", moment=NOW)

    assert store.transitions == [
        Transition(submitted.id, "submitted", "revision_required", HQ.user_id, "Say more.", NOW.at)
    ]
    assert ledger.changes == [(submitted, store.states[submitted.id])]


def test_an_incomplete_draft_is_not_submitted() -> None:
    draft = practice("draft", content=content(description=None))

    with pytest.raises(Invalid) as refusal:
        move(draft, OWNER, "submitted")

    assert [fault.field for fault in refusal.value.details] == ["description"]


def test_a_refused_move_keeps_nothing() -> None:
    draft = practice("draft")
    store, ledger = MemoryPractices(draft), NotedChanges()

    with pytest.raises(Conflict):
        writing.move(store, ledger, HQ, draft.id, "approved", moment=NOW)

    assert (store.states, store.transitions, ledger.changes) == ({draft.id: draft}, [], [])


def test_a_practice_that_was_deleted_meanwhile_is_not_found() -> None:
    store, ledger = MemoryPractices(), NotedChanges()

    with pytest.raises(NotFound):
        writing.move(store, ledger, HQ, uuid4(), "approved", moment=NOW)
    with pytest.raises(NotFound):
        writing.edit(store, ledger, HQ, uuid4(), PracticeChanges(title="Gone"), moment=NOW)


@pytest.mark.parametrize("status", STATUSES)
def test_a_deleted_practice_is_gone_and_the_ledger_is_told(status: Status) -> None:
    written = practice(status)
    store, ledger, points = MemoryPractices(written), NotedChanges(), NotedPoints()

    writing.delete(store, ledger, points, written.id, moment=NOW)

    assert (store.states, ledger.changes) == ({}, [(written, None)])
    assert points.settled == [written.id]
    with pytest.raises(NotFound):
        writing.delete(store, ledger, NotedPoints(), written.id, moment=NOW)


def test_a_benchmarked_practice_is_not_deleted() -> None:
    written = practice("approved", is_benchmarked=True)
    store, ledger = MemoryPractices(written), NotedChanges()

    with pytest.raises(Conflict) as refusal:
        writing.delete(store, ledger, NotedPoints(), written.id, moment=NOW)

    assert (refusal.value.code, ledger.changes, len(store.states)) == ("BENCHMARKED", [], 1)


def test_a_change_that_was_made_for_another_version_is_not_made() -> None:
    written = practice("submitted", version=3)
    store, ledger = MemoryPractices(written), NotedChanges()
    changes = PracticeChanges(title="Lost")

    with pytest.raises(PreconditionFailed):
        writing.edit(store, ledger, OWNER, written.id, changes, expected={1, 2}, moment=NOW)
    with pytest.raises(PreconditionFailed):
        writing.move(store, ledger, HQ, written.id, "approved", expected=frozenset(), moment=NOW)
    with pytest.raises(PreconditionFailed):
        writing.delete(store, ledger, NotedPoints(), written.id, expected={4}, moment=NOW)

    assert (store.saved, ledger.changes) == ([], [])
    writing.edit(store, ledger, OWNER, written.id, changes, expected={2, 3}, moment=NOW)
    assert store.states[written.id].version == 4


@pytest.mark.parametrize("status", STATUSES)
def test_headquarters_gives_a_practice_to_another_plant(status: Status) -> None:
    before = practice(status)

    _, ledger, given = edit(before, HQ, plant_id=CHENNAI)

    assert (given.plant_id, given.status, given.version) == (CHENNAI, status, before.version + 1)
    assert ledger.changes == [(before, given)]


def test_an_owner_gives_no_practice_away_but_may_name_the_plant_that_it_has() -> None:
    with pytest.raises(Forbidden, match="Only headquarters"):
        edit(practice("draft"), OWNER, plant_id=CHENNAI)

    store, _, _ = edit(practice("draft"), OWNER, plant_id=PUNE)

    assert store.saved == []


def test_a_benchmarked_practice_stays_with_its_plant() -> None:
    with pytest.raises(Conflict) as refusal:
        edit(replace(practice("approved"), is_benchmarked=True), HQ, plant_id=CHENNAI)

    assert refusal.value.code == "BENCHMARKED"


def test_a_practice_that_was_copied_or_is_a_copy_stays_with_its_plant() -> None:
    shared = practice("approved")
    store = MemoryPractices(shared)
    store.shared.add(shared.id)

    with pytest.raises(Conflict) as refusal:
        writing.edit(store, NotedChanges(), HQ, shared.id, PracticeChanges(plant_id=CHENNAI), moment=NOW)

    assert refusal.value.code == "COPIED"
