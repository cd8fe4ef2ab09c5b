"""Accounts, sessions, failed sign-ins and invites in PostgreSQL."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from adapters.postgres.users import USER_COLUMNS
from bp_core.auth.models import Invite, NewInvite, OpenSession
from bp_core.auth.store import Account, Failures, NewSession, Session
from bp_core.shared.paging import Page
from bp_core.users import User

ACCOUNT: Final = sql.SQL("SELECT id AS user_id, role, plant_id, hashed_password, is_active FROM users ")

SESSION: Final = sql.SQL("""
SELECT s.id, s.user_id, u.role, u.plant_id, u.is_active, s.refresh_token_hash, s.previous_refresh_token_hash,
       s.rotated_at, s.last_seen_at, s.expires_at, s.revoked_at
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = %(session_id)s
""")

INVITE_COLUMNS: Final = sql.SQL(
    "id, email, role, plant_id, invited_by_user_id, expires_at, used_at, created_at"
)


class PostgresAccounts:
    """The accounts that people sign in to."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def account(self, email: str) -> Account | None:
        """Find an account by its e-mail, upper and lower case alike."""
        query = ACCOUNT + sql.SQL("WHERE lower(email) = lower(%(email)s)")
        return self._sql.row(query, {"email": email}, into=Account)

    def account_of(self, user_id: UUID) -> Account | None:
        """Find the account of a user."""
        return self._sql.row(ACCOUNT + sql.SQL("WHERE id = %(id)s"), {"id": user_id}, into=Account)

    def set_password(self, user_id: UUID, hashed_password: str, now: datetime) -> None:
        """Replace the hash of a password."""
        self._sql.run(
            "UPDATE users SET hashed_password = %(hash)s, updated_at = %(now)s WHERE id = %(user_id)s",
            {"user_id": user_id, "hash": hashed_password, "now": now},
        )

    def add_pending(self, email: str, full_name: str, hashed_password: str, now: datetime) -> User | None:
        """Add an account that waits for headquarters; None if the e-mail is known."""
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

    def redeem(self, invite: Invite, full_name: str, hashed_password: str, now: datetime) -> User | None:
        """Make the invited account active, new or pending; None if an active one has the e-mail."""
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


