"""Getting in and staying in: registering, signing in, sessions, passwords, invites."""

import logging
from typing import Final
from uuid import UUID, uuid4

import azure.functions as func

from bp_core import users
from bp_core.auth import accounts, invites
from bp_core.auth.models import (
    Credentials,
    Invite,
    IssuedInvite,
    LogoutRequest,
    NewInvite,
    OpenSession,
    PasswordChange,
    RefreshRequest,
    Registration,
    Tokens,
)
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, Invalid, RateLimited, Unauthenticated
from bp_core.shared.model import PageQuery
from bp_core.shared.paging import Page
from bp_core.users import Profile, ProfileChanges, User
from functions import logs
from functions.access import ANYONE, HEADQUARTERS, SIGNED_IN
from functions.answers import Reply, ReplyBeside
from functions.bootstrap import Unit
from functions.edge import endpoints
from functions.limits import named_account

LONGEST_USER_AGENT: Final = 400

blueprint, endpoint = endpoints()


@endpoint(
    "POST",
    "/api/v1/auth/register",
    who=ANYONE,
    status=201,
    or_status=202,
    limit="sign_in",
    creates=False,
)
def register(unit: Unit, body: Registration) -> Reply[User]:
    """Register: 201 with an invite, which makes the account active; 202 without one."""
    user = accounts.register(unit.door, unit.invites, body, stand_in_id=uuid4(), now=unit.moment.at)
    if user.is_active:
        return Reply(user, status=201)
    return Reply(user, status=202, message="Headquarters will look at your registration.")


# Not one transaction: no connection is held while the password is hashed.
@endpoint(
    "POST",
    "/api/v1/auth/login",
    who=ANYONE,
    limit="sign_in",
    transaction=False,
    errors=("INVALID_CREDENTIALS", "ACCOUNT_INACTIVE"),
)
def login(
    unit: Unit, client: str, request: func.HttpRequest, body: Credentials
) -> ReplyBeside[Tokens, Tokens]:
    """Sign in with e-mail and password."""
    user_agent = request.headers.get("user-agent", "").replace("\x00", "")[:LONGEST_USER_AGENT] or None
    try:
        tokens = unit.door.sign_in(body, client=client, user_agent=user_agent, now=unit.moment.at)
    except (Unauthenticated, Forbidden, RateLimited) as refusal:
        # The account as a hash: enough to see that one is being tried, without keeping who was mistyped.
        account = named_account(request)
        logs.log("sign_in_failed", level=logging.WARNING, code=refusal.code, client=client, account=account)
        raise
    return ReplyBeside(data=tokens, beside=tokens)


@endpoint(
    "POST",
    "/api/v1/auth/refresh",
    who=ANYONE,
    errors=("UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REVOKED"),
)
def refresh_tokens(unit: Unit, body: RefreshRequest) -> ReplyBeside[Tokens, Tokens] | Unauthenticated:
    """Exchange a refresh token for new tokens."""
    tokens = unit.door.refresh(body.refresh_token, now=unit.moment.at)
    if isinstance(tokens, Unauthenticated):
        logs.log("refresh_token_reused", level=logging.WARNING)  # theft, as far as anybody can tell (rules 9)
        return tokens
    return ReplyBeside(data=tokens, beside=tokens)


@endpoint("POST", "/api/v1/auth/logout", who=SIGNED_IN)
def logout(unit: Unit, caller: Caller, body: LogoutRequest) -> Reply[None]:
    """End this session at once."""
    unit.door.sign_out(caller, body.refresh_token, now=unit.moment.at)
    return Reply(None, message="Signed out.")


@endpoint("GET", "/api/v1/auth/me", who=SIGNED_IN)
def show_me(unit: Unit, caller: Caller) -> Profile:
    """Show who is signed in."""
    return users.show_profile(unit.users, caller.user_id)


@endpoint("PATCH", "/api/v1/auth/me", who=SIGNED_IN)
def edit_me(unit: Unit, caller: Caller, body: ProfileChanges) -> Profile:
    """Change one's own name."""
    return users.rename(unit.users, unit.trail, caller, body, unit.moment.at)


@endpoint("POST", "/api/v1/auth/change-password", who=SIGNED_IN, errors=("NO_PASSWORD",))
def change_password(unit: Unit, caller: Caller, client: str, body: PasswordChange) -> Reply[None] | Invalid:
    """Change one's own password; the other sessions end."""
    refusal = accounts.change_password(unit.door, unit.users, caller, body, client=client, now=unit.moment.at)
    return refusal or Reply(None, message="The password is changed; other sessions have ended.")


@endpoint("GET", "/api/v1/auth/sessions", who=SIGNED_IN)
def list_sessions(unit: Unit, caller: Caller) -> list[OpenSession]:
    """List one's own open sessions, last seen first."""
    return unit.door.open_sessions(caller, unit.moment.at)


@endpoint("DELETE", "/api/v1/auth/sessions/{session_id:guid}", who=SIGNED_IN)
def end_session(unit: Unit, caller: Caller, session_id: UUID) -> Reply[None]:
    """End one of one's own sessions at once."""
    unit.door.end_session(caller, session_id, now=unit.moment.at)
    return Reply(None, message="The session has ended.")


@endpoint("POST", "/api/v1/auth/invites", who=HEADQUARTERS, status=201, errors=("DUPLICATE",))
def create_invite(unit: Unit, caller: Caller, body: NewInvite) -> IssuedInvite:
    """Invite somebody; the token is shown this once."""
    return invites.invite(
        unit.invites, unit.accounts, unit.portal.tokens, unit.trail, caller, body, unit.moment.at
    )


@endpoint("GET", "/api/v1/auth/invites", who=HEADQUARTERS)
def list_invites(unit: Unit, query: PageQuery) -> Page[Invite]:
    """List the invites, newest first."""
    return unit.invites.invites(query.limit, query.offset)


@endpoint("DELETE", "/api/v1/auth/invites/{invite_id:guid}", who=HEADQUARTERS)
def withdraw_invite(unit: Unit, invite_id: UUID) -> Reply[None]:
    """Take an invite back that was not used."""
    invites.withdraw(unit.invites, unit.trail, invite_id)
    return Reply(None, message="The invite is withdrawn.")
