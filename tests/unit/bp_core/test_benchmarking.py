from uuid import uuid4

import pytest

from bp_core.practices.workflow import PracticeState
from bp_core.shared.errors import (
    AlreadyBenchmarked,
    NotBenchmarkable,
    NotBenchmarked,
    NotFound,
    PortalError,
    PreconditionFailed,
)
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.stores import EARNED
from tests.unit.bp_core.support import HQ, PUNE, TODAY, practice


def test_a_submitted_practice_is_approved_and_benchmarked_and_its_plant_is_notified() -> None:
    submitted = practice("submitted")
    services = MemoryServices(submitted)

    benchmark = services.benchmarking.benchmark(HQ, submitted.id)

    benchmarked = services.practice_store.states[submitted.id]
    assert (benchmarked.status, benchmarked.is_benchmarked, benchmarked.version) == ("approved", True, 2)
    assert (benchmark.benchmarked_by_user_id, benchmark.benchmarked_date) == (HQ.user_id, TODAY)
    assert services.benchmarking.count().total_benchmarked == 1
    assert [(one.from_status, one.to_status) for one in services.practice_store.transitions] == [
        ("submitted", "approved")
    ]
    assert services.listener.changes == [(submitted, benchmarked)]
    [(recipient, notice)] = services.notifier.notices
    assert (recipient, notice.type, notice.practice_id) == (PUNE, "practice_benchmarked", submitted.id)


def test_the_points_are_updated_and_the_benchmark_is_recorded() -> None:
    approved = practice("approved")
    services = MemoryServices(approved)

    services.benchmarking.benchmark(HQ, approved.id)

    assert services.leaderboard_store.calls == [
        ("earned through", approved.id),
        ("added difference", approved.id, EARNED),
    ]
    assert services.practice_store.transitions == []
    [note] = services.audit_trail.notes
    assert (note.action, note.entity_id, note.before, note.after) == (
        "practice.benchmarked",
        approved.id,
        None,
        {"benchmarked_by_user_id": HQ.user_id, "benchmarked_date": TODAY},
    )


def test_a_practice_stays_approved_without_its_benchmark() -> None:
    submitted = practice("submitted")
    services = MemoryServices(submitted)
    services.benchmarking.benchmark(HQ, submitted.id)

    services.benchmarking.unbenchmark(HQ, submitted.id)

    state = services.practice_store.states[submitted.id]
    assert (state.status, state.is_benchmarked, state.version) == ("approved", False, 3)
    assert services.benchmark_store.stored == {}
    assert services.audit_trail.actions() == ["practice.benchmarked", "practice.unbenchmarked"]
    assert len(services.notifier.notices) == 1, "nobody is notified of the end of a benchmark"


@pytest.mark.parametrize(
    ("written", "error"),
    [
        (practice("draft"), NotBenchmarkable),
        (practice("revision_required"), NotBenchmarkable),
        (practice("approved", is_benchmarked=True), AlreadyBenchmarked),
        (practice("approved", version=2), PreconditionFailed),
    ],
)
def test_what_cannot_be_benchmarked_is_not_changed(written: PracticeState, error: type[PortalError]) -> None:
    services = MemoryServices(written)

    with pytest.raises(error):
        services.benchmarking.benchmark(HQ, written.id, expected={1})

    assert services.written() == MemoryServices(written).written()


@pytest.mark.parametrize(
    ("written", "error"),
    [
        (practice("approved"), NotBenchmarked),
        (practice("approved", is_benchmarked=True, version=2), PreconditionFailed),
    ],
)
def test_what_has_no_benchmark_to_remove_is_not_changed(
    written: PracticeState, error: type[PortalError]
) -> None:
    services = MemoryServices(written)

    with pytest.raises(error):
        services.benchmarking.unbenchmark(HQ, written.id, expected={1})

    assert services.written() == MemoryServices(written).written()


def test_a_practice_that_is_not_there_is_not_found() -> None:
    benchmarking = MemoryServices().benchmarking

    with pytest.raises(NotFound):
        benchmarking.benchmark(HQ, uuid4())
    with pytest.raises(NotFound):
        benchmarking.unbenchmark(HQ, uuid4())
