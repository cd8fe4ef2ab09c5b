"""Signing in and out, sessions, and who the caller is (rules 9)."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from bp_core.auth.devices import device_token, known_device
from bp_core.auth.passwords import PasswordVerifier
from bp_core.auth.ports import (
    Account,
    AccountStore,
    Attempt,
    Claims,
    NewSession,
    NewToken,
    Session,
    SessionStore,
    TokenIssuer,
)
from bp_core.auth.schemas import ACCESS_LIFETIME, Credentials, NewSignIn, OpenSession, Tokens
from bp_core.shared.access import Caller
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.calendar import CLOCK_SKEW
from bp_core.shared.context import Context
from bp_core.shared.errors import Forbidden, InvalidCredentials, NotFound, TokenRevoked, Unauthenticated
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

SESSION_LIFETIME: Final = timedelta(days=7)
REMEMBERED_SESSION_LIFETIME: Final = timedelta(days=30)

GRACE: Final = timedelta(seconds=10)
"""Two browser tabs may refresh with the same token within this time; both get the same new refresh token."""

SEEN_EVERY: Final = timedelta(minutes=5)
"""How often the use of a session is recorded."""


@dataclass(frozen=True)
class ClientInfo:
    """The client that signs in: its network address and its browser."""

    address: str
    user_agent: str | None = None


@dataclass(frozen=True)
class SignInService:
    """Opens, refreshes and ends sessions; finds out who is calling."""

    accounts: AccountStore
    sessions: SessionStore
    passwords: PasswordVerifier
    tokens: TokenIssuer
    audit_trail: AuditTrail
    context: Context

    def sign_in(self, credentials: Credentials, client: ClientInfo) -> NewSignIn:
        """Open a session with e-mail and password.

        The password is compared without a lock, because that is slow. The session is opened, and a hash of
        another cost is replaced, only if the account is still the one that was checked.
        Raises InvalidCredentials (the same for an unknown e-mail, a wrong password and an account that is not
        active), RateLimited after too many failures.
        """
        email, password, now = credentials.email, credentials.password, self.context.now
        device = known_device(self.tokens, credentials.device_token, email, now)
        account = self.accounts.account_by_email(email)
        attempt = Attempt(email, client.address, str(device) if device else None)
        if not self.passwords.verify(account, password, attempt) or account is None:
            raise _wrong_credentials()
        rehashed = self.passwords.hasher.rehashed(password, account.hashed_password or "")
        with self.sessions.atomic():
            current = self.passwords.lock_verified(account, password)
            if current is None:
                raise _wrong_credentials()
            if rehashed is not None and current.hashed_password == account.hashed_password:
                self.accounts.set_password(current.user_id, rehashed, now)
            tokens = self._open(current, credentials, client)
        return NewSignIn(**tokens.model_dump(), device_token=device_token(self.tokens, current, device, now))

    def refresh(self, token: str) -> Tokens | Unauthenticated:
        """Exchange a refresh token for new tokens; it cannot be used again.

        For a short time (GRACE) the used token still gives the same new refresh token. After that, a used
        token ends the session: this error is returned, not raised, so that the change is committed. Raises
        Unauthenticated, TokenExpired, TokenRevoked where there is nothing to commit.
        """
        claims = self.tokens.read(token, "refresh", self.context.now)
        session = self.sessions.session_for_update(claims.session_id)
        if session is None or not session.is_live(self.context.now):
            raise _revoked()
        fingerprint = self.tokens.fingerprint(token)
        if fingerprint == session.refresh_token_hash:
            tokens = self._issue(self._successor(session, token))
            new_hash = self.tokens.fingerprint(tokens.refresh_token)
            self.sessions.rotate(session.id, new_hash, self.context.now)
            return tokens
        tokens_again = self._within_grace(session, token, fingerprint)
        if tokens_again is not None:
            return tokens_again
        self._end(session.id, session.user_id, "refresh_token_reused")
        return _revoked()

    def require_unchanged(self, caller: Caller) -> None:
        """Check that a caller still has the role and plant with which the request began.

        Called at the end of every request that writes: a right that was lost meanwhile, or is about to be,
        undoes what the request wrote. Raises TokenRevoked, Forbidden.
        """
        account = self.accounts.account_for_share(caller.user_id)
        if account is None or not account.is_active:
            raise _revoked()
        if (account.role, account.plant_id) != (caller.role, caller.plant_id):
            raise Forbidden("Your role or plant was changed meanwhile. Try again.")

    def sign_out(self, caller: Caller, refresh_token: str | None) -> None:
        """End the caller's session, and the session of the refresh token if it is the caller's."""
        self.accounts.account_for_share(caller.user_id)  # users are locked before their sessions
        if caller.session_id is not None:
            self._end(caller.session_id, caller.user_id, "logout")
        if refresh_token is not None:
            with suppress(Unauthenticated):
                claims = self.tokens.read(refresh_token, "refresh", self.context.now)
                if claims.user_id == caller.user_id:
                    self._end(claims.session_id, caller.user_id, "logout")

    def open_sessions(self, caller: Caller, query: PageQuery) -> Page[OpenSession]:
        """Show one page of the caller's sessions, last used first."""
        return self.sessions.open_sessions(caller.user_id, caller.session_id, self.context.now, query)

    def end_session(self, caller: Caller, session_id: UUID) -> None:
        """End one of the caller's sessions.

        Raises NotFound if it belongs to another user, or has ended.
        """
        self.accounts.account_for_share(caller.user_id)  # users are locked before their sessions
        session = self.sessions.session_for_update(session_id)
        is_own = session is not None and session.user_id == caller.user_id
        if session is None or not is_own or not session.is_live(self.context.now):
            raise NotFound("There is no such session.")
        self._end(session.id, session.user_id, "ended_by_user")

    def caller_of(self, claims: Claims) -> Caller:
        """Find the user of an access token; role and plant are the current ones, not those of the token.

        Raises TokenRevoked.
        """
        session = self.sessions.session(claims.session_id)
        now = self.context.now
        if session is None or session.user_id != claims.user_id or not session.is_live(now):
            raise _revoked()
        if now - session.last_seen_at > SEEN_EVERY:
            self.sessions.mark_seen(session.id, now)
        return Caller(session.user_id, session.id, session.role, session.plant_id)

    def caller_by_email(self, email: str) -> Caller:
        """Find the user of another issuer's token, by the e-mail that the issuer has verified.

        Raises Unauthenticated if no active user has it.
        """
        account = self.accounts.account_by_email(email)
        if account is None or not account.is_active:
            raise Unauthenticated("No active user of the portal has this e-mail.")
        return Caller(account.user_id, None, account.role, account.plant_id)

    def _open(self, account: Account, credentials: Credentials, client: ClientInfo) -> Tokens:
        now = self.context.now
        lifetime = REMEMBERED_SESSION_LIFETIME if credentials.remember_me else SESSION_LIFETIME
        refresh_token = NewToken(
            kind="refresh",
            id=self.tokens.new_token_id(),
            user_id=account.user_id,
            session_id=self.tokens.new_id(),
            role=account.role,
            issued_at=now,
            expires_at=now + lifetime,
        )
        tokens = self._issue(refresh_token)
        opened = NewSession(
            id=refresh_token.session_id,
            user_id=account.user_id,
            refresh_token_hash=self.tokens.fingerprint(tokens.refresh_token),
            remember_me=credentials.remember_me,
            opened_at=now,
            expires_at=refresh_token.expires_at,
            user_agent=client.user_agent,
            address=client.address,
        )
        self.sessions.add(opened)
        facts = {"user_id": account.user_id, "user_agent": client.user_agent}
        self.audit_trail.record("session.opened", "session", opened.id, after=facts)
        return tokens

    def _within_grace(self, session: Session, token: str, fingerprint: bytes) -> Tokens | None:
        if session.rotated_at is None:
            return None
        if not -CLOCK_SKEW <= self.context.now - session.rotated_at <= GRACE:
            return None
        if fingerprint != session.previous_refresh_token_hash:
            return None
        first = replace(self._successor(session, token), issued_at=session.rotated_at)
        tokens = self._issue(first)
        # They differ if the user's role has changed since: then only the first answer has the valid token.
        is_same = self.tokens.fingerprint(tokens.refresh_token) == session.refresh_token_hash
        return tokens if is_same else None

    def _successor(self, session: Session, token: str) -> NewToken:
        return NewToken(
            kind="refresh",
            id=self.tokens.successor_id(token),
            user_id=session.user_id,
            session_id=session.id,
            role=session.role,
            issued_at=self.context.now,
            expires_at=session.expires_at,
        )

    def _issue(self, refresh_token: NewToken) -> Tokens:
        """Issue a refresh token and an access token for the same session."""
        now = self.context.now
        access_token = replace(
            refresh_token,
            kind="access",
            id=self.tokens.new_token_id(),
            issued_at=now,
            expires_at=min(now + ACCESS_LIFETIME, refresh_token.expires_at),
        )
        return Tokens(
            access_token=self.tokens.issue(access_token),
            refresh_token=self.tokens.issue(refresh_token),
            expires_in=int((access_token.expires_at - now).total_seconds()),
        )

    def _end(self, session_id: UUID, user_id: UUID, reason: str) -> None:
        if self.sessions.revoke(session_id, reason, self.context.now):
            facts = {"user_id": user_id, "reason": reason}
            self.audit_trail.record("session.ended", "session", session_id, after=facts)


def _wrong_credentials() -> InvalidCredentials:
    return InvalidCredentials("E-mail or password is wrong, or headquarters has not activated the account.")


def _revoked() -> TokenRevoked:
    return TokenRevoked("The session has ended; sign in again.")
