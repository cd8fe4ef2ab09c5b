"""Plant users cannot call what only headquarters may do, whatever the endpoint checks."""

import inspect
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import pytest

from bp_core.auth.invites import InviteService
from bp_core.auth.schemas import NewInvite
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden
from bp_core.shared.schemas import PageQuery
from bp_core.users import UserChanges, UserQuery, UserService
from tests.unit.bp_core.auth.fakes import AuthServices
from tests.unit.bp_core.fakes import ASHA
from tests.unit.bp_core.support import CHENNAI, COLLEAGUE, OWNER, PUNE, context

INVITE_CALLS: Final[dict[str, Callable[[InviteService, Caller], object]]] = {
    "invite": lambda service, caller: service.invite(
        caller, NewInvite(email="ravi@amber.example", role="plant", plant_id=PUNE)
    ),
    "search": lambda service, caller: service.search(caller, PageQuery()),
    "withdraw": lambda service, caller: service.withdraw(caller, uuid4()),
}

USER_CALLS: Final[dict[str, Callable[[UserService, Caller], object]]] = {
    "search": lambda service, caller: service.search(caller, UserQuery()),
    "show": lambda service, caller: service.show(caller, ASHA.id),
    "edit": lambda service, caller: service.edit(caller, ASHA.id, UserChanges(plant_id=CHENNAI)),
    "activate": lambda service, caller: service.activate(caller, ASHA.id),
    "deactivate": lambda service, caller: service.deactivate(caller, ASHA.id),
    "lock": lambda service, caller: service.lock(caller, ASHA.id),
}

ON_ONESELF: Final = {"profile", "rename"}
"""The methods of UserService that every user may call."""

PLANT_USERS: Final = pytest.mark.parametrize("caller", [OWNER, COLLEAGUE], ids=["the user", "a colleague"])


def methods_of(service: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(service, inspect.isfunction) if not name.startswith("_")}


def test_the_tables_have_every_method_that_only_headquarters_may_call() -> None:
    assert set(INVITE_CALLS) == methods_of(InviteService)
    assert set(USER_CALLS) == methods_of(UserService) - ON_ONESELF


@PLANT_USERS
@pytest.mark.parametrize("method", INVITE_CALLS)
def test_a_plant_user_cannot_administer_invites(method: str, caller: Caller) -> None:
    auth = AuthServices()

    with pytest.raises(Forbidden):
        INVITE_CALLS[method](auth.invite_service(), caller)

    assert auth.invites.stored == {}
    assert auth.audit_trail.notes == []


@PLANT_USERS
@pytest.mark.parametrize("method", USER_CALLS)
def test_a_plant_user_cannot_administer_users(method: str, caller: Caller) -> None:
    auth = AuthServices()
    service = UserService(auth.users, auth.sessions, auth.invites, auth.resets, auth.audit_trail, context())

    with pytest.raises(Forbidden):
        USER_CALLS[method](service, caller)

    assert auth.users.saved == []
    assert auth.audit_trail.notes == []
