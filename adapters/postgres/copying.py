"""Copies of practices in PostgreSQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from adapters.postgres.practice_lists import PUBLIC_VALUES, VISIBLE, visible_to
from bp_core.copying import Copy, CopyRecord, CopyStore, ImplementationStatus, OwnCopy, Spread
from bp_core.shared.access import Caller
from bp_core.shared.context import Context
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

RECORD: Final = sql.SQL("""
    c.id, c.original_practice_id, c.copied_practice_id, c.copying_plant_id, c.copied_date,
    c.implementation_status, c.created_at, c.updated_at
""")

# The copies of the practice {original_id}, without deleted and declined ones. Plant and date of a copy are
# public, as on the leaderboard; its practice is named to those who may see it.
COPIES: Final = sql.SQL("""
    SELECT c.id, CASE WHEN {visible} THEN c.copied_practice_id END AS copied_practice_id,
           plant.id AS plant_id, plant.name AS plant_name, c.copied_date, c.implementation_status,
           c.created_at
    FROM counted_copies c
    JOIN best_practices p ON p.id = c.copied_practice_id
    JOIN plants plant ON plant.id = c.copying_plant_id
    WHERE c.original_practice_id = {original_id}
""")

OLDEST: Final = sql.SQL("copied_date, created_at, id")

# Copies are counted for all practices, because the list is sorted by the count. COPIES_OF_PAGE reads them for
# the rows of one page.
SPREAD: Final = sql.SQL("""
SELECT p.id AS bp_id, p.title AS bp_title, p.plant_id AS origin_plant_id, plant.name AS origin_plant_name,
       coalesce(copied.copy_count, 0) AS copy_count, b.benchmarked_date,
       b.created_at AS benchmarked_at
FROM best_practices p
JOIN plants plant ON plant.id = p.plant_id
LEFT JOIN benchmarked_practices b ON b.practice_id = p.id
LEFT JOIN (
    SELECT c.original_practice_id, count(*) AS copy_count
    FROM counted_copies c
    GROUP BY c.original_practice_id
) copied ON copied.original_practice_id = p.id
WHERE NOT p.is_deleted AND p.status = ANY (%(public_statuses)s) AND {which}
""")

MOST_COPIED: Final = sql.SQL(
    "copy_count DESC, benchmarked_date DESC NULLS LAST, benchmarked_at DESC NULLS LAST, bp_id"
)

COPIES_OF_PAGE: Final = sql.SQL(
    ", (SELECT coalesce(jsonb_agg(one ORDER BY {oldest}), '[]') FROM ({copies}) one) AS copies"
).format(copies=COPIES.format(original_id=sql.SQL("part.bp_id"), visible=VISIBLE), oldest=OLDEST)

BENCHMARKED: Final = sql.SQL("b.practice_id IS NOT NULL")
COPIED: Final = sql.SQL("copied.copy_count > 0")


class PostgresCopies(CopyStore):
    """The table `copied_practices`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def add(
        self, original_id: UUID, copied_id: UUID, status: ImplementationStatus, context: Context
    ) -> CopyRecord | None:
        return self._sql.row(
            sql.SQL("""
            INSERT INTO copied_practices AS c
                (original_practice_id, copied_practice_id, copying_plant_id, copied_date,
                 implementation_status, created_at, updated_at)
            SELECT %(original_id)s, id, plant_id, %(today)s, %(status)s, %(now)s, %(now)s
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
                "today": context.today,
                "now": context.now,
            },
            into=CopyRecord,
        )

    @override
    def copy_for_update(self, copy_id: UUID) -> CopyRecord | None:
        return self._sql.row(
            sql.SQL("""
            SELECT {record} FROM copied_practices c
            JOIN best_practices copy ON copy.id = c.copied_practice_id AND NOT copy.is_deleted
            WHERE c.id = %(copy_id)s FOR NO KEY UPDATE OF c
            """).format(record=RECORD),
            {"copy_id": copy_id},
            into=CopyRecord,
        )

    @override
    def save_status(self, copy_id: UUID, status: ImplementationStatus, now: datetime) -> CopyRecord:
        return self._sql.one(
            sql.SQL("""
            UPDATE copied_practices c SET implementation_status = %(status)s, updated_at = %(now)s
            WHERE c.id = %(copy_id)s RETURNING {record}
            """).format(record=RECORD),
            {"copy_id": copy_id, "status": status, "now": now},
            into=CopyRecord,
        )

    @override
    def copies(self, caller: Caller, original_id: UUID, query: PageQuery) -> Page[Copy]:
        return self._sql.page(
            COPIES.format(original_id=sql.SQL("%(original_id)s"), visible=VISIBLE),
            {"original_id": original_id, **visible_to(caller)},
            order=OLDEST,
            part=query,
            into=Copy,
        )

    @override
    def own(self, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
        return self._sql.page(
            sql.SQL("""
            SELECT {record}, o.plant_id AS origin_plant_id, plant.name AS origin_plant_name,
                   copy.title AS copied_title, copy.status AS copied_status,
                   CASE WHEN NOT o.is_deleted AND o.status = ANY (%(public_statuses)s)
                        THEN o.title END AS bp_title
            FROM copied_practices c
            JOIN best_practices copy ON copy.id = c.copied_practice_id AND NOT copy.is_deleted
            JOIN best_practices o ON o.id = c.original_practice_id
            JOIN plants plant ON plant.id = o.plant_id
            WHERE c.copying_plant_id = %(plant_id)s
            """).format(record=RECORD),
            {"plant_id": caller.plant_id, **PUBLIC_VALUES},
            order=sql.SQL("copied_date DESC, created_at DESC, id"),
            part=query,
            into=OwnCopy,
        )

    @override
    def benchmarked(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        return self._spread(BENCHMARKED, caller, query)

    @override
    def deployed(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        return self._spread(COPIED, caller, query)

    def _spread(self, which: sql.SQL, caller: Caller, query: PageQuery) -> Page[Spread]:
        return self._sql.page(
            SPREAD.format(which=which),
            visible_to(caller),
            order=MOST_COPIED,
            part=query,
            into=Spread,
            detail=COPIES_OF_PAGE,
        )
