"""What the health endpoints show: checked with a connection of their own, at most once a second."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from adapters.postgres import health
from adapters.postgres.database import Database
from adapters.postgres.health import PROBES
from adapters.postgres.jobs import PostgresJobs
from adapters.storage.blobs import AzureBlobs
from bp_core.jobs import JobRun, JobService
from bp_core.shared.context import Context
from bp_core.shared.errors import Unavailable
from functions.refreshed import Refreshed

CHECKED_EVERY: Final = timedelta(seconds=1)
"""However many probes there are, database and storage are checked once in this time."""

ROOM_CHECKED_EVERY: Final = timedelta(seconds=10)
REFUSED_WRITES_COUNT: Final = timedelta(seconds=15)
"""How long the database counts as not writable after it refused to write for a call."""

POOL_TIMEOUT: Final = 1.0
"""How long a check waits for its connection, in seconds."""


@dataclass(frozen=True)
class DatabaseHealth:
    """The state of a database that answers."""

    latency_ms: float
    writable: bool
    migrated: bool
    last_runs: list[JobRun]


class HealthMonitor:
    """Checks the database and the storage for the health endpoints.

    `own` is the database with a connection for these checks only, so that they never wait for a connection
    that callers wait for. `shared` is the database as calls use it.
    """

    def __init__(
        self, own: Database, shared: Database, blobs: AzureBlobs, new_context: Callable[[], Context]
    ) -> None:
        self._own = own
        self._shared = shared
        self._blobs = blobs
        self._new_context = new_context
        self._database = Refreshed(self._check_database, CHECKED_EVERY)
        self._room = Refreshed(self._check_room, ROOM_CHECKED_EVERY)
        self._storage = Refreshed(self._check_storage, CHECKED_EVERY)

    def database(self) -> DatabaseHealth | None:
        """Return the state of the database, or None if it does not answer."""
        return self._database.get()

    def storage_answers(self) -> bool:
        """Whether the storage answers."""
        return self._storage.get()

    def close(self) -> None:
        """Close the connection."""
        self._own.close()

    def _check_database(self) -> DatabaseHealth | None:
        try:
            with self._own.transaction(PROBES) as sql:
                started = time.perf_counter()
                writable = health.is_writable(sql)
                latency = (time.perf_counter() - started) * 1000
                migrated = health.is_migrated(sql)
                runs = JobService(PostgresJobs(sql), self._new_context()).latest() if migrated else []
        except Unavailable:
            return None
        refused = self._shared.refused_write(within=REFUSED_WRITES_COUNT)
        return DatabaseHealth(latency, writable and not refused and self._room.get(), migrated, runs)

    def _check_room(self) -> bool:
        return health.has_room(self._own)

    def _check_storage(self) -> bool:
        try:
            self._blobs.check()
        except Unavailable:
            return False
        return True
