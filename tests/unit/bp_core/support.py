"""People, plants and practices that the tests of the domain have in common."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from bp_core.practices.life import Content, PracticeState
from bp_core.practices.models import Status
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Moment

PUNE: Final = UUID("00000000-0000-4000-8000-000000000001")
CHENNAI: Final = UUID("00000000-0000-4000-8000-000000000002")
CATEGORY: Final = UUID("00000000-0000-4000-8000-0000000000c1")

OWNER: Final = Caller(uuid4(), uuid4(), "plant", PUNE)
COLLEAGUE: Final = Caller(uuid4(), uuid4(), "plant", PUNE)
NEIGHBOUR: Final = Caller(uuid4(), uuid4(), "plant", CHENNAI)
HQ: Final = Caller(uuid4(), uuid4(), "hq", None)

NOW: Final = Moment(datetime(2025, 7, 15, 9, 30, tzinfo=UTC), date(2025, 7, 15))

STATUSES: Final[tuple[Status, ...]] = ("draft", "submitted", "approved", "revision_required")


def content(**changes: Any) -> Content:
    """What a complete practice without a saving says."""
    complete = Content(
        title="Shorter hoses",
        description="The hoses on line 3 were twice as long as needed.",
        category_id=CATEGORY,
        problem_statement="Pressure is lost on the way.",
        solution="Hoses were cut to length.",
        benefits=("Less air", "Less noise"),
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
    """The fields of a saving of so many lakhs a month."""
    return {
        "savings_amount": Decimal(amount),
        "savings_currency": "lakhs",
        "savings_period": "monthly",
    }


def practice(status: Status = "submitted", **changes: Any) -> PracticeState:
    """A complete practice of Pune; it is dated unless it is a draft."""
    complete = PracticeState(
        id=uuid4(),
        plant_id=PUNE,
        status=status,
        submitted_date=None if status == "draft" else date(2025, 6, 20),
        is_benchmarked=False,
        content=content(),
    )
    return replace(complete, **changes)
