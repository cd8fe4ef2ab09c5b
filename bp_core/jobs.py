"""Jobs, which run on a schedule or on demand, and the records of their runs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.calendar import Clock
from bp_core.shared.context import Context
from bp_core.shared.errors import JobDone, JobRunning
from bp_core.shared.paging import Page
from bp_core.shared.schemas import LargePageQuery, PageQuery, ResponseModel, Timestamp

TriggerKind = Literal["timer", "manual", "event"]
JobState = Literal["running", "completed", "failed"]

RUNS_SHOWN = 10
"""How many recent runs of each job are listed."""

ERROR_LENGTH = 2000

LEASE: Final = timedelta(minutes=10)
"""The maximum duration of a run. The host stops a function earlier (host.json)."""

STOPPED: Final = "The run was stopped before it finished."
"""The error of a run whose process was stopped."""


class JobRun(ResponseModel):
    """A run of a job; `rows` is the number of rows that it changed.

    For timer runs, `scheduled_for` is the scheduled time, and `past_due` says whether the timer fired late
    because no instance was running at that time.
    """

    id: UUID
    name: Annotated[str, Field(examples=["Supa"])]
    trigger: TriggerKind
    state: JobState
    started_at: Timestamp
    finished_at: Timestamp | None
    rows: int | None
    error: str | None
    scheduled_for: Timestamp | None
    past_due: bool


@dataclass(frozen=True)
class RunTrigger:
    """What started a run: a timer, with its scheduled time and whether it fired late, or a manual call."""

    kind: TriggerKind
    scheduled_for: datetime | None = None
    past_due: bool = False


MANUAL: Final = RunTrigger("manual")


class JobStore(Protocol):
    """Stores the runs of jobs."""

    def started(self, name: str, trigger: RunTrigger, at: datetime, lease_until: datetime) -> UUID:
        """Insert a run that starts; mark earlier runs that did not finish as failed."""
        ...

    def is_done(self, name: str, scheduled_for: datetime) -> bool:
        """Whether a run of the job for this scheduled time was completed."""
        ...

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        """Update a run that ends; `error` is None if the job succeeded."""
        ...

    def last_runs(self, per_job: int, now: datetime, query: PageQuery) -> Page[JobRun]:
        """List the last runs of every job, latest first; one whose lease has expired is listed as failed."""
        ...


@dataclass(frozen=True)
class JobResult:
    """The result of a job: the number of rows that it changed, and an error that it found in the data.

    An error in the data marks the run as failed, but the work is committed.
    """

    rows: int
    data_error: str | None = None


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this instance has claimed: its work, and a store in the transaction of the work."""

    work: Callable[[], JobResult]
    store: JobStore


@dataclass(frozen=True)
class JobService:
    """Lists the runs of jobs."""

    store: JobStore
    context: Context

    def last_runs(self, caller: Caller, query: PageQuery) -> Page[JobRun]:
        """Return one page of the last runs of every job, latest first, for headquarters. Raises Forbidden."""
        require_headquarters(caller)
        return self.store.last_runs(RUNS_SHOWN, self.context.now, query)

    def latest(self) -> list[JobRun]:
        """Return the last run of every job, for the health endpoints."""
        return self.store.last_runs(1, self.context.now, LargePageQuery()).items


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs. `store` commits every statement at once, so that failed runs are recorded as well."""

    store: JobStore
    clock: Clock

    def run(
        self, name: str, trigger: RunTrigger, transaction: AbstractContextManager[ClaimedJob | None]
    ) -> JobRun:
        """Run a job once and record the run; a failed run is recorded, and its error raised again.

        `transaction` commits at its end. It yields the claimed job, or None if another instance runs it. An
        error in the data marks the run as failed, but the work is committed.

        Raises JobRunning if the job is already running, JobDone if another instance has completed this
        scheduled run.
        """
        run_id = None
        try:
            with transaction as claim:
                claimed = _require_claim(name, trigger, claim)
                started_at = self.clock.now()
                run_id = self.store.started(name, trigger, started_at, started_at + LEASE)
                result = claimed.work()
                # In the transaction of the work, so that `is_done` of the next instance sees it.
                return claimed.store.finished(
                    run_id, rows=result.rows, error=result.data_error, at=self.clock.now()
                )
        except BaseException as error:
            if run_id is not None:
                message = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
                self.store.finished(run_id, rows=None, error=message, at=self.clock.now())
            raise


def _require_claim(name: str, trigger: RunTrigger, claim: ClaimedJob | None) -> ClaimedJob:
    if claim is None:
        raise JobRunning(f"The job {name} is already running.")
    if trigger.scheduled_for is not None and claim.store.is_done(name, trigger.scheduled_for):
        raise JobDone(f"The job {name} has already run for this scheduled time.")
    return claim
