"""Responses with the savings of plants by month and by practice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from bp_core.analytics.ports import CountedPractice, PlantYear
from bp_core.analytics.schemas import (
    CostBreakdowns,
    PlantAmount,
    PlantCosts,
    PlantMonthAmount,
    PracticeMonth,
    SavingPractice,
    SavingsMonthQuery,
)
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.money import format_currency, monthly_lakhs
from bp_core.shared.paging import Page
from bp_core.shared.schemas import Currency


@dataclass(frozen=True)
class CostAnalysis:
    """The savings of each plant compared with the previous month, and their breakdowns."""

    plants: Page[PlantCosts]
    breakdowns: CostBreakdowns


def cost_analysis(
    plants: Sequence[PlantYear], year_to_date: MonthSpan, query: SavingsMonthQuery
) -> CostAnalysis:
    """Compare the last month of a year to date with the previous month, for each plant.

    `plants` must include the previous month, which may be in the previous financial year.
    """
    month, currency = year_to_date.last, query.currency
    return CostAnalysis(
        Page.of([_costs(one, year_to_date, currency) for one in plants], query),
        CostBreakdowns(
            current_month_breakdown=[_amount(one, [month], currency) for one in plants],
            ytd_breakdown=[_amount(one, list(year_to_date), currency) for one in plants],
            monthly_trends=[
                PlantMonthAmount(month=str(each), **vars(_amount(one, [each], currency)))
                for each in year_to_date
                for one in plants
            ],
        ),
    )


def practice_months(
    plant: PlantYear, year: MonthSpan, practices: Iterable[CountedPractice], currency: Currency
) -> list[PracticeMonth]:
    """Return the months of a plant's financial year, each with its approved practices."""
    by_month: dict[Month, list[SavingPractice]] = {}
    for one in practices:
        shown = SavingPractice(
            practice_id=one.practice_id,
            title=one.title,
            savings=format_currency(monthly_lakhs(one.annualised), currency),
            benchmarked=one.benchmarked,
            submitted_date=one.submitted_date,
        )
        by_month.setdefault(Month.of(one.submitted_date), []).append(shown)
    return [
        PracticeMonth(
            month=str(month),
            total_savings=format_currency(plant.saved([month]), currency),
            practice_count=plant.months[month].practice_count if month in plant.months else 0,
            stars=plant.stars(month),
            practices=by_month.get(month, []),
        )
        for month in year
    ]


def percent_change(before: Fraction, now: Fraction) -> Decimal | None:
    """Return the change in per cent, truncated to two decimals; None if `before` is 0."""
    if before == 0:
        return None
    return Decimal(int((now - before) / before * 10_000)) / 100


def _costs(plant: PlantYear, year_to_date: MonthSpan, currency: Currency) -> PlantCosts:
    month = year_to_date.last
    last, current = plant.saved([month.plus(-1)]), plant.saved([month])
    ytd = plant.saved(year_to_date)
    return PlantCosts(
        **vars(plant.plant),
        last_month=format_currency(last, currency),
        current_month=format_currency(current, currency),
        ytd_till_last_month=format_currency(ytd - current, currency),
        ytd_total=format_currency(ytd, currency),
        percent_change=percent_change(last, current),
    )


def _amount(plant: PlantYear, months: Sequence[Month], currency: Currency) -> PlantAmount:
    return PlantAmount(
        plant_id=plant.plant.plant_id,
        plant_name=plant.plant.plant_name,
        savings=format_currency(plant.saved(months), currency),
    )
