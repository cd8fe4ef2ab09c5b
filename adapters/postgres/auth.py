"""Accounts, sessions, failed sign-ins and invites in PostgreSQL."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from adapters.postgres.users import USER_COLUMNS
from bp_core.auth.ports import (
    Account,
    AccountStore,
    InviteStore,
    NewSession,
    Session,
    SessionStore,
)
from bp_core.auth.schemas import Invite, NewInvite, OpenSession
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.users import User

ACCOUNT: Final = sql.SQL(
    "SELECT id AS user_id, email, role, plant_id, hashed_password, is_active FROM users "
)

SESSION: Final = sql.SQL("""
SELECT s.id, s.user_id, u.role, u.plant_id, u.is_active, s.refresh_token_hash, s.previous_refresh_token_hash,
       s.rotated_at, s.last_seen_at, s.expires_at, s.revoked_at
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = %(session_id)s
""")

INVITE_COLUMNS: Final = sql.SQL(
    "id, email, role, plant_id, invited_by_user_id, expires_at, used_at, created_at"
)


class PostgresAccounts(AccountStore):
    """Stores accounts in the table of users."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def account(self, user_id: UUID) -> Account | None:
        return self._sql.row(ACCOUNT + sql.SQL("WHERE id = %(id)s"), {"id": user_id}, into=Account)

    @override
    def account_by_email(self, email: str) -> Account | None:
        query = ACCOUNT + sql.SQL("WHERE lower(email) = lower(%(email)s)")
        return self._sql.row(query, {"email": email}, into=Account)

    @override
    def account_for_update(self, user_id: UUID) -> Account | None:
        query = ACCOUNT + sql.SQL("WHERE id = %(id)s FOR NO KEY UPDATE")
        return self._sql.row(query, {"id": user_id}, into=Account)

    @override
    def account_for_share(self, user_id: UUID) -> Account | None:
        query = ACCOUNT + sql.SQL("WHERE id = %(id)s FOR SHARE")
        return self._sql.row(query, {"id": user_id}, into=Account)

    @override
    def lock_email(self, email: str) -> None:
        self._sql.rows(
            ACCOUNT + sql.SQL("WHERE lower(email) = lower(%(email)s) FOR NO KEY UPDATE"),
            {"email": email},
            into=Account,
        )

    @override
    def highest_cost(self) -> int:
        cost: str | None = self._sql.value("SELECT max(substr(hashed_password, 5, 2)) FROM users")
        return int(cost) if cost else 0

    @override
    def set_password(self, user_id: UUID, hashed_password: str, now: datetime) -> None:
        self._sql.run(
            "UPDATE users SET hashed_password = %(hash)s, updated_at = %(now)s WHERE id = %(user_id)s",
            {"user_id": user_id, "hash": hashed_password, "now": now},
        )

    @override
    def add_pending(self, email: str, full_name: str, hashed_password: str, now: datetime) -> User | None:
        return self._sql.row(
            sql.SQL("""
            INSERT INTO users (email, hashed_password, full_name, role, is_active, created_at, updated_at)
            VALUES (%(email)s, %(hash)s, %(full_name)s, 'plant', false, %(now)s, %(now)s)
            ON CONFLICT (lower(email)) DO NOTHING
            RETURNING {columns}
            """).format(columns=USER_COLUMNS),
            {"email": email, "hash": hashed_password, "full_name": full_name, "now": now},
            into=User,
        )

    @override
    def redeem(self, invite: Invite, full_name: str, hashed_password: str, now: datetime) -> User | None:
        return self._sql.row(
            sql.SQL("""
            INSERT INTO users AS u
                (email, hashed_password, full_name, role, plant_id, is_active, created_at, updated_at)
            VALUES (%(email)s, %(hash)s, %(full_name)s, %(role)s, %(plant_id)s, true, %(now)s, %(now)s)
            ON CONFLICT (lower(email)) DO UPDATE
            SET hashed_password = excluded.hashed_password, full_name = excluded.full_name,
                role = excluded.role, plant_id = excluded.plant_id, is_active = true,
                updated_at = excluded.updated_at
            WHERE NOT u.is_active
            RETURNING {columns}
            """).format(columns=USER_COLUMNS),
            {
                "email": invite.email,
                "hash": hashed_password,
                "full_name": full_name,
                "role": invite.role,
                "plant_id": invite.plant_id,
                "now": now,
            },
            into=User,
        )


