from typing import cast
from uuid import UUID, uuid4

import pytest

from bp_core.practices.workflow import PracticeScope
from bp_core.shared.errors import Forbidden, NotFound
from bp_core.shared.schemas import RequestModel
from functions.edge.access import Access
from functions.practice_access import PRACTICE_OWNER, PRACTICE_VIEWER, QUESTION_OWNER, QUESTION_VIEWER
from functions.unit_of_work import UnitOfWork
from tests.unit.bp_core.support import HQ, NEIGHBOUR, OWNER, PUNE

PRACTICE_ID, QUESTION_ID = uuid4(), uuid4()


class FakeWork:
    """Knows one practice of Pune in a state, and one question about it."""

    def __init__(self, status: str = "draft") -> None:
        self.scope = PracticeScope(PUNE, status)  # type: ignore[arg-type]

    def practice_scope(self, practice_id: UUID) -> PracticeScope | None:
        return self.scope if practice_id == PRACTICE_ID else None

    def question_scope(self, question_id: UUID) -> PracticeScope | None:
        return self.scope if question_id == QUESTION_ID else None


class Wish(RequestModel):
    practice_id: UUID


def work(status: str = "draft") -> UnitOfWork:
    return cast(UnitOfWork, FakeWork(status))


@pytest.mark.parametrize("access", [PRACTICE_VIEWER, PRACTICE_OWNER])
@pytest.mark.parametrize("values", [{"practice_id": PRACTICE_ID}, {"body": Wish(practice_id=PRACTICE_ID)}])
def test_a_practice_is_found_by_the_path_or_by_the_body(access: Access, values: dict[str, object]) -> None:
    access.check_target(work(), OWNER, values)
    access.check_target(work(), HQ, values)
    with pytest.raises(NotFound):
        access.check_target(work(), NEIGHBOUR, values)


@pytest.mark.parametrize("access", [PRACTICE_VIEWER, PRACTICE_OWNER])
def test_an_unknown_practice_is_not_found(access: Access) -> None:
    with pytest.raises(NotFound):
        access.check_target(work(), HQ, {"practice_id": uuid4()})


@pytest.mark.parametrize("access", [QUESTION_VIEWER, QUESTION_OWNER])
def test_a_question_leads_to_its_practice(access: Access) -> None:
    access.check_target(work(), OWNER, {"question_id": QUESTION_ID})
    with pytest.raises(NotFound):
        access.check_target(work(), NEIGHBOUR, {"question_id": QUESTION_ID})
    with pytest.raises(NotFound):
        access.check_target(work(), HQ, {"question_id": uuid4()})


@pytest.mark.parametrize(
    ("viewer", "owner", "values"),
    [
        (PRACTICE_VIEWER, PRACTICE_OWNER, {"practice_id": PRACTICE_ID}),
        (QUESTION_VIEWER, QUESTION_OWNER, {"question_id": QUESTION_ID}),
    ],
)
def test_another_plant_sees_a_submitted_practice_but_does_not_own_it(
    viewer: Access, owner: Access, values: dict[str, object]
) -> None:
    viewer.check_target(work("submitted"), NEIGHBOUR, values)
    with pytest.raises(Forbidden):
        owner.check_target(work("submitted"), NEIGHBOUR, values)
    owner.check_target(work("submitted"), HQ, values)


@pytest.mark.parametrize(
    ("access", "values"),
    [(PRACTICE_VIEWER, {}), (PRACTICE_OWNER, {}), (QUESTION_VIEWER, {}), (QUESTION_OWNER, {})],
)
def test_a_route_that_does_not_name_the_practice_is_an_error_of_the_portal(
    access: Access, values: dict[str, object]
) -> None:
    with pytest.raises(TypeError, match=r"(practice|question)_id"):
        access.check_target(work(), HQ, values)
