"""Callers, plants, practices and the context that the tests of the domain share."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, get_args
from uuid import UUID, uuid4

from bp_core.practices.schemas import PracticeContent, Status
from bp_core.practices.workflow import PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.context import Context

PUNE: Final = UUID("00000000-0000-4000-8000-000000000001")
CHENNAI: Final = UUID("00000000-0000-4000-8000-000000000002")
CATEGORY: Final = UUID("00000000-0000-4000-8000-0000000000c1")

OWNER: Final = Caller(uuid4(), uuid4(), "plant", PUNE)
COLLEAGUE: Final = Caller(uuid4(), uuid4(), "plant", PUNE)
NEIGHBOUR: Final = Caller(uuid4(), uuid4(), "plant", CHENNAI)
HQ: Final = Caller(uuid4(), uuid4(), "hq", None)

NOW: Final = datetime(2025, 7, 15, 9, 30, tzinfo=UTC)
TODAY: Final = date(2025, 7, 15)

STATUSES: Final[tuple[Status, ...]] = get_args(Status)


def context(today: date = TODAY) -> Context:
    """Make the context of an invocation at `NOW`; the services of one invocation share it."""
    return Context(NOW, today)


def content(**changes: Any) -> PracticeContent:
    """Make the content of a complete practice without a saving."""
    complete = PracticeContent(
        title="Shorter hoses",
        description="The hoses on line 3 were twice as long as needed.",
        category_id=CATEGORY,
        problem_statement="Pressure is lost on the way.",
        solution="Hoses were cut to length.",
        benefits=("Less air", "Less noise"),
        tags=("air", "hoses"),
        metrics=None,
        implementation=None,
        investment=None,
        savings_amount=None,
        savings_currency=None,
        savings_period=None,
        area_implemented=None,
    )
    return replace(complete, **changes)


def saving(amount: str) -> dict[str, Any]:
    """Make the fields of a saving, in lakhs a month."""
    return {
        "savings_amount": Decimal(amount),
        "savings_currency": "lakhs",
        "savings_period": "monthly",
    }


def practice(status: Status = "submitted", **changes: Any) -> PracticeState:
    """Make a complete practice of Pune; it has a date unless it is a draft."""
    complete = PracticeState(
        id=uuid4(),
        plant_id=PUNE,
        status=status,
        submitted_date=None if status == "draft" else date(2025, 6, 20),
        is_benchmarked=False,
        content=content(),
    )
    return replace(complete, **changes)
