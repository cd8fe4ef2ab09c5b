"""PostgreSQL or the storage stops and starts again while the portal runs: 503, and automatic recovery."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

import function_app
from adapters.postgres.connections import BACKGROUND
from adapters.postgres.database import Database
from adapters.postgres.pool import RECONNECT_TIMEOUT
from bp_core.shared.errors import Unavailable
from function_host import FunctionHost
from functions import bootstrap
from local.azurite import Azurite
from local.postgres import EmbeddedPostgres, throwaway_postgres
from local.storage import prepare_storage
from ops.migrate import upgrade
from tests.conftest import new_database
from tests.e2e.function_host.support import eventually
from tests.world import (
    NOON,
    Person,
    SetClock,
    World,
    concurrently,
    confirmation,
    error_of,
    picture,
    upload_request,
)

LONGEST_ANSWER = 5.0
"""The maximum time of a response without the database, in seconds."""

PHOTOGRAPH = {"file": ("x.jpg", picture(), "image/jpeg")}
BEFORE = {"image_type": "before"}

CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'amber-portal' AND datname = current_database()
"""

Call = Callable[[], httpx.Response]


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this module only, which its tests stop and start."""
    with throwaway_postgres() as server:
        upgrade(server.url())
        yield server


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    with new_database(postgres, template="portal") as name:
        yield postgres.url(name)
        postgres.start()  # a failed test may have left it stopped


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    azurite = Azurite(tmp_path / "azurite")
    azurite.start()
    yield azurite
    azurite.stop()


@dataclass
class RunningPortal:
    """A portal behind a function host, with its blob trigger and its timers."""

    world: World
    url: str
    browsers: ExitStack

    def person(self, plant: int | None) -> Person:
        """Add a user, who signs in over the network."""
        person = self.world.add_person(f"{plant}@amber.test", plant=plant)
        person.http = self.browsers.enter_context(httpx.Client(base_url=self.url, timeout=60))
        return person.sign_in()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=60)


@contextmanager
def running_portal(database_url: str, storage: str, **settings: str) -> Iterator[RunningPortal]:
    prepare_storage(storage, [])
    world = World(database_url, storage, SetClock(datetime.now(UTC)), settings)
    bootstrap.install(world.portal)
    try:
        with (
            FunctionHost(function_app.app, world.settings, poll_interval=0.2, clock=lambda: NOON) as host,
            ExitStack() as browsers,
        ):
            yield RunningPortal(world, host.base_url, browsers)
    finally:
        bootstrap.install(None)
        world.close()


def timed(call: Call) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    return call(), time.monotonic() - begun


def assert_unavailable(response: httpx.Response) -> None:
    assert error_of(response) == (503, "UNAVAILABLE")
    assert int(response.headers["Retry-After"]) > 0


def send_form(author: Person, practice_id: str) -> httpx.Response:
    path = f"/api/v1/best-practices/{practice_id}/upload-image"
    return author.http.post(path, data=BEFORE, files=PHOTOGRAPH)


def keep_writing(author: Person, prefix: str, go_on: Callable[[list[int]], bool]) -> dict[str, int]:
    """Write practices until `go_on` returns False for the statuses so far. Returns title -> status."""
    written: dict[str, int] = {}
    for number in count():
        title = f"{prefix} {number}"
        written[title] = author.post("/best-practices", {"title": title}).status_code
        if not go_on(list(written.values())):
            return written
        time.sleep(0.05)
    raise AssertionError


def titles(world: World) -> list[str]:
    return sorted(title for (title,) in world.query("SELECT title FROM best_practices"))


# --- PostgreSQL


def test_while_postgresql_is_stopped_every_call_gets_503_within_five_seconds(
    postgres: EmbeddedPostgres, database_url: str, storage_connection_string: str
) -> None:
    with running_portal(database_url, storage_connection_string) as portal:
        author = portal.person(plant=0)
        practice_id = str(portal.world.practice(author)["id"])
        permit = portal.world.presign_image(author, practice_id)
        calls: list[Call] = [
            partial(author.get, "/best-practices"),
            partial(author.get, f"/best-practices/{practice_id}"),
            partial(author.post, "/best-practices", {"title": "Never stored"}),
            partial(author.post, "/auth/login", {"email": author.email, "password": "x"}),
            partial(author.post, "/upload/presigned-url", upload_request(practice_id)),
            partial(author.post, f"/best-practices/{practice_id}/images", confirmation(permit["blob_name"])),
            partial(send_form, author, practice_id),
            partial(portal.get, "/health/db"),
        ]
        before = titles(portal.world)
        concurrently(*[partial(author.get, "/best-practices")] * 8)  # so that the pool has connections

        postgres.stop()
        for response, seconds in concurrently(*[partial(timed, call) for call in calls]):
            assert_unavailable(response)
            assert seconds < LONGEST_ANSWER
        # Now the pool has no broken connections any more.
        calls = [partial(portal.get, "/health/status"), partial(author.get, "/best-practices")]
        (status, first), (refused, second) = concurrently(*[partial(timed, call) for call in calls])
        assert max(first, second) < LONGEST_ANSWER
        assert_unavailable(refused)
        shown = status.json()["data"]
        expected = {"status": "degraded", "database": "unavailable", "storage": "ok", "migrated": None}
        assert (status.status_code, {name: shown[name] for name in expected}) == (200, expected)
        assert portal.get("/health").json()["data"]["status"] == "ok"

        postgres.start()
        eventually(lambda: portal.get("/health/db").status_code == 200)
        assert titles(portal.world) == before
        eventually(lambda: portal.get("/health/status").json()["data"]["status"] == "ok")


def outcomes(futures: list[Future[dict[str, int]]]) -> dict[str, int]:
    """The status of every title that `keep_writing` wrote in several threads."""
    return {title: status for future in futures for title, status in future.result().items()}


def with_status(outcomes: dict[str, int], wanted: int) -> set[str]:
    return {title for title, status in outcomes.items() if status == wanted}


def test_after_an_outage_of_postgresql_the_service_returns_and_no_write_is_lost_or_stored_twice(
    postgres: EmbeddedPostgres, database_url: str, storage_connection_string: str
) -> None:
    with (
        running_portal(database_url, storage_connection_string) as portal,
        ThreadPoolExecutor() as threads,
    ):
        world, author = portal.world, portal.person(plant=0)
        permit = world.presign_image(author, str(world.practice(author)["id"]))
        stopped = threading.Event()

        def write(prefix: str, go_on: Callable[[list[int]], bool]) -> list[Future[dict[str, int]]]:
            return [threads.submit(keep_writing, author, f"{prefix} {n}", go_on) for n in range(4)]

        interrupted = write("interrupted", lambda _: not stopped.is_set())
        eventually(lambda: len(titles(world)) > 10)
        postgres.stop()
        stopped.set()
        retrying = write("retrying", lambda statuses: statuses[-1] != 201)
        world.put_blob(permit["blob_name"], picture())  # which the trigger cannot record now
        first = outcomes(interrupted)
        postgres.start()
        second = outcomes(retrying)

        stored = titles(world)
        assert set(first.values()) == set(second.values()) == {201, 503}
        assert len(stored) == len(set(stored))
        assert with_status(first | second, 201) <= set(stored)
        assert not with_status(second, 503) & set(stored)
        recorded = "SELECT count(*), count(thumbnail_name) FROM practice_images"
        eventually(lambda: world.query(recorded) == [(1, 1)])


def test_a_caller_who_waits_is_served_as_soon_as_postgresql_is_back(
    postgres: EmbeddedPostgres, database_url: str
) -> None:
    with Database(database_url, pool_timeout=30) as database, ThreadPoolExecutor() as threads:
        postgres.stop()
        waiting = threads.submit(database.autocommit().value, "SELECT 1")
        time.sleep(2 * RECONNECT_TIMEOUT)  # until the pool has failed to connect once
        postgres.start()
        assert waiting.result() == 1


def test_while_postgresql_is_known_to_be_away_callers_are_refused_at_once_but_one_a_second(
    postgres: EmbeddedPostgres, database_url: str
) -> None:
    # Whoever waits, waits for ten minutes.
    with Database(database_url, pool_timeout=600) as database, ThreadPoolExecutor(100) as threads:

        def call() -> int | None:
            try:
                return int(database.autocommit().value("SELECT 1"))
            except Unavailable:
                return None

        assert call() == 1
        postgres.stop()
        first = threads.submit(call)  # gets the broken connection
        eventually(first.done)
        waiting = threads.submit(call)
        eventually(lambda: database.is_away)
        hundred = [threads.submit(call) for _ in range(90)]
        # One a second waits; on a slow machine these are some seconds.
        eventually(lambda: sum(future.done() for future in hundred) > len(hundred) / 2)
        assert not waiting.done()

        postgres.start()
        assert waiting.result() == 1
        assert {future.result() for future in hundred} <= {1, None}
        assert call() == 1


def test_jobs_and_blob_triggers_wait_for_postgresql_while_calls_are_refused(
    postgres: EmbeddedPostgres, database_url: str
) -> None:
    with Database(database_url, pool_timeout=0.1) as database, ThreadPoolExecutor(1) as threads:
        postgres.stop()
        waiting = threads.submit(database.autocommit(BACKGROUND).value, "SELECT 1")
        eventually(lambda: database.is_away)
        with pytest.raises(Unavailable):
            database.autocommit().value("SELECT 1")
        postgres.start()
        assert waiting.result() == 1


def test_after_a_restart_of_postgresql_broken_connections_fail_no_caller(
    postgres: EmbeddedPostgres, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.pool.CHECK_AFTER", -1.0)  # as if they had been idle for long
    with Database(database_url, pool_size=10) as database:

        def use_a_connection(until: threading.Barrier) -> None:
            with database.connection():
                until.wait()

        concurrently(*[partial(use_a_connection, threading.Barrier(10))] * 10)
        postgres.stop()
        postgres.start()
        assert [database.autocommit().value("SELECT 1") for _ in range(10)] == [1] * 10


@pytest.fixture
def portal_settings() -> dict[str, str]:
    return {"DATABASE_POOL_SIZE": "2", "DATABASE_POOL_TIMEOUT": "0.3"}


def test_when_every_connection_is_in_use_calls_get_503_with_retry_after(world: World) -> None:
    author = world.plant_user()
    database = world.portal.database
    with database.connection(), database.connection():
        assert_unavailable(author.get("/best-practices"))
        assert_unavailable(author.post("/best-practices", {"title": "x"}))
        assert world.browser().get("/health").status_code == 200
    assert author.get("/best-practices").json()["pagination"]["total"] == 0


def test_health_checks_do_not_wait_for_a_connection_that_callers_wait_for(world: World) -> None:
    database = world.portal.database
    with database.connection(), database.connection():
        assert world.browser().get("/health/db").status_code == 200
        assert world.browser().get("/health/status").json()["data"]["status"] == "ok"


def test_a_hundred_health_checks_at_once_use_one_connection(world: World) -> None:
    paths = ["/health/db", "/health/status"] * 50
    responses = concurrently(*[partial(world.browser().get, path) for path in paths])
    assert {response.status_code for response in responses} == {200}
    assert world.query(CONNECTIONS) == [(1,)]


def test_more_callers_than_connections_take_turns(world: World) -> None:
    author = world.plant_user()
    responses = concurrently(*[partial(author.get, "/plants")] * 12)
    assert {response.status_code for response in responses} == {200}


# --- the storage


def test_the_status_asks_a_storage_that_does_not_answer_once_and_does_not_wait_for_it(
    database_url: str, storage_connection_string: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0.1)
        address = "{}:{}".format(*silent.getsockname())
        storage = re.sub(r"(BlobEndpoint=http://)[^/]+", rf"\g<1>{address}", storage_connection_string)
        world = World(database_url, storage, SetClock(NOON), {})
        bootstrap.install(world.portal)
        shown = world.browser().get("/health/status").json()["data"]
        bootstrap.install(None)
        world.close()
        attempts = []
        with suppress(TimeoutError):
            while True:
                attempts.append(silent.accept())
        for connection, _ in attempts:
            connection.close()
    assert (shown["status"], shown["database"], shown["storage"]) == ("degraded", "ok", "unavailable")
    assert len(attempts) == 1


@dataclass
class Gallery:
    """A practice with an image that has a thumbnail, and a permit for a second image."""

    world: World
    author: Person

    def __post_init__(self) -> None:
        self.practice_id = str(self.world.practice(self.author)["id"])
        self.path = f"/best-practices/{self.practice_id}/images"
        self.known = str(self.world.presign_image(self.author, self.practice_id)["blob_name"])
        self.world.put_blob(self.known, picture())
        eventually(lambda: self._thumbnails() not in ([], [None]))
        self.missing = str(self.world.presign_image(self.author, self.practice_id)["blob_name"])
        self.image_id = str(self.author.get(self.path).json()["data"][0]["id"])

    def _thumbnails(self) -> list[str | None]:
        return [image["thumbnail_url"] for image in self.author.get(self.path).json()["data"]]

    def shown(self) -> list[str]:
        practice = self.author.get(f"/best-practices/{self.practice_id}").json()["data"]
        return [image["id"] for image in practice["images"]]

    def recorded(self) -> list[tuple[Any, ...]]:
        return self.world.query("SELECT count(*) FROM uploads WHERE state = 'recorded'")

    def confirm(self, blob_name: str) -> httpx.Response:
        return self.author.post(self.path, confirmation(blob_name))

    def delete(self) -> httpx.Response:
        return self.author.delete(f"{self.path}/{self.image_id}")


def status_of(portal: RunningPortal) -> tuple[str, str, str]:
    """What the status page says of the portal, the database and the storage."""
    shown = portal.get("/health/status").json()["data"]
    return shown["status"], shown["database"], shown["storage"]


def test_while_the_storage_is_stopped_calls_that_need_it_get_503_and_the_others_work(
    database_url: str, own_azurite: Azurite
) -> None:
    with running_portal(database_url, own_azurite.connection_string) as portal:
        world, author = portal.world, portal.person(plant=0)
        gallery = Gallery(world, author)
        recorded = gallery.recorded()
        send = partial(send_form, author, gallery.practice_id)

        own_azurite.stop()
        for response in concurrently(partial(gallery.confirm, gallery.missing), send, gallery.delete):
            assert_unavailable(response)
        permit = world.presign_image(author, gallery.practice_id)
        assert gallery.shown() == [gallery.image_id]
        assert gallery.confirm(gallery.known).status_code == 200
        assert gallery.recorded() == recorded
        assert portal.get("/health/db").status_code == 200
        eventually(lambda: status_of(portal) == ("degraded", "ok", "unavailable"))

        own_azurite.start()
        put = httpx.put(permit["upload_url"], content=picture(), headers={"x-ms-blob-type": "BlockBlob"})
        assert put.status_code == 201
        images = "SELECT count(*), count(thumbnail_name) FROM practice_images WHERE blob_name = %s"
        eventually(lambda: world.query(images, permit["blob_name"]) == [(1, 1)])
        assert [gallery.delete().status_code, send().status_code] == [200, 201]
        eventually(lambda: status_of(portal)[0] == "ok")
