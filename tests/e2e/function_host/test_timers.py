"""Timers with a real Azurite and a manual clock: each occurrence once, missed ones at the next start."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import azure.functions as func
import httpx
import pytest
from azure.functions.timer import TimerRequest
from azure.storage.blob import BlobServiceClient

from function_host import ConfigurationError, FunctionHost
from function_host.timers import Schedule
from tests.e2e.function_host.support import POLL_SECONDS, Clock, eventually

NIGHTLY = "0 30 19 * * *"
AFTERNOON = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
BEFORE_DUE = datetime(2026, 3, 10, 19, 29, 59, tzinfo=UTC)
STATUS = "timers/local/nightly/status"


class Runs:
    """Records the calls of a timer function. Each takes longer than the polling interval."""

    def __init__(self) -> None:
        self.requests: list[TimerRequest] = []

    def __call__(self, timer: func.TimerRequest) -> None:
        assert isinstance(timer, TimerRequest)
        self.requests.append(timer)
        time.sleep(2 * POLL_SECONDS)


class Site:
    """Hosts of one app, with one storage account and one clock."""

    def __init__(self, storage: str, clock: Clock) -> None:
        self.runs = Runs()
        self.clock = clock
        self._storage = storage

    def host(self, schedule: str = NIGHTLY, *, run_on_startup: bool = False) -> FunctionHost:
        app = func.FunctionApp()

        @app.timer_trigger("timer", "%NIGHTLY_SCHEDULE%", run_on_startup=run_on_startup)
        def nightly(timer: func.TimerRequest) -> None:
            self.runs(timer)

        settings = {"AzureWebJobsStorage": self._storage, "NIGHTLY_SCHEDULE": schedule}
        return FunctionHost(app, settings, poll_interval=POLL_SECONDS, clock=self.clock)

    def status(self) -> dict[str, str]:
        """The stored status; {} if there is none yet."""
        with BlobServiceClient.from_connection_string(self._storage) as blobs:
            blob = blobs.get_blob_client("azure-webjobs-hosts", STATUS)
            status: dict[str, str] = json.loads(blob.download_blob().readall()) if blob.exists() else {}
        return status

    def wait_until_next_is(self, time: datetime) -> None:
        eventually(lambda: self.status().get("Next") == time.isoformat())


@pytest.fixture
def site(storage_connection_string: str) -> Site:
    return Site(storage_connection_string, Clock(AFTERNOON))


TODAY, TOMORROW = AFTERNOON.replace(hour=19, minute=30), AFTERNOON.replace(day=11, hour=19, minute=30)


def test_a_new_timer_runs_at_its_next_occurrence(site: Site) -> None:
    with site.host():
        site.wait_until_next_is(TODAY)
        assert site.runs.requests == []
        site.clock.advance(TODAY - AFTERNOON)
        site.wait_until_next_is(TOMORROW)

    [run] = site.runs.requests
    assert not run.past_due
    assert run.schedule_status["Next"] == TODAY.isoformat()
    assert site.status()["Last"] == TODAY.isoformat()


def test_two_hosts_run_each_occurrence_once(site: Site) -> None:
    with ExitStack() as hosts:
        for _ in range(2):
            hosts.enter_context(site.host("0 * * * * *"))
        site.wait_until_next_is(AFTERNOON + timedelta(minutes=1))
        for minute in range(1, 6):
            site.clock.advance(timedelta(minutes=1))
            site.wait_until_next_is(AFTERNOON + timedelta(minutes=minute + 1))

    assert len(site.runs.requests) == 5


def test_a_missed_occurrence_runs_once_at_the_next_start_as_past_due(site: Site) -> None:
    with site.host():
        site.wait_until_next_is(TODAY)
    site.clock.advance(timedelta(days=3))
    with site.host():
        site.wait_until_next_is(TODAY + timedelta(days=3))
    with site.host():
        site.clock.advance(TODAY - AFTERNOON)
        site.wait_until_next_is(TODAY + timedelta(days=4))

    assert [run.past_due for run in site.runs.requests] == [True, False]


def test_a_restart_between_two_occurrences_runs_nothing(site: Site) -> None:
    with site.host():
        site.wait_until_next_is(TODAY)
    site.clock.advance(timedelta(hours=1))
    with site.host():
        site.clock.advance(TODAY - site.clock())
        site.wait_until_next_is(TOMORROW)

    assert [run.past_due for run in site.runs.requests] == [False]


def test_a_changed_schedule_starts_now(site: Site) -> None:
    with site.host():
        site.wait_until_next_is(TODAY)
    site.clock.advance(timedelta(hours=1))
    with site.host("0 0 12 * * *"):
        site.wait_until_next_is(datetime(2026, 3, 11, 12, 0, tzinfo=UTC))

    assert site.runs.requests == []


def test_run_on_startup_runs_at_each_start(site: Site) -> None:
    with site.host(run_on_startup=True):
        eventually(lambda: len(site.runs.requests) == 1)
    with site.host(run_on_startup=True):
        eventually(lambda: len(site.runs.requests) == 2)

    assert [run.past_due for run in site.runs.requests] == [False, False]


def test_a_failed_timer_is_not_repeated_before_its_next_occurrence(site: Site) -> None:
    app = func.FunctionApp()
    attempts: list[datetime] = []

    @app.timer_trigger("timer", NIGHTLY)
    def nightly(timer: func.TimerRequest) -> None:
        attempts.append(site.clock())
        raise ValueError("no savings today")

    settings = {"AzureWebJobsStorage": site._storage}
    with FunctionHost(app, settings, poll_interval=POLL_SECONDS, clock=site.clock):
        site.wait_until_next_is(TODAY)
        site.clock.advance(TODAY - AFTERNOON)
        site.wait_until_next_is(TOMORROW)
        site.clock.advance(timedelta(days=1))
        site.wait_until_next_is(TOMORROW + timedelta(days=1))

    assert attempts == [TODAY, TOMORROW]


def test_a_manual_run_is_accepted_immediately_and_does_not_change_the_schedule(site: Site) -> None:
    app = func.FunctionApp()
    release = threading.Event()
    runs: list[bool] = []

    @app.timer_trigger("timer", NIGHTLY)
    async def nightly(timer: func.TimerRequest, context: func.Context) -> None:
        release.wait()
        runs.append(timer.past_due)

    settings = {"AzureWebJobsStorage": site._storage}
    with FunctionHost(app, settings, poll_interval=POLL_SECONDS, clock=site.clock) as host:
        site.wait_until_next_is(TODAY)
        answer = httpx.post(f"{host.base_url}/admin/functions/nightly", json={})
        release.set()
        eventually(lambda: runs)

    assert (answer.status_code, answer.content, runs) == (202, b"", [False])
    assert site.status()["Next"] == TODAY.isoformat()


@pytest.fixture
def timer_host(site: Site) -> Iterator[FunctionHost]:
    with site.host() as host:
        yield host


@pytest.mark.parametrize("content", [b"", b"{}", b'{"input": ""}'])
def test_a_manual_run_accepts_any_body(timer_host: FunctionHost, site: Site, content: bytes) -> None:
    assert httpx.post(f"{timer_host.base_url}/admin/functions/Nightly", content=content).status_code == 202
    eventually(lambda: site.runs.requests)


def test_running_an_unknown_function_gets_404(timer_host: FunctionHost) -> None:
    assert httpx.post(f"{timer_host.base_url}/admin/functions/weekly").status_code == 404


def test_the_host_lists_its_functions_and_its_state(timer_host: FunctionHost) -> None:
    [listed] = httpx.get(f"{timer_host.base_url}/admin/functions").json()

    assert (listed["name"], listed["config"]["bindings"][0]["type"]) == ("nightly", "timerTrigger")
    assert httpx.get(f"{timer_host.base_url}/admin/host/status").json() == {"state": "Running"}


@pytest.mark.parametrize(
    ("expression", "time", "expected"),
    [
        ("0 30 19 * * *", BEFORE_DUE, datetime(2026, 3, 10, 19, 30, tzinfo=UTC)),
        ("0 30 19 * * *", TODAY, TOMORROW),
        ("*/15 * * * * *", AFTERNOON, AFTERNOON + timedelta(seconds=15)),
        ("0 0 0 1 Jan *", AFTERNOON, datetime(2027, 1, 1, tzinfo=UTC)),
        ("0 0 6 13 * Fri", AFTERNOON, datetime(2026, 3, 13, 6, 0, tzinfo=UTC)),
        ("0 0 6 14 * Fri", AFTERNOON, datetime(2026, 8, 14, 6, 0, tzinfo=UTC)),  # the 14th *and* a Friday
    ],
)
def test_the_next_occurrence_of_an_ncrontab_in_utc(
    expression: str, time: datetime, expected: datetime
) -> None:
    assert Schedule("nightly", expression).next_after(time) == expected


@pytest.mark.parametrize("expression", ["30 19 * * *", "0 30 25 * * *", "00:05:00", "soon"])
def test_an_invalid_schedule_is_refused_with_the_name_of_the_function(expression: str) -> None:
    with pytest.raises(ConfigurationError, match="nightly"):
        Schedule("nightly", expression)


def test_an_invalid_schedule_is_refused_with_the_name_of_its_setting() -> None:
    with pytest.raises(ConfigurationError, match="setting NIGHTLY_SCHEDULE: the schedule 'soon' must"):
        Schedule("nightly", "soon", "NIGHTLY_SCHEDULE")


def test_an_invalid_connection_string_is_refused_with_the_name_of_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="AzureWebJobsStorage"):
        Site("not a connection string", Clock(AFTERNOON)).host()


def test_a_clock_that_was_a_year_ahead_does_not_stop_a_timer(site: Site) -> None:
    """It fires once at the jump, and after the correction at the next occurrence, in the same process."""
    with site.host():
        site.wait_until_next_is(TODAY)
        site.clock.advance(timedelta(days=365))
        site.wait_until_next_is(TODAY + timedelta(days=365))
        assert len(site.runs.requests) == 1
        site.clock.advance(-timedelta(days=365))
        site.wait_until_next_is(TODAY)
        assert len(site.runs.requests) == 1
        site.clock.advance(TODAY - AFTERNOON)
        site.wait_until_next_is(TOMORROW)
    assert len(site.runs.requests) == 2


def test_a_host_that_starts_after_the_correction_does_not_wait_for_the_wrong_time(site: Site) -> None:
    site.clock.advance(timedelta(days=365))
    with site.host():
        site.wait_until_next_is(TODAY + timedelta(days=365))
    site.clock.advance(-timedelta(days=365))
    with site.host():
        site.wait_until_next_is(TODAY)
    assert site.runs.requests == []


def test_a_small_step_back_runs_no_occurrence_twice(site: Site) -> None:
    with site.host():
        site.wait_until_next_is(TODAY)
        site.clock.advance(TODAY - AFTERNOON)
        site.wait_until_next_is(TOMORROW)
        site.clock.advance(-timedelta(minutes=10))
        time.sleep(5 * POLL_SECONDS)
        site.clock.advance(timedelta(minutes=20))
        time.sleep(5 * POLL_SECONDS)
    assert len(site.runs.requests) == 1


def test_hosts_with_clocks_a_minute_apart_run_each_occurrence_once(site: Site) -> None:
    ahead = Site(site._storage, Clock(AFTERNOON + timedelta(minutes=1)))
    ahead.runs = site.runs
    with site.host("0 */10 * * * *"), ahead.host("0 */10 * * * *"):
        site.wait_until_next_is(AFTERNOON + timedelta(minutes=10))
        for minute in range(1, 31):
            for clock in (ahead.clock, site.clock):
                clock.advance(timedelta(minutes=1))
            if minute % 10 == 0:
                site.wait_until_next_is(AFTERNOON + timedelta(minutes=minute + 10))
    assert len(site.runs.requests) == 3
