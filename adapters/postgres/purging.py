"""Deletion of expired rows in PostgreSQL: one statement for each table."""

from typing import Final

from typing_extensions import override

from adapters.postgres.database import Query, Sql
from bp_core.purging import ExpiredStore, PurgeLimits

PURGES: Final[tuple[Query, ...]] = (
    "DELETE FROM sessions WHERE expires_at < %(ended)s OR revoked_at < %(ended)s",
    "DELETE FROM invites WHERE used_at IS NULL AND expires_at < %(ended)s",
    "DELETE FROM password_resets WHERE expires_at < %(key)s",
    "DELETE FROM uploads WHERE state = 'expired' AND coalesce(deleted_at, expires_at) < %(ended)s",
    "DELETE FROM rate_limits WHERE window_start < %(window)s",
    "DELETE FROM sign_in_failures WHERE failed_at < %(failure)s",
    "DELETE FROM idempotency_keys WHERE expires_at < %(key)s",
    "DELETE FROM expensive_calls WHERE expires_at < %(key)s",
)


class PostgresExpired(ExpiredStore):
    """The tables with rows that expire."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def purge(self, limits: PurgeLimits) -> int:
        return sum(self._sql.run(statement, vars(limits)) for statement in PURGES)
