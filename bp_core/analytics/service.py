"""The use cases of analytics.

All signed-in users may read all figures, so that plants can compare themselves: a list of plants has all
active plants for everybody. Only the overview and the dashboard are of the caller's own plant, or for
headquarters of the company including its inactive plants.
"""

from dataclasses import dataclass
from uuid import UUID

from bp_core.analytics import costs, figures
from bp_core.analytics.costs import CostAnalysis
from bp_core.analytics.dashboard import Dashboard, DashboardStore
from bp_core.analytics.periods import Periods
from bp_core.analytics.ports import AnalyticsStore, PlantYear
from bp_core.analytics.schemas import (
    CategoryCount,
    CategoryQuery,
    CurrencyQuery,
    MonthQuery,
    Overview,
    PeriodQuery,
    PlantBenchmarkCount,
    PlantPerformance,
    PlantSavings,
    PracticeMonth,
    SavingsMonthQuery,
    SavingsPeriodQuery,
    SavingsYearQuery,
    StarRating,
    TrendMonth,
)
from bp_core.practices import views
from bp_core.practices.ports import BlobLinks
from bp_core.savings import SavingsRules
from bp_core.shared.access import Caller
from bp_core.shared.calendar import MonthSpan
from bp_core.shared.context import Context
from bp_core.shared.errors import NotFound
from bp_core.shared.money import format_currency
from bp_core.shared.paging import Page


@dataclass(frozen=True)
class AnalyticsService:
    """Reads figures of plants and of the company."""

    store: AnalyticsStore
    dashboards: DashboardStore
    links: BlobLinks
    rules: SavingsRules
    context: Context

    def overview(self, caller: Caller, query: CurrencyQuery) -> Overview:
        """Return this month and the year to date, of the caller's plant or, for headquarters, the company."""
        totals = self.store.totals(self._periods.year_to(self._periods.this_month), caller.plant_id)
        return figures.overview(totals, self.rules, query.currency)

    def dashboard(self, caller: Caller, query: CurrencyQuery) -> Dashboard:
        """Return the dashboard of the caller's plant, or of the company for headquarters."""
        year, this_month = self._periods.year(None), self._periods.this_month
        found = self.dashboards.sections(caller, year, this_month)
        ytd = self._periods.year_to(this_month)
        return Dashboard(
            overview=figures.overview(found.totals, self.rules, query.currency),
            recent=views.list_items(found.recent, self.links, self.context.now),
            recent_benchmarked=found.recent_benchmarked,
            leaderboard=found.leaderboard,
            category_breakdown=found.category_breakdown,
            copy_spread=found.copy_spread,
            star_ratings=[figures.star_rating(plant, ytd, query.currency) for plant in found.plants],
            trend=figures.trend(found.annualised, year, self.rules, query.currency),
        )

    def plant_performance(self, query: PeriodQuery) -> Page[PlantPerformance]:
        """Return how many practices each plant has submitted in a financial year or a month."""
        counts = self.store.plant_counts(self._periods.period(query))
        performances = [
            PlantPerformance(
                plant_id=one.plant_id,
                plant_name=one.plant_name,
                short_name=one.short_name,
                submitted=one.submitted,
            )
            for one in counts
        ]
        return Page.of(performances, query)

    def category_breakdown(self, query: CategoryQuery) -> Page[CategoryCount]:
        """Count the practices that a plant or the company has submitted in a financial year, by category."""
        return Page.of(self.store.category_counts(self._periods.year(query.year), query.plant_id), query)

    def benchmark_stats(self, query: MonthQuery) -> Page[PlantBenchmarkCount]:
        """Return how many practices of each plant were benchmarked in a month."""
        month = self._periods.month(query)
        counts = [
            PlantBenchmarkCount(
                plant_id=one.plant_id, plant_name=one.plant_name, benchmarked_count=one.benchmarked
            )
            for one in self.store.plant_counts(MonthSpan(month, month))
        ]
        return Page.of(counts, query)

    def star_ratings(self, query: SavingsMonthQuery) -> Page[StarRating]:
        """Return the stars of a month, with the savings of the month and of the year to date."""
        months = self._periods.year_to(self._periods.month(query))
        plants = self.store.plant_years(months, None)
        return Page.of([figures.star_rating(one, months, query.currency) for one in plants], query)

    def monthly_trend(self, plant_id: UUID, query: SavingsYearQuery) -> Page[TrendMonth]:
        """Return the twelve months of a plant's financial year. Raises NotFound."""
        year = self._periods.year(query.year)
        return Page.of(figures.plant_trend(self._plant_year(year, plant_id), year, query.currency), query)

    def cost_savings(self, query: SavingsPeriodQuery) -> Page[PlantSavings]:
        """Return the savings of each plant in a financial year or a month."""
        months = self._periods.period(query)
        savings = [
            PlantSavings(**vars(one.plant), savings=format_currency(one.saved(months), query.currency))
            for one in self.store.plant_years(months, None)
        ]
        return Page.of(savings, query)

    def cost_analysis(self, query: SavingsMonthQuery) -> CostAnalysis:
        """Return the savings of each plant in a month, in the previous month, and in the year to date.

        Only the list of plants is cut to a page; the breakdowns have all plants.
        """
        ytd = self._periods.year_to(self._periods.month(query))
        # Before the first month of a financial year comes a month of the previous one.
        months = MonthSpan(min(ytd.first, ytd.last.plus(-1)), ytd.last)
        return costs.cost_analysis(self.store.plant_years(months, None), ytd, query)

    def monthly_costs(self, plant_id: UUID, query: SavingsYearQuery) -> Page[PracticeMonth]:
        """Return the twelve months of a plant's financial year, each with its approved practices.

        Raises NotFound.
        """
        year = self._periods.year(query.year)
        plant = self._plant_year(year, plant_id)
        practices = self.store.counted_practices(year, plant_id)
        return Page.of(costs.practice_months(plant, year, practices, query.currency), query)

    def _plant_year(self, months: MonthSpan, plant_id: UUID) -> PlantYear:
        """Return a plant, active or not, with these months. Raises NotFound."""
        for plant in self.store.plant_years(months, plant_id):
            return plant
        raise NotFound("There is no such plant.")

    @property
    def _periods(self) -> Periods:
        return Periods(self.rules, self.context.today)
