from uuid import UUID, uuid4

import pytest

from bp_core.practices.life import Whereabouts
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound
from bp_core.shared.model import Sent
from functions.access import (
    ANYONE,
    HEADQUARTERS,
    PLANT_USER,
    PRACTICE_OWNER,
    PRACTICE_VIEWER,
    SIGNED_IN,
    Access,
    Leads,
)
from tests.unit.bp_core.support import HQ, NEIGHBOUR, OWNER, PUNE

PRACTICE_ID = uuid4()


class Wish(Sent):
    practice_id: UUID


def whereabouts(leads: Leads, thing_id: UUID) -> Whereabouts | None:
    return Whereabouts(PUNE, "draft") if (leads, thing_id) == ("practice_id", PRACTICE_ID) else None


def check(access: Access, caller: Caller, **values: object) -> None:
    access.check_role(caller)
    access.check_practice(caller, values, whereabouts)


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        (SIGNED_IN, [OWNER, HQ]),
        (PLANT_USER, [OWNER]),
        (HEADQUARTERS, [HQ]),
        (PRACTICE_VIEWER, [OWNER, HQ]),
        (PRACTICE_OWNER, [OWNER, HQ]),
    ],
)
def test_a_route_lets_in_callers_of_its_roles_only(access: Access, allowed: list[Caller]) -> None:
    for caller in (OWNER, HQ):
        if caller in allowed:
            access.check_role(caller)
        else:
            with pytest.raises(Forbidden):
                access.check_role(caller)


@pytest.mark.parametrize("access", [PRACTICE_VIEWER, PRACTICE_OWNER])
@pytest.mark.parametrize("values", [{"practice_id": PRACTICE_ID}, {"body": Wish(practice_id=PRACTICE_ID)}])
def test_a_practice_is_found_by_the_path_or_by_the_body(access: Access, values: dict[str, object]) -> None:
    check(access, OWNER, **values)
    check(access, HQ, **values)
    with pytest.raises(NotFound):
        check(access, NEIGHBOUR, **values)


@pytest.mark.parametrize("access", [PRACTICE_VIEWER, PRACTICE_OWNER])
def test_a_practice_that_is_not_there_lets_nobody_in(access: Access) -> None:
    with pytest.raises(NotFound):
        check(access, HQ, practice_id=uuid4())


@pytest.mark.parametrize("access", [ANYONE, SIGNED_IN, HEADQUARTERS])
def test_a_route_without_a_practice_asks_for_none(access: Access) -> None:
    check(access, HQ)


def test_a_route_that_does_not_say_which_practice_is_a_failure_of_ours() -> None:
    with pytest.raises(TypeError, match="practice_id"):
        check(PRACTICE_OWNER, HQ)
