"""The dashboard from PostgreSQL: the queries of all sections in one statement."""

from decimal import Decimal
from typing import Final

from psycopg import sql
from pydantic import ConfigDict, TypeAdapter
from typing_extensions import override

from adapters.postgres import analytics, benchmarking, copying, leaderboard, practice_lists
from adapters.postgres.database import Sql, first_of
from bp_core.analytics.dashboard import MOST_COPIED, NEWEST, TOP_PLANTS, DashboardStore, Sections
from bp_core.analytics.ports import Totals
from bp_core.analytics.schemas import CategoryCount
from bp_core.benchmarking import ListedBenchmark
from bp_core.copying import Spread
from bp_core.leaderboard import Standing
from bp_core.practices.schemas import StoredListItem
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month, MonthSpan

DEFERRED: Final = ConfigDict(defer_build=True)
"""Validators are built at their first use, not at import: for cold start."""

TOTALS: Final = TypeAdapter(list[Totals], config=DEFERRED)
RECENT: Final = TypeAdapter(list[StoredListItem], config=DEFERRED)
BENCHMARKS: Final = TypeAdapter(list[ListedBenchmark], config=DEFERRED)
STANDINGS: Final = TypeAdapter(list[Standing], config=DEFERRED)
CATEGORIES: Final = TypeAdapter(list[CategoryCount], config=DEFERRED)
SPREAD: Final = TypeAdapter(list[Spread], config=DEFERRED)
PLANT_MONTHS: Final = TypeAdapter(list[analytics.PlantMonthRow], config=DEFERRED)

MONTHS: Final = sql.SQL("""
SELECT year, month, sum(annualised_savings) AS annualised FROM monthly_savings
WHERE {in_span} AND {of_plant} GROUP BY year, month
""")

RECENT_BENCHMARKS_QUERY: Final = first_of(
    benchmarking.BENCHMARKS.format(where=sql.SQL("true")),
    benchmarking.NEWEST,
    limit=NEWEST,
    detail=benchmarking.COPY_COUNT_OF_PAGE,
)
MOST_COPIED_PRACTICES: Final = first_of(
    copying.SPREAD.format(which=copying.BENCHMARKED),
    copying.MOST_COPIED,
    limit=MOST_COPIED,
    detail=copying.COPIES_OF_PAGE,
)
TOP_STANDINGS: Final = first_of(leaderboard.STANDINGS, leaderboard.BY_RANK, limit=TOP_PLANTS)


class PostgresDashboard(DashboardStore):
    """Reads the sections of the dashboard."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def sections(self, caller: Caller, year: MonthSpan, this_month: Month) -> Sections:
        plant_id = caller.plant_id
        found = self._sql.sections(
            {
                "totals": analytics.for_plant(analytics.TOTALS, plant_id),
                "recent": practice_lists.RECENT,
                "benchmarks": RECENT_BENCHMARKS_QUERY,
                "standings": TOP_STANDINGS,
                "categories": analytics.for_plant(analytics.CATEGORY_COUNTS, plant_id),
                "spread": MOST_COPIED_PRACTICES,
                "plants": analytics.for_plant(analytics.PLANT_MONTHS, plant_id),
                "months": analytics.for_plant(MONTHS, plant_id),
            },
            {
                **analytics.span_values(year, this_month, plant_id),
                **leaderboard.POINTS,
                "year": this_month.year,
                **practice_lists.visible_to(caller),
                **practice_lists.ITEM_VALUES,
                "limit": NEWEST,
                "offset": 0,
            },
        )
        return Sections(
            totals=TOTALS.validate_python(found["totals"])[0],
            recent=RECENT.validate_python(found["recent"]),
            recent_benchmarked=BENCHMARKS.validate_python(found["benchmarks"]),
            leaderboard=STANDINGS.validate_python(found["standings"]),
            category_breakdown=CATEGORIES.validate_python(found["categories"]),
            copy_spread=SPREAD.validate_python(found["spread"]),
            plants=analytics.plant_years(PLANT_MONTHS.validate_python(found["plants"])),
            annualised={
                Month(row["year"], row["month"]): Decimal(row["annualised"]) for row in found["months"]
            },
        )
