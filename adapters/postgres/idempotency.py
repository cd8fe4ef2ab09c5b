"""Idempotency keys and the stored answers of their requests, in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.postgres.database import Sql


@dataclass(frozen=True)
class ClaimedKey:
    """A key that a request has claimed, with the stored answer; without one while the request is running."""

    request_hash: bytes
    status: int | None
    answer: bytes | None


class PostgresIdempotency:
    """The idempotency keys of the users; each key belongs to one request of one user."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def claim(
        self, user_id: UUID, key: str, request_hash: bytes, *, now: datetime, until: datetime
    ) -> ClaimedKey | None:
        """Claim a key for a request: None if it was free or expired, else what the key belongs to.

        Waits for another transaction that has claimed the key until that commits or rolls back.
        """
        values = {
            "user_id": user_id,
            "key": key,
            "request_hash": request_hash,
            "now": now,
            "until": until,
        }
        while True:
            if self._sql.run(
                """
                INSERT INTO idempotency_keys AS claimed (user_id, key, request_hash, created_at, expires_at)
                VALUES (%(user_id)s, %(key)s, %(request_hash)s, %(now)s, %(until)s)
                ON CONFLICT (user_id, key) DO UPDATE
                SET request_hash = excluded.request_hash, status = NULL, answer = NULL,
                    created_at = excluded.created_at, expires_at = excluded.expires_at
                WHERE claimed.expires_at <= %(now)s
                """,
                values,
            ):
                return None
            claimed = self._sql.row(
                """
                SELECT request_hash, status, answer FROM idempotency_keys
                WHERE user_id = %(user_id)s AND key = %(key)s
                """,
                values,
                into=ClaimedKey,
            )
            if claimed is not None:
                return claimed  # otherwise it was released between the two statements: try again

    def save(self, user_id: UUID, key: str, status: int, answer: bytes, until: datetime) -> None:
        """Store the answer of the request that has claimed the key."""
        self._sql.run(
            """
            UPDATE idempotency_keys
            SET status = %(status)s, answer = %(answer)s, expires_at = %(until)s
            WHERE user_id = %(user_id)s AND key = %(key)s
            """,
            {"user_id": user_id, "key": key, "status": status, "answer": answer, "until": until},
        )

    def release(self, user_id: UUID, key: str) -> None:
        """Release a key whose request has failed."""
        self._sql.run(
            """
            DELETE FROM idempotency_keys
            WHERE user_id = %(user_id)s AND key = %(key)s AND status IS NULL
            """,
            {"user_id": user_id, "key": key},
        )
