from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast, get_args
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bp_core.practices.schemas import Status
from bp_core.practices.workflow import PracticeState
from bp_core.reviews.inbox import ReviewRules
from bp_core.reviews.schemas import HandOver, InboxQuery, OverdueReviews, WaitingPractice
from bp_core.shared.errors import Conflict, Invalid, NotFound
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.support import CHENNAI, HQ, practice

COLLEAGUE = replace(HQ, user_id=uuid4())
INDIA = ZoneInfo("Asia/Kolkata")


def taken_by(reviewer_id: UUID | None, status: Status = "submitted") -> tuple[MemoryServices, PracticeState]:
    written = practice(status, reviewer_id=reviewer_id)
    services = MemoryServices(written)
    services.inbox_store.reviewers = {HQ.user_id, COLLEAGUE.user_id}
    return services, written


def told(services: MemoryServices) -> list[tuple[object, str]]:
    return [(recipient, notice.type) for recipient, notice in services.notifier.notices]


def reviewer_of(services: MemoryServices, written: PracticeState) -> UUID | None:
    return services.practice_store.states[written.id].reviewer_id


def shown(waiting_since: datetime, **state: Any) -> WaitingPractice:
    services = MemoryServices(practice("submitted", **state))
    services.inbox_store.waiting_since = waiting_since
    [item] = services.review_inbox.search(HQ, InboxQuery()).items
    return item


def test_a_practice_that_nobody_has_taken_is_taken() -> None:
    services, written = taken_by(None)

    item = services.review_inbox.take(HQ, written.id)

    assert (item.reviewer_id, item.reviewer_name) == (HQ.user_id, "Meera")
    assert services.practice_store.states[written.id] == replace(written, reviewer_id=HQ.user_id)
    assert services.audit_trail.actions() == ["practice.taken"]
    assert told(services) == []


def test_taking_ones_own_practice_again_changes_nothing() -> None:
    services, written = taken_by(HQ.user_id)

    assert services.review_inbox.take(HQ, written.id).reviewer_id == HQ.user_id
    assert services.audit_trail.actions() == []


def test_a_practice_that_another_has_taken_is_not_taken() -> None:
    services, written = taken_by(COLLEAGUE.user_id)

    with pytest.raises(Conflict) as refusal:
        services.review_inbox.take(HQ, written.id)

    assert refusal.value.code == "ALREADY_TAKEN"
    assert reviewer_of(services, written) == COLLEAGUE.user_id


@pytest.mark.parametrize("status", [one for one in get_args(Status) if one != "submitted"])
def test_what_does_not_wait_is_neither_taken_nor_handed_over(status: Status) -> None:
    services, written = taken_by(None, status)

    with pytest.raises(Conflict) as refusal:
        services.review_inbox.take(HQ, written.id)
    assert refusal.value.code == "NOT_WAITING"
    with pytest.raises(Conflict) as refusal:
        services.review_inbox.hand_over(HQ, written.id, HandOver(user_id=HQ.user_id))
    assert refusal.value.code == "NOT_WAITING"
    assert services.audit_trail.actions() == []


def test_a_practice_that_does_not_exist_is_not_taken() -> None:
    with pytest.raises(NotFound):
        MemoryServices().review_inbox.take(HQ, uuid4())


@pytest.mark.parametrize("before", [None, HQ.user_id, COLLEAGUE.user_id], ids=["nobody", "me", "colleague"])
@pytest.mark.parametrize("after", [None, HQ.user_id, COLLEAGUE.user_id], ids=["nobody", "me", "colleague"])
def test_anybody_of_headquarters_hands_over_and_the_reviewers_are_told(
    before: UUID | None, after: UUID | None
) -> None:
    services, written = taken_by(before)

    item = services.review_inbox.hand_over(HQ, written.id, HandOver(user_id=after))

    assert item.reviewer_id == reviewer_of(services, written) == after
    changed = before != after
    assert services.audit_trail.actions() == (["practice.handed_over"] if changed else [])
    concerned = [one for one in (before, after) if one is not None] if changed else []
    assert told(services) == [(one, "review_handed_over") for one in concerned]


