"""The first answers to calls that carry an Idempotency-Key, in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.postgres.database import Sql


@dataclass(frozen=True)
class KeptCall:
    """A call that came first with its key: what it asked for, and its answer; none while it is at work."""

    request_hash: bytes
    status: int | None
    answer: bytes | None


class PostgresIdempotency:
    """The keys that are taken, each by one call of one user."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def take(
        self, user_id: UUID, key: str, request_hash: bytes, *, now: datetime, until: datetime
    ) -> KeptCall | None:
        """Take a key for a call: None if it was free, or else the call that has it.

        Waits for a rival whose transaction has taken it: until that is kept, or undone and the key free.
        """
        values = {
            "user_id": user_id, "key": key, "request_hash": request_hash, "now": now, "until": until
        }  # fmt: skip
        while True:
            if self._sql.run(
                """
                INSERT INTO idempotency_keys AS taken (user_id, key, request_hash, created_at, expires_at)
                VALUES (%(user_id)s, %(key)s, %(request_hash)s, %(now)s, %(until)s)
                ON CONFLICT (user_id, key) DO UPDATE
                SET request_hash = excluded.request_hash, status = NULL, answer = NULL,
                    created_at = excluded.created_at, expires_at = excluded.expires_at
                WHERE taken.expires_at <= %(now)s
                """,
                values,
            ):
                return None
            kept = self._sql.row(
                """
                SELECT request_hash, status, answer FROM idempotency_keys
                WHERE user_id = %(user_id)s AND key = %(key)s
                """,
                values,
                into=KeptCall,
            )
            if kept is not None:
                return kept  # or else it was freed in between: try again

    def keep(self, user_id: UUID, key: str, status: int, answer: bytes, until: datetime) -> None:
        """Keep the answer to the call that has a key."""
        self._sql.run(
            """
            UPDATE idempotency_keys
            SET status = %(status)s, answer = %(answer)s, expires_at = %(until)s
            WHERE user_id = %(user_id)s AND key = %(key)s
            """,
            {"user_id": user_id, "key": key, "status": status, "answer": answer, "until": until},
        )

    def free(self, user_id: UUID, key: str) -> None:
        """Free a key whose call came to nothing."""
        self._sql.run(
            """
            DELETE FROM idempotency_keys
            WHERE user_id = %(user_id)s AND key = %(key)s AND status IS NULL
            """,
            {"user_id": user_id, "key": key},
        )
