"""Counts, savings and stars of plants and of the company.

Where no plant is named, a plant user sees the own one, headquarters every active plant, one by one, or the
company as a whole, to which inactive plants belong with their past.
"""

from datetime import date
from uuid import UUID

from bp_core.analytics.models import (
    BenchmarkCount,
    CategoryCount,
    CategoryQuery,
    MonthQuery,
    Overview,
    PeriodQuery,
    PlantPerformance,
    SavingsMonthQuery,
    SavingsYearQuery,
    StarRating,
    TrendMonth,
)
from bp_core.analytics.store import AnalyticsStore, PlantYear, Totals
from bp_core.savings import SavingsRules, calculate_stars
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month, MonthSpan, financial_year, financial_year_of
from bp_core.shared.errors import NotFound
from bp_core.shared.model import Currency
from bp_core.shared.money import format_currency, monthly_lakhs


def overview(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, currency: Currency, today: date
) -> Overview:
    """Show the caller's plant, or the company to headquarters, this month and this financial year."""
    totals = store.totals(year_so_far(Month.of(today), rules), caller.plant_id)
    return show_totals(totals, rules, currency)


def show_totals(totals: Totals, rules: SavingsRules, currency: Currency) -> Overview:
    """Show counts and sums; the company's stars are those that its sums would earn a plant."""
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


def plant_performance(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, query: PeriodQuery, today: date
) -> list[PlantPerformance]:
    """Show how many practices each plant has submitted in a financial year or a month."""
    counts = store.plant_counts(period(query, rules, today), caller.plant_id)
    return [
        PlantPerformance(
            plant_id=one.plant_id,
            plant_name=one.plant_name,
            short_name=one.short_name,
            submitted=one.submitted,
        )
        for one in counts
    ]


def category_breakdown(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, query: CategoryQuery, today: date
) -> list[CategoryCount]:
    """Show how many practices a plant, or the company, has submitted in each category in a financial year."""
    return store.category_counts(year_of(query.year, rules, today), query.plant_id or caller.plant_id)


def benchmark_stats(
    store: AnalyticsStore, caller: Caller, query: MonthQuery, today: date
) -> list[BenchmarkCount]:
    """Show how many practices of each plant were benchmarked in a month."""
    month = month_of(query, today)
    counts = store.plant_counts(MonthSpan(month, month), caller.plant_id)
    return [
        BenchmarkCount(plant_id=one.plant_id, plant_name=one.plant_name, benchmarked_count=one.benchmarked)
        for one in counts
    ]


def star_ratings(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, query: SavingsMonthQuery, today: date
) -> list[StarRating]:
    """Show the stars of a month, and the savings that they were given for."""
    months = year_so_far(month_of(query, today), rules)
    plants = store.plant_years(months, caller.plant_id)
    return [show_rating(one, months, query.currency) for one in plants]


def show_rating(plant: PlantYear, year_so_far: MonthSpan, currency: Currency) -> StarRating:
    """Show a plant's stars in the last month of a year so far."""
    month = year_so_far.last
    return StarRating(
        plant_id=plant.plant.plant_id,
        plant_name=plant.plant.plant_name,
        monthly_savings=format_currency(plant.saved([month]), currency),
        ytd_savings=format_currency(plant.saved(year_so_far), currency),
        stars=plant.stars(month),
        currency=currency,
    )


def monthly_trend(
    store: AnalyticsStore, rules: SavingsRules, plant_id: UUID, query: SavingsYearQuery, today: date
) -> list[TrendMonth]:
    """Show the twelve months of a plant's financial year.

    Raises NotFound.
    """
    year = year_of(query.year, rules, today)
    plant = plant_year(store, year, plant_id)
    return [
        TrendMonth(
            month=str(month),
            savings=format_currency(plant.saved([month]), query.currency),
            stars=plant.stars(month),
        )
        for month in year
    ]


def plant_year(store: AnalyticsStore, months: MonthSpan, plant_id: UUID) -> PlantYear:
    """Find one plant with these months, an inactive one as well.

    Raises NotFound.
    """
    for plant in store.plant_years(months, plant_id):
        return plant
    raise NotFound("There is no such plant.")


def month_of(query: MonthQuery, today: date) -> Month:
    """Tell which month is meant."""
    return Month(query.year or today.year, query.month or today.month)


def year_of(year: int | None, rules: SavingsRules, today: date) -> MonthSpan:
    """Tell the months of the financial year that is meant."""
    named = financial_year_of(Month.of(today), rules.year_starts_in) if year is None else year
    return financial_year(named, rules.year_starts_in)


def period(query: PeriodQuery, rules: SavingsRules, today: date) -> MonthSpan:
    """Tell the months that are meant: of a financial year, or one."""
    if query.period == "yearly":
        return year_of(query.year, rules, today)
    month = month_of(query, today)
    return MonthSpan(month, month)


def year_so_far(month: Month, rules: SavingsRules) -> MonthSpan:
    """Tell the months of a month's financial year up to it."""
    return MonthSpan(year_of(None, rules, month.first_day).first, month)
