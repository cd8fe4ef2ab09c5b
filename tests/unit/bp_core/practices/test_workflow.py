from datetime import date
from itertools import product
from typing import Any

import pytest

from bp_core.practices import workflow
from bp_core.practices.schemas import Status
from bp_core.practices.workflow import TRANSITIONS, PracticeScope, PracticeState, RequestedTransition
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month
from bp_core.shared.errors import Conflict, Forbidden, Invalid, NotFound
from tests.unit.bp_core.support import COLLEAGUE, HQ, NEIGHBOUR, OWNER, PUNE, STATUSES, content, practice

StatusChange = tuple[Status, Status]

SUBMISSIONS: list[StatusChange] = [("draft", "submitted"), ("revision_required", "submitted")]
REVIEWS: list[StatusChange] = [
    ("submitted", "approved"),
    ("submitted", "revision_required"),
    ("approved", "revision_required"),
    ("submitted", "declined"),
    ("declined", "submitted"),
]
WITHDRAWAL: StatusChange = ("submitted", "draft")
OTHER_CHANGES: list[StatusChange] = [
    change for change in product(STATUSES, STATUSES) if change not in [*SUBMISSIONS, *REVIEWS, WITHDRAWAL]
]
HIDDEN: list[Status] = ["draft", "revision_required", "declined"]
TODAY = date(2025, 3, 15)


def transition(
    caller: Caller, change: StatusChange, *, comment: str | None = "Say more.", **state: Any
) -> PracticeState:
    from_status, to_status = change
    wanted = RequestedTransition(to_status, comment)
    return workflow.transition(caller, practice(from_status, **state), wanted, TODAY)


def test_the_table_of_transitions_is_complete() -> None:
    assert list(TRANSITIONS) == [*SUBMISSIONS, *REVIEWS, WITHDRAWAL]


@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ])
@pytest.mark.parametrize("change", SUBMISSIONS)
def test_an_owner_and_headquarters_submit(change: StatusChange, caller: Caller) -> None:
    assert transition(caller, change).status == change[1]


@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ])
def test_a_withdrawn_practice_is_a_draft_without_date_and_reviewer(caller: Caller) -> None:
    withdrawn = transition(caller, WITHDRAWAL, reviewer_id=HQ.user_id)

    assert (withdrawn.status, withdrawn.submitted_date, withdrawn.reviewer_id) == ("draft", None, None)


def test_the_next_submission_of_a_withdrawn_practice_is_its_first() -> None:
    withdrawn = transition(OWNER, WITHDRAWAL)
    requested = RequestedTransition("submitted", submitted_date=date(2025, 2, 1))

    again = workflow.transition(OWNER, withdrawn, requested, TODAY)

    assert again.submitted_date == date(2025, 2, 1)


@pytest.mark.parametrize(
    ("state", "code"), [({"was_decided": True}, "ALREADY_DECIDED"), ({"is_copy": True}, "COPIED")]
)
def test_what_headquarters_has_decided_about_and_a_copy_are_not_withdrawn(
    state: dict[str, Any], code: str
) -> None:
    with pytest.raises(Conflict) as refusal:
        transition(OWNER, WITHDRAWAL, **state)

    assert refusal.value.code == code


def test_a_withdrawal_takes_no_date() -> None:
    requested = RequestedTransition("draft", submitted_date=TODAY)
    with pytest.raises(Invalid) as refusal:
        workflow.transition(OWNER, practice("submitted"), requested, TODAY)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


def test_a_reviewer_and_the_date_stay_with_every_other_transition() -> None:
    for change in [("revision_required", "submitted"), *REVIEWS]:
        moved = transition(HQ, change, reviewer_id=HQ.user_id, submitted_date=date(2025, 1, 10))
        assert (moved.reviewer_id, moved.submitted_date) == (HQ.user_id, date(2025, 1, 10)), change


def test_only_a_declined_practice_is_reopened() -> None:
    reopening = RequestedTransition("submitted", from_status="declined")

    assert workflow.transition(HQ, practice("declined"), reopening, TODAY).status == "submitted"
    for status in ("draft", "revision_required", "submitted", "approved"):
        with pytest.raises(Conflict) as refusal:
            workflow.transition(HQ, practice(status), reopening, TODAY)
        assert refusal.value.code == "INVALID_TRANSITION"


