"""Registration, sign-in, sessions, passwords and invites."""

import logging
from typing import Final
from uuid import UUID

import azure.functions as func

from bp_core.auth.schemas import (
    Credentials,
    Invite,
    IssuedInvite,
    LogoutRequest,
    NewInvite,
    NewSignIn,
    OpenSession,
    PasswordChange,
    PasswordReset,
    RefreshRequest,
    Registration,
    Tokens,
)
from bp_core.auth.sign_in import ClientInfo
from bp_core.shared.access import Caller
from bp_core.shared.errors import (
    Duplicate,
    Invalid,
    InvalidCredentials,
    NoPassword,
    RateLimited,
    TokenExpired,
    TokenRevoked,
    Unauthenticated,
)
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.users import Profile, ProfileChanges, User
from functions import logs
from functions.edge.access import ANYONE, HEADQUARTERS, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.edge.rate_limits import named_account
from functions.edge.responses import Reply, ReplyBeside
from functions.unit_of_work import UnitOfWork

LONGEST_USER_AGENT: Final = 400

blueprint, endpoint = endpoints()


# No transaction here and below: no database connection is in use while a password is hashed.
@endpoint(
    "POST",
    "/api/v1/auth/register",
    who=ANYONE,
    status=201,
    or_status=202,
    limit="sign_in",
    transaction=False,
    creates=False,
)
def register(work: UnitOfWork, body: Registration) -> Reply[User]:
    """Register: 201 with an invite, and the account is active; 202 without one."""
    user = work.accounts.register(body)
    if user.is_active:
        return Reply(user, status=201)
    return Reply(user, status=202, message="Headquarters will check your registration.")


@endpoint(
    "POST",
    "/api/v1/auth/login",
    who=ANYONE,
    limit="sign_in",
    transaction=False,
    errors=(InvalidCredentials,),
)
def login(
    work: UnitOfWork, client: str, request: func.HttpRequest, body: Credentials
) -> ReplyBeside[NewSignIn, NewSignIn]:
    """Sign in with e-mail and password."""
    try:
        tokens = work.sign_in.sign_in(body, ClientInfo(client, _user_agent(request)))
    except (Unauthenticated, RateLimited) as refusal:
        # A hash of the e-mail: it shows attempts at one account, but not who mistyped their password.
        account = named_account(request)
        logs.log("sign_in_failed", level=logging.WARNING, code=refusal.code, client=client, account=account)
        raise
    return ReplyBeside(data=tokens, beside=tokens)


@endpoint(
    "POST",
    "/api/v1/auth/refresh",
    who=ANYONE,
    errors=(Unauthenticated, TokenExpired, TokenRevoked),
)
def refresh_tokens(work: UnitOfWork, body: RefreshRequest) -> ReplyBeside[Tokens, Tokens] | Unauthenticated:
    """Exchange a refresh token for new tokens."""
    tokens = work.sign_in.refresh(body.refresh_token)
    if isinstance(tokens, Unauthenticated):
        logs.log("refresh_token_reused", level=logging.WARNING)  # the token was probably stolen (rules 9)
        return tokens
    return ReplyBeside(data=tokens, beside=tokens)


@endpoint("POST", "/api/v1/auth/logout", who=SIGNED_IN)
def logout(work: UnitOfWork, caller: Caller, body: LogoutRequest) -> Reply[None]:
    """End this session at once."""
    work.sign_in.sign_out(caller, body.refresh_token)
    return Reply(None, message="Signed out.")


@endpoint("GET", "/api/v1/auth/me", who=SIGNED_IN)
def show_me(work: UnitOfWork, caller: Caller) -> Profile:
    """Show who is signed in."""
    return work.users.profile(caller)


@endpoint("PATCH", "/api/v1/auth/me", who=SIGNED_IN)
def edit_me(work: UnitOfWork, caller: Caller, body: ProfileChanges) -> Profile:
    """Change your own name."""
    return work.users.rename(caller, body)


@endpoint("POST", "/api/v1/auth/change-password", who=SIGNED_IN, transaction=False, errors=(NoPassword,))
def change_password(work: UnitOfWork, caller: Caller, client: str, body: PasswordChange) -> Reply[None]:
    """Change your own password; your other sessions end."""
    work.accounts.change_password(caller, body, client)
    return Reply(None, message="Your password is changed. Your other sessions have ended.")


@endpoint("POST", "/api/v1/auth/reset-password", who=ANYONE, limit="sign_in", transaction=False)
def reset_password(work: UnitOfWork, client: str, body: PasswordReset) -> Reply[None]:
    """Set a new password with the token of a password reset; all sessions of the user end."""
    try:
        work.password_resets.reset(body, client)
    except Invalid:
        logs.log("password_reset_refused", level=logging.WARNING, client=client)
        raise
    return Reply(None, message="Your password is changed. Sign in with the new one.")


@endpoint("GET", "/api/v1/auth/sessions", who=SIGNED_IN)
def list_sessions(work: UnitOfWork, caller: Caller, query: PageQuery) -> Page[OpenSession]:
    """List your own open sessions, last used first."""
    return work.sign_in.open_sessions(caller, query)


@endpoint("DELETE", "/api/v1/auth/sessions/{session_id:guid}", who=SIGNED_IN)
def end_session(work: UnitOfWork, caller: Caller, session_id: UUID) -> Reply[None]:
    """End one of your own sessions at once."""
    work.sign_in.end_session(caller, session_id)
    return Reply(None, message="The session has ended.")


@endpoint("POST", "/api/v1/auth/invites", who=HEADQUARTERS, status=201, errors=(Duplicate,))
def create_invite(work: UnitOfWork, caller: Caller, body: NewInvite) -> IssuedInvite:
    """Invite a person; only this response has the token."""
    return work.invites.invite(caller, body)


@endpoint("GET", "/api/v1/auth/invites", who=HEADQUARTERS)
def list_invites(work: UnitOfWork, caller: Caller, query: PageQuery) -> Page[Invite]:
    """List the invites, newest first."""
    return work.invites.search(caller, query)


@endpoint("DELETE", "/api/v1/auth/invites/{invite_id:guid}", who=HEADQUARTERS)
def withdraw_invite(work: UnitOfWork, caller: Caller, invite_id: UUID) -> Reply[None]:
    """Withdraw an unused invite."""
    work.invites.withdraw(caller, invite_id)
    return Reply(None, message="The invite is withdrawn.")


def _user_agent(request: func.HttpRequest) -> str | None:
    sent: str = request.headers.get("user-agent", "")
    return sent.replace("\x00", "")[:LONGEST_USER_AGENT] or None
