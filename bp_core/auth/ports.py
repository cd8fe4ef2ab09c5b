"""What signing in, accounts and invites need from the outside: stores, password hashes and tokens."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from bp_core.auth.schemas import Invite, NewInvite, OpenSession
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery, Role
from bp_core.users import InviteWithdrawer, PasswordResetWithdrawer, SessionEnder, User

TokenKind = Literal["access", "refresh", "device"]


@dataclass(frozen=True)
class Account:
    """What signing in needs to know of a user; the hash is None for users of another token issuer only."""

    user_id: UUID
    email: str
    role: Role
    plant_id: UUID | None
    hashed_password: str | None
    is_active: bool


@dataclass(frozen=True)
class Session:
    """A session with the current state of its user."""

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
        """Whether the session can be used: not revoked, not expired, its user active."""
        return self.revoked_at is None and now < self.expires_at and self.is_active


@dataclass(frozen=True)
class NewSession:
    """A session to be stored."""

    id: UUID
    user_id: UUID
    refresh_token_hash: bytes
    remember_me: bool
    opened_at: datetime
    expires_at: datetime
    user_agent: str | None
    address: str


@dataclass(frozen=True)
class NewPasswordReset:
    """A password reset to be stored."""

    user_id: UUID
    token_hash: bytes
    issued_by: UUID
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class NewToken:
    """The content of a token to be issued."""

    kind: TokenKind
    id: str
    user_id: UUID
    session_id: UUID
    role: Role
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Claims:
    """The content of a valid token that this portal issued."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime
    token_id: str


@dataclass(frozen=True)
class FailureCount:
    """Recent failed sign-ins of one account: from all clients, and from one of them.

    `address_is_known` says whether anybody has signed in from the address of this client recently.
    """

    all_clients: int
    this_client: int
    this_client_last_at: datetime | None
    address_is_known: bool = False


@dataclass(frozen=True)
class Attempt:
    """Who tries to prove that a password is that of an account.

    `device` is what only the owner of the account has: a device that has signed in to it before, or a
    session of it. Failures of others do not count for it.
    """

    email: str
    address: str
    device: str | None = None

    @property
    def client(self) -> str:
        """What the failures of this attempt are counted for: the device, or the network address."""
        return self.address if self.device is None else f"device:{self.device}"


class PasswordHasher(Protocol):
    """Hashes passwords and compares them with hashes."""

    def matches(self, password: str, hashed_password: str | None, least_cost: int) -> bool:
        """Compare a password with a hash; without a hash, return False.

        The work is the same for every hash of at most `least_cost` and without a hash: that of `least_cost`,
        or of new hashes if they cost more.
        """
        ...

    def hashed(self, password: str) -> str:
        """Hash a password. Raises ValueError for more than 72 bytes."""
        ...

    def rehashed(self, password: str, hashed_password: str) -> str | None:
        """Hash a password again if its hash has another cost than new ones; None if it has the same."""
        ...


class TokenIssuer(Protocol):
    """Issues and reads signed tokens, and makes random ids and tokens."""

    def issue(self, token: NewToken) -> str:
        """Sign a token; the same content gives the same token."""
        ...

    def read(self, token: str, kind: TokenKind, now: datetime) -> Claims:
        """Check a token that this portal issued.

        Raises Unauthenticated for a forged token or one of another kind, TokenExpired.
        """
        ...

    def successor_id(self, token: str) -> str:
        """Return the id of the next refresh token after this one; it depends on the secret."""
        ...

    def fingerprint(self, token: str) -> bytes:
        """Hash a token; the database stores only the hash."""
        ...

    def new_id(self) -> UUID:
        """Return a random id, for a session or a user."""
        ...

    def new_token_id(self) -> str:
        """Return a random id for a token."""
        ...

    def new_secret(self) -> str:
        """Return a random token, for an invite or a password reset."""
        ...


