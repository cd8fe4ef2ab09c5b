"""What the practices come to: counts, savings and stars, as people read them (rules 3, 4, 7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.savings import PlantMonth, SavingsRules, calculate_stars, year_to_date
from bp_core.shared.access import Caller
from bp_core.shared.calendar import (
    Month,
    MonthSpan,
    financial_year,
    financial_year_of,
)
from bp_core.shared.model import Currency, Sent, Shown, Year
from bp_core.shared.money import format_currency, monthly_lakhs


class CurrencyQuery(Sent):
    """In what unit money is wanted."""

    currency: Currency = "lakhs"


class MonthQuery(CurrencyQuery):
    """Which calendar month is wanted: this one where nothing is said."""

    year: Year | None = None
    month: Annotated[int, Field(ge=1, le=12)] | None = None


class YearQuery(Sent):
    """Which financial year is meant, named by the calendar year it starts in; this one if none is named."""

    year: Year | None = None


class Overview(Shown):
    """This month and the year so far, of the caller's plant or of the company: money as people read it."""

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


@dataclass(frozen=True)
class Totals:
    """Counts and annualised savings in lakhs of a month and of the year up to it."""

    monthly_count: int
    ytd_count: int
    benchmarked_count: int
    monthly_annualised: Decimal
    ytd_annualised: Decimal


@dataclass(frozen=True)
class PlantName:
    """A plant and what it is called."""

    plant_id: UUID
    plant_name: str


class AnalyticsStore(Protocol):
    """Where the figures come from."""

    def totals(self, year_so_far: MonthSpan, plant_id: UUID | None) -> Totals:
        """Count and sum the last month of a span and the whole of it, for one plant or the company."""
        ...

    def rated_plants(
        self, year_so_far: MonthSpan, plant_id: UUID | None
    ) -> list[tuple[PlantName, list[PlantMonth]]]:
        """List the active plants by name, or the one asked for, each with its months in order of time."""
        ...


def overview(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, currency: Currency, today: date
) -> Overview:
    """Show the caller's plant, or the company to headquarters, this month and this financial year.

    The company's stars are those that its sums would earn a plant.
    """
    totals = store.totals(_year_so_far(Month.of(today), rules), caller.plant_id)
    monthly, ytd = monthly_lakhs(totals.monthly_annualised), monthly_lakhs(totals.ytd_annualised)
    return Overview(
        monthly_count=totals.monthly_count,
        ytd_count=totals.ytd_count,
        monthly_savings=format_currency(monthly, currency),
        ytd_savings=format_currency(ytd, currency),
        stars=calculate_stars(monthly, ytd, rules.star_policy),
        benchmarked_count=totals.benchmarked_count,
        currency=currency,
    )


def star_ratings(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, query: MonthQuery, today: date
) -> list[StarRating]:
    """Show the stars of a month: of every plant to headquarters, of the own plant to its users."""
    month = Month(query.year or today.year, query.month or today.month)
    plants = store.rated_plants(_year_so_far(month, rules), caller.plant_id)
    return [_star_rating(plant, kept, month, rules, query.currency) for plant, kept in plants]


def _year_so_far(month: Month, rules: SavingsRules) -> MonthSpan:
    year = financial_year(financial_year_of(month, rules.year_starts_in), rules.year_starts_in)
    return MonthSpan(year.first, month)


def _star_rating(
    plant: PlantName, kept: Collection[PlantMonth], month: Month, rules: SavingsRules, currency: Currency
) -> StarRating:
    latest = max(kept, key=lambda plant_month: plant_month.month, default=None)
    ytd = year_to_date(kept, rules)[latest.plant_id, latest.month] if latest else Decimal(0)
    rated = latest if latest and latest.month == month else None
    return StarRating(
        plant_id=plant.plant_id,
        plant_name=plant.plant_name,
        monthly_savings=format_currency(rated.monthly if rated else Decimal(0), currency),
        ytd_savings=format_currency(ytd, currency),
        stars=rated.stars if rated else 0,
        currency=currency,
    )
