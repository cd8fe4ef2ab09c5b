"""The auth services over accounts, sessions, failures, invites, passwords and tokens in memory."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from bp_core.auth.accounts import AccountService
from bp_core.auth.invites import InviteService
from bp_core.auth.password_resets import PasswordResetService
from bp_core.auth.passwords import PasswordVerifier
from bp_core.auth.ports import (
    Account,
    Attempt,
    Claims,
    FailureCount,
    NewPasswordReset,
    NewSession,
    NewToken,
    Session,
    TokenKind,
)
from bp_core.auth.schemas import Credentials, Invite, NewInvite, NewSignIn, OpenSession, Tokens
from bp_core.auth.sign_in import ClientInfo, SignInService
from bp_core.shared.access import Caller
from bp_core.shared.errors import TokenExpired, Unauthenticated
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.users import User, UserService
from tests.unit.bp_core.fakes import ASHA, MemoryUsers, RecordedAuditTrail, RecordedNotifier
from tests.unit.bp_core.support import NOW, context

A_SECOND: Final = timedelta(seconds=1)
HERE: Final = "203.0.113.7"
ELSEWHERE: Final = "198.51.100.9"


class MemoryAccounts:
    """The users of a store, with the hashes of their passwords."""

    def __init__(self, users: MemoryUsers, hashes: dict[UUID, str | None]) -> None:
        self._users = users
        self.hashes = hashes

    def account(self, user_id: UUID) -> Account | None:
        user = self._users.user(user_id)
        if user is None:
            return None
        return Account(user.id, user.email, user.role, user.plant_id, self.hashes[user_id], user.is_active)

    def account_by_email(self, email: str) -> Account | None:
        user = self._user_with(email)
        return self.account(user.id) if user else None

    def account_for_update(self, user_id: UUID) -> Account | None:
        self.meanwhile()
        return self.account(user_id)

    def account_for_share(self, user_id: UUID) -> Account | None:
        return self.account(user_id)

    def meanwhile(self) -> None:
        """Happen between the check of a password and the lock of the user; a test replaces it."""

    def lock_email(self, email: str) -> None:
        pass

    def highest_cost(self) -> int:
        return 7

    def set_password(self, user_id: UUID, hashed_password: str, now: datetime) -> None:
        self.hashes[user_id] = hashed_password

    def add_pending(self, email: str, full_name: str, hashed_password: str, now: datetime) -> User | None:
        if self._user_with(email):
            return None
        return self._save(
            User(
                id=uuid4(),
                email=email,
                full_name=full_name,
                role="plant",
                plant_id=None,
                plant_name=None,
                is_active=False,
                created_at=now,
                updated_at=now,
            ),
            hashed_password,
        )

    def redeem(self, invite: Invite, full_name: str, hashed_password: str, now: datetime) -> User | None:
        known = self._user_with(invite.email)
        if known is not None and known.is_active:
            return None
        return self._save(
            User(
                id=known.id if known else uuid4(),
                email=invite.email,
                full_name=full_name,
                role=invite.role,
                plant_id=invite.plant_id,
                plant_name="Pune Works" if invite.plant_id else None,
                is_active=True,
                created_at=now,
                updated_at=now,
            ),
            hashed_password,
        )

    def _user_with(self, email: str) -> User | None:
        return next((one for one in self._users.people.values() if one.email == email.lower()), None)

    def _save(self, user: User, hashed_password: str) -> User:
        self._users.people[user.id] = user
        self.hashes[user.id] = hashed_password
        return user


class MemorySessions:
    """Sessions, each read with its current user."""

    def __init__(self, users: MemoryUsers) -> None:
        self._users = users
        self.opened: dict[UUID, NewSession] = {}
        self.stored: dict[UUID, Session] = {}
        self.ended: dict[UUID, str] = {}

    def atomic(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add(self, session: NewSession) -> None:
        self.opened[session.id] = session
        self.stored[session.id] = Session(
            id=session.id,
            user_id=session.user_id,
            role="plant",
            plant_id=None,
            is_active=False,
            refresh_token_hash=session.refresh_token_hash,
            previous_refresh_token_hash=None,
            rotated_at=None,
            last_seen_at=session.opened_at,
            expires_at=session.expires_at,
            revoked_at=None,
        )

    def session(self, session_id: UUID) -> Session | None:
        stored = self.stored.get(session_id)
        user = self._users.user(stored.user_id) if stored else None
        if stored is None or user is None:
            return None
        return replace(stored, role=user.role, plant_id=user.plant_id, is_active=user.is_active)

    def session_for_update(self, session_id: UUID) -> Session | None:
        return self.session(session_id)

    def mark_seen(self, session_id: UUID, now: datetime) -> None:
        self.stored[session_id] = replace(self.stored[session_id], last_seen_at=now)

    def rotate(self, session_id: UUID, refresh_token_hash: bytes, now: datetime) -> None:
        stored = self.stored[session_id]
        self.stored[session_id] = replace(
            stored,
            previous_refresh_token_hash=stored.refresh_token_hash,
            refresh_token_hash=refresh_token_hash,
            rotated_at=now,
        )

    def revoke(self, session_id: UUID, reason: str, now: datetime) -> bool:
        stored = self.stored.get(session_id)
        if stored is None or stored.revoked_at is not None:
            return False
        self.stored[session_id] = replace(stored, revoked_at=now)
        self.ended[session_id] = reason
        return True

    def revoke_all(self, user_id: UUID, reason: str, now: datetime, *, but: UUID | None) -> None:
        for one in list(self.stored.values()):
            if one.user_id == user_id and one.id != but:
                self.revoke(one.id, reason, now)

    def open_sessions(
        self, user_id: UUID, current: UUID | None, now: datetime, query: PageQuery
    ) -> Page[OpenSession]:
        found = [
            OpenSession(
                id=one.id,
                created_at=self.opened[one.id].opened_at,
                last_seen_at=one.last_seen_at,
                expires_at=one.expires_at,
                user_agent=self.opened[one.id].user_agent,
                is_current=one.id == current,
            )
            for one in self.stored.values()
            if one.user_id == user_id and one.revoked_at is None
        ]
        return Page.of(found, query)

    def reasons(self) -> list[str]:
        """Return why sessions ended, in the order of their ends."""
        return list(self.ended.values())


class MemoryFailures:
    """Failures by account and client: the time of the last one, and their number."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], tuple[datetime, int]] = {}
        self.known_addresses: set[str] = set()

    def one_at_a_time(self, email: str) -> AbstractContextManager[None]:
        return nullcontext()

    def count(self, attempt: Attempt, since: datetime, known_since: datetime) -> FailureCount:
        counted = {
            client: failures for (account, client), failures in self.stored.items()
            if account == attempt.email.lower() and failures[0] > since
        }  # fmt: skip
        last_at, own = counted.get(attempt.client, (None, 0))
        is_known = attempt.client in self.known_addresses
        return FailureCount(sum(number for _, number in counted.values()), own, last_at, is_known)

    def add(self, attempt: Attempt, now: datetime, since: datetime) -> None:
        key = (attempt.email.lower(), attempt.client)
        last_at, number = self.stored.get(key, (now, 0))
        self.stored[key] = (now, number + 1 if last_at > since else 1)

    def clear(self, attempt: Attempt) -> None:
        self.stored.pop((attempt.email.lower(), attempt.client), None)


