"""Figures, and their recalculation."""

from uuid import UUID

from bp_core.analytics import costs, dashboard, figures
from bp_core.analytics.dashboard import Dashboard
from bp_core.analytics.models import (
    BenchmarkCount,
    CategoryCount,
    CategoryQuery,
    CostBreakdowns,
    CurrencyQuery,
    MonthQuery,
    Overview,
    PeriodQuery,
    PlantCosts,
    PlantPerformance,
    PlantSavings,
    PracticeMonth,
    SavingsMonthQuery,
    SavingsPeriodQuery,
    SavingsYearQuery,
    StarRating,
    TrendMonth,
    YearQuery,
)
from bp_core.jobs import JobRun
from bp_core.shared.access import Caller
from functions import job_runs
from functions.access import HEADQUARTERS, SIGNED_IN
from functions.answers import ReplyBeside
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/analytics/overview", who=SIGNED_IN)
def show_overview(unit: Unit, caller: Caller, query: CurrencyQuery) -> Overview:
    """Show this month and the year so far, of the caller's plant or of the company."""
    return figures.overview(unit.analytics, unit.rules, caller, query.currency, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/dashboard", who=SIGNED_IN)
def show_dashboard(unit: Unit, caller: Caller, query: CurrencyQuery) -> Dashboard:
    """Show all that a dashboard shows, at one moment."""
    return dashboard.show(unit.dashboard, unit.portal.blobs, unit.rules, caller, query.currency, unit.moment)


@endpoint("GET", "/api/v1/analytics/plant-performance", who=SIGNED_IN)
def show_plant_performance(unit: Unit, caller: Caller, query: PeriodQuery) -> list[PlantPerformance]:
    """Show how many practices each plant has submitted."""
    return figures.plant_performance(unit.analytics, unit.rules, caller, query, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/category-breakdown", who=SIGNED_IN, errors=("FORBIDDEN",))
def show_category_breakdown(unit: Unit, caller: Caller, query: CategoryQuery) -> list[CategoryCount]:
    """Show how many practices were submitted in each category."""
    return figures.category_breakdown(unit.analytics, unit.rules, caller, query, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/cost-savings", who=SIGNED_IN)
def show_cost_savings(unit: Unit, caller: Caller, query: SavingsPeriodQuery) -> list[PlantSavings]:
    """Show what each plant has saved."""
    return costs.cost_savings(unit.analytics, unit.rules, caller, query, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/cost-analysis", who=SIGNED_IN)
def show_cost_analysis(
    unit: Unit, caller: Caller, query: SavingsMonthQuery
) -> ReplyBeside[list[PlantCosts], CostBreakdowns]:
    """Show each plant's month beside the month before, and the year so far."""
    analysis = costs.cost_analysis(unit.analytics, unit.rules, caller, query, unit.moment.day)
    return ReplyBeside(data=analysis.plants, beside=analysis.breakdowns)


@endpoint("GET", "/api/v1/analytics/cost-analysis/{plant_id:guid}/monthly", who=SIGNED_IN)
def show_monthly_costs(unit: Unit, plant_id: UUID, query: SavingsYearQuery) -> list[PracticeMonth]:
    """Show the twelve months of a plant's year, each with the practices that count in it."""
    return costs.monthly_costs(unit.analytics, unit.rules, plant_id, query, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/star-ratings", who=SIGNED_IN)
def show_star_ratings(unit: Unit, caller: Caller, query: SavingsMonthQuery) -> list[StarRating]:
    """Show the stars of a month and the savings that they were given for."""
    return figures.star_ratings(unit.analytics, unit.rules, caller, query, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/star-ratings/{plant_id:guid}/monthly-trend", who=SIGNED_IN)
def show_monthly_trend(unit: Unit, plant_id: UUID, query: SavingsYearQuery) -> list[TrendMonth]:
    """Show the savings and stars of the twelve months of a plant's year."""
    return figures.monthly_trend(unit.analytics, unit.rules, plant_id, query, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/benchmark-stats", who=SIGNED_IN)
def show_benchmark_stats(unit: Unit, caller: Caller, query: MonthQuery) -> list[BenchmarkCount]:
    """Show how many practices of each plant were benchmarked in a month."""
    return figures.benchmark_stats(unit.analytics, caller, query, unit.moment.day)


# Not the edge's transaction: the job has one of its own, and keeps a record of a failure.
@endpoint(
    "POST",
    "/api/v1/analytics/recalculate-savings",
    who=HEADQUARTERS,
    transaction=False,
    errors=("JOB_RUNNING",),
)
def recalculate_savings(unit: Unit, query: YearQuery) -> JobRun:
    """Sum and rate a financial year anew, now."""
    return job_runs.recalculate_year(unit.portal, query.year)
