"""Users, administered by headquarters."""

from uuid import UUID

from bp_core.auth.schemas import IssuedPasswordReset
from bp_core.shared.access import Caller
from bp_core.shared.errors import InactiveUser, LastHeadquarters, NoPassword, OwnAccount
from bp_core.shared.paging import Page
from bp_core.users import User, UserChanges, UserQuery
from functions.edge.access import HEADQUARTERS
from functions.edge.endpoint import endpoints
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/users", who=HEADQUARTERS)
def list_users(work: UnitOfWork, caller: Caller, query: UserQuery) -> Page[User]:
    """List the users by name."""
    return work.users.search(caller, query)


@endpoint("GET", "/api/v1/users/{user_id:guid}", who=HEADQUARTERS)
def show_user(work: UnitOfWork, caller: Caller, user_id: UUID) -> User:
    """Show a user."""
    return work.users.show(caller, user_id)


@endpoint("PATCH", "/api/v1/users/{user_id:guid}", who=HEADQUARTERS, errors=(OwnAccount, LastHeadquarters))
def edit_user(work: UnitOfWork, caller: Caller, user_id: UUID, body: UserChanges) -> User:
    """Change a user's name, role or plant."""
    return work.users.edit(caller, user_id, body)


@endpoint("PATCH", "/api/v1/users/{user_id:guid}/activate", who=HEADQUARTERS)
def activate_user(work: UnitOfWork, caller: Caller, user_id: UUID) -> User:
    """Activate a user."""
    return work.users.activate(caller, user_id)


@endpoint(
    "PATCH",
    "/api/v1/users/{user_id:guid}/deactivate",
    who=HEADQUARTERS,
    errors=(OwnAccount, LastHeadquarters),
)
def deactivate_user(work: UnitOfWork, caller: Caller, user_id: UUID) -> User:
    """Deactivate a user; their sessions end at once."""
    return work.users.deactivate(caller, user_id)


@endpoint(
    "POST",
    "/api/v1/users/{user_id:guid}/password-reset",
    who=HEADQUARTERS,
    status=201,
    errors=(OwnAccount, InactiveUser, NoPassword),
)
def issue_password_reset(work: UnitOfWork, caller: Caller, user_id: UUID) -> IssuedPasswordReset:
    """Issue a token with which a user can set a new password; only this response has it."""
    return work.password_resets.issue(caller, user_id)
