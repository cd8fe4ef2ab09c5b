"""What the plants have saved: beside each other, month by month, and by what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from bp_core.analytics.figures import month_of, period, plant_year, year_of, year_so_far
from bp_core.analytics.models import (
    CostBreakdowns,
    PlantAmount,
    PlantCosts,
    PlantMonthAmount,
    PlantSavings,
    PracticeMonth,
    SavingPractice,
    SavingsMonthQuery,
    SavingsPeriodQuery,
    SavingsYearQuery,
)
from bp_core.analytics.store import AnalyticsStore, PlantYear
from bp_core.savings import SavingsRules
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.model import Currency
from bp_core.shared.money import format_currency, monthly_lakhs


@dataclass(frozen=True)
class CostAnalysis:
    """The plants' costs, and their breakdowns."""

    plants: list[PlantCosts]
    breakdowns: CostBreakdowns


def cost_savings(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, query: SavingsPeriodQuery, today: date
) -> list[PlantSavings]:
    """Show what each plant has saved in a financial year or a month."""
    months = period(query, rules, today)
    return [
        PlantSavings(**vars(one.plant), savings=format_currency(one.saved(months), query.currency))
        for one in store.plant_years(months, caller.plant_id)
    ]


def cost_analysis(
    store: AnalyticsStore, rules: SavingsRules, caller: Caller, query: SavingsMonthQuery, today: date
) -> CostAnalysis:
    """Show each plant's month beside the month before, and the financial year so far."""
    month = month_of(query, today)
    so_far = year_so_far(month, rules)
    before = month.plus(-1)  # of the year before, where the year begins with the month
    plants = store.plant_years(MonthSpan(min(so_far.first, before), month), caller.plant_id)
    return CostAnalysis(
        [_costs(one, before, so_far, query.currency) for one in plants],
        CostBreakdowns(
            current_month_breakdown=[_amount(one, [month], query.currency) for one in plants],
            ytd_breakdown=[_amount(one, list(so_far), query.currency) for one in plants],
            monthly_trends=[
                PlantMonthAmount(month=str(each), **vars(_amount(one, [each], query.currency)))
                for each in so_far
                for one in plants
            ],
        ),
    )


def monthly_costs(
    store: AnalyticsStore, rules: SavingsRules, plant_id: UUID, query: SavingsYearQuery, today: date
) -> list[PracticeMonth]:
    """Show the twelve months of a plant's financial year, each with the practices that count in it.

    Raises NotFound.
    """
    year = year_of(query.year, rules, today)
    plant = plant_year(store, year, plant_id)
    practices: dict[Month, list[SavingPractice]] = {}
    for one in store.counted_practices(year, plant_id):
        shown = SavingPractice(
            practice_id=one.practice_id,
            title=one.title,
            savings=format_currency(monthly_lakhs(one.annualised), query.currency),
            benchmarked=one.benchmarked,
            submitted_date=one.submitted_date,
        )
        practices.setdefault(Month.of(one.submitted_date), []).append(shown)
    return [
        PracticeMonth(
            month=str(month),
            total_savings=format_currency(plant.saved([month]), query.currency),
            practice_count=plant.months[month].practice_count if month in plant.months else 0,
            stars=plant.stars(month),
            practices=practices.get(month, []),
        )
        for month in year
    ]


def percent_change(before: Fraction, now: Fraction) -> Decimal | None:
    """Tell by how many per cent savings rose or fell, cut off after two decimals; None from nothing."""
    if before == 0:
        return None
    return Decimal(int((now - before) / before * 10_000)) / 100


def _costs(plant: PlantYear, before: Month, so_far: MonthSpan, currency: Currency) -> PlantCosts:
    last, current = plant.saved([before]), plant.saved([so_far.last])
    ytd = plant.saved(so_far)
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
