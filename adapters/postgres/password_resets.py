"""Password resets in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.auth.ports import NewPasswordReset, PasswordResetStore


class PostgresPasswordResets(PasswordResetStore):
    """The table `password_resets`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def replace(self, reset: NewPasswordReset) -> None:
        self._sql.run(
            """
            INSERT INTO password_resets (user_id, token_hash, issued_by_user_id, expires_at, created_at)
            VALUES (%(user_id)s, %(token_hash)s, %(issued_by)s, %(expires_at)s, %(issued_at)s)
            ON CONFLICT (user_id) DO UPDATE
            SET token_hash = excluded.token_hash, issued_by_user_id = excluded.issued_by_user_id,
                expires_at = excluded.expires_at, created_at = excluded.created_at
            """,
            vars(reset),
        )

    @override
    def user_of(self, token_hash: bytes, now: datetime) -> UUID | None:
        user_id: UUID | None = self._sql.value(
            "SELECT user_id FROM password_resets WHERE token_hash = %(token_hash)s AND expires_at > %(now)s",
            {"token_hash": token_hash, "now": now},
        )
        return user_id

    @override
    def use(self, token_hash: bytes, now: datetime) -> bool:
        used = self._sql.run(
            "DELETE FROM password_resets WHERE token_hash = %(token_hash)s AND expires_at > %(now)s",
            {"token_hash": token_hash, "now": now},
        )
        return used == 1

    @override
    def withdraw_reset(self, user_id: UUID) -> None:
        self._sql.run("DELETE FROM password_resets WHERE user_id = %(user_id)s", {"user_id": user_id})
