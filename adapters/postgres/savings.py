"""Monthly savings in PostgreSQL."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.savings import PlantMonth, Rating, SavingsStore
from bp_core.shared.calendar import Month, MonthSpan


class PostgresSavings(SavingsStore):
    """The table `monthly_savings`; a month without approved practices has no row."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def lock(self, plant_ids: Collection[UUID] | None) -> None:
        self._sql.run(
            sql.SQL("SELECT FROM plants {where} ORDER BY id FOR NO KEY UPDATE").format(
                where=sql.SQL("WHERE id = ANY (%(plant_ids)s)" if plant_ids is not None else "")
            ),
            {"plant_ids": _ids(plant_ids)},
        )

    @override
    def aggregate(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        corrected: int = self._sql.value(
            "SELECT correct_monthly_sums(%(first)s, %(end)s, %(plant_ids)s)", _span(months, plant_ids)
        )
        return corrected

    @override
    def rebuild(self) -> int:
        wrong: int = self._sql.value("SELECT rebuild_roll_ups()")
        return wrong

    @override
    def plant_months(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> list[PlantMonth]:
        rows = self._sql.mappings(
            sql.SQL("""
            SELECT plant_id, year, month, annualised_savings AS annualised, practice_count, stars
            FROM monthly_savings
            WHERE make_date(year, month, 1) >= %(first)s AND make_date(year, month, 1) < %(end)s {of_plants}
            ORDER BY plant_id, year, month
            """).format(of_plants=_of_plants(plant_ids)),
            _span(months, plant_ids),
        )
        return [
            PlantMonth(
                plant_id=row["plant_id"],
                month=Month(row["year"], row["month"]),
                annualised=row["annualised"],
                practice_count=row["practice_count"],
                stars=row["stars"],
            )
            for row in rows
        ]

    @override
    def rate(self, ratings: Collection[Rating]) -> int:
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