@pytest.mark.parametrize("change", REVIEWS)
def test_headquarters_reviews(change: StatusChange) -> None:
    assert transition(HQ, change).status == change[1]


@pytest.mark.parametrize("change", REVIEWS)
def test_a_plant_user_does_not_review(change: StatusChange) -> None:
    with pytest.raises(Forbidden) as refusal:
        transition(OWNER, change)

    assert refusal.value.code == "FORBIDDEN"


@pytest.mark.parametrize("caller", [OWNER, HQ])
@pytest.mark.parametrize("change", OTHER_CHANGES)
def test_every_other_change_is_a_conflict_that_names_both_states(
    change: StatusChange, caller: Caller
) -> None:
    with pytest.raises(Conflict) as refusal:
        transition(caller, change)

    from_status, to_status = change
    assert refusal.value.code == "INVALID_TRANSITION"
    assert f"from {from_status} to {to_status}" in refusal.value.message


@pytest.mark.parametrize("from_status", ["submitted", "approved"])
def test_a_benchmarked_practice_is_not_sent_back(from_status: Status) -> None:
    with pytest.raises(Conflict) as refusal:
        transition(HQ, (from_status, "revision_required"), is_benchmarked=True)

    assert refusal.value.code == "BENCHMARKED"


@pytest.mark.parametrize(
    "change",
    [("submitted", "revision_required"), ("approved", "revision_required"), ("submitted", "declined")],
)
def test_a_revision_and_a_refusal_need_a_comment(change: StatusChange) -> None:
    with pytest.raises(Invalid) as refusal:
        transition(HQ, change, comment=None)

    assert [fault.field for fault in refusal.value.details] == ["comment"]


def test_an_approval_needs_no_comment() -> None:
    assert transition(HQ, ("submitted", "approved"), comment=None).status == "approved"


@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ, NEIGHBOUR])
@pytest.mark.parametrize("status", ["submitted", "approved"])
def test_everybody_sees_submitted_and_approved_practices(status: Status, caller: Caller) -> None:
    seen = PracticeScope(PUNE, status)

    assert workflow.require_visible(caller, seen) is seen


@pytest.mark.parametrize("status", HIDDEN)
@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ])
def test_drafts_and_practices_under_revision_are_seen_by_their_plant_and_headquarters(
    caller: Caller, status: Status
) -> None:
    seen = PracticeScope(PUNE, status)

    assert workflow.require_visible(caller, seen) is seen


@pytest.mark.parametrize("status", HIDDEN)
def test_drafts_and_practices_under_revision_do_not_exist_for_another_plant(status: Status) -> None:
    with pytest.raises(NotFound) as hidden:
        workflow.require_visible(NEIGHBOUR, PracticeScope(PUNE, status))
    with pytest.raises(NotFound) as absent:
        workflow.require_visible(NEIGHBOUR, None)

    assert str(hidden.value) == str(absent.value), "the two answers must not tell one from the other"


@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ])
@pytest.mark.parametrize("status", STATUSES)
def test_its_plant_and_headquarters_own_a_practice(status: Status, caller: Caller) -> None:
    owned = PracticeScope(PUNE, status)

    assert workflow.require_owner(caller, owned) is owned


@pytest.mark.parametrize("status", ["submitted", "approved"])
def test_another_plant_does_not_own_a_practice_that_it_sees(status: Status) -> None:
    with pytest.raises(Forbidden):
        workflow.require_owner(NEIGHBOUR, PracticeScope(PUNE, status))


@pytest.mark.parametrize("status", HIDDEN)
def test_another_plant_does_not_learn_that_a_hidden_practice_exists(status: Status) -> None:
    with pytest.raises(NotFound):
        workflow.require_owner(NEIGHBOUR, PracticeScope(PUNE, status))


@pytest.mark.parametrize("status", ["draft", "submitted", "revision_required"])
def test_an_owner_edits_until_the_approval(status: Status) -> None:
    owned = PracticeScope(PUNE, status)

    assert workflow.require_editor(OWNER, owned) is owned


@pytest.mark.parametrize("status", ["approved", "declined"])
def test_an_approved_or_declined_practice_is_edited_by_headquarters_only(status: Status) -> None:
    decided = PracticeScope(PUNE, status)

    assert workflow.require_editor(HQ, decided) is decided
    with pytest.raises(Forbidden, match=status):
        workflow.require_editor(OWNER, decided)


