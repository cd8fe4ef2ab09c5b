"""Request and response models of analytics; money is formatted for display (rules 7)."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bp_core.shared.schemas import Currency, Number, PageQuery, RequestModel, ResponseModel, Year

FiguresPeriod = Literal["yearly", "monthly"]
"""Whether figures are for a financial year or for one month."""


class CurrencyQuery(RequestModel):
    """Selects the unit of money."""

    currency: Currency = "lakhs"


class MonthQuery(PageQuery):
    """Selects a calendar month, by default the current one, and one page of a list."""

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


class CategoryQuery(YearQuery, PageQuery):
    """Selects a plant, by default the company, a financial year, and one page of a list."""

    plant_id: UUID | None = None


class SavingsMonthQuery(MonthQuery, CurrencyQuery):
    """Selects a calendar month and the unit of money."""


class SavingsPeriodQuery(PeriodQuery, CurrencyQuery):
    """Selects a financial year or a calendar month, and the unit of money."""


class SavingsYearQuery(YearQuery, CurrencyQuery, PageQuery):
    """Selects a financial year, the unit of money, and one page of a list."""


class Overview(ResponseModel):
    """Figures of the current month and of the year to date, of the caller's plant or of the company."""

    monthly_count: int
    ytd_count: int
    monthly_savings: Annotated[str, Field(examples=["12.34"])]
    ytd_savings: Annotated[str, Field(examples=["98.76"])]
    stars: int
    benchmarked_count: int
    currency: Currency


class StarRating(ResponseModel):
    """The stars of a plant in a month, and its savings."""

    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    monthly_savings: Annotated[str, Field(examples=["12.34"])]
    ytd_savings: Annotated[str, Field(examples=["98.76"])]
    stars: int
    currency: Currency


class TrendMonth(ResponseModel):
    """The savings and stars of a month (YYYY-MM)."""

    month: Annotated[str, Field(examples=["2026-08"])]
    savings: Annotated[str, Field(examples=["12.34"])]
    stars: int


class PlantPerformance(ResponseModel):
    """The number of practices that a plant has submitted."""

    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    short_name: Annotated[str, Field(examples=["Supa"])]
    submitted: int


class PlantBenchmarkCount(ResponseModel):
    """The number of benchmarked practices of a plant."""

    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    benchmarked_count: int


class CategoryCount(ResponseModel):
    """The number of practices that were submitted in a category."""

    category_id: UUID
    category_name: Annotated[str, Field(examples=["Quality"])]
    category_slug: Annotated[str, Field(examples=["quality"])]
    practice_count: int
    color_class: Annotated[str, Field(examples=["blue"])]
    icon_name: Annotated[str, Field(examples=["bolt"])]


class PlantAmount(ResponseModel):
    """The savings of a plant."""

    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    savings: Annotated[str, Field(examples=["12.34"])]


class PlantSavings(PlantAmount):
    """The savings of a plant, with its short name."""

    short_name: Annotated[str, Field(examples=["Supa"])]


class PlantMonthAmount(PlantAmount):
    """The savings of a plant in a month (YYYY-MM)."""

    month: Annotated[str, Field(examples=["2026-08"])]


class PlantCosts(ResponseModel):
    """The savings of a plant in a month and in the previous month, and the year to date for both.

    `percent_change` is truncated to two decimals; it is null if the savings of the previous month were 0.
    """

    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    short_name: Annotated[str, Field(examples=["Supa"])]
    last_month: Annotated[str, Field(examples=["10.40"])]
    current_month: Annotated[str, Field(examples=["12.34"])]
    ytd_till_last_month: Annotated[str, Field(examples=["86.42"])]
    ytd_total: Annotated[str, Field(examples=["98.76"])]
    percent_change: Annotated[Number | None, Field(examples=[18.65])]


class CostBreakdowns(ResponseModel):
    """The savings of the plants in the month, in the year to date, and by month."""

    current_month_breakdown: list[PlantAmount]
    ytd_breakdown: list[PlantAmount]
    monthly_trends: list[PlantMonthAmount]


class SavingPractice(ResponseModel):
    """An approved practice and its saving per month."""

    practice_id: UUID
    title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    savings: Annotated[str, Field(examples=["12.34"])]
    benchmarked: bool
    submitted_date: date


class PracticeMonth(ResponseModel):
    """The savings and stars of a plant in a month (YYYY-MM), and the practices that count."""

    month: Annotated[str, Field(examples=["2026-08"])]
    total_savings: Annotated[str, Field(examples=["12.34"])]
    practice_count: int
    stars: int
    practices: list[SavingPractice]
