"""Every service checks the rights of its caller by itself, on the locked row where it writes."""

import inspect
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID, uuid4

import pytest

from bp_core.audit import AuditQuery
from bp_core.categories import CategoryChanges, NewCategory
from bp_core.copying import CopyChanges, NewCopy
from bp_core.leaderboard import CalendarYearQuery
from bp_core.plants import NewPlant, PlantChanges
from bp_core.practices.queries import OwnPracticeQuery
from bp_core.practices.schemas import NewPractice, PracticeChanges, Status, Submission
from bp_core.practices.workflow import PracticeScope
from bp_core.questions import Answer, NewQuestion
from bp_core.reviews.schemas import DeclineRequest, HandOver, InboxQuery, RevisionRequest
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound, PortalError
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.stores import copy_record, question
from tests.unit.bp_core.support import (
    CATEGORY,
    CHENNAI,
    COLLEAGUE,
    HQ,
    NEIGHBOUR,
    OWNER,
    PUNE,
    STATUSES,
    practice,
)

PRACTICE: Final = uuid4()
QUESTION: Final = uuid4()
COPY: Final = copy_record(original_practice_id=uuid4(), copying_plant_id=PUNE)

HIDDEN: Final[tuple[Status, ...]] = ("draft", "revision_required", "declined")
PUBLIC: Final[tuple[Status, ...]] = ("submitted", "approved")

Call = Callable[[MemoryServices, Caller], object]
Calls = Mapping[str, Call]

OF_OWNERS: Final[Calls] = {
    "practices.edit": lambda on, caller: on.practices.edit(caller, PRACTICE, PracticeChanges(title="Mine")),
    "practices.delete": lambda on, caller: on.practices.delete(caller, PRACTICE),
    "reviews.submit": lambda on, caller: on.reviews.submit(caller, PRACTICE, Submission()),
    "reviews.withdraw": lambda on, caller: on.reviews.withdraw(caller, PRACTICE),
    "reviews.history": lambda on, caller: on.reviews.history(caller, PRACTICE, PageQuery()),
    "questions.answer": lambda on, caller: on.questions.answer(caller, QUESTION, Answer(answer_text="2 m")),
    "questions.remove": lambda on, caller: on.questions.remove(caller, QUESTION),
}
"""For the plant of a practice and headquarters; `remove` for the person who asked, of the same plant here."""

OF_VIEWERS: Final[Calls] = {
    "practices.show": lambda on, caller: on.practices.show(caller, PRACTICE),
    "practices.similar_to": lambda on, caller: on.practices.similar_to(caller, PRACTICE, PageQuery()),
    "practices.statistics": lambda on, caller: on.practices.statistics(caller, PRACTICE),
    "copying.copies": lambda on, caller: on.copying.copies(caller, PRACTICE, PageQuery()),
    "copying.implement": lambda on, caller: on.copying.implement(
        caller, NewCopy(original_practice_id=PRACTICE)
    ),
    "questions.search": lambda on, caller: on.questions.search(caller, PRACTICE, PageQuery()),
    "questions.ask": lambda on, caller: on.questions.ask(caller, PRACTICE, NewQuestion(question_text="Why?")),
}
"""For everybody who may see a practice."""

