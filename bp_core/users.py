"""The people who use the portal (rules 1)."""

from datetime import datetime
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

from pydantic import Field

from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Invalid, NotFound
from bp_core.shared.model import Line, PageQuery, Role, Sent, Shown, Text, Timestamp
from bp_core.shared.paging import Page
from bp_core.shared.trail import Trail, difference


class User(Shown):
    """A person with an account; a plant user who waits for headquarters may have no plant yet."""

    id: UUID
    email: str
    full_name: str
    role: Role
    plant_id: UUID | None
    is_active: bool
    created_at: Timestamp
    updated_at: Timestamp


class Profile(User):
    """A person with the names of the plant they belong to; headquarters have none."""

    plant_name: str | None
    plant_short_name: str | None


Person = TypeVar("Person", bound=User)


class ProfileChanges(Sent):
    """What a person may change of themselves."""

    full_name: Annotated[Line, Field(max_length=200)] = ""


class UserQuery(PageQuery):
    """Which people are wanted; `search` looks in names and e-mails."""

    role: Role | None = None
    plant_id: UUID | None = None
    is_active: bool | None = None
    search: Annotated[Text, Field(max_length=200)] | None = None


class UserChanges(Sent):
    """What headquarters may change of a person: what is not sent stays."""

    full_name: Annotated[Line, Field(max_length=200)] = ""
    role: Role = "plant"
    plant_id: UUID | None = None


class UserStore(Protocol):
    """Where the people are kept."""

    def profile(self, user_id: UUID) -> Profile | None:
        """Find a person with the names of their plant."""
        ...

    def user(self, user_id: UUID) -> User | None:
        """Find a person."""
        ...

    def user_for_update(self, user_id: UUID) -> User | None:
        """Find a person and hold them until the transaction ends."""
        ...

    def users(self, query: UserQuery) -> Page[User]:
        """List the people by name."""
        ...

    def save(self, user: User) -> None:
        """Keep a person as they are now."""
        ...


class InviteWithdrawer(Protocol):
    """Withdraws invites."""

    def withdraw_all(self, email: str) -> None:
        """Delete every invite for an e-mail that was not used."""
        ...


class SessionEnder(Protocol):
    """Ends sessions."""

    def revoke_all(self, user_id: UUID, reason: str, now: datetime, *, but: UUID | None) -> None:
        """End every session of a user, but for one if it is named."""
        ...


def facts_of(user: User) -> dict[str, object]:
    """Tell what the audit trail keeps of a person."""
    return user.model_dump(include={"email", "full_name", "role", "plant_id", "is_active"})


def require_role_and_plant(role: Role, plant_id: UUID | None) -> None:
    """Check that a plant user has a plant, and headquarters none (rules 1).

    Raises Invalid.
    """
    if role == "plant" and plant_id is None:
        raise Invalid.of("plant_id", "a plant user belongs to a plant")
    if role == "hq" and plant_id is not None:
        raise Invalid.of("plant_id", "headquarters belong to no plant")


def show_profile(store: UserStore, user_id: UUID) -> Profile:
    """Show a person with their plant.

    Raises NotFound.
    """
    return _found(store.profile(user_id))


def show(store: UserStore, user_id: UUID) -> User:
    """Show a person.

    Raises NotFound.
    """
    return _found(store.user(user_id))


def rename(store: UserStore, trail: Trail, caller: Caller, changes: ProfileChanges, now: datetime) -> Profile:
    """Change one's own name.

    Raises NotFound.
    """
    if "full_name" in changes.model_fields_set:
        user = _found(store.user_for_update(caller.user_id))
        renamed = user.model_copy(update={"full_name": changes.full_name, "updated_at": now})
        _keep(store, trail, "user.changed", user, renamed)
    return show_profile(store, caller.user_id)


def change(
    store: UserStore, trail: Trail, caller: Caller, user_id: UUID, changes: UserChanges, now: datetime
) -> User:
    """Change a person's name, role or plant; it acts on their next call.

    Raises NotFound, Invalid where role and plant do not fit, Conflict (OWN_ACCOUNT) for one's own role.
    """
    user = _found(store.user_for_update(user_id))
    sent = changes.model_dump(include=changes.model_fields_set)
    changed = user.model_copy(update={**sent, "updated_at": now})
    if changed.is_active or changed.plant_id is not None or changed.role == "hq":
        require_role_and_plant(changed.role, changed.plant_id)
    if user_id == caller.user_id and changed.role != user.role:
        raise Conflict("Nobody changes their own role.", code="OWN_ACCOUNT")
    _keep(store, trail, "user.changed", user, changed)
    return changed


def activate(store: UserStore, trail: Trail, user_id: UUID, now: datetime) -> User:
    """Let a person in; doing it twice changes nothing.

    Raises NotFound, Invalid for a plant user without a plant.
    """
    user = _found(store.user_for_update(user_id))
    require_role_and_plant(user.role, user.plant_id)
    activated = user.model_copy(update={"is_active": True, "updated_at": now})
    _keep(store, trail, "user.activated", user, activated)
    return activated


def deactivate(
    store: UserStore,
    sessions: SessionEnder,
    invites: InviteWithdrawer,
    trail: Trail,
    caller: Caller,
    user_id: UUID,
    now: datetime,
) -> User:
    """Shut a person out at once: their sessions end, and no invite that is left lets them in again.

    Raises NotFound, Conflict (OWN_ACCOUNT).
    """
    if user_id == caller.user_id:
        raise Conflict("Nobody deactivates themselves.", code="OWN_ACCOUNT")
    user = _found(store.user_for_update(user_id))
    deactivated = user.model_copy(update={"is_active": False, "updated_at": now})
    _keep(store, trail, "user.deactivated", user, deactivated)
    sessions.revoke_all(user_id, "deactivated", now, but=None)
    invites.withdraw_all(user.email)
    return deactivated


def _found(user: Person | None) -> Person:
    if user is None:
        raise NotFound("There is no such user.")
    return user


def _keep(store: UserStore, trail: Trail, action: str, before: User, after: User) -> None:
    changed = difference(facts_of(before), facts_of(after))
    if changed.after:
        store.save(after)
        trail.note(action, "user", after.id, before=changed.before, after=changed.after)