class MemoryInvites:
    """Invites by the hash of their token."""

    def __init__(self) -> None:
        self.stored: dict[bytes, Invite] = {}

    def add(
        self, new: NewInvite, *, token_hash: bytes, invited_by: UUID, expires_at: datetime, now: datetime
    ) -> Invite:
        self.stored[token_hash] = Invite(
            id=uuid4(),
            **new.model_dump(),
            invited_by_user_id=invited_by,
            expires_at=expires_at,
            used_at=None,
            created_at=now,
        )
        return self.stored[token_hash]

    def use(self, token_hash: bytes, email: str, now: datetime) -> Invite | None:
        found = self.stored.get(token_hash)
        if found is None or found.used_at is not None or found.expires_at <= now:
            return None
        if found.email.lower() != email.lower():
            return None
        self.stored[token_hash] = found.model_copy(update={"used_at": now})
        return found

    def invites(self, query: PageQuery) -> Page[Invite]:
        newest_first = list(reversed(self.stored.values()))
        items = newest_first[query.offset : query.offset + query.limit]
        return Page(items, len(newest_first), query.limit, query.offset)

    def withdraw(self, invite_id: UUID) -> Invite | None:
        for token_hash, one in self.stored.items():
            if one.id == invite_id and one.used_at is None:
                return self.stored.pop(token_hash)
        return None

    def withdraw_all(self, email: str) -> None:
        raise NotImplementedError("no test of these services deactivates a user")


class MemoryResets:
    """Password resets by user."""

    def __init__(self) -> None:
        self.stored: dict[UUID, NewPasswordReset] = {}

    def replace(self, reset: NewPasswordReset) -> None:
        self.stored[reset.user_id] = reset

    def user_of(self, token_hash: bytes, now: datetime) -> UUID | None:
        usable = (
            one for one in self.stored.values() if one.token_hash == token_hash and now < one.expires_at
        )
        return next((one.user_id for one in usable), None)

    def use(self, token_hash: bytes, now: datetime) -> bool:
        user_id = self.user_of(token_hash, now)
        return user_id is not None and self.stored.pop(user_id, None) is not None

    def withdraw_reset(self, user_id: UUID) -> None:
        self.stored.pop(user_id, None)


