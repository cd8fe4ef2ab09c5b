"""Benchmarks in PostgreSQL."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql, matching
from adapters.postgres.practice_lists import COPY_COUNT
from bp_core.benchmarking import Benchmark, BenchmarkQuery, BenchmarkStore, ListedBenchmark
from bp_core.shared.context import Context
from bp_core.shared.paging import Page

COLUMNS: Final = sql.SQL("id, practice_id, benchmarked_by_user_id, benchmarked_date, created_at")

BENCHMARKS: Final = sql.SQL("""
SELECT b.id, b.practice_id, p.title AS practice_title, p.category_id, c.name AS practice_category,
       p.plant_id, plant.name AS plant_name, b.benchmarked_date, b.created_at
FROM benchmarked_practices b
JOIN best_practices p ON p.id = b.practice_id AND NOT p.is_deleted
JOIN plants plant ON plant.id = p.plant_id
LEFT JOIN categories c ON c.id = p.category_id
WHERE {where}
""")

FILTERS: Final[Mapping[str, sql.SQL]] = {
    "plant_id": sql.SQL("p.plant_id = %(plant_id)s"),
    "category_id": sql.SQL("p.category_id = %(category_id)s"),
}

NEWEST: Final = sql.SQL("benchmarked_date DESC, created_at DESC, id")

# An additional column for the rows of one page.
COPY_COUNT_OF_PAGE: Final = sql.SQL(", {count} AS copy_count").format(
    count=COPY_COUNT.format(practice_id=sql.SQL("part.practice_id"))
)


class PostgresBenchmarks(BenchmarkStore):
    """The table `benchmarked_practices`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def add(self, practice_id: UUID, by_user_id: UUID, context: Context) -> Benchmark:
        return self._sql.one(
            sql.SQL("""
            INSERT INTO benchmarked_practices
                (practice_id, benchmarked_by_user_id, benchmarked_date, created_at)
            VALUES (%(practice_id)s, %(by_user_id)s, %(today)s, %(now)s) RETURNING {columns}
            """).format(columns=COLUMNS),
            {
                "practice_id": practice_id,
                "by_user_id": by_user_id,
                "today": context.today,
                "now": context.now,
            },
            into=Benchmark,
        )

    @override
    def remove(self, practice_id: UUID) -> Benchmark:
        return self._sql.one(
            sql.SQL(
                "DELETE FROM benchmarked_practices WHERE practice_id = %(practice_id)s RETURNING {columns}"
            ).format(columns=COLUMNS),
            {"practice_id": practice_id},
            into=Benchmark,
        )

    @override
    def benchmarks(self, query: BenchmarkQuery) -> Page[ListedBenchmark]:
        requested = query.model_dump(exclude_none=True)
        return self._sql.page(
            BENCHMARKS.format(where=matching(FILTERS, requested)),
            requested,
            order=NEWEST,
            part=query,
            into=ListedBenchmark,
            detail=COPY_COUNT_OF_PAGE,
        )

    @override
    def count(self) -> int:
        count: int = self._sql.value(
            """
            SELECT count(*) FROM benchmarked_practices b
            JOIN best_practices p ON p.id = b.practice_id AND NOT p.is_deleted
            """
        )
        return count
