from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bp_core.jobs import ERROR_LENGTH, MANUAL, ClaimedJob, JobResult, JobRun, JobRunner, JobState, RunTrigger
from bp_core.shared.errors import Conflict, Unavailable
from tests.unit.bp_core.stores import MemoryRuns

START = datetime(2025, 7, 15, 19, 30, tzinfo=UTC)
ON_SCHEDULE = RunTrigger("timer", scheduled_for=START)
GetTurn = Callable[[MemoryRuns], AbstractContextManager[ClaimedJob | None]]


class TickingClock:
    """A clock that advances one minute with every call."""

    def __init__(self) -> None:
        self._next = START

    def now(self) -> datetime:
        now = self._next
        self._next += timedelta(minutes=1)
        return now


class UncommittedRuns(MemoryRuns):
    """Runs as an open transaction writes them: others see them after `commit`."""

    def __init__(self, committed: MemoryRuns) -> None:
        super().__init__()
        self._committed = committed
        self.runs.update(committed.runs)

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        self.runs = dict(self._committed.runs)
        return super().finished(run_id, rows=rows, error=error, at=at)

    def commit(self) -> None:
        self._committed.runs.update(self.runs)


def turn(work: Callable[[], JobResult] | None, *, commits: bool = True) -> GetTurn:
    """Make a turn to do some work, or no turn for None. Its transaction commits, or fails to."""

    @contextmanager
    def transaction(store: MemoryRuns) -> Iterator[ClaimedJob | None]:
        uncommitted = UncommittedRuns(store)
        yield ClaimedJob(work, uncommitted) if work else None
        if not commits:
            raise Unavailable("The database does not answer.")
        uncommitted.commit()

    return transaction


def work() -> JobResult:
    return JobResult(3)


def failing_work() -> JobResult:
    raise ZeroDivisionError("no plants")


def run(store: MemoryRuns, a_turn: GetTurn, trigger: RunTrigger = ON_SCHEDULE) -> JobRun:
    return JobRunner(store, TickingClock()).run("rate_stars", trigger, a_turn(store))


def test_a_run_is_recorded_with_its_name_trigger_times_and_rows() -> None:
    store = MemoryRuns()

    finished = run(store, turn(work))

    assert list(store.runs.values()) == [finished]
    assert (finished.name, finished.trigger, finished.state) == ("rate_stars", "timer", "completed")
    assert (finished.started_at, finished.finished_at) == (START, START + timedelta(minutes=1))
    assert (finished.rows, finished.error) == (3, None)


def test_a_run_counts_as_running_while_it_works() -> None:
    store = MemoryRuns()
    states: list[JobState] = []

    def observe() -> JobResult:
        states.extend(one.state for one in store.runs.values())
        return JobResult(0)

    run(store, turn(observe))

    assert states == ["running"]


def test_a_failure_is_recorded_and_raised_again() -> None:
    store = MemoryRuns()

    with pytest.raises(ZeroDivisionError, match="no plants"):
        run(store, turn(failing_work))

    (failed,) = store.runs.values()
    assert (failed.state, failed.rows, failed.error) == ("failed", None, "ZeroDivisionError: no plants")
    assert failed.finished_at == START + timedelta(minutes=1)


def test_an_error_in_the_data_fails_the_run_but_the_work_is_committed() -> None:
    store = MemoryRuns()

    finished = run(store, turn(lambda: JobResult(2, "two sums were wrong")))

    assert list(store.runs.values()) == [finished]
    assert (finished.state, finished.rows, finished.error) == ("failed", 2, "two sums were wrong")


def test_a_run_whose_work_could_not_be_committed_has_failed() -> None:
    store = MemoryRuns()

    with pytest.raises(Unavailable):
        run(store, turn(work, commits=False))

    (failed,) = store.runs.values()
    assert (failed.state, failed.error) == ("failed", "Unavailable: The database does not answer.")


def test_the_message_of_a_failure_is_cut_to_its_longest_length() -> None:
    def verbose() -> JobResult:
        raise ValueError("x" * 5000)

    store = MemoryRuns()

    with pytest.raises(ValueError, match="xxx"):
        run(store, turn(verbose))

    (failed,) = store.runs.values()
    assert len(failed.error or "") == ERROR_LENGTH


def test_a_job_that_runs_already_is_a_conflict_and_is_not_recorded_again() -> None:
    store = MemoryRuns()

    with pytest.raises(Conflict) as refusal:
        run(store, turn(None))

    assert refusal.value.code == "JOB_RUNNING"
    assert store.runs == {}


def test_a_job_is_done_once_for_each_time_of_its_schedule() -> None:
    store = MemoryRuns()
    with pytest.raises(ZeroDivisionError):
        run(store, turn(failing_work))
    first = run(store, turn(work))

    with pytest.raises(Conflict) as refusal:
        run(store, turn(failing_work))

    assert refusal.value.code == "JOB_DONE"
    assert [one.state for one in store.runs.values()] == ["failed", "completed"]
    late = RunTrigger("timer", scheduled_for=START + timedelta(days=1), past_due=True)
    second = run(store, turn(work), late)
    assert (first.scheduled_for, first.past_due) == (START, False)
    assert (second.scheduled_for, second.past_due) == (START + timedelta(days=1), True)


def test_a_manual_run_may_be_repeated() -> None:
    store = MemoryRuns()

    runs = [run(store, turn(work), MANUAL) for _ in range(2)]

    assert [(one.trigger, one.scheduled_for, one.state) for one in runs] == [
        ("manual", None, "completed")
    ] * 2
