from dataclasses import replace
from itertools import product
from uuid import uuid4

import pytest

from bp_core.copying import ORDER, CopyChanges, ImplementationStatus, NewCopy, require_step
from bp_core.practices.schemas import Status
from bp_core.practices.workflow import PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.errors import (
    AlreadyCopied,
    Conflict,
    NotBenchmarked,
    NotFound,
    OwnPractice,
    PortalError,
)
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.stores import EARNED, copy_record
from tests.unit.bp_core.support import CHENNAI, HQ, NEIGHBOUR, OWNER, PUNE, TODAY, content, practice, saving

STEPS: list[tuple[ImplementationStatus, ImplementationStatus]] = [
    ("planning", "in_progress"),
    ("in_progress", "completed"),
    ("in_progress", "planning"),
    ("completed", "in_progress"),
]


@pytest.mark.parametrize(("from_status", "to_status"), STEPS)
def test_an_implementation_goes_one_step_on_or_back(
    from_status: ImplementationStatus, to_status: ImplementationStatus
) -> None:
    require_step(from_status, to_status)


@pytest.mark.parametrize(
    ("from_status", "to_status"), [step for step in product(ORDER, ORDER) if step not in STEPS]
)
def test_an_implementation_takes_no_other_step(
    from_status: ImplementationStatus, to_status: ImplementationStatus
) -> None:
    with pytest.raises(Conflict, match=f"from {from_status} to {to_status}") as refusal:
        require_step(from_status, to_status)

    assert refusal.value.code == "INVALID_TRANSITION"


def original(status: Status = "approved", *, is_benchmarked: bool = True) -> PracticeState:
    """Make a practice of Pune with a saving."""
    return practice(status, is_benchmarked=is_benchmarked, content=content(**saving("3")))


def test_a_copy_is_submitted_today_without_the_saving_and_in_the_words_of_its_plant() -> None:
    copied = original()
    services = MemoryServices(copied)

    new = NewCopy(original_practice_id=copied.id, customized_title="Shorter belts")
    made = services.copying.implement(NEIGHBOUR, new)

    state = services.practice_store.states[made.copied_practice.id]
    assert state.content == content(title="Shorter belts")
    assert (state.plant_id, state.status, state.submitted_date) == (CHENNAI, "submitted", TODAY)
    assert made.copy_record == services.copy_store.stored[made.copy_record.id]
    assert (made.copy_record.original_practice_id, made.copy_record.copying_plant_id) == (copied.id, CHENNAI)


def test_a_copy_earns_points_and_its_origin_plant_is_notified() -> None:
    copied = original()
    services = MemoryServices(copied)

    made = services.copying.implement(NEIGHBOUR, NewCopy(original_practice_id=copied.id))

    assert services.leaderboard_store.calls == [
        ("earned through", copied.id),
        ("added difference", copied.id, EARNED),
    ]
    assert (made.points_awarded.origin_points, made.points_awarded.copier_points) == (-10, 0)
    assert (made.points_awarded.origin_plant_id, made.points_awarded.copying_plant_id) == (PUNE, CHENNAI)
    [(recipient, notice)] = services.notifier.notices
    assert (recipient, notice.type, notice.practice_id) == (PUNE, "practice_copied", copied.id)
    assert services.audit_trail.actions() == ["copy.made"]


@pytest.mark.parametrize(
    ("caller", "state", "error"),
    [
        (OWNER, original(), OwnPractice),
        (NEIGHBOUR, original("submitted", is_benchmarked=False), NotBenchmarked),
        (NEIGHBOUR, original("draft", is_benchmarked=False), NotFound),
        (NEIGHBOUR, original("revision_required", is_benchmarked=False), NotFound),
    ],
)
def test_what_cannot_be_copied_is_not_copied(
    caller: Caller, state: PracticeState, error: type[PortalError]
) -> None:
    services = MemoryServices(state)

    with pytest.raises(error):
        services.copying.implement(caller, NewCopy(original_practice_id=state.id))

    assert services.written() == MemoryServices(state).written()


def test_a_plant_copies_a_practice_once() -> None:
    copied = original()
    services = MemoryServices(copied)
    services.add_copy(copy_record(original_practice_id=copied.id, copying_plant_id=CHENNAI))

    with pytest.raises(AlreadyCopied):
        services.copying.implement(NEIGHBOUR, NewCopy(original_practice_id=copied.id))

    assert (services.audit_trail.notes, services.notifier.notices) == ([], [])


def progress(from_status: ImplementationStatus, to_status: ImplementationStatus) -> MemoryServices:
    services = MemoryServices()
    record = copy_record(
        original_practice_id=uuid4(), copying_plant_id=PUNE, implementation_status=from_status
    )
    services.add_copy(record)
    services.copying.set_progress(OWNER, record.id, CopyChanges(implementation_status=to_status))
    assert services.copy_store.stored[record.id].implementation_status == to_status
    return services


def test_every_step_of_an_implementation_is_recorded() -> None:
    [note] = progress("planning", "in_progress").audit_trail.notes

    assert (note.action, note.before, note.after) == (
        "copy.changed",
        {"implementation_status": "planning"},
        {"implementation_status": "in_progress"},
    )


def test_the_step_that_an_implementation_has_changes_nothing() -> None:
    assert progress("completed", "completed").audit_trail.notes == []


def test_a_copy_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        MemoryServices().copying.set_progress(
            OWNER, uuid4(), CopyChanges(implementation_status="in_progress")
        )


def test_headquarters_sees_the_copies_of_every_practice() -> None:
    hidden = replace(original(is_benchmarked=False), status="draft")

    assert MemoryServices(hidden).copying.copies(HQ, hidden.id, PageQuery()).items == []
