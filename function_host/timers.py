"""Timers: each occurrence runs once across all hosts of one storage account, a missed one at the next start.

In the container ``azure-webjobs-hosts`` each timer has a blob ``timers/{host id}/{function}/status`` with the
last and the next run, and a blob ``locks/{host id}/{function}`` that a host leases while the function runs.
Times are UTC. The status is written after the function returned or failed. If the host crashes before that,
the occurrence runs again. A status that a clock wrote while it was ahead is written again.
"""

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from azure.functions.timer import TimerRequest
from croniter import CroniterError, croniter

from function_host.index import ConfigurationError, IndexedFunction, TimerTrigger
from function_host.invocation import invoke
from function_host.leases import blob_lease
from function_host.storage import StorageAccount
from function_host.workers import StorageOutage, Workers

logger = logging.getLogger(__name__)

NCRONTAB_FIELDS = 6
CLOCK_STEP = timedelta(hours=1)
"""A status that was written later than this from now was written by a clock that was wrong.

After a smaller step back the timer waits until the clock has caught up, so that no occurrence runs twice.
"""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The default clock for timers."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Status:
    """When a timer ran last (None if never), when it runs next, and when ``next`` was calculated."""

    last: datetime | None
    next: datetime
    updated: datetime

    def as_json(self) -> dict[str, str]:
        """The JSON of the Azure Functions host. For "never" it uses the minimum date of .NET."""
        last = self.last.isoformat() if self.last else "0001-01-01T00:00:00"
        return {"Last": last, "Next": self.next.isoformat(), "LastUpdated": self.updated.isoformat()}

    @classmethod
    def from_json(cls, text: bytes) -> "Status":
        """The status that ``as_json`` wrote."""
        times = {name: datetime.fromisoformat(value) for name, value in json.loads(text).items()}
        last = times["Last"]
        return cls(last if last.year > 1 else None, times["Next"], times["LastUpdated"])


class Schedule:
    """An NCRONTAB expression: second, minute, hour, day, month, day of week. All of them must match.

    Raises ConfigurationError if the expression is invalid. The message names the function and the `setting`
    that the expression comes from.
    """

    def __init__(self, function: str, expression: str, setting: str = "") -> None:
        self._expression = expression
        source = f"function {function}, setting {setting}" if setting else f"function {function}"
        try:
            if len(expression.split()) != NCRONTAB_FIELDS:
                raise ConfigurationError(f"{source}: the schedule {expression!r} must have six fields")
            self.next_after(utc_now())
        except CroniterError as error:
            raise ConfigurationError(
                f"{source}: the schedule {expression!r} is not a valid NCRONTAB: {error}"
            ) from error

    def next_after(self, time: datetime) -> datetime:
        """The first occurrence after ``time``."""
        occurrence: datetime = croniter(
            self._expression, time, ret_type=datetime, second_at_beginning=True, day_or=False
        ).get_next()
        return occurrence


class TimerListener:
    """Runs the function of one timer when it is due and no other host runs it."""

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
        self._schedule = Schedule(function.name, trigger.schedule, trigger.setting)
        self._account = account
        self._clock = clock
        self._workers = workers
        self._started = clock()
        self._lock = f"locks/{host_id}/{function.name}"
        self._status = f"timers/{host_id}/{function.name}/status"
        self._next: datetime | None = None
        self._updated = self._started
        self._unsaved_run: datetime | None = None  # a run whose status could not be written yet
        self._run_on_startup = trigger.run_on_startup
        self._outage = StorageOutage(f"timer {function.name}")

    def poll(self) -> None:
        """Run the function on a worker thread if it is due and no other host runs it."""
        now = self._clock()
        if self._next is None or self._next <= now or self._updated > now + CLOCK_STEP:
            self._workers.submit(
                f"timer {self._function.name}", partial(self._outage.guard, self._run_under_lease)
            )

    def run_now(self, _input: str) -> None:
        """Run the function now, on a worker thread. The schedule does not change."""
        now = self._clock()
        status = Status(None, self._schedule.next_after(now), now)
        self._workers.submit(f"run {uuid.uuid4()}", partial(self._run, status, past_due=False))

    def _run_under_lease(self) -> None:
        with blob_lease(self._account, self._lock) as lease:
            if lease is None:
                return
            status = self._read_status()
            if self._unsaved_run is None and self._is_due(status):
                self._run(status, past_due=status is not None and status.next < self._started)
                self._unsaved_run = self._clock()
            if status is None or self._unsaved_run is not None:
                status = self._write_status(last=self._unsaved_run)
                self._unsaved_run = None
            self._next, self._updated = status.next, status.updated

    def _is_due(self, status: Status | None) -> bool:
        at_start, self._run_on_startup = self._run_on_startup, False
        return at_start or (status is not None and status.next <= self._clock())

    def _run(self, status: Status | None, *, past_due: bool) -> None:
        request = TimerRequest(past_due=past_due, schedule_status=status.as_json() if status else {})
        try:
            invoke(self._function, request)
        except Exception:  # a failed run is not repeated: the next run is the next occurrence
            logger.exception("host: timer %s failed", self._function.name)
        else:
            logger.info("host: timer %s succeeded", self._function.name)

    def _read_status(self) -> Status | None:
        """The stored status; None if the timer is new, its schedule was changed, or the clock was ahead."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            status = Status.from_json(self._account.host_blob(self._status).download_blob().readall())
        except ResourceNotFoundError:
            return None
        if status.updated > self._clock() + CLOCK_STEP:
            return None
        return status if self._schedule.next_after(status.updated) == status.next else None

    def _write_status(self, last: datetime | None) -> Status:
        now = self._clock()
        status = Status(last, self._schedule.next_after(now), now)
        text = json.dumps(status.as_json()).encode()
        self._account.host_blob(self._status).upload_blob(text, overwrite=True)
        return status
