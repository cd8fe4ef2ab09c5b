"""Plants in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql, matching
from bp_core.plants import NewPlant, Plant, PlantRecord, PlantsQuery, PlantStore
from bp_core.practices.ports import PlantNames
from bp_core.shared.calendar import Month
from bp_core.shared.paging import Page

COLUMNS: Final = sql.SQL("id, name, short_name, division, is_active, created_at, updated_at")

PLANT: Final = sql.SQL("SELECT {columns} FROM plants").format(columns=COLUMNS)

FILTERS: Final[Mapping[str, sql.SQL]] = {"is_active": sql.SQL("is_active = %(is_active)s")}


class PostgresPlants(PlantStore, PlantNames):
    """The table `plants`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def plants(self, query: PlantsQuery) -> Page[Plant]:
        requested = query.model_dump(exclude_none=True)
        return self._sql.page(
            PLANT + sql.SQL(" WHERE ") + matching(FILTERS, requested),
            requested,
            order=sql.SQL("name, id"),
            part=query,
            into=Plant,
        )

    @override
    def ids_by_name(self, *, is_active: bool | None) -> dict[str, UUID]:
        requested = {} if is_active is None else {"is_active": is_active}
        query = sql.SQL("SELECT name, id FROM plants WHERE ") + matching(FILTERS, requested)
        return dict(self._sql.tuples(query + sql.SQL(" ORDER BY name"), requested))

    @override
    def add(self, new: NewPlant, now: datetime) -> Plant:
        return self._sql.one(
            sql.SQL("""
            INSERT INTO plants (name, short_name, division, is_active, created_at, updated_at)
            VALUES (%(name)s, %(short_name)s, %(division)s, %(is_active)s, %(now)s, %(now)s)
            RETURNING {columns}
            """).format(columns=COLUMNS),
            {**new.model_dump(), "now": now},
            into=Plant,
        )

    @override
    def plant_for_update(self, plant_id: UUID) -> Plant | None:
        query = PLANT + sql.SQL(" WHERE id = %(id)s FOR NO KEY UPDATE")
        return self._sql.row(query, {"id": plant_id}, into=Plant)

    @override
    def save(self, plant: Plant) -> None:
        self._sql.run(
            """
            UPDATE plants SET name = %(name)s, short_name = %(short_name)s, division = %(division)s,
                              is_active = %(is_active)s, updated_at = %(updated_at)s
            WHERE id = %(id)s
            """,
            plant.model_dump(),
        )

    @override
    def plant(self, plant_id: UUID, this_month: Month) -> PlantRecord | None:
        return self._sql.row(
            """
            SELECT p.id, p.name, p.short_name, p.division, p.is_active, p.created_at, p.updated_at,
                   coalesce(sum(c.submitted), 0) AS total_practices,
                   coalesce(sum(c.benchmarked), 0) AS benchmarked_count,
                   coalesce(sum(c.submitted) FILTER (WHERE (c.year, c.month) = (%(year)s, %(month)s)), 0)
                       AS monthly_practices,
                   (SELECT coalesce(sum(annualised_savings), 0) FROM monthly_savings WHERE plant_id = p.id)
                       AS annualised_savings
            FROM plants p
            LEFT JOIN practice_counts c ON c.plant_id = p.id
            WHERE p.id = %(plant_id)s
            GROUP BY p.id
            """,
            {"plant_id": plant_id, **vars(this_month)},
            into=PlantRecord,
        )
