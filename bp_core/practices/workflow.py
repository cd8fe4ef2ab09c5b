"""The workflow of a practice: who may see and change it, and its transitions (rules 2).

All functions are pure: they take a practice that was read with a lock, and return the changed practice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal
from uuid import UUID

from bp_core.practices.schemas import PracticeContent, Status
from bp_core.shared.access import Caller
from bp_core.shared.calendar import EARLIEST_YEAR, Month
from bp_core.shared.errors import (
    FieldError,
    Forbidden,
    Invalid,
    InvalidTransition,
    NotBenchmarked,
    NotFound,
    PracticeBenchmarked,
    PracticeCopied,
    PracticeDecided,
)

PUBLIC_STATUSES: Final[tuple[Status, ...]] = ("submitted", "approved")
"""All users see practices with these statuses; other practices only their plant and headquarters."""

TRANSITIONS: Final[Mapping[tuple[Status, Status], Literal["owner", "hq"]]] = {
    ("draft", "submitted"): "owner",
    ("revision_required", "submitted"): "owner",
    ("submitted", "approved"): "hq",
    ("submitted", "revision_required"): "hq",
    ("approved", "revision_required"): "hq",
    ("submitted", "declined"): "hq",
    ("declined", "submitted"): "hq",
    ("submitted", "draft"): "owner",
}
"""All transitions, and who can make them: owners include headquarters."""

DECISIONS: Final[tuple[Status, ...]] = ("approved", "revision_required", "declined")
"""What headquarters can decide about a submitted practice."""

COMMENT_NEEDED: Final[Mapping[Status, str]] = {
    "revision_required": "A request for revision needs a comment.",
    "declined": "A practice is declined with a comment that says why.",
}
"""The decisions that need a comment, and what is said without one."""

LOCKED_FOR_OWNERS: Final[tuple[Status, ...]] = ("approved", "declined")
"""Only headquarters edits practices with these statuses."""

EARLIEST_DAY: Final = date(EARLIEST_YEAR, 1, 1)
"""The earliest date of a practice: the first year that requests for figures can name."""

REQUIRED_TO_SUBMIT: Final = ("title", "description", "category_id", "problem_statement", "solution")
SAVING_FIELDS: Final = ("savings_amount", "savings_currency", "savings_period")


@dataclass(frozen=True)
class PracticeScope:
    """The plant and status of a practice, which decide who may see and change it."""

    plant_id: UUID
    status: Status


@dataclass(frozen=True)
class RequestedTransition:
    """A requested transition; some decisions need a comment, a submission can have a date.

    `from_status` is for a transition that is possible from one status only.
    """

    to_status: Status
    comment: str | None = None
    submitted_date: date | None = None
    from_status: Status | None = None


@dataclass(frozen=True)
class PracticeState:
    """The part of a practice that the rules need.

    `reviewer_id` is None if nobody has taken the practice, or the reviewer is no active headquarters user any
    more. `was_decided` says whether headquarters has ever decided about it; `is_copy` is for copies of
    practices of other plants.
    """

    id: UUID
    plant_id: UUID
    status: Status
    submitted_date: date | None
    is_benchmarked: bool
    content: PracticeContent
    version: int = 1
    reviewer_id: UUID | None = None
    was_decided: bool = False
    is_copy: bool = False

    @property
    def scope(self) -> PracticeScope:
        """The plant and status of the practice."""
        return PracticeScope(self.plant_id, self.status)

    @property
    def counted_month(self) -> Month | None:
        """The month in which the saving counts; None if the practice is not approved (rules 3)."""
        if self.status != "approved" or self.submitted_date is None:
            return None
        return Month.of(self.submitted_date)


def require_visible(caller: Caller, practice: PracticeScope | None) -> PracticeScope:
    """Return the practice if the caller may see it. Raises NotFound."""
    if practice is None or not (
        practice.status in PUBLIC_STATUSES or caller.is_hq or caller.belongs_to(practice.plant_id)
    ):
        raise NotFound("There is no such practice.")
    return practice


def require_owner(caller: Caller, practice: PracticeScope | None) -> PracticeScope:
    """Return the practice if it belongs to the caller's plant, or the caller is from headquarters.

    Raises NotFound if the caller may not see it, Forbidden if it belongs to another plant.
    """
    visible = require_visible(caller, practice)
    if not (caller.is_hq or caller.belongs_to(visible.plant_id)):
        raise Forbidden("This practice belongs to another plant.")
    return visible


def require_editor(caller: Caller, practice: PracticeScope | None) -> PracticeScope:
    """Return the practice if the caller may edit it: its plant until a final decision, headquarters always.

    Raises NotFound, Forbidden.
    """
    owned = require_owner(caller, practice)
    if owned.status in LOCKED_FOR_OWNERS and not caller.is_hq:
        raise Forbidden(f"Only headquarters can edit a practice with the status {owned.status}.")
    return owned


def require_not_benchmarked(practice: PracticeState) -> None:
    """Check that a practice is not benchmarked. Raises PracticeBenchmarked."""
    if practice.is_benchmarked:
        raise PracticeBenchmarked("The practice is benchmarked. Remove the benchmark first.")


def require_benchmarked(practice: PracticeState) -> None:
    """Check that a practice is benchmarked. Raises NotBenchmarked."""
    if not practice.is_benchmarked:
        raise NotBenchmarked("The practice is not benchmarked.")


def require_complete(content: PracticeContent) -> None:
    """Check that a practice has all fields that a submission requires.

    Raises Invalid with every missing field.
    """
    missing = [field for field in REQUIRED_TO_SUBMIT if _is_blank(getattr(content, field))]
    if missing:
        details = tuple(FieldError(field, "is required to submit a practice") for field in missing)
        raise Invalid("The practice is not complete.", details=details)


def with_whole_saving(content: PracticeContent) -> PracticeContent:
    """Return a practice with a whole saving or none: without an amount there is no saving.

    Raises Invalid with the missing fields for an amount without its currency or period.
    """
    if content.savings_amount is None:
        return replace(content, savings_currency=None, savings_period=None)
    missing = [field for field in SAVING_FIELDS if getattr(content, field) is None]
    if missing:
        message = "A saving needs an amount, a currency and a period."
        raise Invalid(message, details=tuple(FieldError(field, "is missing") for field in missing))
    return content


def submission_date(caller: Caller, requested: date | None, today: date) -> date:
    """Return the date of a submission: the requested date if it is allowed, by default today.

    A date must not be in the future. Plant users can go back to the first day of the previous month,
    headquarters to `EARLIEST_DAY`. Raises Invalid.
    """
    if requested is None:
        return today
    if requested > today:
        raise Invalid.of("submitted_date", "must not be in the future")
    earliest = EARLIEST_DAY if caller.is_hq else Month.of(today).plus(-1).first_day
    if requested < earliest:
        raise Invalid.of("submitted_date", f"must not be before {earliest.isoformat()}")
    return requested


def transition(
    caller: Caller, practice: PracticeState, requested: RequestedTransition, today: date
) -> PracticeState:
    """Return a practice that the caller owns with the requested status; the first submission sets its date.

    Raises InvalidTransition, Forbidden, PracticeBenchmarked, PracticeDecided, PracticeCopied, Invalid.
    """
    _require_transition(caller, practice, requested)
    if requested.to_status == "draft":
        return _withdrawn(practice, requested)
    if requested.to_status == "submitted":
        require_complete(practice.content)
    if practice.submitted_date is None:
        day = submission_date(caller, requested.submitted_date, today)
        return replace(practice, status=requested.to_status, submitted_date=day)
    if requested.submitted_date is not None:
        practice = with_date(caller, practice, requested.submitted_date, today)
    return replace(practice, status=requested.to_status)


def _require_transition(caller: Caller, practice: PracticeState, requested: RequestedTransition) -> None:
    who = TRANSITIONS.get((practice.status, requested.to_status))
    if who is None or requested.from_status not in (None, practice.status):
        raise InvalidTransition(f"A practice cannot go from {practice.status} to {requested.to_status}.")
    if who == "hq" and not caller.is_hq:
        raise Forbidden("Only headquarters can review practices.")
    if requested.to_status == "revision_required":
        require_not_benchmarked(practice)
    if requested.to_status in COMMENT_NEEDED and requested.comment is None:
        raise Invalid.of("comment", COMMENT_NEEDED[requested.to_status])


def _withdrawn(practice: PracticeState, requested: RequestedTransition) -> PracticeState:
    """Return a draft without a date and without a reviewer: nobody has decided, so it starts anew."""
    if practice.was_decided:
        raise PracticeDecided("Headquarters has already decided about this practice; it cannot be withdrawn.")
    if practice.is_copy:
        raise PracticeCopied("A copy cannot be withdrawn: it earns points. Delete it instead.")
    if requested.submitted_date is not None:
        raise Invalid.of("submitted_date", "A draft has no date. It gets its date when it is submitted.")
    return replace(practice, status="draft", submitted_date=None, reviewer_id=None)


def with_date(caller: Caller, practice: PracticeState, requested: date | None, today: date) -> PracticeState:
    """Return a practice that was already submitted with another date. Raises Forbidden, Invalid."""
    if requested == practice.submitted_date:
        return practice
    if practice.submitted_date is None or requested is None:
        raise Invalid.of(
            "submitted_date", "Only a practice that was submitted has a date, and the date cannot be removed."
        )
    if not caller.is_hq:
        raise Forbidden("Only headquarters can change the date of a submitted practice.")
    return replace(practice, submitted_date=submission_date(caller, requested, today))


def _is_blank(value: object) -> bool:
    return value is None or not str(value).strip()
