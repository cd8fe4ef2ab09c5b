"""Benchmarks in PostgreSQL."""

from typing import Final
from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from adapters.postgres.practices import COPY_COUNT
from bp_core.benchmarking import Benchmark, BenchmarkQuery, ListedBenchmark
from bp_core.shared.calendar import Moment
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

NEWEST: Final = sql.SQL("benchmarked_date DESC, created_at DESC, id")

# Told of the part of a list that is shown.
COPIES: Final = sql.SQL(", {count} AS copy_count").format(
    count=COPY_COUNT.format(practice_id=sql.SQL("part.practice_id"))
)


class PostgresBenchmarks:
    """What is benchmarked; the benchmark of a deleted practice is not found."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, practice_id: UUID, by_user_id: UUID, moment: Moment) -> Benchmark:
        """Keep that a practice is benchmarked."""
        return self._sql.one(
            sql.SQL("""
            INSERT INTO benchmarked_practices
                (practice_id, benchmarked_by_user_id, benchmarked_date, created_at)
            VALUES (%(practice_id)s, %(by_user_id)s, %(day)s, %(at)s) RETURNING {columns}
            """).format(columns=COLUMNS),
            {"practice_id": practice_id, "by_user_id": by_user_id, "day": moment.day, "at": moment.at},
            into=Benchmark,
        )

    def remove(self, practice_id: UUID) -> Benchmark:
        """Forget that a practice is benchmarked; tell what is forgotten."""
        return self._sql.one(
            sql.SQL(
                "DELETE FROM benchmarked_practices WHERE practice_id = %(practice_id)s RETURNING {columns}"
            ).format(columns=COLUMNS),
            {"practice_id": practice_id},
            into=Benchmark,
        )

    def benchmarks(self, query: BenchmarkQuery) -> Page[ListedBenchmark]:
        """List the benchmarked practices, the newest benchmark first, in one query."""
        asked = query.model_dump(include={"plant_id", "category_id"}, exclude_none=True)
        filters = [
            sql.SQL("p.{0} = {1}").format(sql.Identifier(name), sql.Placeholder(name)) for name in asked
        ]
        return self._sql.page(
            BENCHMARKS.format(where=sql.SQL(" AND ").join(filters) if filters else sql.SQL("true")),
            asked,
            order=NEWEST,
            limit=query.limit,
            offset=query.offset,
            into=ListedBenchmark,
            detail=COPIES,
        )

    def count(self) -> int:
        """Count the benchmarked practices."""
        count: int = self._sql.value(
            """
            SELECT count(*) FROM benchmarked_practices b
            JOIN best_practices p ON p.id = b.practice_id AND NOT p.is_deleted
            """
        )
        return count
