from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest

from bp_core.practices import life
from bp_core.practices.life import Whereabouts
from bp_core.practices.models import Status
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month
from bp_core.shared.errors import Conflict, Forbidden, Invalid, NotFound
from tests.unit.bp_core.support import COLLEAGUE, HQ, NEIGHBOUR, OWNER, PUNE, STATUSES, content, practice

Step = tuple[Status, Status]

SUBMISSIONS: list[Step] = [("draft", "submitted"), ("revision_required", "submitted")]
REVIEWS: list[Step] = [
    ("submitted", "approved"),
    ("submitted", "revision_required"),
    ("approved", "revision_required"),
]
NO_STEPS: list[Step] = [step for step in product(STATUSES, STATUSES) if step not in [*SUBMISSIONS, *REVIEWS]]


def take(caller: Caller, step: Step, *, comment: str | None = "Say more.", **changes: Any) -> None:
    from_status, to_status = step
    life.require_step(caller, practice(from_status, **changes), to_status, comment)


@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ])
@pytest.mark.parametrize("step", SUBMISSIONS)
def test_an_owner_and_headquarters_submit(step: Step, caller: Caller) -> None:
    take(caller, step)


@pytest.mark.parametrize("step", REVIEWS)
def test_headquarters_reviews(step: Step) -> None:
    take(HQ, step)


@pytest.mark.parametrize("step", REVIEWS)
def test_a_plant_user_does_not_review(step: Step) -> None:
    with pytest.raises(Forbidden) as refusal:
        take(OWNER, step)

    assert refusal.value.code == "FORBIDDEN"


@pytest.mark.parametrize("caller", [OWNER, HQ])
@pytest.mark.parametrize("step", NO_STEPS)
def test_every_other_change_is_a_conflict_that_names_both_states(step: Step, caller: Caller) -> None:
    with pytest.raises(Conflict) as refusal:
        take(caller, step)

    from_status, to_status = step
    assert refusal.value.code == "INVALID_TRANSITION"
    assert f"from {from_status} to {to_status}" in refusal.value.message


@pytest.mark.parametrize("from_status", ["submitted", "approved"])
def test_a_benchmarked_practice_is_not_sent_back(from_status: Status) -> None:
    with pytest.raises(Conflict) as refusal:
        take(HQ, (from_status, "revision_required"), is_benchmarked=True)

    assert refusal.value.code == "BENCHMARKED"


@pytest.mark.parametrize("from_status", ["submitted", "approved"])
def test_a_revision_needs_a_comment(from_status: Status) -> None:
    with pytest.raises(Invalid) as refusal:
        take(HQ, (from_status, "revision_required"), comment=None)

    assert [fault.field for fault in refusal.value.details] == ["comment"]


def test_an_approval_needs_no_comment() -> None:
    take(HQ, ("submitted", "approved"), comment=None)


@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ, NEIGHBOUR])
@pytest.mark.parametrize("status", ["submitted", "approved"])
def test_submitted_and_approved_practices_are_seen_by_all(status: Status, caller: Caller) -> None:
    seen = Whereabouts(PUNE, status)

    assert life.require_visible(caller, seen) is seen


@pytest.mark.parametrize("status", ["draft", "revision_required"])
def test_drafts_and_practices_under_revision_are_seen_by_their_plant_and_headquarters(status: Status) -> None:
    seen = Whereabouts(PUNE, status)

    for caller in (OWNER, COLLEAGUE, HQ):
        assert life.require_visible(caller, seen) is seen


@pytest.mark.parametrize("status", ["draft", "revision_required"])
def test_to_anyone_else_they_do_not_exist(status: Status) -> None:
    with pytest.raises(NotFound) as hidden:
        life.require_visible(NEIGHBOUR, Whereabouts(PUNE, status))
    with pytest.raises(NotFound) as absent:
        life.require_visible(NEIGHBOUR, None)

    assert str(hidden.value) == str(absent.value), "the two answers must not tell one from the other"


@pytest.mark.parametrize("caller", [OWNER, COLLEAGUE, HQ])
@pytest.mark.parametrize("status", STATUSES)
def test_a_practice_is_written_by_its_plant_and_headquarters(status: Status, caller: Caller) -> None:
    owned = Whereabouts(PUNE, status)

    assert life.require_owner(caller, owned) is owned


