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
from bp_core.shared.errors import JobRunning
from bp_core.shared.paging import Page
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
def show_plant_performance(work: UnitOfWork, query: PeriodQuery) -> Page[PlantPerformance]:
    """Count the practices that each plant has submitted."""
    return work.analytics.plant_performance(query)


@endpoint("GET", "/api/v1/analytics/category-breakdown", who=SIGNED_IN)
def show_category_breakdown(work: UnitOfWork, query: CategoryQuery) -> Page[CategoryCount]:
    """Count the practices that a plant, by default the company, submitted in each category."""
    return work.analytics.category_breakdown(query)


@endpoint("GET", "/api/v1/analytics/cost-savings", who=SIGNED_IN)
def show_cost_savings(work: UnitOfWork, query: SavingsPeriodQuery) -> Page[PlantSavings]:
    """Return the savings of each plant."""
    return work.analytics.cost_savings(query)


@endpoint("GET", "/api/v1/analytics/cost-analysis", who=SIGNED_IN)
def show_cost_analysis(
    work: UnitOfWork, query: SavingsMonthQuery
) -> ReplyBeside[Page[PlantCosts], CostBreakdowns]:
    """Return the savings of each plant in a month, in the previous month, and in the year to date."""
    analysis = work.analytics.cost_analysis(query)
    return ReplyBeside(data=analysis.plants, beside=analysis.breakdowns)


@endpoint("GET", "/api/v1/analytics/cost-analysis/{plant_id:guid}/monthly", who=SIGNED_IN)
def show_monthly_costs(work: UnitOfWork, plant_id: UUID, query: SavingsYearQuery) -> Page[PracticeMonth]:
    """Return the months of a plant's financial year, each with its approved practices."""
    return work.analytics.monthly_costs(plant_id, query)


@endpoint("GET", "/api/v1/analytics/star-ratings", who=SIGNED_IN)
def show_star_ratings(work: UnitOfWork, query: SavingsMonthQuery) -> Page[StarRating]:
    """Return the stars of a month, with the savings of the month and of the year to date."""
    return work.analytics.star_ratings(query)


@endpoint("GET", "/api/v1/analytics/star-ratings/{plant_id:guid}/monthly-trend", who=SIGNED_IN)
def show_monthly_trend(work: UnitOfWork, plant_id: UUID, query: SavingsYearQuery) -> Page[TrendMonth]:
    """Return the savings and stars of the months of a plant's financial year."""
    return work.analytics.monthly_trend(plant_id, query)


@endpoint("GET", "/api/v1/analytics/benchmark-stats", who=SIGNED_IN)
def show_benchmark_stats(work: UnitOfWork, query: MonthQuery) -> Page[PlantBenchmarkCount]:
    """Count the practices of each plant that were benchmarked in a month."""
    return work.analytics.benchmark_stats(query)


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