OF_HEADQUARTERS: Final[Calls] = {
    "reviews.approve": lambda on, caller: on.reviews.approve(caller, PRACTICE),
    "reviews.request_revision": lambda on, caller: on.reviews.request_revision(
        caller, PRACTICE, RevisionRequest(comment="Say more.")
    ),
    "reviews.decline": lambda on, caller: on.reviews.decline(
        caller, PRACTICE, DeclineRequest(reason="Too dear.")
    ),
    "review_inbox.search": lambda on, caller: on.review_inbox.search(caller, InboxQuery()),
    "review_inbox.take": lambda on, caller: on.review_inbox.take(caller, PRACTICE),
    "review_inbox.hand_over": lambda on, caller: on.review_inbox.hand_over(
        caller, PRACTICE, HandOver(user_id=None)
    ),
    "reviews.reopen": lambda on, caller: on.reviews.reopen(caller, PRACTICE),
    "benchmarking.benchmark": lambda on, caller: on.benchmarking.benchmark(caller, PRACTICE),
    "benchmarking.unbenchmark": lambda on, caller: on.benchmarking.unbenchmark(caller, PRACTICE),
    "plants.inactive": lambda on, caller: on.plants.inactive(caller, PageQuery()),
    "plants.create": lambda on, caller: on.plants.create(
        caller, NewPlant(name="Supa", short_name="Supa", division="HVAC")
    ),
    "plants.edit": lambda on, caller: on.plants.edit(caller, PUNE, PlantChanges(name="Supa")),
    "plants.set_active": lambda on, caller: on.plants.set_active(caller, PUNE, active=False),
    "categories.create": lambda on, caller: on.categories.create(
        caller, NewCategory(name="Water", color_class="blue", icon_name="drop")
    ),
    "categories.edit": lambda on, caller: on.categories.edit(caller, CATEGORY, CategoryChanges(name="Water")),
    "audit.search": lambda on, caller: on.audit.search(caller, AuditQuery()),
    "leaderboard.totals": lambda on, caller: on.leaderboard.totals(caller, CalendarYearQuery()),
    "jobs.last_runs": lambda on, caller: on.jobs.last_runs(caller, PageQuery()),
}

OF_PLANTS: Final[Calls] = {
    "practices.search_own": lambda on, caller: on.practices.search_own(caller, OwnPracticeQuery()),
    "copying.implement": OF_VIEWERS["copying.implement"],
    "copying.set_progress": lambda on, caller: on.copying.set_progress(
        caller, COPY.id, CopyChanges(implementation_status="in_progress")
    ),
    "copying.own": lambda on, caller: on.copying.own(caller, PageQuery()),
}

OF_EVERYBODY: Final = {
    "practices.create",
    "practices.count_view",
    "practices.search",
    "practices.recent",
    "practices.similar",
    "benchmarking.search",
    "benchmarking.recent",
    "benchmarking.count",
    "copying.benchmarked",
    "copying.deployed",
    "leaderboard.standings",
    "leaderboard.breakdown",
    "plants.search",
    "plants.active",
    "plants.show",
    "categories.search",
    "categories.show",
}
"""Lists show each caller what they may see; `create` writes for the caller's own plant."""

OF_JOBS: Final = {"jobs.latest", "leaderboard.recalculate", "review_inbox.remind_overdue"}
"""Called by jobs and the health endpoints, for no caller."""


def services(status: Status, plant_id: UUID = PUNE) -> MemoryServices:
    """Make services with a practice, a question about it of its own plant, and a copy that Pune made."""
    made = MemoryServices(practice(status, id=PRACTICE, plant_id=plant_id))
    made.add_question(
        question(question_id=QUESTION, practice_id=PRACTICE, asked_by_user_id=COLLEAGUE.user_id)
    )
    made.add_copy(COPY)
    return made


def require_refused(on: MemoryServices, call: Call, caller: Caller, error: type[PortalError]) -> None:
    """Check that a call is refused with exactly this error, and writes nothing."""
    before = on.written()

    with pytest.raises(error) as refusal:
        call(on, caller)

    assert type(refusal.value) is error
    assert on.written() == before


@pytest.mark.parametrize("name", OF_OWNERS)
@pytest.mark.parametrize("status", HIDDEN)
def test_a_hidden_practice_does_not_exist_for_another_plant_that_wants_to_change_it(
    name: str, status: Status
) -> None:
    require_refused(services(status), OF_OWNERS[name], NEIGHBOUR, NotFound)


@pytest.mark.parametrize("name", OF_OWNERS)
@pytest.mark.parametrize("status", PUBLIC)
def test_another_plant_is_refused_to_change_what_it_sees(name: str, status: Status) -> None:
    require_refused(services(status), OF_OWNERS[name], NEIGHBOUR, Forbidden)


@pytest.mark.parametrize("name", OF_VIEWERS)
@pytest.mark.parametrize("status", HIDDEN)
def test_a_hidden_practice_does_not_exist_for_another_plant(name: str, status: Status) -> None:
    require_refused(services(status), OF_VIEWERS[name], NEIGHBOUR, NotFound)


