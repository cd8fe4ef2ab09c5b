"""PostgreSQL or the storage goes away under a running portal and comes back: 503, and over by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

import function_app
from adapters.postgres.database import RECONNECT_TIMEOUT, Database
from functions import bootstrap
from local.azurite import Azurite
from local.host import FunctionHost
from local.migrate import upgrade
from local.postgres import EmbeddedPostgres, throwaway_postgres
from local.storage import prepare_storage
from tests.conftest import new_database
from tests.e2e.host.support import eventually
from tests.world import (
    NOON,
    Person,
    SetClock,
    World,
    at_once,
    confirmation,
    error_of,
    picture,
    upload_request,
)

LONGEST_ANSWER = 5.0
"""An answer while the database is away takes at most so many seconds."""

PHOTOGRAPH = {"file": ("x.jpg", picture(), "image/jpeg")}
BEFORE = {"image_type": "before"}

Call = Callable[[], httpx.Response]


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, which its tests stop and start."""
    with throwaway_postgres() as server:
        upgrade(server.url())
        yield server


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    with new_database(postgres, template="portal") as name:
        yield postgres.url(name)
        postgres.start()  # a test that failed may have left it stopped


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    azurite = Azurite(tmp_path / "azurite")
    azurite.start()
    yield azurite
    azurite.stop()


@dataclass
class RunningPortal:
    """A portal that is served over HTTP by a host, with its blob trigger and its timers."""

    world: World
    url: str
    browsers: ExitStack

    def person(self, plant: int | None) -> Person:
        """Somebody who signs in over the network."""
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


def assert_unavailable(answer: httpx.Response) -> None:
    assert error_of(answer) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0


def send_form(author: Person, practice_id: str) -> httpx.Response:
    path = f"/api/v1/best-practices/{practice_id}/upload-image"
    return author.http.post(path, data=BEFORE, files=PHOTOGRAPH)


def keep_writing(author: Person, prefix: str, go_on: Callable[[list[int]], bool]) -> dict[str, int]:
    """Write practice after practice while `go_on` likes the statuses so far; title -> status."""
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


def test_while_postgresql_is_stopped_every_call_is_told_so_within_five_seconds(
    postgres: EmbeddedPostgres, database_url: str, storage_connection_string: str
) -> None:
    with running_portal(database_url, storage_connection_string) as portal:
        author = portal.person(plant=0)
        practice_id = str(portal.world.practice(author)["id"])
        permit = portal.world.ask_for_upload(author, practice_id)
        calls: list[Call] = [
            partial(author.get, "/best-practices"),
            partial(author.get, f"/best-practices/{practice_id}"),
            partial(author.post, "/best-practices", {"title": "Never kept"}),
            partial(author.post, "/auth/login", {"email": author.email, "password": "x"}),
            partial(author.post, "/upload/presigned-url", upload_request(practice_id)),
            partial(author.post, f"/best-practices/{practice_id}/images", confirmation(permit["blob_name"])),
            partial(send_form, author, practice_id),
            partial(portal.get, "/health/db"),
        ]
        before = titles(portal.world)
        at_once(*[partial(author.get, "/best-practices")] * 8)  # so that the pool holds connections

        postgres.stop()
        for answer, seconds in at_once(*[partial(timed, call) for call in calls]):
            assert_unavailable(answer)
            assert seconds < LONGEST_ANSWER
        # Now no connection is left that could be found broken.
        calls = [partial(portal.get, "/health/status"), partial(author.get, "/best-practices")]
        (status, first), (refused, second) = at_once(*[partial(timed, call) for call in calls])
        assert max(first, second) < LONGEST_ANSWER
        assert_unavailable(refused)
        told = status.json()["data"]
        assert (status.status_code, told["status"], told["database"], told["storage"], told["migrated"]) == (
            200, "degraded", "unavailable", "ok", None
        )  # fmt: skip
        assert portal.get("/health").json()["data"]["status"] == "ok"

        postgres.start()
        eventually(lambda: portal.get("/health/db").status_code == 200)
        assert titles(portal.world) == before
        assert portal.get("/health/status").json()["data"]["status"] == "ok"


def test_service_returns_by_itself_with_postgresql_and_nothing_is_lost_or_kept_twice(
    postgres: EmbeddedPostgres, database_url: str, storage_connection_string: str
) -> None:
    with (
        running_portal(database_url, storage_connection_string) as portal,
        ThreadPoolExecutor() as threads,
    ):
        author = portal.person(plant=0)
        practice_id = str(portal.world.practice(author)["id"])
        permit = portal.world.ask_for_upload(author, practice_id)
        stopped = threading.Event()
        surprised = [
            threads.submit(keep_writing, author, f"surprised {n}", lambda _: not stopped.is_set())
            for n in range(4)
        ]
        eventually(lambda: len(titles(portal.world)) > 10)

        postgres.stop()
        stopped.set()
        waiting = [
            threads.submit(keep_writing, author, f"waiting {n}", lambda statuses: statuses[-1] != 201)
            for n in range(4)
        ]
        portal.world.put_blob(permit["blob_name"], picture())  # which the trigger cannot record now
        outcomes = {title: status for future in surprised for title, status in future.result().items()}
        assert set(outcomes.values()) == {201, 503}
        postgres.start()

        patient = {title: status for future in waiting for title, status in future.result().items()}
        assert set(patient.values()) == {201, 503}
        kept = titles(portal.world)
        assert len(kept) == len(set(kept))
        assert {title for title, status in (outcomes | patient).items() if status == 201} <= set(kept)
        assert not {title for title, status in patient.items() if status == 503} & set(kept)
        recorded = "SELECT count(*), count(thumbnail_name) FROM practice_images"
        eventually(lambda: portal.world.query(recorded) == [(1, 1)])


