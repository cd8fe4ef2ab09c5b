"""Signs of life, for probes and for people."""

import time
from typing import Final, Literal

from adapters.postgres import health
from bp_core.jobs import JobState
from bp_core.shared.errors import Unavailable
from bp_core.shared.model import Shown, Timestamp
from functions.access import ANYONE
from functions.bootstrap import Unit
from functions.edge import endpoints

VERSION: Final = "0.1.0"
_STARTED: Final = time.monotonic()

blueprint, endpoint = endpoints()


class Alive(Shown):
    """The process answers; nothing else was asked."""

    status: Literal["ok"]
    version: str
    uptime_s: float


class DatabaseHealth(Shown):
    """The database answers, so many milliseconds later."""

    status: Literal["ok"]
    latency_ms: float


class LastRun(Shown):
    """When a job ran last, and how it ended."""

    name: str
    state: JobState
    started_at: Timestamp


class SystemStatus(Shown):
    """What works; `migrated` is null while the database cannot be asked."""

    status: Literal["ok", "degraded"]
    version: str
    database: Literal["ok", "unavailable"]
    storage: Literal["ok", "unavailable"]
    migrated: bool | None
    jobs: list[LastRun]


@endpoint("GET", "/health", who=ANYONE, limit="none")
def show_health() -> Alive:
    """Tell that the process is alive; touches nothing."""
    return Alive(status="ok", version=VERSION, uptime_s=round(time.monotonic() - _STARTED, 1))


@endpoint("GET", "/health/db", who=ANYONE, limit="none")
def show_database_health(unit: Unit) -> DatabaseHealth:
    """Tell whether the database answers: 200 or 503."""
    started = time.perf_counter()
    health.check(unit.sql)
    return DatabaseHealth(status="ok", latency_ms=round((time.perf_counter() - started) * 1000, 1))


@endpoint("GET", "/health/status", who=ANYONE, limit="none")
def show_system_status(unit: Unit) -> SystemStatus:
    """Tell what works: database, storage, migrations, and each job's last run."""
    storage = _storage_answers(unit)
    try:
        migrated = health.is_migrated(unit.sql)
        runs = unit.jobs.last_runs(1, unit.moment.at) if migrated else []
        database = True
    except Unavailable:
        migrated, runs, database = None, [], False
    return SystemStatus(
        status="ok" if database and storage and migrated else "degraded",
        version=VERSION,
        database="ok" if database else "unavailable",
        storage="ok" if storage else "unavailable",
        migrated=migrated,
        jobs=[LastRun(name=run.name, state=run.state, started_at=run.started_at) for run in runs],
    )


def _storage_answers(unit: Unit) -> bool:
    try:
        unit.portal.blobs.check()
    except Unavailable:
        return False
    return True
