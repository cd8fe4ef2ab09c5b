"""Plants in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from bp_core.plants import NewPlant, Plant, PlantRecord
from bp_core.shared.calendar import Month

PLANT = sql.SQL("SELECT id, name, short_name, division, is_active, created_at, updated_at FROM plants")


class PostgresPlants:
    """The plants of the manufacturer."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def plants(self, *, is_active: bool | None) -> list[Plant]:
        """List the plants by name."""
        where = sql.SQL(" WHERE is_active = %(is_active)s") if is_active is not None else sql.SQL("")
        return self._sql.rows(PLANT + where + sql.SQL(" ORDER BY name"), {"is_active": is_active}, into=Plant)

    def add(self, new: NewPlant, now: datetime) -> Plant:
        """Keep a new plant. Raises Conflict (DUPLICATE) if another has its name."""
        return self._sql.one(
            """
            INSERT INTO plants (name, short_name, division, created_at, updated_at)
            VALUES (%(name)s, %(short_name)s, %(division)s, %(now)s, %(now)s)
            RETURNING id, name, short_name, division, is_active, created_at, updated_at
            """,
            {**new.model_dump(), "now": now},
            into=Plant,
        )

    def plant_for_update(self, plant_id: UUID) -> Plant | None:
        """Find a plant and hold it until the transaction ends."""
        query = PLANT + sql.SQL(" WHERE id = %(id)s FOR NO KEY UPDATE")
        return self._sql.row(query, {"id": plant_id}, into=Plant)

    def save(self, plant: Plant) -> None:
        """Keep a plant as it is now. Raises Conflict (DUPLICATE) if another has its name."""
        self._sql.run(
            """
            UPDATE plants SET name = %(name)s, short_name = %(short_name)s, division = %(division)s,
                              is_active = %(is_active)s, updated_at = %(updated_at)s
            WHERE id = %(id)s
            """,
            plant.model_dump(),
        )

    def plant(self, plant_id: UUID, this_month: Month) -> PlantRecord | None:
        """Find a plant with what it has done; its savings are annualised."""
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
