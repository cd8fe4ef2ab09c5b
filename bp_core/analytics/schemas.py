"""Request and response models of analytics; money is formatted for display (rules 7)."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bp_core.shared.schemas import Currency, Number, RequestModel, ResponseModel, Year

FiguresPeriod = Literal["yearly", "monthly"]
"""Whether figures are for a financial year or for one month."""


class CurrencyQuery(RequestModel):
    """Selects the unit of money."""

    currency: Currency = "lakhs"


class MonthQuery(RequestModel):
    """Selects a calendar month, by default the current one."""

    year: Year | None = None
    month: Annotated[int, Field(ge=1, le=12)] | None = None


class PeriodQuery(MonthQuery):
    """Selects a financial year, by the calendar year in which it starts, or a calendar month.

    The default is the current one. `month` is ignored for a financial year.
    """

    period: FiguresPeriod = "yearly"


class YearQuery(RequestModel):
    """Selects a financial year by the calendar year in which it starts, by default the current one."""

    year: Year | None = None


class CategoryQuery(YearQuery):
    """Selects a plant and a financial year."""

    plant_id: UUID | None = None


class SavingsMonthQuery(MonthQuery, CurrencyQuery):
    """Selects a calendar month and the unit of money."""


class SavingsPeriodQuery(PeriodQuery, CurrencyQuery):
    """Selects a financial year or a calendar month, and the unit of money."""


class SavingsYearQuery(YearQuery, CurrencyQuery):
    """Selects a financial year and the unit of money."""


class Overview(ResponseModel):
    """Figures of the current month and of the year to date, of the caller's plant or of the company."""

    monthly_count: int
    ytd_count: int
    monthly_savings: str
    ytd_savings: str
    stars: int
    benchmarked_count: int
    currency: Currency


class StarRating(ResponseModel):
    """The stars of a plant in a month, and its savings."""

    plant_id: UUID
    plant_name: str
    monthly_savings: str
    ytd_savings: str
    stars: int
    currency: Currency


class TrendMonth(ResponseModel):
    """The savings and stars of a month (YYYY-MM)."""

    month: str
    savings: str
    stars: int


class PlantPerformance(ResponseModel):
    """The number of practices that a plant has submitted."""

    plant_id: UUID
    plant_name: str
    short_name: str
    submitted: int


class PlantBenchmarkCount(ResponseModel):
    """The number of benchmarked practices of a plant."""

    plant_id: UUID
    plant_name: str
    benchmarked_count: int


class CategoryCount(ResponseModel):
    """The number of practices that were submitted in a category."""

    category_id: UUID
    category_name: str
    category_slug: str
    practice_count: int
    color_class: str
    icon_name: str


class PlantAmount(ResponseModel):
    """The savings of a plant."""

    plant_id: UUID
    plant_name: str
    savings: str


class PlantSavings(PlantAmount):
    """The savings of a plant, with its short name."""

    short_name: str


class PlantMonthAmount(PlantAmount):
    """The savings of a plant in a month (YYYY-MM)."""

    month: str


class PlantCosts(ResponseModel):
    """The savings of a plant in a month and in the previous month, and the year to date for both.

    `percent_change` is truncated to two decimals; it is null if the savings of the previous month were 0.
    """

    plant_id: UUID
    plant_name: str
    short_name: str
    last_month: str
    current_month: str
    ytd_till_last_month: str
    ytd_total: str
    percent_change: Number | None


class CostBreakdowns(ResponseModel):
    """The savings of the plants in the month, in the year to date, and by month."""

    current_month_breakdown: list[PlantAmount]
    ytd_breakdown: list[PlantAmount]
    monthly_trends: list[PlantMonthAmount]


class SavingPractice(ResponseModel):
    """An approved practice and its saving per month."""

    practice_id: UUID
    title: str
    savings: str
    benchmarked: bool
    submitted_date: date


class PracticeMonth(ResponseModel):
    """The savings and stars of a plant in a month (YYYY-MM), and the practices that count."""

    month: str
    total_savings: str
    practice_count: int
    stars: int
    practices: list[SavingPractice]
