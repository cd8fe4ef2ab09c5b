"""Endpoints of analytics, and of the recalculation of savings."""

from uuid import UUID

from bp_core.analytics.dashboard import Dashboard
from bp_core.analytics.schemas import (
    CategoryCount,
    CategoryQuery,
    CostBreakdowns,
    CurrencyQuery,
    MonthQuery,
    Overview,
    PeriodQuery,
    PlantBenchmarkCount,
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
from bp_core.shared.errors import Forbidden, JobRunning
from functions.edge.access import HEADQUARTERS, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.edge.responses import ReplyBeside
from functions.jobs import catalogue, runs
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/analytics/overview", who=SIGNED_IN)
def show_overview(work: UnitOfWork, caller: Caller, query: CurrencyQuery) -> Overview:
    """Return figures of this month and of the year to date, of your plant or of the company."""
    return work.analytics.overview(caller, query)


@endpoint("GET", "/api/v1/analytics/dashboard", who=SIGNED_IN)
def show_dashboard(work: UnitOfWork, caller: Caller, query: CurrencyQuery) -> Dashboard:
    """Return all sections of the dashboard, read from one snapshot."""
    return work.analytics.dashboard(caller, query)


@endpoint("GET", "/api/v1/analytics/plant-performance", who=SIGNED_IN)
def show_plant_performance(work: UnitOfWork, caller: Caller, query: PeriodQuery) -> list[PlantPerformance]:
    """Count the practices that each plant has submitted."""
    return work.analytics.plant_performance(caller, query)


@endpoint("GET", "/api/v1/analytics/category-breakdown", who=SIGNED_IN, errors=(Forbidden,))
def show_category_breakdown(work: UnitOfWork, caller: Caller, query: CategoryQuery) -> list[CategoryCount]:
    """Count the practices that were submitted in each category."""
    return work.analytics.category_breakdown(caller, query)


@endpoint("GET", "/api/v1/analytics/cost-savings", who=SIGNED_IN)
def show_cost_savings(work: UnitOfWork, caller: Caller, query: SavingsPeriodQuery) -> list[PlantSavings]:
    """Return the savings of each plant."""
    return work.analytics.cost_savings(caller, query)


@endpoint("GET", "/api/v1/analytics/cost-analysis", who=SIGNED_IN)
def show_cost_analysis(
    work: UnitOfWork, caller: Caller, query: SavingsMonthQuery
) -> ReplyBeside[list[PlantCosts], CostBreakdowns]:
    """Return the savings of each plant in a month, in the previous month, and in the year to date."""
    analysis = work.analytics.cost_analysis(caller, query)
    return ReplyBeside(data=analysis.plants, beside=analysis.breakdowns)


@endpoint("GET", "/api/v1/analytics/cost-analysis/{plant_id:guid}/monthly", who=SIGNED_IN)
def show_monthly_costs(work: UnitOfWork, plant_id: UUID, query: SavingsYearQuery) -> list[PracticeMonth]:
    """Return the months of a plant's financial year, each with its approved practices."""
    return work.analytics.monthly_costs(plant_id, query)


@endpoint("GET", "/api/v1/analytics/star-ratings", who=SIGNED_IN)
def show_star_ratings(work: UnitOfWork, caller: Caller, query: SavingsMonthQuery) -> list[StarRating]:
    """Return the stars of a month, with the savings of the month and of the year to date."""
    return work.analytics.star_ratings(caller, query)


@endpoint("GET", "/api/v1/analytics/star-ratings/{plant_id:guid}/monthly-trend", who=SIGNED_IN)
def show_monthly_trend(work: UnitOfWork, plant_id: UUID, query: SavingsYearQuery) -> list[TrendMonth]:
    """Return the savings and stars of the months of a plant's financial year."""
    return work.analytics.monthly_trend(plant_id, query)


@endpoint("GET", "/api/v1/analytics/benchmark-stats", who=SIGNED_IN)
def show_benchmark_stats(work: UnitOfWork, caller: Caller, query: MonthQuery) -> list[PlantBenchmarkCount]:
    """Count the practices of each plant that were benchmarked in a month."""
    return work.analytics.benchmark_stats(caller, query)


# Without a transaction for the request: the job opens its own, and records a failure.
@endpoint(
    "POST",
    "/api/v1/analytics/recalculate-savings",
    who=HEADQUARTERS,
    transaction=False,
    errors=(JobRunning,),
)
def recalculate_savings(work: UnitOfWork, caller: Caller, query: YearQuery) -> JobRun:
    """Recalculate the savings and stars of a financial year now."""
    return runs.run_manually(work, caller, catalogue.recalculate_savings, query.year)
