"""Accounts, sessions, failures, invites, passwords and tokens in memory, and the door that they make."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from bp_core.auth.models import Credentials, Invite, NewInvite, OpenSession, Tokens
from bp_core.auth.sessions import Door, caller_of
from bp_core.auth.store import Account, Claims, Failures, NewSession, Session, TokenKind
from bp_core.shared.access import Caller
from bp_core.shared.errors import Unauthenticated
from bp_core.shared.model import Role
from bp_core.shared.paging import Page
from bp_core.users import User
from tests.unit.bp_core.fakes import ASHA, MemoryUsers, NotedTrail

NOW: Final = datetime(2025, 7, 15, 9, 30, tzinfo=UTC)
A_SECOND: Final = timedelta(seconds=1)
HERE: Final = "203.0.113.7"
ELSEWHERE: Final = "198.51.100.9"


class MemoryAccounts:
    """The people of a store, and the hashes of their passwords."""

    def __init__(self, users: MemoryUsers, hashes: dict[UUID, str | None]) -> None:
        self._users = users
        self.hashes = hashes

    def account(self, email: str) -> Account | None:
        user = self._named(email)
        return self.account_of(user.id) if user else None

    def account_of(self, user_id: UUID) -> Account | None:
        user = self._users.user(user_id)
        if user is None:
            return None
        return Account(user.id, user.role, user.plant_id, self.hashes[user_id], user.is_active)

    def set_password(self, user_id: UUID, hashed_password: str, now: datetime) -> None:
        self.hashes[user_id] = hashed_password

    def add_pending(self, email: str, full_name: str, hashed_password: str, now: datetime) -> User | None:
        if self._named(email):
            return None
        return self._keep(
            User(
                id=uuid4(),
                email=email,
                full_name=full_name,
                role="plant",
                plant_id=None,
                is_active=False,
                created_at=now,
                updated_at=now,
            ),
            hashed_password,
        )

    def redeem(self, invite: Invite, full_name: str, hashed_password: str, now: datetime) -> User | None:
        known = self._named(invite.email)
        if known is not None and known.is_active:
            return None
        return self._keep(
            User(
                id=known.id if known else uuid4(),
                email=invite.email,
                full_name=full_name,
                role=invite.role,
                plant_id=invite.plant_id,
                is_active=True,
                created_at=now,
                updated_at=now,
            ),
            hashed_password,
        )

    def _named(self, email: str) -> User | None:
        return next((one for one in self._users.people.values() if one.email == email.lower()), None)

    def _keep(self, user: User, hashed_password: str) -> User:
        self._users.people[user.id] = user
        self.hashes[user.id] = hashed_password
        return user


class MemorySessions:
    """Sessions, each shown with its live user."""

    def __init__(self, users: MemoryUsers) -> None:
        self._users = users
        self.opened: dict[UUID, NewSession] = {}
        self.kept: dict[UUID, Session] = {}
        self.ended: dict[UUID, str] = {}

    def atomic(self) -> AbstractContextManager[None]:
        return nullcontext()

    def open_session(self, opened: NewSession) -> None:
        self.opened[opened.id] = opened
        self.kept[opened.id] = Session(
            id=opened.id,
            user_id=opened.user_id,
            role="plant",
            plant_id=None,
            is_active=False,
            refresh_token_hash=opened.refresh_token_hash,
            previous_refresh_token_hash=None,
            rotated_at=None,
            last_seen_at=opened.opened_at,
            expires_at=opened.expires_at,
            revoked_at=None,
        )

    def session(self, session_id: UUID) -> Session | None:
        kept = self.kept.get(session_id)
        user = self._users.user(kept.user_id) if kept else None
        if kept is None or user is None:
            return None
        return replace(kept, role=user.role, plant_id=user.plant_id, is_active=user.is_active)

    def session_for_update(self, session_id: UUID) -> Session | None:
        return self.session(session_id)

    def seen(self, session_id: UUID, now: datetime) -> None:
        self.kept[session_id] = replace(self.kept[session_id], last_seen_at=now)

    def rotate(self, session_id: UUID, refresh_token_hash: bytes, now: datetime) -> None:
        kept = self.kept[session_id]
        self.kept[session_id] = replace(
            kept,
            previous_refresh_token_hash=kept.refresh_token_hash,
            refresh_token_hash=refresh_token_hash,
            rotated_at=now,
        )

    def revoke(self, session_id: UUID, reason: str, now: datetime) -> bool:
        kept = self.kept.get(session_id)
        if kept is None or kept.revoked_at is not None:
            return False
        self.kept[session_id] = replace(kept, revoked_at=now)
        self.ended[session_id] = reason
        return True

    def revoke_all(self, user_id: UUID, reason: str, now: datetime, *, but: UUID | None) -> None:
        for one in list(self.kept.values()):
            if one.user_id == user_id and one.id != but:
                self.revoke(one.id, reason, now)

    def open_sessions(self, user_id: UUID, current: UUID | None, now: datetime) -> list[OpenSession]:
        return [
            OpenSession(
                id=one.id,
                created_at=self.opened[one.id].opened_at,
                last_seen_at=one.last_seen_at,
                expires_at=one.expires_at,
                user_agent=self.opened[one.id].user_agent,
                is_current=one.id == current,
            )
            for one in self.kept.values()
            if one.user_id == user_id and one.revoked_at is None
        ]

    def reasons(self) -> list[str]:
        """Why sessions ended, in the order in which they did."""
        return list(self.ended.values())


class MemoryFailures:
    """Failures by account and client: when the last one was, and how many."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[datetime, int]] = {}

    def failures(self, email: str, client: str, since: datetime) -> Failures:
        counted = {
            whose: kept for (account, whose), kept in self.kept.items()
            if account == email.lower() and kept[0] > since
        }  # fmt: skip
        last_at, own = counted.get(client, (None, 0))
        return Failures(sum(number for _, number in counted.values()), own, last_at)

    def add(self, email: str, client: str, now: datetime, since: datetime) -> None:
        last_at, number = self.kept.get((email.lower(), client), (now, 0))
        self.kept[email.lower(), client] = (now, number + 1 if last_at > since else 1)

    def forget(self, email: str, client: str) -> None:
        self.kept.pop((email.lower(), client), None)


