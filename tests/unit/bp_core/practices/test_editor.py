from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from bp_core.practices.ports import Transition
from bp_core.practices.schemas import NewPractice
from bp_core.practices.workflow import PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.support import (
    CATEGORY,
    CHENNAI,
    HQ,
    NEIGHBOUR,
    NOW,
    OWNER,
    PUNE,
    TODAY,
    content,
    practice,
)

LAST_MONTH = date(2025, 6, 20)
TEXTS: dict[str, Any] = {
    "title": "Shorter hoses",
    "description": "Too long.",
    "category_id": CATEGORY,
    "problem_statement": "Pressure is lost.",
    "solution": "Cut to length.",
}


def create(caller: Caller = OWNER, **request: Any) -> tuple[MemoryServices, PracticeState]:
    services = MemoryServices()
    practice_id = services.editor.create(caller, NewPractice.model_validate(request))
    return services, services.practice_store.states[practice_id]


def test_a_draft_needs_a_title_only() -> None:
    services, written = create(title="Shorter hoses")

    assert (written.status, written.plant_id, written.submitted_date) == ("draft", PUNE, None)
    assert written.content.title == "Shorter hoses"
    assert written.content.benefits == ()
    assert services.practice_store.authors[written.id] == OWNER.user_id
    assert services.practice_store.transitions == [
        Transition(written.id, None, "draft", OWNER.user_id, None, NOW)
    ]
    assert services.listener.changes == [(None, written)]


def test_a_new_practice_may_be_submitted_and_is_dated_today() -> None:
    services, written = create(**TEXTS, status="submitted")

    assert (written.status, written.submitted_date) == ("submitted", TODAY)
    assert [one.to_status for one in services.practice_store.transitions] == ["submitted"]


def test_a_submission_names_every_field_that_is_missing() -> None:
    with pytest.raises(Invalid) as refusal:
        create(title="Shorter hoses", status="submitted", solution=" ")

    assert {fault.field for fault in refusal.value.details} == TEXTS.keys() - {"title"}


def test_a_submission_may_be_dated_into_the_previous_month() -> None:
    _, written = create(**TEXTS, status="submitted", submitted_date=LAST_MONTH)

    assert written.submitted_date == LAST_MONTH


def test_a_draft_cannot_have_a_date() -> None:
    with pytest.raises(Invalid) as refusal:
        create(title="Shorter hoses", submitted_date=LAST_MONTH)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


def test_a_new_practice_states_its_saving_in_full_or_not_at_all() -> None:
    with pytest.raises(Invalid) as refusal:
        create(title="Shorter hoses", savings_amount="3.50")

    assert [fault.field for fault in refusal.value.details] == ["savings_currency", "savings_period"]


def test_headquarters_names_the_plant_that_it_writes_for() -> None:
    _, written = create(HQ, title="Shorter hoses", plant_id=CHENNAI)

    assert written.plant_id == CHENNAI
    with pytest.raises(Invalid, match="plant"):
        create(HQ, title="Shorter hoses")


def test_a_plant_user_may_name_the_own_plant_but_no_other() -> None:
    _, written = create(OWNER, title="Shorter hoses", plant_id=PUNE)

    assert written.plant_id == PUNE
    with pytest.raises(Forbidden):
        create(OWNER, title="Shorter hoses", plant_id=CHENNAI)


def test_a_refused_practice_is_not_written() -> None:
    services = MemoryServices()

    with pytest.raises(Forbidden):
        services.editor.create(OWNER, NewPractice(title="Mine?", plant_id=CHENNAI))

    assert services.written() == MemoryServices().written()


def test_a_practice_is_locked_for_its_owner_only() -> None:
    draft = practice("draft")
    editor = MemoryServices(draft).editor

    assert editor.lock_owned(OWNER, draft.id) == draft
    with pytest.raises(NotFound):
        editor.lock_owned(NEIGHBOUR, draft.id)
    with pytest.raises(NotFound):
        editor.lock_owned(HQ, uuid4())


def test_a_stranger_does_not_learn_the_version_of_a_practice() -> None:
    submitted = practice("submitted", version=3)

    with pytest.raises(Forbidden):
        MemoryServices(submitted).editor.lock_owned(NEIGHBOUR, submitted.id, expected={1})


@pytest.mark.parametrize("expected", [{1}, {2, 4}, frozenset()])
def test_a_practice_of_another_version_is_not_locked_for_a_change(expected: set[int]) -> None:
    written = practice("submitted", version=3)
    editor = MemoryServices(written).editor

    with pytest.raises(PreconditionFailed):
        editor.lock(written.id, expected)
    with pytest.raises(PreconditionFailed):
        editor.lock_owned(OWNER, written.id, expected)


def test_a_practice_that_did_not_change_is_not_saved() -> None:
    draft = practice("draft")
    services = MemoryServices(draft)

    assert services.editor.save(OWNER, draft, draft) is draft
    assert services.written() == MemoryServices(draft).written()


def test_a_saved_practice_has_the_next_version() -> None:
    before = practice("draft", version=3)
    services = MemoryServices(before)
    after = practice("draft", id=before.id, version=3, content=content(title="Better hoses"))

    assert services.editor.save(OWNER, before, after).version == 4
    assert services.practice_store.states[before.id].version == 4


def test_a_benchmark_alone_is_no_change_for_the_listeners() -> None:
    before = practice("approved")
    services = MemoryServices(before)
    after = practice("approved", id=before.id, is_benchmarked=True)

    saved = services.editor.save(HQ, before, after)

    assert services.practice_store.saved == [(saved, NOW)]
    assert services.listener.changes == []
