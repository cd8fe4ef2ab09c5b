"""Users: accounts, roles and plants (rules 1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from pydantic import Field

from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditTrail, difference
from bp_core.shared.context import Context
from bp_core.shared.errors import Forbidden, Invalid, LastHeadquarters, NotFound, OwnAccount, TokenRevoked
from bp_core.shared.paging import Page
from bp_core.shared.schemas import (
    Line,
    PageQuery,
    RequestModel,
    ResponseModel,
    Role,
    Text,
    Timestamp,
    not_sent,
)


class User(ResponseModel):
    """A user, with the name of their plant; a plant user who is not activated yet may have no plant."""

    id: UUID
    email: Annotated[str, Field(examples=["asha.rao@amber.example"])]
    full_name: Annotated[str, Field(examples=["Asha Rao"])]
    role: Role
    plant_id: UUID | None
    plant_name: Annotated[str | None, Field(examples=["Supa"])]
    is_active: bool
    created_at: Timestamp
    updated_at: Timestamp


class Profile(User):
    """A user with the short name of their plant as well; null for headquarters users."""

    plant_short_name: Annotated[str | None, Field(examples=["Supa"])]


Person = TypeVar("Person", bound=User)


class ProfileChanges(RequestModel):
    """The fields that users can change in their own profile."""

    full_name: Annotated[Line, Field(max_length=200, examples=["Asha Rao"])] = not_sent()


class UserQuery(PageQuery):
    """Filters a list of users; `search` searches names and e-mails."""

    role: Role | None = None
    plant_id: UUID | None = None
    is_active: bool | None = None
    search: Annotated[Text, Field(max_length=200)] | None = None


class UserChanges(RequestModel):
    """The fields that headquarters can change of a user; a field that is not sent is not changed."""

    full_name: Annotated[Line, Field(max_length=200, examples=["Asha Rao"])] = not_sent()
    role: Role = not_sent()
    plant_id: UUID | None = None


class UserStore(Protocol):
    """Stores users."""

    def profile(self, user_id: UUID) -> Profile | None:
        """Read a user with the names of their plant."""
        ...

    def user(self, user_id: UUID) -> User | None:
        """Read a user."""
        ...

    def user_for_update(self, user_id: UUID) -> User | None:
        """Read a user, and lock the row until the transaction ends."""
        ...

    def lock_with_headquarters(self, *user_ids: UUID) -> list[User]:
        """Read users and all active headquarters users, and lock them until the transaction ends.

        They are locked in the order of their ids, so that two callers do not wait for each other.
        """
        ...

    def users(self, query: UserQuery) -> Page[User]:
        """List the users by name."""
        ...

    def save(self, user: User) -> None:
        """Update a user."""
        ...


class InviteWithdrawer(Protocol):
    """Withdraws invites."""

    def withdraw_all(self, email: str) -> None:
        """Delete every unused invite for an e-mail."""
        ...


class PasswordResetWithdrawer(Protocol):
    """Withdraws password resets."""

    def withdraw_reset(self, user_id: UUID) -> None:
        """Delete the unused password reset of a user, if there is one."""
        ...


class SessionEnder(Protocol):
    """Ends sessions."""

    def revoke_all(self, user_id: UUID, reason: str, now: datetime, *, but: UUID | None) -> None:
        """End all sessions of a user, except the session `but`."""
        ...


@dataclass(frozen=True)
class Administered:
    """A user whom headquarters administers, locked together with the caller and all headquarters users."""

    user: User
    caller: Caller
    locked: Mapping[UUID, User]

    def require_allowed(self, changed: User) -> None:
        """Check that headquarters keeps an active user, and that the caller is still one.

        Both are checked on the locked rows: otherwise two headquarters users could deactivate each other.
        Raises LastHeadquarters, TokenRevoked, Forbidden.
        """
        after = {**self.locked, changed.id: changed}
        if _is_active_hq(self.user) and not any(_is_active_hq(user) for user in after.values()):
            raise LastHeadquarters("This is the last active user of headquarters.")
        caller = self.locked.get(self.caller.user_id)
        if caller is None or not caller.is_active:
            raise TokenRevoked("Your account was deactivated.")
        if caller.role != "hq":
            raise Forbidden("Only headquarters can do this.")


@dataclass(frozen=True)
class UserService:
    """The use cases of users: headquarters manages all users, every user reads and renames themselves."""

    store: UserStore
    sessions: SessionEnder
    invites: InviteWithdrawer
    resets: PasswordResetWithdrawer
    audit_trail: AuditTrail
    context: Context

    def profile(self, caller: Caller) -> Profile:
        """Return the caller with the names of their plant. Raises NotFound."""
        return _found(self.store.profile(caller.user_id))

    def rename(self, caller: Caller, changes: ProfileChanges) -> Profile:
        """Change the caller's own name. Raises NotFound."""
        if changes.sent():
            user = _found(self.store.user_for_update(caller.user_id))
            self._update(user, "user.changed", changes.sent())
        return self.profile(caller)

    def search(self, caller: Caller, query: UserQuery) -> Page[User]:
        """Return one page of the users, by name, for headquarters. Raises Forbidden."""
        require_headquarters(caller)
        return self.store.users(query)

    def show(self, caller: Caller, user_id: UUID) -> User:
        """Return a user, for headquarters. Raises Forbidden, NotFound."""
        require_headquarters(caller)
        return _found(self.store.user(user_id))

    def edit(self, caller: Caller, user_id: UUID, changes: UserChanges) -> User:
        """Change the name, role or plant of a user; it takes effect at their next request.

        Raises Forbidden, NotFound, Invalid if the plant does not fit the role, OwnAccount if callers change
        their own role, LastHeadquarters, TokenRevoked.
        """
        administered = self.lock(caller, user_id)
        user = administered.user
        changed = user.model_copy(update=changes.sent())
        if changed.is_active or changed.plant_id is not None or changed.role == "hq":
            require_role_and_plant(changed.role, changed.plant_id)
        if user_id == caller.user_id and changed.role != user.role:
            raise OwnAccount("You cannot change your own role.")
        administered.require_allowed(changed)
        return self._update(user, "user.changed", changes.sent())

    def activate(self, caller: Caller, user_id: UUID) -> User:
        """Activate a user; an active user is not changed.

        Raises Forbidden, NotFound, Invalid for a plant user without a plant, TokenRevoked.
        """
        administered = self.lock(caller, user_id)
        user = administered.user
        require_role_and_plant(user.role, user.plant_id)
        administered.require_allowed(user)
        return self._update(user, "user.activated", {"is_active": True})

    def deactivate(self, caller: Caller, user_id: UUID) -> User:
        """Deactivate a user; this ends their sessions and deletes their unused invites and password resets.

        Raises Forbidden, OwnAccount, NotFound, LastHeadquarters, TokenRevoked.
        """
        require_headquarters(caller)
        if user_id == caller.user_id:
            raise OwnAccount("You cannot deactivate your own account.")
        administered = self.lock(caller, user_id)
        user = administered.user
        administered.require_allowed(user.model_copy(update={"is_active": False}))
        deactivated = self._update(user, "user.deactivated", {"is_active": False})
        self.sessions.revoke_all(user_id, "deactivated", self.context.now, but=None)
        self.invites.withdraw_all(user.email)
        self.resets.withdraw_reset(user_id)
        return deactivated

    def lock(self, caller: Caller, user_id: UUID) -> Administered:
        """Lock a user, the caller and headquarters, for headquarters only. Raises Forbidden, NotFound."""
        require_headquarters(caller)
        locked = {user.id: user for user in self.store.lock_with_headquarters(caller.user_id, user_id)}
        return Administered(_found(locked.get(user_id)), caller, locked)

    def _update(self, before: User, action: str, update: dict[str, Any]) -> User:
        """Update a locked user, and record the change."""
        after = before.model_copy(update={**update, "updated_at": self.context.now})
        changed = difference(facts_of(before), facts_of(after))
        if not changed.after:
            return before
        self.store.save(after)
        self.audit_trail.record(action, "user", after.id, before=changed.before, after=changed.after)
        return _found(self.store.user(after.id))  # with the name of the new plant


def facts_of(user: User) -> dict[str, object]:
    """Return the fields of a user that the audit trail records."""
    return user.model_dump(include={"email", "full_name", "role", "plant_id", "is_active"})


def require_role_and_plant(role: Role, plant_id: UUID | None) -> None:
    """Check that a plant user has a plant and a headquarters user has none (rules 1). Raises Invalid."""
    if role == "plant" and plant_id is None:
        raise Invalid.of("plant_id", "a plant user must have a plant")
    if role == "hq" and plant_id is not None:
        raise Invalid.of("plant_id", "a headquarters user must not have a plant")


def _is_active_hq(user: User) -> bool:
    return user.is_active and user.role == "hq"


def _found(user: Person | None) -> Person:
    if user is None:
        raise NotFound("There is no such user.")
    return user