@pytest.mark.parametrize("status", ["submitted", "approved"])
def test_another_plant_may_not_write_a_practice_that_it_sees(status: Status) -> None:
    with pytest.raises(Forbidden):
        life.require_owner(NEIGHBOUR, Whereabouts(PUNE, status))


@pytest.mark.parametrize("status", ["draft", "revision_required"])
def test_another_plant_does_not_learn_of_a_practice_by_writing_it(status: Status) -> None:
    with pytest.raises(NotFound):
        life.require_owner(NEIGHBOUR, Whereabouts(PUNE, status))


@pytest.mark.parametrize("status", ["draft", "submitted", "revision_required"])
def test_an_owner_edits_until_the_approval(status: Status) -> None:
    life.require_editable(OWNER, status)


def test_an_approved_practice_is_edited_by_headquarters_only() -> None:
    life.require_editable(HQ, "approved")
    with pytest.raises(Forbidden):
        life.require_editable(OWNER, "approved")


def test_a_complete_practice_may_be_submitted() -> None:
    life.require_complete(content())


@pytest.mark.parametrize("field", ["title", "description", "category_id", "problem_statement", "solution"])
def test_each_required_field_is_named_if_it_is_missing(field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        life.require_complete(content(**{field: None}))

    assert [fault.field for fault in refusal.value.details] == [field]


def test_all_missing_fields_are_named_at_once_and_blank_ones_with_them() -> None:
    with pytest.raises(Invalid) as refusal:
        life.require_complete(content(description="", category_id=None, problem_statement=" \n", solution=""))

    assert [fault.field for fault in refusal.value.details] == [
        "description",
        "category_id",
        "problem_statement",
        "solution",
    ]


WHOLE_SAVING = {"savings_amount": 0, "savings_currency": "lakhs", "savings_period": "monthly"}


def test_a_saving_is_stated_in_full_or_not_at_all() -> None:
    life.require_whole_saving(content())
    life.require_whole_saving(content(**WHOLE_SAVING))


@pytest.mark.parametrize(
    "stated",
    [set(stated) for stated in product(WHOLE_SAVING, repeat=2)],
    ids=lambda stated: "+".join(sorted(stated)),
)
def test_a_part_of_a_saving_is_refused_and_what_is_missing_named(stated: set[str]) -> None:
    part = {field: value for field, value in WHOLE_SAVING.items() if field in stated}

    with pytest.raises(Invalid) as refusal:
        life.require_whole_saving(content(**part))

    assert {fault.field for fault in refusal.value.details} == WHOLE_SAVING.keys() - stated


TODAY = date(2025, 3, 15)


@pytest.mark.parametrize("caller", [OWNER, HQ])
def test_a_submission_is_dated_today_if_no_date_is_sent(caller: Caller) -> None:
    assert life.submission_date(caller, None, TODAY) == TODAY


@pytest.mark.parametrize("caller", [OWNER, HQ])
def test_a_submission_may_be_dated_today_but_not_tomorrow(caller: Caller) -> None:
    assert life.submission_date(caller, TODAY, TODAY) == TODAY
    with pytest.raises(Invalid, match="future"):
        life.submission_date(caller, date(2025, 3, 16), TODAY)


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

    assert life.submission_date(OWNER, earliest, today) == earliest
    with pytest.raises(Invalid) as refusal:
        life.submission_date(OWNER, day_before, today)
    assert [fault.field for fault in refusal.value.details] == ["submitted_date"]
    assert earliest.isoformat() in refusal.value.message


def test_headquarters_dates_back_as_far_as_the_portal_reckons() -> None:
    assert life.submission_date(HQ, date(2000, 1, 1), TODAY) == date(2000, 1, 1)
    for too_early in (date(1999, 12, 31), date.min):
        with pytest.raises(Invalid) as refusal:
            life.submission_date(HQ, too_early, TODAY)
        assert [fault.field for fault in refusal.value.details] == ["submitted_date"]


def test_only_an_approved_practice_counts_and_in_the_month_of_its_date() -> None:
    approved = practice("approved", submitted_date=date(2025, 6, 30))

    assert approved.counted_month == Month(2025, 6)
    for status in ("draft", "submitted", "revision_required"):
        assert replace(approved, status=status).counted_month is None
