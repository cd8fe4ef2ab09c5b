from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from bp_core import jobs
from bp_core.jobs import FAILURE_MESSAGE_LENGTH, JobRun, JobState, JobTrigger, Outcome
from bp_core.shared.errors import Conflict, Unavailable

START = datetime(2025, 7, 15, 19, 30, tzinfo=UTC)


class TickingClock:
    """A clock that is a minute further on every time it is asked."""

    def __init__(self) -> None:
        self._next = START

    def now(self) -> datetime:
        now = self._next
        self._next += timedelta(minutes=1)
        return now


class MemoryRuns:
    """Keeps the runs of jobs."""

    def __init__(self) -> None:
        self.runs: dict[UUID, JobRun] = {}

    def started(self, name: str, trigger: JobTrigger, at: datetime) -> UUID:
        run_id = uuid4()
        self.runs[run_id] = JobRun(
            id=run_id,
            name=name,
            trigger=trigger,
            state="running",
            started_at=at,
            finished_at=None,
            rows=None,
            error=None,
        )
        return run_id

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        end = {"state": "failed" if error else "completed", "finished_at": at, "rows": rows, "error": error}
        self.runs[run_id] = self.runs[run_id].model_copy(update=end)
        return self.runs[run_id]

    def last_runs(self, per_job: int) -> list[JobRun]:
        return list(self.runs.values())[-per_job:]


@contextmanager
def turn(work: Callable[[], Outcome] | None) -> Iterator[Callable[[], Outcome] | None]:
    yield work


@contextmanager
def turn_that_cannot_be_kept(work: Callable[[], Outcome]) -> Iterator[Callable[[], Outcome]]:
    yield work
    raise Unavailable("The database does not answer.")


def work() -> Outcome:
    return Outcome(3)


def failing_work() -> Outcome:
    raise ZeroDivisionError("no plants")


def run(store: MemoryRuns, a_turn: jobs.Turn) -> JobRun:
    return jobs.run(store, a_turn, name="rate_stars", trigger="timer", clock=TickingClock())


def test_a_run_is_kept_with_its_name_trigger_times_and_rows() -> None:
    store = MemoryRuns()

    finished = run(store, turn(work))

    assert list(store.runs.values()) == [finished]
    assert (finished.name, finished.trigger, finished.state) == ("rate_stars", "timer", "completed")
    assert (finished.started_at, finished.finished_at) == (START, START + timedelta(minutes=1))
    assert (finished.rows, finished.error) == (3, None)


def test_a_run_counts_as_running_while_it_works() -> None:
    store = MemoryRuns()
    states: list[JobState] = []

    def look() -> Outcome:
        states.extend(kept.state for kept in store.runs.values())
        return Outcome(0)

    run(store, turn(look))

    assert states == ["running"]


def test_a_failure_is_kept_and_raised_again() -> None:
    store = MemoryRuns()

    with pytest.raises(ZeroDivisionError, match="no plants"):
        run(store, turn(failing_work))

    (failed,) = store.runs.values()
    assert (failed.state, failed.rows, failed.error) == ("failed", None, "ZeroDivisionError: no plants")
    assert failed.finished_at == START + timedelta(minutes=1)


def test_what_the_work_found_fails_the_run_and_keeps_the_work() -> None:
    store = MemoryRuns()
    kept: list[str] = []

    @contextmanager
    def keeping() -> Iterator[Callable[[], Outcome]]:
        yield lambda: Outcome(2, "two sums were wrong")
        kept.append("the work")

    finished = run(store, keeping())

    assert kept == ["the work"]
    assert (finished.state, finished.rows, finished.error) == ("failed", 2, "two sums were wrong")


def test_a_run_whose_work_could_not_be_kept_has_failed() -> None:
    store = MemoryRuns()

    with pytest.raises(Unavailable):
        run(store, turn_that_cannot_be_kept(work))

    (failed,) = store.runs.values()
    assert (failed.state, failed.error) == ("failed", "Unavailable: The database does not answer.")


def test_the_message_of_a_failure_is_kept_up_to_its_length() -> None:
    def chatty() -> Outcome:
        raise ValueError("x" * 5000)

    store = MemoryRuns()

    with pytest.raises(ValueError, match="xxx"):
        run(store, turn(chatty))

    (failed,) = store.runs.values()
    assert len(failed.error or "") == FAILURE_MESSAGE_LENGTH


def test_a_job_that_runs_already_is_a_conflict_and_leaves_no_second_record() -> None:
    store = MemoryRuns()

    with pytest.raises(Conflict) as refusal:
        run(store, turn(None))

    assert refusal.value.code == "JOB_RUNNING"
    assert store.runs == {}
