"""Removing what has run out, from PostgreSQL: one statement a table."""

from typing import Final

from adapters.postgres.database import Query, Sql
from bp_core.purging import Limits

PURGES: Final[tuple[Query, ...]] = (
    "DELETE FROM sessions WHERE expires_at < %(ended)s OR revoked_at < %(ended)s",
    "DELETE FROM invites WHERE used_at IS NULL AND expires_at < %(ended)s",
    "DELETE FROM uploads WHERE state = 'expired' AND expires_at < %(ended)s",
    "DELETE FROM rate_limits WHERE window_start < %(window)s",
    "DELETE FROM sign_in_failures WHERE failed_at < %(failure)s",
    "DELETE FROM idempotency_keys WHERE expires_at < %(key)s",
)


class PostgresExpired:
    """The tables whose rows run out."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def purge(self, limits: Limits) -> int:
        """Remove all that lies before its limit; tell how many rows that were."""
        return sum(self._sql.run(statement, vars(limits)) for statement in PURGES)
