from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from bp_core.practices.ports import Transition
from bp_core.practices.schemas import Practice, Submission
from bp_core.practices.workflow import PracticeState
from bp_core.reviews.schemas import RevisionRequest
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.support import HQ, NOW, OWNER, TODAY, content, practice

LAST_MONTH = date(2025, 6, 20)


def submit(written: PracticeState, **request: Any) -> Practice:
    return MemoryServices(written).reviews.submit(OWNER, written.id, Submission.model_validate(request))


def test_the_first_submission_dates_a_practice() -> None:
    submitted = submit(practice("draft"))

    assert (submitted.status, submitted.submitted_date) == ("submitted", TODAY)


def test_the_first_submission_takes_a_date_within_the_window() -> None:
    assert submit(practice("draft"), submitted_date=LAST_MONTH).submitted_date == LAST_MONTH
    with pytest.raises(Invalid):
        submit(practice("draft"), submitted_date=date(2025, 5, 31))


def test_a_resubmission_does_not_change_the_date() -> None:
    returned = practice("revision_required", submitted_date=date(2025, 1, 10))

    assert submit(returned).submitted_date == date(2025, 1, 10)


def test_a_resubmission_by_the_owner_may_repeat_the_date_but_not_change_it() -> None:
    returned = practice("revision_required", submitted_date=date(2025, 1, 10))

    again = submit(returned, submitted_date=date(2025, 1, 10))
    assert again.submitted_date == date(2025, 1, 10)
    with pytest.raises(Forbidden):
        submit(returned, submitted_date=TODAY)


def test_an_approval_keeps_the_date() -> None:
    submitted = practice("submitted", submitted_date=LAST_MONTH)

    approved = MemoryServices(submitted).reviews.approve(HQ, submitted.id)

    assert (approved.status, approved.submitted_date) == ("approved", LAST_MONTH)


def test_every_transition_is_recorded_with_who_when_and_why_and_the_listener_is_called() -> None:
    submitted = practice("submitted")
    services = MemoryServices(submitted)

    shown = services.reviews.request_revision(HQ, submitted.id, RevisionRequest(comment="Say more."))

    assert (shown.status, shown.version) == ("revision_required", submitted.version + 1)
    assert services.practice_store.transitions == [
        Transition(submitted.id, "submitted", "revision_required", HQ.user_id, "Say more.", NOW)
    ]
    assert services.listener.changes == [(submitted, services.practice_store.states[submitted.id])]


def test_the_history_shows_who_took_a_practice_from_state_to_state() -> None:
    draft = practice("draft")
    services = MemoryServices(draft)
    services.reviews.submit(OWNER, draft.id, Submission())
    services.reviews.approve(HQ, draft.id)

    history = services.reviews.history(OWNER, draft.id, PageQuery()).items

    assert [(one.from_status, one.to_status, one.by_user_id) for one in history] == [
        ("draft", "submitted", OWNER.user_id),
        ("submitted", "approved", HQ.user_id),
    ]


def test_an_incomplete_draft_is_not_submitted() -> None:
    with pytest.raises(Invalid) as refusal:
        submit(practice("draft", content=content(description=None)))

    assert [fault.field for fault in refusal.value.details] == ["description"]


def test_a_refused_transition_writes_nothing() -> None:
    draft = practice("draft")
    services = MemoryServices(draft)

    with pytest.raises(Conflict):
        services.reviews.approve(HQ, draft.id)

    assert services.written() == MemoryServices(draft).written()


def test_an_approval_of_another_version_is_refused() -> None:
    written = practice("submitted", version=3)
    services = MemoryServices(written)

    with pytest.raises(PreconditionFailed):
        services.reviews.approve(HQ, written.id, expected=frozenset())

    assert services.written() == MemoryServices(written).written()


@pytest.mark.parametrize("caller", [OWNER, HQ])
def test_a_practice_that_was_deleted_meanwhile_is_not_found(caller: Caller) -> None:
    reviews = MemoryServices().reviews

    with pytest.raises(NotFound):
        reviews.submit(caller, uuid4(), Submission())
    with pytest.raises(NotFound):
        reviews.approve(HQ, uuid4())