def test_a_practice_is_handed_over_to_active_headquarters_users_only() -> None:
    services, written = taken_by(HQ.user_id)

    with pytest.raises(Invalid) as refusal:
        services.review_inbox.hand_over(HQ, written.id, HandOver(user_id=uuid4()))

    assert [fault.field for fault in refusal.value.details] == ["user_id"]
    assert (reviewer_of(services, written), told(services)) == (HQ.user_id, [])


@pytest.mark.parametrize(
    ("waiting_since", "age", "working_days", "due", "is_overdue"),
    [
        (datetime(2025, 7, 15, 9, tzinfo=UTC), 0, 0, date(2025, 7, 22), False),  # today, a Tuesday
        (datetime(2025, 7, 8, 9, tzinfo=UTC), 7, 5, date(2025, 7, 15), False),  # due today
        (datetime(2025, 7, 7, 9, tzinfo=UTC), 8, 6, date(2025, 7, 14), True),
        (datetime(2025, 7, 5, 9, tzinfo=UTC), 10, 7, date(2025, 7, 11), True),  # a Saturday
        (datetime(2025, 7, 7, 18, 29, tzinfo=UTC), 8, 6, date(2025, 7, 14), True),
        (datetime(2025, 7, 7, 18, 30, tzinfo=UTC), 7, 5, date(2025, 7, 15), False),  # the next day in India
    ],
)
def test_a_practice_is_due_five_working_days_after_its_submission(
    waiting_since: datetime, age: int, working_days: int, due: date, is_overdue: bool
) -> None:
    item = shown(waiting_since)

    assert (item.age_days, item.working_days_waiting, item.due_date, item.is_overdue) == (
        age, working_days, due, is_overdue
    )  # fmt: skip


def test_a_practice_about_which_was_decided_before_is_a_resubmission() -> None:
    now = datetime(2025, 7, 15, tzinfo=UTC)

    assert (shown(now, was_decided=True).resubmission, shown(now).resubmission) == (True, False)


def test_the_store_is_asked_for_the_same_limit_that_is_overdue_says() -> None:
    services = MemoryServices()
    services.review_inbox.search(HQ, InboxQuery(overdue=True))

    assert services.inbox_store.calls == [("inbox", datetime(2025, 7, 8, tzinfo=INDIA))]


def test_everybody_with_overdue_practices_is_reminded_with_one_notice() -> None:
    services = MemoryServices()
    since = datetime(2025, 7, 1, 19, tzinfo=UTC)
    services.inbox_store.overdue_reviews = [OverdueReviews(HQ.user_id, 3, 1, since)]

    assert services.review_inbox.remind_overdue() == 1

    [(recipient, notice)] = services.notifier.notices
    assert (recipient, notice.type, notice.title) == (HQ.user_id, "review_overdue", "Overdue reviews: 4")
    assert notice.message == (
        "3 that you have taken and 1 that nobody has taken wait longer than 5 working days, the first since"
        " 2025-07-02."
    )
    midnight = datetime(2025, 7, 15, tzinfo=INDIA)
    assert services.inbox_store.calls == [
        ("removed reminders", midnight),
        ("overdue", datetime(2025, 7, 8, tzinfo=INDIA)),
        ("not reminded since", midnight),
    ]


@pytest.mark.parametrize("value", ["me", "none", str(CHENNAI)])
def test_the_reviewer_of_the_inbox_is_oneself_nobody_or_a_user(value: str) -> None:
    found = InboxQuery.model_validate({"reviewer": value}).reviewer

    assert found == (CHENNAI if value == str(CHENNAI) else value)


@pytest.mark.parametrize("value", ["", "ME", "nobody", "1", 5, True])
def test_another_reviewer_is_refused_with_one_message(value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        InboxQuery.model_validate({"reviewer": value})

    [fault] = refusal.value.errors()
    assert (cast("tuple[str, ...]", fault["loc"]), fault["msg"]) == (
        ("reviewer",), "must be me, none, or the id of a user"
    )  # fmt: skip


def test_the_days_of_a_review_are_those_of_the_business_time_zone() -> None:
    rules = ReviewRules(1, INDIA)

    assert rules.day_of(datetime(2025, 7, 14, 18, 30, tzinfo=UTC)) == date(2025, 7, 15)
    assert rules.start_of(date(2025, 7, 15)) == datetime(2025, 7, 14, 18, 30, tzinfo=UTC)
