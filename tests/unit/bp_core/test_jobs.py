from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from bp_core import jobs
from bp_core.jobs import FAILURE_MESSAGE_LENGTH, LEASE, JobRun, JobState, Occasion, Outcome, Turn
from bp_core.shared.errors import Conflict, Unavailable

START = datetime(2025, 7, 15, 19, 30, tzinfo=UTC)
BY_CLOCK = Occasion("timer", scheduled_for=START)
GetTurn = Callable[["MemoryRuns"], AbstractContextManager[Turn | None]]


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

    def started(self, name: str, occasion: Occasion, at: datetime, lease_until: datetime) -> UUID:
        assert lease_until == at + LEASE
        run_id = uuid4()
        self.runs[run_id] = JobRun(
            id=run_id,
            name=name,
            **vars(occasion),
            state="running",
            started_at=at,
            finished_at=None,
            rows=None,
            error=None,
        )
        return run_id

    def is_done(self, name: str, scheduled_for: datetime) -> bool:
        return any(
            (run.name, run.scheduled_for, run.state) == (name, scheduled_for, "completed")
            for run in self.runs.values()
        )

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        end = {"state": "failed" if error else "completed", "finished_at": at, "rows": rows, "error": error}
        self.runs[run_id] = self.runs[run_id].model_copy(update=end)
        return self.runs[run_id]

    def last_runs(self, per_job: int, now: datetime) -> list[JobRun]:
        return list(self.runs.values())[-per_job:]


class OpenTransaction(MemoryRuns):
    """What is told of runs in a transaction: seen outside only when that is kept."""

    def __init__(self, kept: MemoryRuns) -> None:
        self._kept = kept
        self.runs = dict(kept.runs)

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        self.runs = dict(self._kept.runs)
        return super().finished(run_id, rows=rows, error=error, at=at)

    def keep(self) -> None:
        self._kept.runs.update(self.runs)


def turn(work: Callable[[], Outcome] | None, *, is_kept: bool = True) -> GetTurn:
    """A turn to do some work; none for None. Its transaction may come to nothing in the end."""

    @contextmanager
    def transaction(store: MemoryRuns) -> Iterator[Turn | None]:
        own = OpenTransaction(store)
        yield Turn(work, own) if work else None
        if not is_kept:
            raise Unavailable("The database does not answer.")
        own.keep()

    return transaction


def work() -> Outcome:
    return Outcome(3)


def failing_work() -> Outcome:
    raise ZeroDivisionError("no plants")


def run(store: MemoryRuns, a_turn: GetTurn, occasion: Occasion = BY_CLOCK) -> JobRun:
    return jobs.run(store, a_turn(store), name="rate_stars", occasion=occasion, clock=TickingClock())


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

    finished = run(store, turn(lambda: Outcome(2, "two sums were wrong")))

    assert list(store.runs.values()) == [finished]
    assert (finished.state, finished.rows, finished.error) == ("failed", 2, "two sums were wrong")


def test_a_run_whose_work_could_not_be_kept_has_failed() -> None:
    store = MemoryRuns()

    with pytest.raises(Unavailable):
        run(store, turn(work, is_kept=False))

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


def test_a_job_is_done_once_for_each_time_of_its_schedule() -> None:
    store = MemoryRuns()
    with pytest.raises(ZeroDivisionError):
        run(store, turn(failing_work))
    first = run(store, turn(work))

    with pytest.raises(Conflict) as refusal:
        run(store, turn(failing_work))

    assert refusal.value.code == "JOB_DONE"
    assert [one.state for one in store.runs.values()] == ["failed", "completed"]
    late = Occasion("timer", scheduled_for=START + timedelta(days=1), past_due=True)
    second = run(store, turn(work), late)
    assert (first.scheduled_for, first.past_due) == (START, False)
    assert (second.scheduled_for, second.past_due) == (START + timedelta(days=1), True)


def test_a_job_is_done_by_hand_as_often_as_somebody_wants() -> None:
    store = MemoryRuns()

    runs = [run(store, turn(work), jobs.BY_HAND) for _ in range(2)]

    assert [(one.trigger, one.scheduled_for, one.state) for one in runs] == [
        ("manual", None, "completed")
    ] * 2