class MemoryInvites:
    """Invites by the hash of their token."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Invite] = {}

    def add(
        self, new: NewInvite, *, token_hash: bytes, invited_by: UUID, expires_at: datetime, now: datetime
    ) -> Invite:
        self.kept[token_hash] = Invite(
            id=uuid4(),
            **new.model_dump(),
            invited_by_user_id=invited_by,
            expires_at=expires_at,
            used_at=None,
            created_at=now,
        )
        return self.kept[token_hash]

    def use(self, token_hash: bytes, email: str, now: datetime) -> Invite | None:
        found = self.kept.get(token_hash)
        if found is None or found.used_at is not None or found.expires_at <= now:
            return None
        if found.email.lower() != email.lower():
            return None
        self.kept[token_hash] = found.model_copy(update={"used_at": now})
        return found

    def invites(self, limit: int, offset: int) -> Page[Invite]:
        raise NotImplementedError("no use case of these tests lists invites")

    def withdraw(self, invite_id: UUID) -> Invite | None:
        for token_hash, one in self.kept.items():
            if one.id == invite_id and one.used_at is None:
                return self.kept.pop(token_hash)
        return None

    def withdraw_all(self, email: str) -> None:
        raise NotImplementedError("no use case of these tests shuts anybody out")


class PlainPasswords:
    """Hashes by writing `hash of` before the password; hashes of an older cost begin with `old`."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []
        self.hashes_made = 0

    def matches(self, password: str, hashed_password: str | None) -> bool:
        self.compared.append(hashed_password)
        return hashed_password in (f"hash of {password}", f"old hash of {password}")

    def rehashed(self, password: str, hashed_password: str) -> str | None:
        return self.hashed(password) if hashed_password.startswith("old") else None

    def hashed(self, password: str) -> str:
        self.hashes_made += 1
        return f"hash of {password}"


@dataclass(frozen=True)
class Issued:
    """What a token of MemoryMint says."""

    kind: TokenKind
    role: Role
    claims: Claims


class MemoryMint:
    """Issues tokens that tell what they were issued with, and remembers what they say."""

    def __init__(self) -> None:
        self.issued: dict[str, Issued] = {}
        self._drawn = 0

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
        token = f"{kind} {token_id} of {user_id} in {session_id} as {role} from {issued_at} to {expires_at}"
        self.issued[token] = Issued(kind, role, Claims(user_id, session_id, expires_at))
        return token

    def read(self, token: str, kind: TokenKind, now: datetime) -> Claims:
        issued = self.issued.get(token)
        if issued is None or issued.kind != kind:
            raise Unauthenticated("The token is not valid.")
        if issued.claims.expires_at <= now:
            raise Unauthenticated("The token has expired.", code="TOKEN_EXPIRED")
        return issued.claims

    def new_token_id(self) -> str:
        self._drawn += 1
        return f"number {self._drawn}"

    def successor_id(self, token: str) -> str:
        return f"after <{token}>"

    def fingerprint(self, token: str) -> bytes:
        return f"fingerprint of {token}".encode()

    def new_session_id(self) -> UUID:
        return uuid4()

    def new_invite_token(self) -> str:
        return f"invite {self.new_token_id()}"


class Portal:
    """One person, and everything that getting in needs."""

    def __init__(self, user: User = ASHA, hashed_password: str | None = "hash of mango") -> None:
        self.users = MemoryUsers(user)
        self.accounts = MemoryAccounts(self.users, {user.id: hashed_password})
        self.sessions = MemorySessions(self.users)
        self.failures = MemoryFailures()
        self.passwords = PlainPasswords()
        self.mint = MemoryMint()
        self.trail = NotedTrail()
        self.invites = MemoryInvites()
        self.door = Door(
            self.accounts, self.sessions, self.failures, self.passwords, self.mint, self.trail
        )  # fmt: skip

    def sign_in(
        self,
        password: str = "mango",
        *,
        email: str = ASHA.email,
        remember_me: bool = False,
        client: str = HERE,
        now: datetime = NOW,
    ) -> Tokens:
        credentials = Credentials(email=email, password=password, remember_me=remember_me)
        return self.door.sign_in(credentials, client=client, user_agent="a browser", now=now)

    def refreshed(self, token: str, *, now: datetime = NOW) -> Tokens:
        outcome = self.door.refresh(token, now=now)
        assert isinstance(outcome, Tokens)
        return outcome

    def authenticate(self, token: str, *, now: datetime = NOW) -> Caller:
        return caller_of(self.sessions, self.mint.read(token, "access", now), now=now)
