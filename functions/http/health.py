"""The health endpoints, for probes and for operators."""

import time
from typing import Annotated, Final, Literal

from pydantic import Field

from adapters.postgres import health
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
    """The database answers, and how many milliseconds it took."""

    status: Literal["ok"]
    latency_ms: Annotated[float, Field(examples=[1.4])]


class LastRun(ResponseModel):
    """The last run of a job."""

    name: Annotated[str, Field(examples=["Supa"])]
    state: JobState
    started_at: Timestamp


class SystemStatus(ResponseModel):
    """What works; `migrated` is null while the database does not answer.

    `restored_copy` is true for a copy that was restored for looking at: it changes no file and runs no timer.
    """

    status: Literal["ok", "degraded"]
    version: str
    database: Literal["ok", "unavailable"]
    storage: Literal["ok", "unavailable"]
    migrated: bool | None
    restored_copy: bool
    jobs: list[LastRun]


@endpoint("GET", "/health", who=ANYONE, limit="none")
def show_health() -> Alive:
    """Show that the process is alive; it checks nothing else."""
    return Alive(status="ok", version=VERSION, uptime_s=round(time.monotonic() - _STARTED, 1))


@endpoint("GET", "/health/db", who=ANYONE, limit="none")
def show_database_health(work: UnitOfWork) -> DatabaseHealth:
    """Show whether the database answers: 200 or 503."""
    started = time.perf_counter()
    health.check(work.sql)
    return DatabaseHealth(status="ok", latency_ms=round((time.perf_counter() - started) * 1000, 1))


@endpoint("GET", "/health/status", who=ANYONE, limit="none")
def show_system_status(work: UnitOfWork) -> SystemStatus:
    """Show what works: database, storage, migrations, and the last run of each job."""
    storage = _storage_answers(work)
    try:
        migrated = health.is_migrated(work.sql)
        runs = work.jobs.latest() if migrated else []
        database = True
    except Unavailable:
        migrated, runs, database = None, [], False
    return SystemStatus(
        status="ok" if database and storage and migrated else "degraded",
        version=VERSION,
        database="ok" if database else "unavailable",
        storage="ok" if storage else "unavailable",
        migrated=migrated,
        restored_copy=work.portal.settings.restored_copy,
        jobs=[_last_run(run) for run in runs],
    )


def _last_run(run: JobRun) -> LastRun:
    return LastRun(name=run.name, state=run.state, started_at=run.started_at)


def _storage_answers(work: UnitOfWork) -> bool:
    try:
        work.portal.blobs.check()
    except Unavailable:
        return False
    return True