class PlainPasswords:
    """Hashes by writing `hash of` before the password; hashes with a lower cost begin with `old`."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []
        self.hashes_made = 0

    def matches(self, password: str, hashed_password: str | None, least_cost: int) -> bool:
        assert least_cost == 7  # what the store says
        self.compared.append(hashed_password)
        return hashed_password in (f"hash of {password}", f"old hash of {password}")

    def rehashed(self, password: str, hashed_password: str) -> str | None:
        return self.hashed(password) if hashed_password.startswith("old") else None

    def hashed(self, password: str) -> str:
        self.hashes_made += 1
        return f"hash of {password}"


class MemoryTokens:
    """Issues tokens that are readable texts, and remembers their content."""

    def __init__(self) -> None:
        self.issued: dict[str, NewToken] = {}
        self._last_id = 0

    def issue(self, token: NewToken) -> str:
        text = (
            f"{token.kind} {token.id} of {token.user_id} in {token.session_id} as {token.role}"
            f" from {token.issued_at} to {token.expires_at}"
        )
        self.issued[text] = token
        return text

    def read(self, token: str, kind: TokenKind, now: datetime) -> Claims:
        issued = self.issued.get(token)
        if issued is None or issued.kind != kind:
            raise Unauthenticated("The token is not valid.")
        if issued.expires_at <= now:
            raise TokenExpired("The token has expired.")
        return Claims(issued.user_id, issued.session_id, issued.expires_at, issued.id)

    def successor_id(self, token: str) -> str:
        return f"after <{token}>"

    def fingerprint(self, token: str) -> bytes:
        return f"fingerprint of {token}".encode()

    def new_id(self) -> UUID:
        return uuid4()

    def new_token_id(self) -> str:
        self._last_id += 1
        return f"number {self._last_id}"

    def new_secret(self) -> str:
        return f"invite {self.new_token_id()}"


class AuthServices:
    """One user, and the auth services over stores in memory; `now` says when each call happens."""

    def __init__(self, user: User = ASHA, hashed_password: str | None = "hash of mango") -> None:
        self.users = MemoryUsers(user)
        self.accounts = MemoryAccounts(self.users, {user.id: hashed_password})
        self.sessions = MemorySessions(self.users)
        self.failures = MemoryFailures()
        self.hasher = PlainPasswords()
        self.tokens = MemoryTokens()
        self.audit_trail = RecordedAuditTrail()
        self.notifier = RecordedNotifier()
        self.invites = MemoryInvites()
        self.resets = MemoryResets()
        self.context = context()
        passwords = PasswordVerifier(self.accounts, self.failures, self.hasher, self.context)
        self._sign_in = SignInService(
            self.accounts, self.sessions, passwords, self.tokens, self.audit_trail, self.context
        )
        self._accounts = AccountService(
            accounts=self.accounts,
            sessions=self.sessions,
            invites=self.invites,
            resets=self.resets,
            passwords=passwords,
            tokens=self.tokens,
            notifier=self.notifier,
            audit_trail=self.audit_trail,
            context=self.context,
        )
        users = UserService(
            self.users, self.sessions, self.invites, self.resets, self.audit_trail, self.context
        )
        self._resets = PasswordResetService(
            store=self.resets,
            users=users,
            sessions=self.sessions,
            passwords=passwords,
            tokens=self.tokens,
            audit_trail=self.audit_trail,
            context=self.context,
            web_app_url="https://portal.example/",
        )
        self._invites = InviteService(
            self.invites, self.accounts, self.tokens, self.audit_trail, self.context
        )

    def sign_ins(self, now: datetime = NOW) -> SignInService:
        self.context.now = now
        return self._sign_in

    def account_service(self, now: datetime = NOW) -> AccountService:
        self.context.now = now
        return self._accounts

    def reset_service(self, now: datetime = NOW) -> PasswordResetService:
        self.context.now = now
        return self._resets

    def invite_service(self, now: datetime = NOW) -> InviteService:
        self.context.now = now
        return self._invites

    def sign_in(
        self,
        password: str = "mango",
        *,
        email: str = ASHA.email,
        remember_me: bool = False,
        client: str = HERE,
        now: datetime = NOW,
        device: str | None = None,
    ) -> NewSignIn:
        credentials = Credentials(
            email=email, password=password, remember_me=remember_me, device_token=device
        )
        return self.sign_ins(now).sign_in(credentials, ClientInfo(client, "a browser"))

    def refreshed(self, token: str, *, now: datetime = NOW) -> Tokens:
        outcome = self.sign_ins(now).refresh(token)
        assert isinstance(outcome, Tokens)
        return outcome

    def authenticate(self, token: str, *, now: datetime = NOW) -> Caller:
        return self.sign_ins(now).caller_of(self.tokens.read(token, "access", now))
