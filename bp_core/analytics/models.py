"""What figures are asked for, and what is answered: money as people read it (rules 7)."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bp_core.shared.model import Currency, Number, Sent, Shown, Year

Period = Literal["yearly", "monthly"]
"""Whether the figures of a whole financial year are wanted, or of one month."""


class CurrencyQuery(Sent):
    """In what unit money is wanted."""

    currency: Currency = "lakhs"


class MonthQuery(Sent):
    """Which calendar month is wanted: this one where nothing is said."""

    year: Year | None = None
    month: Annotated[int, Field(ge=1, le=12)] | None = None


class PeriodQuery(MonthQuery):
    """Which financial year is wanted, named by the calendar year it starts in, or which calendar month.

    This one where nothing is said; of a whole year `month` says nothing.
    """

    period: Period = "yearly"


class YearQuery(Sent):
    """Which financial year is meant, named by the calendar year it starts in; this one if none is named."""

    year: Year | None = None


class CategoryQuery(YearQuery):
    """Whose practices of which financial year are wanted by category."""

    plant_id: UUID | None = None


class SavingsMonthQuery(MonthQuery, CurrencyQuery):
    """Which month's savings are wanted, in what unit."""


class SavingsPeriodQuery(PeriodQuery, CurrencyQuery):
    """Which year's or month's savings are wanted, in what unit."""


class SavingsYearQuery(YearQuery, CurrencyQuery):
    """Which financial year's savings are wanted, in what unit."""


class Overview(Shown):
    """This month and the year so far, of the caller's plant or of the company."""

    monthly_count: int
    ytd_count: int
    monthly_savings: str
    ytd_savings: str
    stars: int
    benchmarked_count: int
    currency: Currency


class StarRating(Shown):
    """A plant's stars in a month, and the savings they were given for."""

    plant_id: UUID
    plant_name: str
    monthly_savings: str
    ytd_savings: str
    stars: int
    currency: Currency


class TrendMonth(Shown):
    """The savings of a month, written YYYY-MM, and the stars they earned."""

    month: str
    savings: str
    stars: int


class PlantPerformance(Shown):
    """How many practices a plant has submitted."""

    plant_id: UUID
    plant_name: str
    short_name: str
    submitted: int


class BenchmarkCount(Shown):
    """How many of a plant's practices were benchmarked."""

    plant_id: UUID
    plant_name: str
    benchmarked_count: int


class CategoryCount(Shown):
    """How many practices were submitted in a category."""

    category_id: UUID
    category_name: str
    category_slug: str
    practice_count: int
    color_class: str
    icon_name: str


class PlantAmount(Shown):
    """What a plant has saved."""

    plant_id: UUID
    plant_name: str
    savings: str


class PlantSavings(PlantAmount):
    """What a plant has saved, with its short name."""

    short_name: str


class PlantMonthAmount(PlantAmount):
    """What a plant has saved in a month, written YYYY-MM."""

    month: str


class PlantCosts(Shown):
    """A plant's month beside the month before, and the year up to each of them.

    `percent_change` is cut off after two decimals; null where nothing was saved in the month before.
    """

    plant_id: UUID
    plant_name: str
    short_name: str
    last_month: str
    current_month: str
    ytd_till_last_month: str
    ytd_total: str
    percent_change: Number | None


class CostBreakdowns(Shown):
    """What the plants have saved: in the month, in the year up to it, and month by month."""

    current_month_breakdown: list[PlantAmount]
    ytd_breakdown: list[PlantAmount]
    monthly_trends: list[PlantMonthAmount]


class SavingPractice(Shown):
    """An approved practice, and what it counts a month."""

    practice_id: UUID
    title: str
    savings: str
    benchmarked: bool
    submitted_date: date


class PracticeMonth(Shown):
    """A plant's month, written YYYY-MM: its savings and stars, and the practices that make them."""

    month: str
    total_savings: str
    practice_count: int
    stars: int
    practices: list[SavingPractice]
