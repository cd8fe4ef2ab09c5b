"""The life of a practice: its states, what each step needs, who may take it, who sees what (rules 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from bp_core.practices.models import Status
from bp_core.shared.access import Caller
from bp_core.shared.calendar import EARLIEST_YEAR, Month
from bp_core.shared.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from bp_core.shared.model import Currency
from bp_core.shared.money import Period

SEEN_BY_ALL: Final[tuple[Status, ...]] = ("submitted", "approved")
"""Practices in these states are seen by every plant; the others by their own plant and headquarters only."""

STEPS: Final[Mapping[tuple[Status, Status], str]] = {
    ("draft", "submitted"): "owner",
    ("revision_required", "submitted"): "owner",
    ("submitted", "approved"): "hq",
    ("submitted", "revision_required"): "hq",
    ("approved", "revision_required"): "hq",
}
"""Every step that there is, and who takes it."""

EARLIEST_DAY: Final = date(EARLIEST_YEAR, 1, 1)
"""No practice is dated before the years that figures can be asked for."""

REQUIRED_TO_SUBMIT: Final = ("title", "description", "category_id", "problem_statement", "solution")


@dataclass(frozen=True)
class Whereabouts:
    """What decides who sees a practice and who writes it."""

    plant_id: UUID
    status: Status


@dataclass(frozen=True)
class Content:
    """What a practice says: the part that its owner writes."""

    title: str
    description: str | None
    category_id: UUID | None
    problem_statement: str | None
    solution: str | None
    benefits: tuple[str, ...]
    metrics: str | None
    implementation: str | None
    investment: str | None
    savings_amount: Decimal | None
    savings_currency: Currency | None
    savings_period: Period | None
    area_implemented: str | None


@dataclass(frozen=True)
class PracticeState:
    """A practice as its rules see it."""

    id: UUID
    plant_id: UUID
    status: Status
    submitted_date: date | None
    is_benchmarked: bool
    content: Content
    version: int = 1

    @property
    def counted_month(self) -> Month | None:
        """The month in which the practice's saving counts; none unless it is approved (rules 3)."""
        if self.status != "approved" or self.submitted_date is None:
            return None
        return Month.of(self.submitted_date)


def require_visible(caller: Caller, practice: Whereabouts | None) -> Whereabouts:
    """Pass a practice on that the caller may see.

    Raises NotFound: to anyone else it does not exist.
    """
    if practice is None or not (
        practice.status in SEEN_BY_ALL or caller.is_hq or caller.belongs_to(practice.plant_id)
    ):
        raise NotFound("There is no such practice.")
    return practice


def require_owner(caller: Caller, practice: Whereabouts | None) -> Whereabouts:
    """Pass a practice on that is the caller's plant's, or any to headquarters.

    Raises NotFound where the caller may not even see it, Forbidden where it is another plant's.
    """
    seen = require_visible(caller, practice)
    if not (caller.is_hq or caller.belongs_to(seen.plant_id)):
        raise Forbidden("This practice belongs to another plant.")
    return seen


def require_editable(caller: Caller, status: Status) -> None:
    """Let an owner edit until approval, and headquarters always.

    Raises Forbidden.
    """
    if status == "approved" and not caller.is_hq:
        raise Forbidden("An approved practice is edited by headquarters only.")


def require_unbenchmarked(practice: PracticeState) -> None:
    """Keep a benchmarked practice where it is.

    Raises Conflict (BENCHMARKED).
    """
    if practice.is_benchmarked:
        raise Conflict("The practice is benchmarked; take the benchmark away first.", code="BENCHMARKED")


def require_unshared(shared: bool) -> None:
    """Keep a practice that was copied, or is a copy, with its plant: points and copies name it.

    Raises Conflict (COPIED).
    """
    if shared:
        raise Conflict("The practice was copied, or is a copy; it stays with its plant.", code="COPIED")


def require_benchmarked(practice: PracticeState) -> None:
    """Let pass what is benchmarked.

    Raises Conflict (NOT_BENCHMARKED).
    """
    if not practice.is_benchmarked:
        raise Conflict("The practice is not benchmarked.", code="NOT_BENCHMARKED")


def require_step(caller: Caller, practice: PracticeState, to_status: Status, comment: str | None) -> None:
    """Check that this caller may take a practice, which is theirs to write, to another state now.

    Raises Conflict (INVALID_TRANSITION, BENCHMARKED), Forbidden, or Invalid where a comment is missing.
    """
    who = STEPS.get((practice.status, to_status))
    if who is None:
        raise Conflict(
            f"A practice cannot go from {practice.status} to {to_status}.", code="INVALID_TRANSITION"
        )
    if who == "hq" and not caller.is_hq:
        raise Forbidden("Only headquarters reviews practices.")
    if to_status == "revision_required":
        require_unbenchmarked(practice)
        if comment is None:
            raise Invalid.of("comment", "A revision needs a comment.")


def require_complete(content: Content) -> None:
    """Check that a practice says all that it needs for submission.

    Raises Invalid naming every field that is missing.
    """
    missing = tuple(
        FieldError(field, "is required to submit a practice")
        for field in REQUIRED_TO_SUBMIT
        if not (str(value).strip() if (value := getattr(content, field)) is not None else "")
    )
    if missing:
        raise Invalid("The practice is not complete.", details=missing)


def require_whole_saving(content: Content) -> None:
    """Check that a saving is stated in full or not at all.

    Raises Invalid naming the fields that are missing.
    """
    parts = ("savings_amount", "savings_currency", "savings_period")
    missing = tuple(field for field in parts if getattr(content, field) is None)
    if 0 < len(missing) < len(parts):
        message = "A saving needs its amount, currency and period together."
        raise Invalid(message, details=tuple(FieldError(field, "is missing") for field in missing))


def submission_date(caller: Caller, requested: date | None, today: date) -> date:
    """Date a first submission: today, or the day asked for where that is allowed.

    Never in the future; for a plant not before the first day of the previous month, for headquarters not
    before the years that the portal reckons with. Raises Invalid.
    """
    if requested is None:
        return today
    if requested > today:
        raise Invalid.of("submitted_date", "must not lie in the future")
    earliest = EARLIEST_DAY if caller.is_hq else Month.of(today).plus(-1).first_day
    if requested < earliest:
        raise Invalid.of("submitted_date", f"must not lie before {earliest.isoformat()}")
    return requested
