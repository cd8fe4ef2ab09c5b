"""Work that runs by the clock or on demand, and the record of every run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from bp_core.shared.calendar import Clock
from bp_core.shared.errors import Conflict
from bp_core.shared.model import Shown, Timestamp

JobTrigger = Literal["timer", "manual", "event"]
JobState = Literal["running", "completed", "failed"]

AGGREGATE_MONTHLY_SAVINGS = "aggregate_monthly_savings"
RATE_STARS = "rate_stars"
RECALCULATE_SAVINGS = "recalculate_savings"
RECONCILE_UPLOADS = "reconcile_uploads"
PURGE_EXPIRED = "purge_expired"
RECALCULATE_LEADERBOARD = "recalculate_leaderboard"
VERIFY_LEADERBOARD = "verify_leaderboard"

RUNS_SHOWN = 10
"""How many of the last runs of each job are shown."""

FAILURE_MESSAGE_LENGTH = 2000


class JobRun(Shown):
    """A run of a job; `rows` counts what it had to change."""

    id: UUID
    name: str
    trigger: JobTrigger
    state: JobState
    started_at: Timestamp
    finished_at: Timestamp | None
    rows: int | None
    error: str | None


class JobStore(Protocol):
    """Where the runs are kept. What is told here is kept at once, whatever becomes of the job's own work."""

    def started(self, name: str, trigger: JobTrigger, at: datetime) -> UUID:
        """Keep a run that starts."""
        ...

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        """Keep the end of a run: `error` is None where it did what it should."""
        ...

    def last_runs(self, per_job: int) -> list[JobRun]:
        """List the last runs of every job, latest first."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a job's work came to: how many rows it had to change, and what it found that should not have been.

    A finding fails the run, as a check fails, and keeps its work.
    """

    rows: int
    finding: str | None = None


Turn = AbstractContextManager[Callable[[], Outcome] | None]
"""One transaction, kept when it is left: its work, or None where another instance has the job's turn."""


def run(store: JobStore, turn: Turn, *, name: str, trigger: JobTrigger, clock: Clock) -> JobRun:
    """Do a job's work once and keep a record of the run, of a failure, too (which is then raised again).

    What the work has found fails the run as well, but is no failure of the work: that is kept.

    Raises Conflict (JOB_RUNNING) if the job runs already.
    """
    run_id = None
    try:
        with turn as work:
            if work is None:
                raise Conflict(f"The job {name} is running already.", code="JOB_RUNNING")  # noqa: TRY301
            run_id = store.started(name, trigger, clock.now())
            outcome = work()
            ended = clock.now()  # before another instance may have its turn: no two runs seem to overlap
    except BaseException as failure:
        if run_id is not None:
            message = f"{type(failure).__name__}: {failure}"[:FAILURE_MESSAGE_LENGTH]
            store.finished(run_id, rows=None, error=message, at=clock.now())
        raise
    return store.finished(run_id, rows=outcome.rows, error=outcome.finding, at=ended)