def test_a_caller_who_waits_is_served_as_soon_as_postgresql_is_back(
    postgres: EmbeddedPostgres, database_url: str
) -> None:
    with Database(database_url, pool_timeout=30) as database, ThreadPoolExecutor() as threads:
        postgres.stop()
        waiting = threads.submit(database.autocommit().value, "SELECT 1")
        time.sleep(2 * RECONNECT_TIMEOUT)  # until the pool gave up connecting once
        postgres.start()
        assert waiting.result() == 1


def test_after_a_restart_of_postgresql_broken_connections_fail_no_caller(
    postgres: EmbeddedPostgres, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.database.TRUSTED_FOR", -1.0)  # as if they had been idle for long
    with Database(database_url, pool_size=10) as database:

        def hold_a_connection(until: threading.Barrier) -> None:
            with database.connection():
                until.wait()

        at_once(*[partial(hold_a_connection, threading.Barrier(10))] * 10)
        postgres.stop()
        postgres.start()
        assert [database.autocommit().value("SELECT 1") for _ in range(10)] == [1] * 10


@pytest.fixture
def portal_settings() -> dict[str, str]:
    return {"DATABASE_POOL_SIZE": "2", "DATABASE_POOL_TIMEOUT": "0.3"}


def test_when_every_connection_is_in_use_calls_are_told_to_come_back(world: World) -> None:
    author = world.plant_user()
    database = world.portal.database
    with database.connection(), database.connection():
        assert_unavailable(author.get("/best-practices"))
        assert_unavailable(author.post("/best-practices", {"title": "x"}))
        assert world.browser().get("/health").status_code == 200
    assert author.get("/best-practices").json()["pagination"]["total"] == 0


def test_more_callers_than_connections_take_turns(world: World) -> None:
    author = world.plant_user()
    answers = at_once(*[partial(author.get, "/plants")] * 12)
    assert {answer.status_code for answer in answers} == {200}


# --- the storage


def test_while_the_storage_is_stopped_what_needs_it_is_told_so_and_the_rest_works(
    database_url: str, own_azurite: Azurite
) -> None:
    with running_portal(database_url, own_azurite.connection_string) as portal:
        world, author = portal.world, portal.person(plant=0)
        practice_id = str(world.practice(author)["id"])
        images = f"/best-practices/{practice_id}/images"
        known = world.ask_for_upload(author, practice_id)["blob_name"]
        world.put_blob(known, picture())
        eventually(
            lambda: (
                [image["thumbnail_url"] for image in author.get(images).json()["data"]] not in ([], [None])
            )
        )
        missing = world.ask_for_upload(author, practice_id)["blob_name"]
        image_id = author.get(images).json()["data"][0]["id"]
        uploads = world.query("SELECT count(*) FROM uploads WHERE state = 'recorded'")

        own_azurite.stop()
        away: list[Call] = [
            partial(author.post, images, confirmation(missing)),
            partial(send_form, author, practice_id),
            partial(author.delete, f"{images}/{image_id}"),
        ]
        for answer in at_once(*away):
            assert_unavailable(answer)
        permit = world.ask_for_upload(author, practice_id)
        seen: dict[str, Any] = author.get(f"/best-practices/{practice_id}").json()["data"]
        assert [image["id"] for image in seen["images"]] == [image_id]
        assert author.post(images, confirmation(known)).status_code == 200
        assert world.query("SELECT count(*) FROM uploads WHERE state = 'recorded'") == uploads
        assert portal.get("/health/db").status_code == 200
        told = portal.get("/health/status").json()["data"]
        assert (told["status"], told["database"], told["storage"]) == ("degraded", "ok", "unavailable")

        own_azurite.start()
        put = httpx.put(permit["upload_url"], content=picture(), headers={"x-ms-blob-type": "BlockBlob"})
        assert put.status_code == 201
        recorded = "SELECT count(*), count(thumbnail_name) FROM practice_images WHERE blob_name = %s"
        eventually(lambda: world.query(recorded, permit["blob_name"]) == [(1, 1)])
        assert author.delete(f"{images}/{image_id}").status_code == 200
        assert send_form(author, practice_id).status_code == 201
        assert portal.get("/health/status").json()["data"]["status"] == "ok"
