"""Timers: each due occurrence once across all hosts of one storage, and a missed one at the next start.

In ``azure-webjobs-hosts`` each timer has a blob ``timers/{host id}/{function}/status`` that says what was
last run and what comes next, and a blob ``locks/{host id}/{function}`` whose lease is held while it runs.
Times are UTC. An occurrence is marked as run after the function ended, well or not; a host that dies in
between makes it run again.
"""

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from azure.functions.timer import TimerRequest
from croniter import CroniterError, croniter

from local.host.index import ConfigurationError, IndexedFunction, TimerTrigger
from local.host.invocation import invoke
from local.host.leases import held
from local.host.storage import StorageAccount
from local.host.workers import Outage, Workers

logger = logging.getLogger(__name__)

NCRONTAB_FIELDS = 6

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time that timers go by, where no other clock is given."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Status:
    """When a timer last ran (None if never), what comes next, and when ``next`` was computed."""

    last: datetime | None
    next: datetime
    updated: datetime

    def as_json(self) -> dict[str, str]:
        """In the real host's names; a timer that never ran has .NET's earliest time as its last."""
        last = self.last.isoformat() if self.last else "0001-01-01T00:00:00"
        return {"Last": last, "Next": self.next.isoformat(), "LastUpdated": self.updated.isoformat()}

    @classmethod
    def from_json(cls, text: bytes) -> "Status":
        """The status that ``as_json`` wrote."""
        times = {name: datetime.fromisoformat(value) for name, value in json.loads(text).items()}
        last = times["Last"]
        return cls(last if last.year > 1 else None, times["Next"], times["LastUpdated"])


class Schedule:
    """An NCRONTAB expression: second, minute, hour, day, month, day of week, all of which must match.

    Raises ConfigurationError if it is none.
    """

    def __init__(self, function: str, expression: str) -> None:
        self._expression = expression
        try:
            if len(expression.split()) != NCRONTAB_FIELDS:
                raise ConfigurationError(
                    f"function {function}: the schedule {expression!r} must have six fields"
                )
            self.after(utc_now())
        except CroniterError as error:
            raise ConfigurationError(
                f"function {function}: the schedule {expression!r} is no NCRONTAB: {error}"
            ) from error

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than ``moment``."""
        following: datetime = croniter(
            self._expression, moment, ret_type=datetime, second_at_beginning=True, day_or=False
        ).get_next()
        return following


class TimerListener:
    """Runs one timer's function when it is due and no other host does."""

    def __init__(
        self,
        function: IndexedFunction,
        trigger: TimerTrigger,
        account: StorageAccount,
        host_id: str,
        clock: Clock,
        workers: Workers,
    ) -> None:
        self._function = function
        self._schedule = Schedule(function.name, trigger.schedule)
        self._account = account
        self._clock = clock
        self._workers = workers
        self._started = clock()
        self._lock = f"locks/{host_id}/{function.name}"
        self._status = f"timers/{host_id}/{function.name}/status"
        self._next: datetime | None = None
        self._unrecorded: datetime | None = None  # a run whose status storage has not taken yet
        self._run_on_startup = trigger.run_on_startup
        self._outage = Outage(f"timer {function.name}")

    def poll(self) -> None:
        """Run the function, on the workers' threads, if its time has come and no other host is at it."""
        if self._next is None or self._next <= self._clock():
            self._workers.submit(
                f"timer {self._function.name}", partial(self._outage.guard, self._run_under_lease)
            )

    def run_now(self, _input: str) -> None:
        """Run the function on a worker's thread whatever the schedule says, which stays as it is."""
        now = self._clock()
        status = Status(None, self._schedule.after(now), now)
        self._workers.submit(f"run {uuid.uuid4()}", partial(self._run, status, past_due=False))

    def _run_under_lease(self) -> None:
        with held(self._account, self._lock) as lease:
            if lease is None:
                return
            status = self._read()
            if self._unrecorded is None and self._due(status):
                self._run(status, past_due=status is not None and status.next < self._started)
                self._unrecorded = self._clock()
            if status is None or self._unrecorded is not None:
                status = self._write(last=self._unrecorded)
                self._unrecorded = None
            self._next = status.next

    def _due(self, status: Status | None) -> bool:
        at_start, self._run_on_startup = self._run_on_startup, False
        return at_start or (status is not None and status.next <= self._clock())

    def _run(self, status: Status | None, *, past_due: bool) -> None:
        request = TimerRequest(past_due=past_due, schedule_status=status.as_json() if status else {})
        try:
            invoke(self._function, request)
        except Exception:  # a failed occurrence is over: the next one comes by the schedule
            logger.exception("host: timer %s failed", self._function.name)
        else:
            logger.info("host: timer %s succeeded", self._function.name)

    def _read(self) -> Status | None:
        """The status in storage; None if the timer is seen for the first time or its schedule was changed."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            status = Status.from_json(self._account.host_blob(self._status).download_blob().readall())
        except ResourceNotFoundError:
            return None
        return status if self._schedule.after(status.updated) == status.next else None

    def _write(self, last: datetime | None) -> Status:
        now = self._clock()
        status = Status(last, self._schedule.after(now), now)
        text = json.dumps(status.as_json()).encode()
        self._account.host_blob(self._status).upload_blob(text, overwrite=True)
        return status
