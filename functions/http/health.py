"""The health endpoints, for probes and for operators."""

import time
from typing import Annotated, Final, Literal

from pydantic import Field

from bp_core.jobs import JobRun, JobState
from bp_core.shared.errors import Unavailable
from bp_core.shared.schemas import ResponseModel, Timestamp
from functions.edge.access import ANYONE
from functions.edge.endpoint import endpoints
from functions.unit_of_work import UnitOfWork
from functions.version import VERSION

_STARTED: Final = time.monotonic()

blueprint, endpoint = endpoints()


class Alive(ResponseModel):
    """The process answers; nothing else was checked."""

    status: Literal["ok"]
    version: str
    uptime_s: Annotated[float, Field(examples=[86400.0])]


class DatabaseHealth(ResponseModel):
    """The database answers, how many milliseconds it took, and whether it accepts writes."""

    status: Literal["ok"]
    latency_ms: Annotated[float, Field(examples=[1.4])]
    writable: bool


class LastRun(ResponseModel):
    """The last run of a job."""

    name: Annotated[str, Field(examples=["Supa"])]
    state: JobState
    started_at: Timestamp


class SystemStatus(ResponseModel):
    """What works; `migrated` and `writable` are null while the database does not answer.

    `writable` is false while the database reads but does not write: its disk is full, or it is read-only.
    `restored_copy` is true for a copy that was restored for looking at: it changes no file and runs no timer.
    """

    status: Literal["ok", "degraded"]
    version: str
    database: Literal["ok", "unavailable"]
    storage: Literal["ok", "unavailable"]
    migrated: bool | None
    writable: bool | None
    restored_copy: bool
    jobs: list[LastRun]


@endpoint("GET", "/health", who=ANYONE, limit="none")
def show_health() -> Alive:
    """Show that the process is alive; it checks nothing else."""
    return Alive(status="ok", version=VERSION, uptime_s=round(time.monotonic() - _STARTED, 1))


@endpoint("GET", "/health/db", who=ANYONE, limit="none")
def show_database_health(work: UnitOfWork) -> DatabaseHealth:
    """Show whether the database answers, as of at most a second ago: 200 or 503."""
    found = work.portal.health.database()
    if found is None:
        raise Unavailable("The database does not answer.")
    return DatabaseHealth(status="ok", latency_ms=round(found.latency_ms, 1), writable=found.writable)


@endpoint("GET", "/health/status", who=ANYONE, limit="none")
def show_system_status(work: UnitOfWork) -> SystemStatus:
    """Show what works, as of at most a second ago: database, storage, migrations, last runs of the jobs."""
    storage = work.portal.health.storage_answers()
    found = work.portal.health.database()
    works = found is not None and found.writable and found.migrated and storage
    return SystemStatus(
        status="ok" if works else "degraded",
        version=VERSION,
        database="unavailable" if found is None else "ok",
        storage="ok" if storage else "unavailable",
        migrated=None if found is None else found.migrated,
        writable=None if found is None else found.writable,
        restored_copy=work.portal.settings.restored_copy,
        jobs=[] if found is None else [_last_run(run) for run in found.last_runs],
    )


def _last_run(run: JobRun) -> LastRun:
    return LastRun(name=run.name, state=run.state, started_at=run.started_at)
