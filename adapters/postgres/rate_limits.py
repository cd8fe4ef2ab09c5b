"""Counters for rate limits in PostgreSQL."""

from datetime import datetime

from typing_extensions import override

from adapters.postgres.database import Sql
from adapters.rate_limits import Counter


class PostgresCounter(Counter):
    """Counts the requests that all instances get together."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def count(self, key: str, window_start: datetime) -> int:
        hits: int = self._sql.value(
            """
            INSERT INTO rate_limits AS r (key, window_start, hits) VALUES (%(key)s, %(window_start)s, 1)
            ON CONFLICT (key, window_start) DO UPDATE SET hits = r.hits + 1
            RETURNING hits
            """,
            {"key": key, "window_start": window_start},
        )
        return hits

    @override
    def known(self, key: str, window_start: datetime) -> int:
        return 0  # only the database knows