class PostgresSessions:
    """The sessions that people have open."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def atomic(self) -> AbstractContextManager[None]:
        """Keep everything that is done inside, or nothing of it."""
        return self._sql.atomic()

    def open_session(self, opened: NewSession) -> None:
        """Keep a new session."""
        self._sql.run(
            """
            INSERT INTO sessions
                (id, user_id, refresh_token_hash, remember_me, expires_at, last_seen_at, user_agent,
                 created_at)
            VALUES
                (%(id)s, %(user_id)s, %(refresh_token_hash)s, %(remember_me)s, %(expires_at)s, %(opened_at)s,
                 %(user_agent)s, %(opened_at)s)
            """,
            vars(opened),
        )

    def session(self, session_id: UUID) -> Session | None:
        """Find a session with its live user: one look-up by primary key."""
        return self._sql.row(SESSION, {"session_id": session_id}, into=Session)

    def session_for_update(self, session_id: UUID) -> Session | None:
        """Find a session with its live user and hold it until the transaction ends."""
        query = SESSION + sql.SQL("FOR UPDATE OF s")
        return self._sql.row(query, {"session_id": session_id}, into=Session)

    def seen(self, session_id: UUID, now: datetime) -> None:
        """Keep that a session was used."""
        self._sql.run(
            "UPDATE sessions SET last_seen_at = %(now)s WHERE id = %(session_id)s",
            {"session_id": session_id, "now": now},
        )

    def rotate(self, session_id: UUID, refresh_token_hash: bytes, now: datetime) -> None:
        """Replace the refresh token that the session answers to."""
        self._sql.run(
            """
            UPDATE sessions
            SET previous_refresh_token_hash = refresh_token_hash, refresh_token_hash = %(hash)s,
                rotated_at = %(now)s, last_seen_at = %(now)s
            WHERE id = %(session_id)s
            """,
            {"session_id": session_id, "hash": refresh_token_hash, "now": now},
        )

    def revoke(self, session_id: UUID, reason: str, now: datetime) -> bool:
        """End a session; False if it had ended before."""
        ended = self._sql.run(
            """
            UPDATE sessions SET revoked_at = %(now)s, revoked_reason = %(reason)s
            WHERE id = %(session_id)s AND revoked_at IS NULL
            """,
            {"session_id": session_id, "reason": reason, "now": now},
        )
        return ended == 1

    def revoke_all(self, user_id: UUID, reason: str, now: datetime, *, but: UUID | None) -> None:
        """End every session of a user, but for one if it is named."""
        self._sql.run(
            """
            UPDATE sessions SET revoked_at = %(now)s, revoked_reason = %(reason)s
            WHERE user_id = %(user_id)s AND revoked_at IS NULL AND id IS DISTINCT FROM %(but)s
            """,
            {"user_id": user_id, "reason": reason, "now": now, "but": but},
        )

    def open_sessions(self, user_id: UUID, current: UUID | None, now: datetime) -> list[OpenSession]:
        """List the live sessions of a user, last seen first."""
        return self._sql.rows(
            """
            SELECT id, created_at, last_seen_at, expires_at, user_agent,
                   id IS NOT DISTINCT FROM %(current)s AS is_current
            FROM sessions
            WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > %(now)s
            ORDER BY last_seen_at DESC, id
            """,
            {"user_id": user_id, "current": current, "now": now},
            into=OpenSession,
        )


class PostgresFailures:
    """Failed attempts to sign in; e-mails are kept as hashes, for most of them are nobody's."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def failures(self, email: str, client: str, since: datetime) -> Failures:
        """Count the failures of an account since a moment."""
        return self._sql.one(
            """
            SELECT coalesce(sum(failures), 0) AS everybodys,
                   coalesce(sum(failures) FILTER (WHERE client = %(client)s), 0) AS own,
                   max(failed_at) FILTER (WHERE client = %(client)s) AS own_last_at
            FROM sign_in_failures
            WHERE account_hash = sha256(convert_to(lower(%(email)s), 'UTF8')) AND failed_at > %(since)s
            """,
            {"email": email, "client": client, "since": since},
            into=Failures,
        )

    def add(self, email: str, client: str, now: datetime, since: datetime) -> None:
        """Count one more; what lies before `since` is forgotten."""
        self._sql.run(
            """
            INSERT INTO sign_in_failures AS f (account_hash, client, failed_at, failures)
            VALUES (sha256(convert_to(lower(%(email)s), 'UTF8')), %(client)s, %(now)s, 1)
            ON CONFLICT (account_hash, client) DO UPDATE
            SET failures = CASE WHEN f.failed_at > %(since)s THEN f.failures + 1 ELSE 1 END,
                failed_at = excluded.failed_at
            """,
            {"email": email, "client": client, "now": now, "since": since},
        )

    def forget(self, email: str, client: str) -> None:
        """Forget the failures of one client at one account."""
        self._sql.run(
            """
            DELETE FROM sign_in_failures
            WHERE account_hash = sha256(convert_to(lower(%(email)s), 'UTF8')) AND client = %(client)s
            """,
            {"email": email, "client": client},
        )


class PostgresInvites:
    """The invites."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self, new: NewInvite, *, token_hash: bytes, invited_by: UUID, expires_at: datetime, now: datetime
    ) -> Invite:
        """Keep a new invite."""
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

    def use(self, token_hash: bytes, email: str, now: datetime) -> Invite | None:
        """Use up an invite for its e-mail; None if there is none, or it was used, or has run out."""
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

    def invites(self, limit: int, offset: int) -> Page[Invite]:
        """List the invites, newest first."""
        return self._sql.page(
            sql.SQL("SELECT {columns} FROM invites").format(columns=INVITE_COLUMNS),
            order=sql.SQL("created_at DESC, id"),
            limit=limit,
            offset=offset,
            into=Invite,
        )

    def withdraw_all(self, email: str) -> None:
        """Delete every invite for an e-mail that was not used."""
        self._sql.run(
            "DELETE FROM invites WHERE lower(email) = lower(%(email)s) AND used_at IS NULL", {"email": email}
        )

    def withdraw(self, invite_id: UUID) -> Invite | None:
        """Delete an invite that was not used; None if there is no such invite."""
        return self._sql.row(
            sql.SQL("DELETE FROM invites WHERE id = %(id)s AND used_at IS NULL RETURNING {columns}").format(
                columns=INVITE_COLUMNS
            ),
            {"id": invite_id},
            into=Invite,
        )