class AccountStore(Protocol):
    """Stores what users sign in with."""

    def account(self, user_id: UUID) -> Account | None:
        """Read the account of a user."""
        ...

    def account_by_email(self, email: str) -> Account | None:
        """Read the account with an e-mail; upper and lower case are the same."""
        ...

    def account_for_update(self, user_id: UUID) -> Account | None:
        """Read the account of a user, and lock the user until the transaction ends.

        Whoever locks a user and a session, an invite or a password reset of theirs locks the user first.
        """
        ...

    def account_for_share(self, user_id: UUID) -> Account | None:
        """Read the account of a user, who cannot be changed until the transaction ends."""
        ...

    def lock_email(self, email: str) -> None:
        """Lock the user with an e-mail, if there is one, until the transaction ends."""
        ...

    def highest_cost(self) -> int:
        """Return the highest cost of the stored hashes, as rounds of bcrypt; 0 without hashes."""
        ...

    def set_password(self, user_id: UUID, hashed_password: str, now: datetime) -> None:
        """Update the password hash of a user."""
        ...

    def add_pending(self, email: str, full_name: str, hashed_password: str, now: datetime) -> User | None:
        """Insert an inactive plant user without a plant; None if there is a user with this e-mail."""
        ...

    def redeem(self, invite: Invite, full_name: str, hashed_password: str, now: datetime) -> User | None:
        """Insert or activate the user whom an invite is for; None if an active user has the e-mail."""
        ...


class PasswordResetStore(PasswordResetWithdrawer, Protocol):
    """Stores password resets: at most one for each user, with the hash of its token."""

    def replace(self, reset: NewPasswordReset) -> None:
        """Insert a password reset; it replaces the one that the user had."""
        ...

    def user_of(self, token_hash: bytes, now: datetime) -> UUID | None:
        """Return the user whom a token is for; None if there is none, or it has expired."""
        ...

    def use(self, token_hash: bytes, now: datetime) -> bool:
        """Delete a password reset; False if there is none, or it has expired."""
        ...


class SessionStore(SessionEnder, Protocol):
    """Stores sessions."""

    def atomic(self) -> AbstractContextManager[object]:
        """Run what is inside in one transaction."""
        ...

    def add(self, session: NewSession) -> None:
        """Insert a session."""
        ...

    def session(self, session_id: UUID) -> Session | None:
        """Read a session with its user."""
        ...

    def session_for_update(self, session_id: UUID) -> Session | None:
        """Read a session with its user, and lock the session until the transaction ends."""
        ...

    def mark_seen(self, session_id: UUID, now: datetime) -> None:
        """Record that a session was used."""
        ...

    def rotate(self, session_id: UUID, refresh_token_hash: bytes, now: datetime) -> None:
        """Replace the refresh token of a session, and remember the previous one."""
        ...

    def revoke(self, session_id: UUID, reason: str, now: datetime) -> bool:
        """End a session; False if it had ended before."""
        ...

    def open_sessions(
        self, user_id: UUID, current: UUID | None, now: datetime, query: PageQuery
    ) -> Page[OpenSession]:
        """List the sessions of a user that can be used, last used first."""
        ...


class FailureStore(Protocol):
    """Counts failed sign-ins by account and client (`Attempt.client`)."""

    def one_at_a_time(self, email: str) -> AbstractContextManager[object]:
        """Run what is inside in one transaction, and nothing else for this e-mail meanwhile."""
        ...

    def count(self, attempt: Attempt, since: datetime, known_since: datetime) -> FailureCount:
        """Count the failures of an account since a time; sessions since `known_since` make it known."""
        ...

    def add(self, attempt: Attempt, now: datetime, since: datetime) -> None:
        """Count one more failure; those before `since` no longer count."""
        ...

    def clear(self, attempt: Attempt) -> None:
        """Delete the failures of one account from one client."""
        ...


class InviteStore(InviteWithdrawer, Protocol):
    """Stores invites."""

    def add(
        self, new: NewInvite, *, token_hash: bytes, invited_by: UUID, expires_at: datetime, now: datetime
    ) -> Invite:
        """Insert an invite."""
        ...

    def use(self, token_hash: bytes, email: str, now: datetime) -> Invite | None:
        """Mark an invite as used; None if there is none for the e-mail, or it was used or has expired."""
        ...

    def invites(self, query: PageQuery) -> Page[Invite]:
        """List the invites, newest first."""
        ...

    def withdraw(self, invite_id: UUID) -> Invite | None:
        """Delete an unused invite; None if there is none."""
        ...
