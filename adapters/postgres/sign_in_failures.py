"""Failed sign-ins in PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.auth.ports import Attempt, FailureCount, FailureStore
from bp_core.auth.throttling import COUNTED_FOR
from bp_core.shared.calendar import CLOCK_SKEW

ACCOUNT_HASH: Final = sql.SQL("sha256(convert_to(lower(%(email)s), 'UTF8'))")
"""How failed sign-ins store an e-mail."""

WINDOW: Final = COUNTED_FOR + CLOCK_SKEW
COUNTS: Final = sql.SQL("""
sign_in_failures.failed_at > %(since)s AND sign_in_failures.failed_at <= %(since)s + %(window)s
""")
"""Whether a failure counts. One in the future was written by a clock that was wrong, and delays nobody."""

ATTEMPTS_LOCK: Final = 9
"""The class of the advisory locks for attempts to sign in; the other half is a hash of the e-mail."""


class PostgresFailures(FailureStore):
    """Counts failed sign-ins in PostgreSQL; e-mails are hashed, since most of them belong to no user."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    @contextmanager
    def one_at_a_time(self, email: str) -> Iterator[None]:
        with self._sql.atomic():
            self._sql.value(
                "SELECT pg_advisory_xact_lock(%(class)s, hashtext(lower(%(email)s)))::text",
                {"class": ATTEMPTS_LOCK, "email": email},
            )
            yield

    @override
    def count(self, attempt: Attempt, since: datetime, known_since: datetime) -> FailureCount:
        return self._sql.one(
            sql.SQL("""
            SELECT coalesce(sum(failures), 0) AS all_clients,
                   coalesce(sum(failures) FILTER (WHERE client = %(client)s), 0) AS this_client,
                   max(failed_at) FILTER (WHERE client = %(client)s) AS this_client_last_at,
                   EXISTS (SELECT FROM sessions
                           WHERE client = %(client)s AND created_at > %(known_since)s) AS address_is_known
            FROM sign_in_failures
            WHERE account_hash = {account_hash} AND {counts}
            """).format(account_hash=ACCOUNT_HASH, counts=COUNTS),
            {**_parties(attempt), "since": since, "window": WINDOW, "known_since": known_since},
            into=FailureCount,
        )

    @override
    def add(self, attempt: Attempt, now: datetime, since: datetime) -> None:
        self._sql.run(
            sql.SQL("""
            INSERT INTO sign_in_failures (account_hash, client, failed_at, failures)
            VALUES ({account_hash}, %(client)s, %(now)s, 1)
            ON CONFLICT (account_hash, client) DO UPDATE
            SET failures = CASE WHEN {counts} THEN sign_in_failures.failures + 1 ELSE 1 END,
                failed_at = excluded.failed_at
            """).format(account_hash=ACCOUNT_HASH, counts=COUNTS),
            {**_parties(attempt), "now": now, "since": since, "window": WINDOW},
        )

    @override
    def clear(self, attempt: Attempt) -> None:
        self._sql.run(
            sql.SQL("""
            DELETE FROM sign_in_failures
            WHERE account_hash = {account_hash} AND client = %(client)s
            """).format(account_hash=ACCOUNT_HASH),
            _parties(attempt),
        )


def _parties(attempt: Attempt) -> dict[str, str]:
    """Return what failures are counted by: the account and the client."""
    return {"email": attempt.email, "client": attempt.client}
