"""A dashboard from PostgreSQL: the queries of its sections, as one statement."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from psycopg import sql
from pydantic import TypeAdapter

from adapters.postgres import analytics, benchmarking, copying, leaderboard, practices
from adapters.postgres.database import Sql, first_of
from bp_core.analytics.dashboard import MOST_COPIED, PLANTS_LED, Sections
from bp_core.analytics.models import CategoryCount
from bp_core.analytics.store import Totals
from bp_core.benchmarking import RECENT_BENCHMARKS, ListedBenchmark
from bp_core.copying import Spread
from bp_core.leaderboard import Standing
from bp_core.practices.life import SEEN_BY_ALL
from bp_core.practices.models import EXCERPT_LENGTH, StoredListItem
from bp_core.practices.reading import RECENT_PRACTICES
from bp_core.shared.calendar import Month, MonthSpan

TOTALS: Final = TypeAdapter(Totals)
RECENT: Final = TypeAdapter(list[StoredListItem])
BENCHMARKS: Final = TypeAdapter(list[ListedBenchmark])
STANDINGS: Final = TypeAdapter(list[Standing])
CATEGORIES: Final = TypeAdapter(list[CategoryCount])
SPREAD: Final = TypeAdapter(list[Spread])
PLANT_MONTHS: Final = TypeAdapter(list[analytics.PlantMonthRow])

MONTHS: Final = sql.SQL("""
SELECT year, month, sum(annualised_savings) AS annualised FROM monthly_savings
WHERE {in_span} AND {of_plant} GROUP BY year, month
""")

NEWEST_BENCHMARKS: Final = first_of(
    benchmarking.BENCHMARKS.format(where=sql.SQL("true")),
    benchmarking.NEWEST,
    limit=RECENT_BENCHMARKS,
    detail=benchmarking.COPIES,
)
FARTHEST_SPREAD: Final = first_of(
    copying.SPREAD.format(which=copying.BENCHMARKED),
    copying.MOST_COPIED,
    limit=MOST_COPIED,
    detail=copying.TOLD_COPIES,
)
LEADERS: Final = sql.SQL("{standings} LIMIT {plants}").format(
    standings=leaderboard.STANDINGS, plants=PLANTS_LED
)


class PostgresDashboard:
    """All sections of a dashboard."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def sections(self, year: MonthSpan, this_month: Month, plant_id: UUID | None) -> Sections:
        """Find all sections at once: of one plant, or for None of the company."""
        found = self._sql.sections(
            {
                "totals": analytics.about(analytics.TOTALS, plant_id),
                "recent": practices.RECENT,
                "benchmarks": NEWEST_BENCHMARKS,
                "leaders": LEADERS,
                "categories": analytics.about(analytics.CATEGORY_COUNTS, plant_id),
                "spread": FARTHEST_SPREAD,
                "plants": analytics.about(analytics.PLANT_MONTHS, plant_id),
                "months": analytics.about(MONTHS, plant_id),
            },
            {
                **analytics.span_of(year, this_month, plant_id),
                **leaderboard.POINTS,
                "year": this_month.year,
                "seen": list(SEEN_BY_ALL),
                "excerpt": EXCERPT_LENGTH,
                "at_most": RECENT_PRACTICES,
            },
        )
        return Sections(
            totals=TOTALS.validate_python(found["totals"][0]),
            recent=RECENT.validate_python(found["recent"]),
            recent_benchmarked=BENCHMARKS.validate_python(found["benchmarks"]),
            leaderboard=STANDINGS.validate_python(found["leaders"]),
            category_breakdown=CATEGORIES.validate_python(found["categories"]),
            copy_spread=SPREAD.validate_python(found["spread"]),
            plants=analytics.plant_years(PLANT_MONTHS.validate_python(found["plants"])),
            annualised={
                Month(row["year"], row["month"]): Decimal(row["annualised"]) for row in found["months"]
            },
        )
