"""What getting in needs of the world outside."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from bp_core.auth.models import Invite, NewInvite, OpenSession
from bp_core.shared.model import Role
from bp_core.shared.paging import Page
from bp_core.users import User

TokenKind = Literal["access", "refresh"]


@dataclass(frozen=True)
class Account:
    """What signing in needs to know of a person; the hash is None where an outside issuer signs them in."""

    user_id: UUID
    role: Role
    plant_id: UUID | None
    hashed_password: str | None
    is_active: bool


@dataclass(frozen=True)
class Session:
    """A session and its live user, as one look-up finds them."""

    id: UUID
    user_id: UUID
    role: Role
    plant_id: UUID | None
    is_active: bool
    refresh_token_hash: bytes
    previous_refresh_token_hash: bytes | None
    rotated_at: datetime | None
    last_seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Whether the session may still be used: not revoked, not run out, its user active."""
        return self.revoked_at is None and now < self.expires_at and self.is_active


@dataclass(frozen=True)
class NewSession:
    """A session as it is opened."""

    id: UUID
    user_id: UUID
    refresh_token_hash: bytes
    remember_me: bool
    opened_at: datetime
    expires_at: datetime
    user_agent: str | None


@dataclass(frozen=True)
class Claims:
    """What a token that we issued says."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True)
class Failures:
    """How often signing in to an account failed lately: for all clients, and for the one that asks."""

    everybodys: int
    own: int
    own_last_at: datetime | None


class Passwords(Protocol):
    """Hashes passwords and compares them."""

    def matches(self, password: str, hashed_password: str | None) -> bool:
        """Compare a password with a hash; with no hash, do the same work and say no."""
        ...

    def rehashed(self, password: str, hashed_password: str) -> str | None:
        """Hash the password again if the hash was made at a lower cost than today's; None if it was not."""
        ...

    def hashed(self, password: str) -> str:
        """Hash a new password."""
        ...


class TokenMint(Protocol):
    """Issues signed tokens and reads them back."""

    def issue(
        self,
        kind: TokenKind,
        *,
        token_id: str,
        user_id: UUID,
        session_id: UUID,
        role: Role,
        issued_at: datetime,
        expires_at: datetime,
    ) -> str:
        """Issue a token; the same arguments give the same token."""
        ...

    def read(self, token: str, kind: TokenKind, now: datetime) -> Claims:
        """Read a token of ours.

        Raises Unauthenticated if it is not ours, of another kind, or has run out (code TOKEN_EXPIRED).
        """
        ...

    def new_token_id(self) -> str:
        """Draw the id of a new token."""
        ...

    def successor_id(self, token: str) -> str:
        """Tell the id of the one token that may follow a refresh token; only who has the secret knows it."""
        ...

    def fingerprint(self, token: str) -> bytes:
        """Hash a token for keeping."""
        ...

    def new_session_id(self) -> UUID:
        """Draw the id of a new session."""
        ...

    def new_invite_token(self) -> str:
        """Draw the token of a new invite."""
        ...


class AccountStore(Protocol):
    """Where accounts are kept."""

    def account(self, email: str) -> Account | None:
        """Find an account by its e-mail, upper and lower case alike."""
        ...

    def account_of(self, user_id: UUID) -> Account | None:
        """Find the account of a user."""
        ...

    def set_password(self, user_id: UUID, hashed_password: str, now: datetime) -> None:
        """Replace the hash of a password."""
        ...

    def add_pending(self, email: str, full_name: str, hashed_password: str, now: datetime) -> User | None:
        """Add an account that waits for headquarters; None if the e-mail is known."""
        ...

    def redeem(self, invite: Invite, full_name: str, hashed_password: str, now: datetime) -> User | None:
        """Make the invited account active, new or pending; None if an active one has the e-mail."""
        ...


class SessionStore(Protocol):
    """Where sessions are kept."""

    def atomic(self) -> AbstractContextManager[object]:
        """Keep everything that is done inside, or nothing of it."""
        ...

    def open_session(self, opened: NewSession) -> None:
        """Keep a new session."""
        ...

    def session(self, session_id: UUID) -> Session | None:
        """Find a session with its live user."""
        ...

    def session_for_update(self, session_id: UUID) -> Session | None:
        """Find a session with its live user and hold it until the transaction ends."""
        ...

    def seen(self, session_id: UUID, now: datetime) -> None:
        """Keep that a session was used."""
        ...

    def rotate(self, session_id: UUID, refresh_token_hash: bytes, now: datetime) -> None:
        """Replace the refresh token that the session answers to."""
        ...

    def revoke(self, session_id: UUID, reason: str, now: datetime) -> bool:
        """End a session; False if it had ended before."""
        ...

    def revoke_all(self, user_id: UUID, reason: str, now: datetime, *, but: UUID | None) -> None:
        """End every session of a user, but for one if it is named."""
        ...

    def open_sessions(self, user_id: UUID, current: UUID | None, now: datetime) -> list[OpenSession]:
        """List the live sessions of a user, last seen first."""
        ...


class FailureStore(Protocol):
    """Where failed attempts to sign in are counted; kept at once, whatever becomes of the call."""

    def failures(self, email: str, client: str, since: datetime) -> Failures:
        """Count the failures of an account since a moment."""
        ...

    def add(self, email: str, client: str, now: datetime, since: datetime) -> None:
        """Count one more; what lies before `since` is forgotten."""
        ...

    def forget(self, email: str, client: str) -> None:
        """Forget the failures of one client at one account."""
        ...


class InviteStore(Protocol):
    """Where invites are kept."""

    def add(
        self, new: NewInvite, *, token_hash: bytes, invited_by: UUID, expires_at: datetime, now: datetime
    ) -> Invite:
        """Keep a new invite."""
        ...

    def use(self, token_hash: bytes, email: str, now: datetime) -> Invite | None:
        """Use up an invite for its e-mail; None if there is none, or it was used, or has run out."""
        ...

    def invites(self, limit: int, offset: int) -> Page[Invite]:
        """List the invites, newest first."""
        ...

    def withdraw_all(self, email: str) -> None:
        """Delete every invite for an e-mail that was not used."""
        ...

    def withdraw(self, invite_id: UUID) -> Invite | None:
        """Delete an invite that was not used; None if there is no such invite."""
        ...
