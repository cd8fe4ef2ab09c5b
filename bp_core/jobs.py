"""Work that runs by the clock or on demand, and the record of every run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
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
REBUILD_ROLL_UPS = "rebuild_roll_ups"
PURGE_EXPIRED = "purge_expired"
RECALCULATE_LEADERBOARD = "recalculate_leaderboard"
VERIFY_LEADERBOARD = "verify_leaderboard"

RUNS_SHOWN = 10
"""How many of the last runs of each job are shown."""

FAILURE_MESSAGE_LENGTH = 2000

LEASE: Final = timedelta(minutes=10)
"""How long a run may last: the host ends every function sooner (host.json), so a longer one has died."""

DIED: Final = "It was cut off before it ended."
"""The error of a run whose instance died."""


class JobRun(Shown):
    """A run of a job; `rows` counts what it had to change.

    `scheduled_for` is the time by the schedule that a timer's run was due at, `past_due` whether the timer
    came late, for no instance was there at that time.
    """

    id: UUID
    name: str
    trigger: JobTrigger
    state: JobState
    started_at: Timestamp
    finished_at: Timestamp | None
    rows: int | None
    error: str | None
    scheduled_for: Timestamp | None
    past_due: bool


@dataclass(frozen=True)
class Occasion:
    """Why a job runs now: by the clock, for which time of its schedule and how late, or by hand."""

    trigger: JobTrigger
    scheduled_for: datetime | None = None
    past_due: bool = False


BY_HAND: Final = Occasion("manual")


class JobStore(Protocol):
    """Where the runs are kept."""

    def started(self, name: str, occasion: Occasion, at: datetime, lease_until: datetime) -> UUID:
        """Keep a run that starts; what ran before it and is not over has died, and has failed."""
        ...

    def is_done(self, name: str, scheduled_for: datetime) -> bool:
        """Whether a run for this time of the job's schedule was completed."""
        ...

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        """Keep the end of a run: `error` is None where it did what it should."""
        ...

    def last_runs(self, per_job: int, now: datetime) -> list[JobRun]:
        """List the last runs of every job, latest first; one whose lease ended has failed."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a job's work came to: how many rows it had to change, and what it found that should not have been.

    A finding fails the run, as a check fails, and keeps its work.
    """

    rows: int
    finding: str | None = None


@dataclass(frozen=True)
class Turn:
    """A job's turn: its work, and the record that is kept together with the work or not at all."""

    work: Callable[[], Outcome]
    record: JobStore


def run(
    store: JobStore,
    transaction: AbstractContextManager[Turn | None],
    *,
    name: str,
    occasion: Occasion,
    clock: Clock,
) -> JobRun:
    """Do a job's work once and keep a record of the run, of a failure, too (which is then raised again).

    What the work has found fails the run as well, but is no failure of the work: that is kept. `store` keeps
    at once what it is told; `transaction` is kept when it is left, and gives the job's turn, or None where
    another instance has it.

    Raises Conflict (JOB_RUNNING) if the job runs already, Conflict (JOB_DONE) if another instance has
    completed it for the same time of its schedule.
    """
    run_id = None
    try:
        with transaction as turn:
            if turn is None:
                raise Conflict(f"The job {name} is running already.", code="JOB_RUNNING")  # noqa: TRY301
            if occasion.scheduled_for is not None and turn.record.is_done(name, occasion.scheduled_for):
                raise Conflict(f"The job {name} was done already.", code="JOB_DONE")  # noqa: TRY301
            began = clock.now()
            run_id = store.started(name, occasion, began, began + LEASE)
            outcome = turn.work()
            # With the work, or not at all: whoever has the next turn sees whether this one was completed.
            finished = turn.record.finished(run_id, rows=outcome.rows, error=outcome.finding, at=clock.now())
    except BaseException as failure:
        if run_id is not None:
            message = f"{type(failure).__name__}: {failure}"[:FAILURE_MESSAGE_LENGTH]
            store.finished(run_id, rows=None, error=message, at=clock.now())
        raise
    return finished
