"""The people who use the portal, administered by headquarters."""

from uuid import UUID

from bp_core import users
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page
from bp_core.users import User, UserChanges, UserQuery
from functions.access import HEADQUARTERS
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/users", who=HEADQUARTERS)
def list_users(unit: Unit, query: UserQuery) -> Page[User]:
    """List the people by name."""
    return unit.users.users(query)


@endpoint("GET", "/api/v1/users/{user_id:guid}", who=HEADQUARTERS)
def show_user(unit: Unit, user_id: UUID) -> User:
    """Show a person."""
    return users.show(unit.users, user_id)


@endpoint("PATCH", "/api/v1/users/{user_id:guid}", who=HEADQUARTERS, errors=("OWN_ACCOUNT",))
def edit_user(unit: Unit, caller: Caller, user_id: UUID, body: UserChanges) -> User:
    """Change a person's name, role or plant."""
    return users.change(unit.users, unit.trail, caller, user_id, body, unit.moment.at)


@endpoint("PATCH", "/api/v1/users/{user_id:guid}/activate", who=HEADQUARTERS)
def activate_user(unit: Unit, user_id: UUID) -> User:
    """Let a person in."""
    return users.activate(unit.users, unit.trail, user_id, unit.moment.at)


@endpoint("PATCH", "/api/v1/users/{user_id:guid}/deactivate", who=HEADQUARTERS, errors=("OWN_ACCOUNT",))
def deactivate_user(unit: Unit, caller: Caller, user_id: UUID) -> User:
    """Shut a person out at once."""
    return users.deactivate(
        unit.users, unit.sessions, unit.invites, unit.trail, caller, user_id, unit.moment.at
    )
