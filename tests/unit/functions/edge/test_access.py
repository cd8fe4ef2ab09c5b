from typing import cast
from uuid import UUID, uuid4

import pytest

from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound, TokenExpired, TokenRevoked, Unauthenticated
from bp_core.shared.schemas import RequestModel
from functions.edge.access import ANYONE, HEADQUARTERS, PLANT_USER, SIGNED_IN, Access, Target
from functions.unit_of_work import UnitOfWork
from tests.unit.bp_core.support import HQ, NEIGHBOUR, OWNER

MACHINE_ID = uuid4()
WORK = cast(UnitOfWork, object())


class Wish(RequestModel):
    machine_id: UUID


def check_machine(work: UnitOfWork, caller: Caller, machine_id: UUID) -> None:
    assert work is WORK
    if machine_id != MACHINE_ID or caller is NEIGHBOUR:
        raise NotFound("There is no such machine.")


MACHINE_USER = Access(
    "users of the machine", target=Target("machine_id", check_machine, frozenset({NotFound}))
)


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        (SIGNED_IN, [OWNER, HQ]),
        (PLANT_USER, [OWNER]),
        (HEADQUARTERS, [HQ]),
        (MACHINE_USER, [OWNER, HQ]),
    ],
)
def test_a_route_lets_in_callers_of_its_roles_only(access: Access, allowed: list[Caller]) -> None:
    for caller in (OWNER, HQ):
        if caller in allowed:
            access.check_role(caller)
        else:
            with pytest.raises(Forbidden):
                access.check_role(caller)


@pytest.mark.parametrize("values", [{"machine_id": MACHINE_ID}, {"body": Wish(machine_id=MACHINE_ID)}])
def test_the_id_of_the_target_is_in_the_path_or_in_the_body(values: dict[str, object]) -> None:
    MACHINE_USER.check_target(WORK, OWNER, values)
    MACHINE_USER.check_target(WORK, HQ, values)
    with pytest.raises(NotFound):
        MACHINE_USER.check_target(WORK, NEIGHBOUR, values)


@pytest.mark.parametrize("access", [ANYONE, SIGNED_IN, HEADQUARTERS])
def test_a_route_without_a_target_checks_none(access: Access) -> None:
    access.check_target(WORK, HQ, {})


def test_a_request_without_the_id_of_the_target_is_an_error_of_the_portal() -> None:
    with pytest.raises(TypeError, match="machine_id"):
        MACHINE_USER.check_target(WORK, HQ, {})


def test_the_errors_of_a_route_follow_from_its_access() -> None:
    signed_in = {Unauthenticated, TokenExpired, TokenRevoked}

    assert ANYONE.errors == set()
    assert SIGNED_IN.errors == signed_in
    assert HEADQUARTERS.errors == PLANT_USER.errors == signed_in | {Forbidden}
    assert MACHINE_USER.errors == signed_in | {NotFound}