def test_a_complete_practice_may_be_submitted() -> None:
    workflow.require_complete(content())


@pytest.mark.parametrize("field", ["title", "description", "category_id", "problem_statement", "solution"])
def test_each_required_field_is_named_if_it_is_missing(field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        workflow.require_complete(content(**{field: None}))

    assert [fault.field for fault in refusal.value.details] == [field]


def test_all_missing_and_blank_fields_are_named_together() -> None:
    with pytest.raises(Invalid) as refusal:
        workflow.require_complete(
            content(description="", category_id=None, problem_statement=" \n", solution="")
        )

    assert [fault.field for fault in refusal.value.details] == [
        "description",
        "category_id",
        "problem_statement",
        "solution",
    ]


WHOLE_SAVING = {"savings_amount": 0, "savings_currency": "lakhs", "savings_period": "monthly"}


def test_a_saving_is_stated_in_full_or_not_at_all() -> None:
    for stated in (content(), content(**WHOLE_SAVING)):
        assert workflow.with_whole_saving(stated) == stated


@pytest.mark.parametrize(
    "unit", [{"savings_currency"}, {"savings_period"}, {"savings_currency", "savings_period"}]
)
def test_a_currency_and_a_period_without_an_amount_are_no_saving(unit: set[str]) -> None:
    part = {field: value for field, value in WHOLE_SAVING.items() if field in unit}

    assert workflow.with_whole_saving(content(**part)) == content()


@pytest.mark.parametrize(
    "stated",
    [{"savings_amount"}, {"savings_amount", "savings_currency"}, {"savings_amount", "savings_period"}],
    ids=lambda stated: "+".join(sorted(stated)),
)
def test_a_part_of_a_saving_is_refused_and_what_is_missing_named(stated: set[str]) -> None:
    part = {field: value for field, value in WHOLE_SAVING.items() if field in stated}

    with pytest.raises(Invalid) as refusal:
        workflow.with_whole_saving(content(**part))

    assert {fault.field for fault in refusal.value.details} == WHOLE_SAVING.keys() - stated


@pytest.mark.parametrize("caller", [OWNER, HQ])
def test_a_submission_is_dated_today_if_no_date_is_sent(caller: Caller) -> None:
    assert workflow.submission_date(caller, None, TODAY) == TODAY


@pytest.mark.parametrize("caller", [OWNER, HQ])
def test_a_submission_may_be_dated_today_but_not_tomorrow(caller: Caller) -> None:
    assert workflow.submission_date(caller, TODAY, TODAY) == TODAY
    with pytest.raises(Invalid, match="future"):
        workflow.submission_date(caller, date(2025, 3, 16), TODAY)


@pytest.mark.parametrize(
    ("today", "earliest"),
    [
        (date(2025, 3, 15), date(2025, 2, 1)),
        (date(2025, 3, 31), date(2025, 2, 1)),
        (date(2025, 3, 1), date(2025, 2, 1)),
        (date(2025, 1, 2), date(2024, 12, 1)),
    ],
)
def test_a_plant_dates_back_to_the_first_day_of_the_previous_month(today: date, earliest: date) -> None:
    day_before = date.fromordinal(earliest.toordinal() - 1)

    assert workflow.submission_date(OWNER, earliest, today) == earliest
    with pytest.raises(Invalid) as refusal:
        workflow.submission_date(OWNER, day_before, today)
    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]
    assert earliest.isoformat() in refusal.value.message


def test_headquarters_dates_back_to_the_first_year_of_the_figures() -> None:
    assert workflow.submission_date(HQ, date(2000, 1, 1), TODAY) == date(2000, 1, 1)


@pytest.mark.parametrize("too_early", [date(1999, 12, 31), date.min])
def test_not_even_headquarters_dates_back_further(too_early: date) -> None:
    with pytest.raises(Invalid) as refusal:
        workflow.submission_date(HQ, too_early, TODAY)

    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


@pytest.mark.parametrize(
    ("status", "month"),
    [
        ("approved", Month(2025, 6)),
        *((status, None) for status in ("draft", "submitted", "revision_required", "declined")),
    ],
)
def test_only_an_approved_practice_counts_and_in_the_month_of_its_date(
    status: Status, month: Month | None
) -> None:
    assert practice(status, submitted_date=date(2025, 6, 30)).counted_month == month
