"""The plants' months in PostgreSQL."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from bp_core.savings import PlantMonth, Rating
from bp_core.shared.calendar import Month, MonthSpan


class PostgresSavings:
    """The monthly savings; a month without a counted practice has no row."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def hold(self, plant_ids: Collection[UUID] | None) -> None:
        """Keep others from changing these plants' months (all for None) until the transaction ends."""
        self._sql.tuples(
            sql.SQL("SELECT id FROM plants {where} ORDER BY id FOR NO KEY UPDATE").format(
                where=sql.SQL("WHERE id = ANY (%(plant_ids)s)" if plant_ids is not None else "")
            ),
            {"plant_ids": _ids(plant_ids)},
        )

    def aggregate(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        """Sum the approved practices of these months anew; tell how many plants' months were changed.

        One statement for all plants: sums what there is, keeps what differs, drops what counts nothing now.
        """
        changed: int = self._sql.value(
            sql.SQL("""
            WITH sums AS (
                SELECT plant_id, date_part('year', submitted_date)::int AS year,
                       date_part('month', submitted_date)::int AS month,
                       sum(annualised_savings) AS annualised, count(*) AS practices
                FROM best_practices
                WHERE status = 'approved' AND NOT is_deleted
                  AND submitted_date >= %(first)s AND submitted_date < %(end)s {of_plants}
                GROUP BY 1, 2, 3
            ), kept AS (
                INSERT INTO monthly_savings AS m
                    (plant_id, year, month, annualised_savings, total_savings, practice_count)
                SELECT plant_id, year, month, annualised, trunc(annualised / 12, 2), practices FROM sums
                ON CONFLICT (plant_id, year, month) DO UPDATE
                SET annualised_savings = excluded.annualised_savings, total_savings = excluded.total_savings,
                    practice_count = excluded.practice_count, updated_at = now()
                WHERE (m.annualised_savings, m.practice_count, m.total_savings)
                      <> (excluded.annualised_savings, excluded.practice_count, excluded.total_savings)
                RETURNING 1
            ), dropped AS (
                DELETE FROM monthly_savings m
                WHERE make_date(m.year, m.month, 1) >= %(first)s AND make_date(m.year, m.month, 1) < %(end)s
                  {of_plants}
                  AND NOT EXISTS (SELECT FROM sums s WHERE (s.plant_id, s.year, s.month)
                                                         = (m.plant_id, m.year, m.month))
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM kept) + (SELECT count(*) FROM dropped)
            """).format(of_plants=_of_plants(plant_ids)),
            _span(months, plant_ids),
        )
        return changed

    def rebuild(self) -> int:
        """Count and sum all practices anew, and keep nobody waiting; tell how many entries were wrong.

        Never two at the same time: each would put the same error right.
        """
        wrong: int = self._sql.value("SELECT rebuild_roll_ups()")
        return wrong

    def kept(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> list[PlantMonth]:
        """List the months as they are kept, each plant's in order of time."""
        rows = self._sql.tuples(
            sql.SQL("""
            SELECT plant_id, year, month, annualised_savings, practice_count, stars
            FROM monthly_savings
            WHERE make_date(year, month, 1) >= %(first)s AND make_date(year, month, 1) < %(end)s {of_plants}
            ORDER BY plant_id, year, month
            """).format(of_plants=_of_plants(plant_ids)),
            _span(months, plant_ids),
        )
        return [PlantMonth(plant, Month(year, month), *rest) for plant, year, month, *rest in rows]

    def rate(self, ratings: Collection[Rating]) -> int:
        """Keep stars; tell how many were changed."""
        return self._sql.run(
            """
            UPDATE monthly_savings m SET stars = r.stars, updated_at = now()
            FROM unnest(%(plants)s::uuid[], %(years)s::int[], %(months)s::int[], %(stars)s::int[])
                 AS r (plant_id, year, month, stars)
            WHERE (m.plant_id, m.year, m.month) = (r.plant_id, r.year, r.month) AND m.stars <> r.stars
            """,
            {
                "plants": [rating.plant_id for rating in ratings],
                "years": [rating.month.year for rating in ratings],
                "months": [rating.month.month for rating in ratings],
                "stars": [rating.stars for rating in ratings],
            },
        )


def _of_plants(plant_ids: Collection[UUID] | None) -> sql.SQL:
    return sql.SQL("AND plant_id = ANY (%(plant_ids)s)" if plant_ids is not None else "")


def _span(months: MonthSpan, plant_ids: Collection[UUID] | None) -> dict[str, Any]:
    return {"first": months.first_day, "end": months.end_day, "plant_ids": _ids(plant_ids)}


def _ids(plant_ids: Collection[UUID] | None) -> list[UUID] | None:
    return list(plant_ids) if plant_ids is not None else None
