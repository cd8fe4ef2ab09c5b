"""Counters of calls in PostgreSQL, which hold across all instances."""

from datetime import datetime

from adapters.postgres.database import Sql


class SharedCounter:
    """Counts calls in windows of time, for all instances together."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def count(self, key: str, window_start: datetime) -> int:
        """Count one more call in a window; tell how many there were, this one included."""
        hits: int = self._sql.value(
            """
            INSERT INTO rate_limits AS r (key, window_start, hits) VALUES (%(key)s, %(window_start)s, 1)
            ON CONFLICT (key, window_start) DO UPDATE SET hits = r.hits + 1
            RETURNING hits
            """,
            {"key": key, "window_start": window_start},
        )
        return hits
