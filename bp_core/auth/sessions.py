"""Signing in, staying signed in, signing out (rules 9)."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bp_core.auth import throttling
from bp_core.auth.models import ACCESS_LIFETIME, Credentials, OpenSession, Tokens
from bp_core.auth.store import (
    Account,
    AccountStore,
    Claims,
    FailureStore,
    NewSession,
    Passwords,
    Session,
    SessionStore,
    TokenMint,
)
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound, Unauthenticated
from bp_core.shared.trail import Trail

SESSION_LIFETIME: Final = timedelta(days=7)
REMEMBERED_SESSION_LIFETIME: Final = timedelta(days=30)

GRACE: Final = timedelta(seconds=10)
"""Two tabs may refresh with one token within so short a time: the second gets the first one's successor."""

SEEN_EVERY: Final = timedelta(minutes=5)
"""How often it is kept that a session is in use."""


@dataclass(frozen=True)
class Door:
    """Everything that letting people in needs."""

    accounts: AccountStore
    sessions: SessionStore
    failures: FailureStore
    passwords: Passwords
    mint: TokenMint
    trail: Trail

    def sign_in(
        self, credentials: Credentials, *, client: str, user_agent: str | None, now: datetime
    ) -> Tokens:
        """Open a session for whoever knows the password.

        Raises Unauthenticated (INVALID_CREDENTIALS), the same for an unknown e-mail as for a wrong password,
        Forbidden (ACCOUNT_INACTIVE) only to who knows the password, RateLimited after too many failures.
        """
        email, password = credentials.email, credentials.password
        account = self.accounts.account(email)
        if not self.knows_password(account, email, password, client=client, now=now) or account is None:
            raise Unauthenticated("E-mail or password is wrong.", code="INVALID_CREDENTIALS")
        if not account.is_active:
            raise Forbidden(
                "This account is not active; headquarters can activate it.", code="ACCOUNT_INACTIVE"
            )
        with self.sessions.atomic():
            self._refresh_hash(account, credentials.password, now)
            return self._open(account, credentials, user_agent, now)

    def refresh(self, token: str, *, now: datetime) -> Tokens | Unauthenticated:
        """Exchange a refresh token for new tokens; the old one is used up.

        Within a short grace the old one gives the same successor again. After it, a used token ends the
        session: that refusal is returned, not raised, so that the revocation is kept. Raises Unauthenticated
        where nothing has to be kept.
        """
        claims = self.mint.read(token, "refresh", now)
        session = self.sessions.session_for_update(claims.session_id)
        if session is None or not session.is_live(now):
            raise revoked()
        fingerprint = self.mint.fingerprint(token)
        if fingerprint == session.refresh_token_hash:
            tokens = self._successors(session, token, issued_at=now, now=now)
            self.sessions.rotate(session.id, self.mint.fingerprint(tokens.refresh_token), now)
            return tokens
        if again := self._within_grace(session, token, fingerprint, now):
            return again
        self._end(session.id, session.user_id, "refresh_token_reused", now)
        return revoked()

    def sign_out(self, caller: Caller, refresh_token: str | None, *, now: datetime) -> None:
        """End the caller's session at once, and the one of a refresh token of theirs that comes along."""
        if caller.session_id is not None:
            self._end(caller.session_id, caller.user_id, "logout", now)
        if refresh_token is not None:
            with suppress(Unauthenticated):
                claims = self.mint.read(refresh_token, "refresh", now)
                if claims.user_id == caller.user_id:
                    self._end(claims.session_id, caller.user_id, "logout", now)

    def open_sessions(self, caller: Caller, now: datetime) -> list[OpenSession]:
        """List the sessions that the caller has open."""
        return self.sessions.open_sessions(caller.user_id, caller.session_id, now)

    def end_session(self, caller: Caller, session_id: UUID, *, now: datetime) -> None:
        """End one of the caller's sessions.

        Raises NotFound if it is somebody else's, or has ended.
        """
        session = self.sessions.session_for_update(session_id)
        if session is None or session.user_id != caller.user_id or not session.is_live(now):
            raise NotFound("There is no such session.")
        self._end(session.id, session.user_id, "ended_by_user", now)

    def knows_password(
        self, account: Account | None, email: str, password: str, *, client: str, now: datetime
    ) -> bool:
        """Tell whether a password is the account's, after the same work where there is no account.

        A wrong one counts as a failed attempt to sign in. Raises RateLimited where that was too often.
        """
        since = now - throttling.COUNTED_FOR
        failures = self.failures.failures(email, client, since)
        throttling.require_patience(failures, now)
        if not self.passwords.matches(password, account.hashed_password if account else None):
            self.failures.add(email, client, now, since)
            return False
        if failures.own:
            self.failures.forget(email, client)
        return True

    def _refresh_hash(self, account: Account, password: str, now: datetime) -> None:
        if rehashed := self.passwords.rehashed(password, account.hashed_password or ""):
            self.accounts.set_password(account.user_id, rehashed, now)

    def _open(
        self, account: Account, credentials: Credentials, user_agent: str | None, now: datetime
    ) -> Tokens:
        lifetime = REMEMBERED_SESSION_LIFETIME if credentials.remember_me else SESSION_LIFETIME
        opened = Session(
            id=self.mint.new_session_id(),
            user_id=account.user_id,
            role=account.role,
            plant_id=account.plant_id,
            is_active=True,
            refresh_token_hash=b"",
            previous_refresh_token_hash=None,
            rotated_at=None,
            last_seen_at=now,
            expires_at=now + lifetime,
            revoked_at=None,
        )
        tokens = self._tokens(opened, self.mint.new_token_id(), issued_at=now, now=now)
        self.sessions.open_session(
            NewSession(
                id=opened.id,
                user_id=account.user_id,
                refresh_token_hash=self.mint.fingerprint(tokens.refresh_token),
                remember_me=credentials.remember_me,
                opened_at=now,
                expires_at=opened.expires_at,
                user_agent=user_agent,
            )
        )
        self.trail.note(
            "session.opened",
            "session",
            opened.id,
            after={"user_id": account.user_id, "user_agent": user_agent},
        )
        return tokens

    def _within_grace(self, session: Session, token: str, fingerprint: bytes, now: datetime) -> Tokens | None:
        if session.rotated_at is None or now - session.rotated_at > GRACE:
            return None
        if fingerprint != session.previous_refresh_token_hash:
            return None
        tokens = self._successors(session, token, issued_at=session.rotated_at, now=now)
        same = self.mint.fingerprint(tokens.refresh_token) == session.refresh_token_hash
        return (
            tokens if same else None
        )  # the role changed in between: the one that came first has the right one

    def _successors(self, session: Session, token: str, *, issued_at: datetime, now: datetime) -> Tokens:
        return self._tokens(session, self.mint.successor_id(token), issued_at=issued_at, now=now)

    def _tokens(self, session: Session, refresh_id: str, *, issued_at: datetime, now: datetime) -> Tokens:
        access_ends = min(now + ACCESS_LIFETIME, session.expires_at)
        access = self.mint.issue(
            "access",
            token_id=self.mint.new_token_id(),
            user_id=session.user_id,
            session_id=session.id,
            role=session.role,
            issued_at=now,
            expires_at=access_ends,
        )
        refresh = self.mint.issue(
            "refresh",
            token_id=refresh_id,
            user_id=session.user_id,
            session_id=session.id,
            role=session.role,
            issued_at=issued_at,
            expires_at=session.expires_at,
        )
        expires_in = int((access_ends - now).total_seconds())
        return Tokens(access_token=access, refresh_token=refresh, expires_in=expires_in)

    def _end(self, session_id: UUID, user_id: UUID, reason: str, now: datetime) -> None:
        if self.sessions.revoke(session_id, reason, now):
            after = {"user_id": user_id, "reason": reason}
            self.trail.note("session.ended", "session", session_id, after=after)


def caller_of(sessions: SessionStore, claims: Claims, *, now: datetime) -> Caller:
    """Tell who is calling with an access token. Role and plant are the live user's, not those of the token.

    Raises Unauthenticated (TOKEN_REVOKED).
    """
    session = sessions.session(claims.session_id)
    if session is None or session.user_id != claims.user_id or not session.is_live(now):
        raise revoked()
    if now - session.last_seen_at > SEEN_EVERY:
        sessions.seen(session.id, now)
    return Caller(session.user_id, session.id, session.role, session.plant_id)


def caller_by_email(accounts: AccountStore, email: str) -> Caller:
    """Tell who is calling with another issuer's token, by its verified e-mail.

    Raises Unauthenticated where no active user has it.
    """
    account = accounts.account(email)
    if account is None or not account.is_active:
        raise Unauthenticated("No active user of the portal has this e-mail.")
    return Caller(account.user_id, None, account.role, account.plant_id)


def revoked() -> Unauthenticated:
    """Make the refusal for a session that has ended."""
    return Unauthenticated("The session has ended; sign in again.", code="TOKEN_REVOKED")