@pytest.mark.parametrize("name", OF_HEADQUARTERS)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("caller", [OWNER, NEIGHBOUR])
def test_plant_users_are_refused_what_is_for_headquarters(name: str, status: Status, caller: Caller) -> None:
    require_refused(services(status), OF_HEADQUARTERS[name], caller, Forbidden)


@pytest.mark.parametrize("name", OF_PLANTS)
def test_headquarters_is_refused_what_is_for_plants(name: str) -> None:
    require_refused(services("approved"), OF_PLANTS[name], HQ, Forbidden)


def test_another_plant_is_refused_to_change_a_copy() -> None:
    require_refused(services("approved"), OF_PLANTS["copying.set_progress"], NEIGHBOUR, Forbidden)


def test_a_plant_user_is_refused_to_write_for_another_plant() -> None:
    def create(on: MemoryServices, caller: Caller) -> object:
        return on.practices.create(caller, NewPractice(title="Mine?", plant_id=PUNE))

    require_refused(services("approved"), create, NEIGHBOUR, Forbidden)


@pytest.mark.parametrize("status", ["approved", "declined"])
def test_an_owner_is_refused_to_edit_an_approved_or_declined_practice(status: Status) -> None:
    require_refused(services(status), OF_OWNERS["practices.edit"], OWNER, Forbidden)


REASSIGNED: Final = {name: call for name, call in OF_OWNERS.items() if name != "reviews.history"}
"""The calls that write; the history of a practice is only read."""


@pytest.mark.parametrize("name", REASSIGNED)
@pytest.mark.parametrize(
    ("status", "error"), [(status, NotFound if status in HIDDEN else Forbidden) for status in STATUSES]
)
def test_rights_are_checked_on_the_locked_practice(
    name: str, status: Status, error: type[PortalError]
) -> None:
    """Headquarters gives the practice to Chennai after the edge has read that it belongs to Pune."""
    reassigned = services(status, plant_id=CHENNAI)
    reassigned.practice_store.outdated[PRACTICE] = PracticeScope(PUNE, status)

    require_refused(reassigned, REASSIGNED[name], OWNER, error)


@pytest.mark.parametrize("status", HIDDEN)
def test_whether_a_question_may_be_asked_is_checked_on_the_locked_practice(status: Status) -> None:
    sent_back = services(status)
    sent_back.practice_store.outdated[PRACTICE] = PracticeScope(PUNE, "submitted")

    require_refused(sent_back, OF_VIEWERS["questions.ask"], NEIGHBOUR, NotFound)


@pytest.mark.parametrize("status", HIDDEN)
def test_whether_a_practice_may_be_copied_is_checked_on_the_locked_practice(status: Status) -> None:
    sent_back = services(status)
    sent_back.practice_store.outdated[PRACTICE] = PracticeScope(PUNE, "approved")

    require_refused(sent_back, OF_VIEWERS["copying.implement"], NEIGHBOUR, NotFound)


@pytest.mark.parametrize("name", [*OF_OWNERS, "practices.show", "practices.statistics", "questions.ask"])
def test_the_owner_and_headquarters_are_not_refused(name: str) -> None:
    call = {**OF_OWNERS, **OF_VIEWERS}[name]

    status: Status = "submitted" if name == "reviews.withdraw" else "revision_required"
    for caller in (COLLEAGUE, HQ):
        call(services(status), caller)


def methods_of(feature: str) -> set[str]:
    service = type(getattr(MemoryServices(), feature))
    names = (name for name, _ in inspect.getmembers(service, inspect.isfunction))
    return {f"{feature}.{name}" for name in names if not name.startswith("_")}


@pytest.mark.parametrize(
    "feature",
    ["practices", "reviews", "review_inbox", "benchmarking", "copying", "questions", "leaderboard", "plants",
     "categories", "audit", "jobs"],
)  # fmt: skip
def test_the_tables_of_this_module_name_every_method_of_a_service(feature: str) -> None:
    refused = OF_OWNERS.keys() | OF_VIEWERS.keys() | OF_HEADQUARTERS.keys() | OF_PLANTS.keys()
    named = refused | OF_EVERYBODY | OF_JOBS

    assert methods_of(feature) == {name for name in named if name.startswith(f"{feature}.")}
