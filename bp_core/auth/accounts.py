"""Registering, and changing one's password (rules 9)."""

from datetime import datetime
from uuid import UUID

from bp_core.auth.models import PasswordChange, Registration
from bp_core.auth.sessions import Door
from bp_core.auth.store import InviteStore
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Invalid, NotFound
from bp_core.shared.trail import Trail
from bp_core.users import User, UserStore, facts_of


def register(
    door: Door, invites: InviteStore, registration: Registration, *, stand_in_id: UUID, now: datetime
) -> User:
    """Make an account: active with an invite for its e-mail, waiting for headquarters without one.

    A stranger is told the same, after the same work, whether the e-mail is known or not: then nothing is
    made, and the answer carries `stand_in_id`. Raises Invalid for an invite that cannot be used.
    """
    hashed = door.passwords.hashed(registration.password)
    if registration.invite_token is not None:
        return _redeemed(door, invites, registration, registration.invite_token, hashed, now)
    user = door.accounts.add_pending(registration.email, registration.full_name, hashed, now)
    if user is not None:
        _note(door.trail, "user.registered", user)
        return user
    return User(
        id=stand_in_id,
        email=registration.email,
        full_name=registration.full_name,
        role="plant",
        plant_id=None,
        is_active=False,
        created_at=now,
        updated_at=now,
    )


def change_password(
    door: Door, users: UserStore, caller: Caller, change: PasswordChange, *, client: str, now: datetime
) -> Invalid | None:
    """Change the caller's password, and end their other sessions.

    A wrong current password is returned, not raised, for it counts as a failed attempt to sign in. Raises
    Conflict (NO_PASSWORD) for who signs in elsewhere, RateLimited.
    """
    user, account = users.user(caller.user_id), door.accounts.account_of(caller.user_id)
    if user is None or account is None:
        raise NotFound("There is no such user.")
    if account.hashed_password is None:
        raise Conflict("This account signs in elsewhere and has no password here.", code="NO_PASSWORD")
    if not door.knows_password(account, user.email, change.current_password, client=client, now=now):
        return Invalid.of("current_password", "is wrong")
    door.accounts.set_password(caller.user_id, door.passwords.hashed(change.new_password), now)
    door.sessions.revoke_all(caller.user_id, "password_changed", now, but=caller.session_id)
    door.trail.note("user.password_changed", "user", caller.user_id)
    return None


def _redeemed(
    door: Door, invites: InviteStore, registration: Registration, token: str, hashed: str, now: datetime
) -> User:
    invite = invites.use(door.mint.fingerprint(token), registration.email, now)
    user = door.accounts.redeem(invite, registration.full_name, hashed, now) if invite else None
    if invite is None or user is None:
        raise Invalid.of("invite_token", "is not valid: used, run out, or for another e-mail")
    door.trail.note("invite.used", "invite", invite.id, after={"user_id": user.id})
    _note(door.trail, "user.registered", user)
    return user


def _note(trail: Trail, action: str, user: User) -> None:
    trail.note(action, "user", user.id, after=facts_of(user))
