"""Figures from PostgreSQL."""

from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from bp_core.analytics import PlantName, Totals
from bp_core.practices.life import SEEN_BY_ALL
from bp_core.savings import PlantMonth
from bp_core.shared.calendar import Month, MonthSpan


class PostgresAnalytics:
    """Counts and sums over practices and the plants' months."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def totals(self, year_so_far: MonthSpan, plant_id: UUID | None) -> Totals:
        """Count and sum the last month of a span and the whole of it, for one plant or the company."""
        of_plant = sql.SQL("AND plant_id = %(plant_id)s" if plant_id is not None else "")
        return self._sql.one(
            sql.SQL("""
            SELECT practices.*, savings.*,
                   (SELECT count(*) FROM benchmarked_practices b
                    JOIN best_practices bp ON bp.id = b.practice_id AND NOT bp.is_deleted {of_plant})
                       AS benchmarked_count
            FROM (
                SELECT count(*) AS ytd_count,
                       count(*) FILTER (WHERE submitted_date >= %(this_month)s) AS monthly_count
                FROM best_practices
                WHERE status = ANY (%(seen)s) AND NOT is_deleted
                  AND submitted_date >= %(first)s AND submitted_date < %(end)s {of_plant}
            ) practices, (
                SELECT coalesce(sum(annualised_savings), 0) AS ytd_annualised,
                       coalesce(sum(annualised_savings)
                                FILTER (WHERE make_date(year, month, 1) >= %(this_month)s), 0)
                           AS monthly_annualised
                FROM monthly_savings
                WHERE make_date(year, month, 1) >= %(first)s AND make_date(year, month, 1) < %(end)s
                  {of_plant}
            ) savings
            """).format(of_plant=of_plant),
            {
                "first": year_so_far.first_day,
                "end": year_so_far.end_day,
                "this_month": year_so_far.last.first_day,
                "plant_id": plant_id,
                "seen": list(SEEN_BY_ALL),
            },
            into=Totals,
        )

    def rated_plants(
        self, year_so_far: MonthSpan, plant_id: UUID | None
    ) -> list[tuple[PlantName, list[PlantMonth]]]:
        """List the active plants by name, or the one asked for, each with its months in order of time."""
        which = "p.id = %(plant_id)s" if plant_id is not None else "p.is_active"
        rows = self._sql.tuples(
            sql.SQL("""
            SELECT p.id, p.name, m.year, m.month, m.annualised_savings, m.practice_count, m.stars
            FROM plants p
            LEFT JOIN monthly_savings m ON m.plant_id = p.id
                AND make_date(m.year, m.month, 1) >= %(first)s AND make_date(m.year, m.month, 1) < %(end)s
            WHERE {which}
            ORDER BY p.name, p.id, m.year, m.month
            """).format(which=sql.SQL(which)),
            {"first": year_so_far.first_day, "end": year_so_far.end_day, "plant_id": plant_id},
        )
        plants: dict[PlantName, list[PlantMonth]] = {}
        for plant, name, year, month, *kept in rows:
            months = plants.setdefault(PlantName(plant, name), [])
            if year is not None:
                months.append(PlantMonth(plant, Month(year, month), *kept))
        return list(plants.items())
