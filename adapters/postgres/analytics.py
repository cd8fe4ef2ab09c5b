"""Figures from PostgreSQL: from the stored counts and sums, except for the list of single practices."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.analytics.ports import AnalyticsStore, CountedPractice, PlantCounts, PlantName, PlantYear, Totals
from bp_core.analytics.schemas import CategoryCount
from bp_core.savings import PlantMonth
from bp_core.shared.calendar import Month, MonthSpan

# The months from %(first)s to %(end)s (exclusive), the months up to %(this_month)s, and that month.
IN_SPAN: Final = sql.SQL("make_date(year, month, 1) >= %(first)s AND make_date(year, month, 1) < %(end)s")
SO_FAR: Final = sql.SQL("make_date(year, month, 1) BETWEEN %(first)s AND %(this_month)s")
THIS_MONTH: Final = sql.SQL("make_date(year, month, 1) = %(this_month)s")

TOTALS: Final = sql.SQL("""
SELECT counts.*, savings.*
FROM (
    SELECT coalesce(sum(submitted) FILTER (WHERE {so_far}), 0) AS ytd_count,
           coalesce(sum(submitted) FILTER (WHERE {this_month}), 0) AS monthly_count,
           coalesce(sum(benchmarked), 0) AS benchmarked_count
    FROM practice_counts WHERE {of_plant}
) counts, (
    SELECT coalesce(sum(annualised_savings), 0) AS ytd_annualised,
           coalesce(sum(annualised_savings) FILTER (WHERE {this_month}), 0) AS monthly_annualised
    FROM monthly_savings WHERE {so_far} AND {of_plant}
) savings
""")

CATEGORY_COUNTS: Final = sql.SQL("""
SELECT c.id AS category_id, c.name AS category_name, c.slug AS category_slug,
       coalesce(sum(counted.submitted), 0) AS practice_count, c.color_class, c.icon_name
FROM categories c
LEFT JOIN practice_counts counted ON counted.category_id = c.id AND {in_span} AND {of_plant}
GROUP BY c.id ORDER BY c.name
""")

PLANT_MONTHS: Final = sql.SQL("""
SELECT p.id AS plant_id, p.name AS plant_name, p.short_name, m.year, coalesce(m.month, 0) AS month,
       coalesce(m.annualised_savings, 0) AS annualised, coalesce(m.practice_count, 0) AS practice_count,
       coalesce(m.stars, 0) AS stars
FROM plants p LEFT JOIN monthly_savings m ON m.plant_id = p.id AND {in_span}
WHERE {which} ORDER BY p.name, m.year, m.month
""")


@dataclass(frozen=True)
class PlantMonthRow:
    """A plant and one of its months; a plant without months has one row with `year` None."""

    plant_id: UUID
    plant_name: str
    short_name: str
    year: int | None
    month: int
    annualised: Decimal
    practice_count: int
    stars: int


class PostgresAnalytics(AnalyticsStore):
    """The tables `practice_counts` and `monthly_savings`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def totals(self, year_so_far: MonthSpan, plant_id: UUID | None) -> Totals:
        return self._sql.one(
            for_plant(TOTALS, plant_id), span_values(year_so_far, year_so_far.last, plant_id), into=Totals
        )

    @override
    def plant_counts(self, months: MonthSpan) -> list[PlantCounts]:
        query = sql.SQL("""
            SELECT p.id AS plant_id, p.name AS plant_name, p.short_name,
                   coalesce(sum(c.submitted), 0) AS submitted, coalesce(sum(c.benchmarked), 0) AS benchmarked
            FROM plants p LEFT JOIN practice_counts c ON c.plant_id = p.id AND {in_span}
            WHERE {which} GROUP BY p.id ORDER BY p.name
        """)
        values = span_values(months, months.last, None)
        return self._sql.rows(for_plant(query, None), values, into=PlantCounts)

    @override
    def category_counts(self, months: MonthSpan, plant_id: UUID | None) -> list[CategoryCount]:
        return self._sql.rows(
            for_plant(CATEGORY_COUNTS, plant_id),
            span_values(months, months.last, plant_id),
            into=CategoryCount,
        )

    @override
    def plant_years(self, months: MonthSpan, plant_id: UUID | None) -> list[PlantYear]:
        query = for_plant(PLANT_MONTHS, plant_id)
        rows = self._sql.rows(query, span_values(months, months.last, plant_id), into=PlantMonthRow)
        return plant_years(rows)

    @override
    def counted_practices(self, months: MonthSpan, plant_id: UUID) -> list[CountedPractice]:
        return self._sql.rows(
            """
            SELECT p.id AS practice_id, p.title, p.submitted_date,
                   EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id) AS benchmarked,
                   p.annualised_savings AS annualised
            FROM best_practices p
            WHERE p.plant_id = %(plant_id)s AND p.status = 'approved' AND NOT p.is_deleted
              AND p.submitted_date >= %(first)s AND p.submitted_date < %(end)s
            ORDER BY p.submitted_date, p.created_at, p.id
            """,
            span_values(months, months.last, plant_id),
            into=CountedPractice,
        )


def for_plant(query: sql.SQL, plant_id: UUID | None) -> sql.Composed:
    """Return a query for one plant, or for the company; a list of plants then has the active ones."""
    one = plant_id is not None
    return query.format(
        in_span=IN_SPAN,
        so_far=SO_FAR,
        this_month=THIS_MONTH,
        of_plant=sql.SQL("plant_id = %(plant_id)s" if one else "true"),
        which=sql.SQL("p.id = %(plant_id)s" if one else "p.is_active"),
    )


def span_values(months: MonthSpan, this_month: Month, plant_id: UUID | None) -> dict[str, Any]:
    """Return the parameters of `for_plant`."""
    return {
        "first": months.first_day,
        "end": months.end_day,
        "this_month": this_month.first_day,
        "plant_id": plant_id,
    }


def plant_years(rows: Iterable[PlantMonthRow]) -> list[PlantYear]:
    """Group the rows of PLANT_MONTHS by plant."""
    plants: dict[PlantName, dict[Month, PlantMonth]] = {}
    for row in rows:
        months = plants.setdefault(PlantName(row.plant_id, row.plant_name, row.short_name), {})
        if row.year is not None:
            month = Month(row.year, row.month)
            months[month] = PlantMonth(row.plant_id, month, row.annualised, row.practice_count, row.stars)
    return [PlantYear(plant, months) for plant, months in plants.items()]