class PostgresSessions(SessionStore):
    """Stores sessions in PostgreSQL."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def atomic(self) -> AbstractContextManager[None]:
        return self._sql.atomic()

    @override
    def add(self, session: NewSession) -> None:
        self._sql.run(
            """
            INSERT INTO sessions
                (id, user_id, refresh_token_hash, remember_me, expires_at, last_seen_at, user_agent, client,
                 created_at)
            VALUES
                (%(id)s, %(user_id)s, %(refresh_token_hash)s, %(remember_me)s, %(expires_at)s, %(opened_at)s,
                 %(user_agent)s, %(address)s, %(opened_at)s)
            """,
            vars(session),
        )

    @override
    def session(self, session_id: UUID) -> Session | None:
        return self._sql.row(SESSION, {"session_id": session_id}, into=Session)

    @override
    def session_for_update(self, session_id: UUID) -> Session | None:
        query = SESSION + sql.SQL("FOR UPDATE OF s")
        return self._sql.row(query, {"session_id": session_id}, into=Session)

    @override
    def mark_seen(self, session_id: UUID, now: datetime) -> None:
        self._sql.run(
            "UPDATE sessions SET last_seen_at = %(now)s WHERE id = %(session_id)s",
            {"session_id": session_id, "now": now},
        )

    @override
    def rotate(self, session_id: UUID, refresh_token_hash: bytes, now: datetime) -> None:
        self._sql.run(
            """
            UPDATE sessions
            SET previous_refresh_token_hash = refresh_token_hash, refresh_token_hash = %(hash)s,
                rotated_at = %(now)s, last_seen_at = %(now)s
            WHERE id = %(session_id)s
            """,
            {"session_id": session_id, "hash": refresh_token_hash, "now": now},
        )

    @override
    def revoke(self, session_id: UUID, reason: str, now: datetime) -> bool:
        revoked = self._sql.run(
            """
            UPDATE sessions SET revoked_at = %(now)s, revoked_reason = %(reason)s
            WHERE id = %(session_id)s AND revoked_at IS NULL
            """,
            {"session_id": session_id, "reason": reason, "now": now},
        )
        return revoked == 1

    @override
    def revoke_all(self, user_id: UUID, reason: str, now: datetime, *, but: UUID | None) -> None:
        self._sql.run(
            """
            UPDATE sessions SET revoked_at = %(now)s, revoked_reason = %(reason)s
            WHERE user_id = %(user_id)s AND revoked_at IS NULL AND id IS DISTINCT FROM %(but)s
            """,
            {"user_id": user_id, "reason": reason, "now": now, "but": but},
        )

    @override
    def open_sessions(
        self, user_id: UUID, current: UUID | None, now: datetime, query: PageQuery
    ) -> Page[OpenSession]:
        return self._sql.page(
            sql.SQL("""
            SELECT id, created_at, last_seen_at, expires_at, user_agent,
                   id IS NOT DISTINCT FROM %(current)s AS is_current
            FROM sessions
            WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > %(now)s
            """),
            {"user_id": user_id, "current": current, "now": now},
            order=sql.SQL("last_seen_at DESC, id"),
            part=query,
            into=OpenSession,
        )


class PostgresInvites(InviteStore):
    """Stores invites in PostgreSQL."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def add(
        self, new: NewInvite, *, token_hash: bytes, invited_by: UUID, expires_at: datetime, now: datetime
    ) -> Invite:
        return self._sql.one(
            sql.SQL("""
            INSERT INTO invites
                (email, role, plant_id, token_hash, invited_by_user_id, expires_at, created_at)
            VALUES
                (%(email)s, %(role)s, %(plant_id)s, %(token_hash)s, %(invited_by)s, %(expires_at)s, %(now)s)
            RETURNING {columns}
            """).format(columns=INVITE_COLUMNS),
            {
                **new.model_dump(),
                "token_hash": token_hash,
                "invited_by": invited_by,
                "expires_at": expires_at,
                "now": now,
            },
            into=Invite,
        )

    @override
    def use(self, token_hash: bytes, email: str, now: datetime) -> Invite | None:
        return self._sql.row(
            sql.SQL("""
            UPDATE invites SET used_at = %(now)s
            WHERE token_hash = %(token_hash)s AND lower(email) = lower(%(email)s)
              AND used_at IS NULL AND expires_at > %(now)s
            RETURNING {columns}
            """).format(columns=INVITE_COLUMNS),
            {"token_hash": token_hash, "email": email, "now": now},
            into=Invite,
        )

    @override
    def invites(self, query: PageQuery) -> Page[Invite]:
        return self._sql.page(
            sql.SQL("SELECT {columns} FROM invites").format(columns=INVITE_COLUMNS),
            order=sql.SQL("created_at DESC, id"),
            part=query,
            into=Invite,
        )

    @override
    def withdraw(self, invite_id: UUID) -> Invite | None:
        return self._sql.row(
            sql.SQL("""
            DELETE FROM invites WHERE id = %(id)s AND used_at IS NULL
            RETURNING {columns}
            """).format(columns=INVITE_COLUMNS),
            {"id": invite_id},
            into=Invite,
        )

    @override
    def withdraw_all(self, email: str) -> None:
        self._sql.run(
            "DELETE FROM invites WHERE lower(email) = lower(%(email)s) AND used_at IS NULL", {"email": email}
        )
