"""Copies of practices in PostgreSQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from bp_core.copying import Copy, CopyRecord, ImplementationStatus, OwnCopy, Spread
from bp_core.practices.life import SEEN_BY_ALL, Whereabouts
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Moment
from bp_core.shared.model import PageQuery
from bp_core.shared.paging import Page

RECORD: Final = sql.SQL("""
    c.id, c.original_practice_id, c.copied_practice_id, c.copying_plant_id, c.copied_date,
    c.implementation_status, c.created_at, c.updated_at
""")

# The copies of the practice {original_id}, the first one first; what is deleted is none.
COPIES: Final = sql.SQL("""
    (SELECT coalesce(jsonb_agg(
                jsonb_build_object(
                    'id', c.id, 'copied_practice_id', c.copied_practice_id, 'plant_id', plant.id,
                    'plant_name', plant.name, 'copied_date', c.copied_date,
                    'implementation_status', c.implementation_status)
                ORDER BY c.copied_date, c.created_at, c.id), '[]')
     FROM copied_practices c
     JOIN best_practices copy ON copy.id = c.copied_practice_id AND NOT copy.is_deleted
     JOIN plants plant ON plant.id = c.copying_plant_id
     WHERE c.original_practice_id = {original_id})
""")

# All copies are counted at once, and told of for the part that is shown.
SPREAD: Final = sql.SQL("""
SELECT p.id AS bp_id, p.title AS bp_title, p.plant_id AS origin_plant_id, plant.name AS origin_plant_name,
       coalesce(copied.copy_count, 0) AS copy_count, b.benchmarked_date,
       b.created_at AS benchmarked_at
FROM best_practices p
JOIN plants plant ON plant.id = p.plant_id
LEFT JOIN benchmarked_practices b ON b.practice_id = p.id
LEFT JOIN (
    SELECT c.original_practice_id, count(*) AS copy_count
    FROM copied_practices c
    JOIN best_practices copy ON copy.id = c.copied_practice_id AND NOT copy.is_deleted
    GROUP BY c.original_practice_id
) copied ON copied.original_practice_id = p.id
WHERE NOT p.is_deleted AND p.status = ANY (%(seen)s) AND {which}
""")

MOST_COPIED: Final = sql.SQL(
    "copy_count DESC, benchmarked_date DESC NULLS LAST, benchmarked_at DESC NULLS LAST, bp_id"
)

TOLD_COPIES: Final = sql.SQL(", {copies} AS copies").format(
    copies=COPIES.format(original_id=sql.SQL("part.bp_id"))
)

BENCHMARKED: Final = sql.SQL("b.practice_id IS NOT NULL")
COPIED: Final = sql.SQL("copied.copy_count > 0")

OWN: Final = sql.SQL("""
SELECT {record}, CASE WHEN NOT o.is_deleted AND o.status = ANY (%(seen)s) THEN o.title END AS bp_title,
       o.plant_id AS origin_plant_id, plant.name AS origin_plant_name,
       copy.title AS copied_title, copy.status AS copied_status
FROM copied_practices c
JOIN best_practices copy ON copy.id = c.copied_practice_id AND NOT copy.is_deleted
JOIN best_practices o ON o.id = c.original_practice_id
JOIN plants plant ON plant.id = o.plant_id
WHERE c.copying_plant_id = %(plant_id)s
""").format(record=RECORD)


class PostgresCopies:
    """Who has copied what; a copy whose practice is deleted is not found."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self, original_id: UUID, copied_id: UUID, status: ImplementationStatus, moment: Moment
    ) -> CopyRecord | None:
        """Keep that one practice is a copy of another.

        None if its plant has copied that one before, and has not deleted its copy.
        """
        return self._sql.row(
            sql.SQL("""
            INSERT INTO copied_practices AS c
                (original_practice_id, copied_practice_id, copying_plant_id, copied_date,
                 implementation_status, created_at, updated_at)
            SELECT %(original_id)s, id, plant_id, %(day)s, %(status)s, %(at)s, %(at)s
            FROM best_practices WHERE id = %(copied_id)s
            ON CONFLICT ON CONSTRAINT copied_practices_once_per_plant_key DO UPDATE
            SET copied_practice_id = excluded.copied_practice_id, copied_date = excluded.copied_date,
                implementation_status = excluded.implementation_status,
                created_at = excluded.created_at, updated_at = excluded.updated_at
            WHERE (SELECT is_deleted FROM best_practices WHERE id = c.copied_practice_id)
            RETURNING {record}
            """).format(record=RECORD),
            {
                "original_id": original_id,
                "copied_id": copied_id,
                "status": status,
                "day": moment.day,
                "at": moment.at,
            },
            into=CopyRecord,
        )

    def copy_for_update(self, copy_id: UUID) -> CopyRecord | None:
        """Find a copy and hold it until the transaction ends."""
        return self._sql.row(
            sql.SQL("""
            SELECT {record} FROM copied_practices c
            JOIN best_practices copy ON copy.id = c.copied_practice_id AND NOT copy.is_deleted
            WHERE c.id = %(copy_id)s FOR NO KEY UPDATE OF c
            """).format(record=RECORD),
            {"copy_id": copy_id},
            into=CopyRecord,
        )

    def save_status(self, copy_id: UUID, status: ImplementationStatus, now: datetime) -> CopyRecord:
        """Keep how far a copy is."""
        return self._sql.one(
            sql.SQL("""
            UPDATE copied_practices c SET implementation_status = %(status)s, updated_at = %(now)s
            WHERE c.id = %(copy_id)s RETURNING {record}
            """).format(record=RECORD),
            {"copy_id": copy_id, "status": status, "now": now},
            into=CopyRecord,
        )

    def copies(self, original_id: UUID) -> tuple[Whereabouts | None, list[Copy]]:
        """Find what decides who sees a practice, and its copies, the first one first, in one query."""
        rows = self._sql.mappings(
            sql.SQL("""
            SELECT p.plant_id, p.status, {copies} AS copies
            FROM best_practices p WHERE p.id = %(original_id)s AND NOT p.is_deleted
            """).format(copies=COPIES.format(original_id=sql.SQL("p.id"))),
            {"original_id": original_id},
        )
        for row in rows:
            return Whereabouts(row["plant_id"], row["status"]), [Copy(**copy) for copy in row["copies"]]
        return None, []

    def own(self, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
        """List the copies of the caller's plant, newest first, in one query."""
        return self._sql.page(
            OWN,
            {"plant_id": caller.plant_id, "seen": list(SEEN_BY_ALL)},
            order=sql.SQL("copied_date DESC, created_at DESC, id"),
            limit=query.limit,
            offset=query.offset,
            into=OwnCopy,
        )

    def benchmarked(self, query: PageQuery) -> Page[Spread]:
        """List the benchmarked practices with their copies, the most copied and then the newest first."""
        return self._spread(BENCHMARKED, query)

    def deployed(self, query: PageQuery) -> Page[Spread]:
        """List the practices that were copied and that everybody sees, in the same order."""
        return self._spread(COPIED, query)

    def _spread(self, which: sql.SQL, query: PageQuery) -> Page[Spread]:
        return self._sql.page(
            SPREAD.format(which=which),
            {"seen": list(SEEN_BY_ALL)},
            order=MOST_COPIED,
            limit=query.limit,
            offset=query.offset,
            into=Spread,
            detail=TOLD_COPIES,
        )
