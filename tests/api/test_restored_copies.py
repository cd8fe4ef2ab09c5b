"""An older copy of the database beside the storage of the portal that goes on: nothing of that is damaged."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from adapters.storage import read_only
from functions import bootstrap
from local.storage import prepare_storage
from tests.api.image_uploads import confirm, put
from tests.conftest import DatabaseServer, new_database
from tests.documents import pdf
from tests.world import (
    Person,
    SetClock,
    World,
    document_confirmation,
    error_of,
    picture,
    upload_request,
)

CONTAINERS: Final = ("best-practices", "supporting-documents", "thumbnails", "quarantine", "exports")
TIMERS: Final = ("reconcile_uploads", "purge_expired", "aggregate_monthly_savings", "remind_reviewers")
COPY: Final = {"RESTORED_COPY": "true"}

Blobs = dict[tuple[str, str], tuple[bytes, str]]


class Portals:
    """The portal, and a copy that has the database of an earlier time and the storage of today."""

    def __init__(self, server: DatabaseServer, database_url: str, storage: str) -> None:
        self._server = server
        self._url = database_url
        self._storage = storage
        prepare_storage(storage, [])

    def use(self, world: World) -> World:
        """Let the functions run in this portal from now on."""
        bootstrap.install(world.portal)
        return world

    def open(self, url: str | None = None, settings: dict[str, str] | None = None) -> World:
        return World(url or self._url, self._storage, SetClock(datetime.now(UTC)), settings or {})

    def copied(self) -> AbstractContextManager[str]:
        """A copy of the database as it is now, to which nobody may be connected."""
        return new_database(self._server, template=self._url.rpartition("/")[2].partition("?")[0])

    def url(self, database: str) -> str:
        return self._server.url(database)


@pytest.fixture
def portals(
    postgres_server: DatabaseServer, database_url: str, storage_connection_string: str
) -> Iterator[Portals]:
    yield Portals(postgres_server, database_url, storage_connection_string)
    bootstrap.install(None)


def signed_in(world: World, email: str) -> Person:
    [(role, plant_id)] = world.query("SELECT role, plant_id FROM users WHERE email = %s", email)
    return Person(email, role, plant_id, world.browser()).sign_in()


def blobs(world: World) -> Blobs:
    """Every blob, with its bytes and its version."""
    found: Blobs = {}
    for container in CONTAINERS:
        with world.container(container) as client:
            for blob in client.list_blobs():
                found[container, blob.name] = client.download_blob(blob.name).readall(), str(blob.etag)
    return found


def recorded_image(world: World, author: Person, practice: dict[str, Any]) -> str:
    blob_name = put(world, author, practice, picture(320, 240))
    world.deliver(blob_name)
    assert confirm(author, practice, blob_name).status_code == 200
    return blob_name


def past(world: World) -> dict[str, Any]:
    """What both databases know: a draft and an approved practice with files, and an upload that waits."""
    author, hq = (
        world.add_person("a@amber.test", plant=0).sign_in(),
        world.add_person("hq@amber.test").sign_in(),
    )
    draft, approved = world.practice(author), world.approved(hq)
    for practice in (draft, approved):
        recorded_image(world, hq, practice)
    deleted = recorded_image(world, author, draft)
    return {"draft": draft, "approved": approved, "deleted": deleted, "waiting": put(world, author, draft)}


def go_on(world: World, before: dict[str, Any]) -> None:
    """What only the portal knows: new practices with files, and new files of old practices."""
    author, hq = signed_in(world, "a@amber.test"), signed_in(world, "hq@amber.test")
    world.deliver(before["waiting"])
    path = f"/best-practices/{before['draft']['id']}/images"
    images = {image["blob_name"]: image["id"] for image in author.get(path).json()["data"]}
    assert author.delete(f"{path}/{images[before['deleted']]}").status_code == 200
    for practice in (world.practice(author), world.practice(hq, plant_id=str(world.plants[3]))):
        recorded_image(world, hq, practice)
        put(world, hq, practice)  # uploaded, and neither delivered nor confirmed yet
        document = str(world.presign_document(hq, practice["id"])["blob_name"])
        world.put_blob(document, pdf(), "supporting-documents")
        confirmed = hq.post(f"/best-practices/{practice['id']}/documents", document_confirmation(document))
        assert confirmed.status_code == 201
    recorded_image(world, author, before["draft"])
    recorded_image(world, hq, before["approved"])
    put(world, hq, before["approved"], b"not an image")


def run_everything(copy: World) -> None:
    """Run the nightly jobs and a trigger for every blob, on three nights."""
    for _ in range(3):
        for container, name in blobs(copy):
            if container in ("best-practices", "supporting-documents"):
                copy.deliver(name)
        copy.clock.advance(timedelta(days=1))
        for timer in TIMERS:
            copy.run_timer(timer)


@pytest.mark.parametrize("settings", [{}, COPY], ids=["without the setting", "with the setting"])
def test_the_jobs_and_triggers_of_an_older_copy_move_and_lose_nothing(
    portals: Portals, settings: dict[str, str]
) -> None:
    world = portals.use(portals.open())
    before = past(world)
    world.close()
    with portals.copied() as name:
        world, copy = portals.use(portals.open()), portals.open(portals.url(name), settings)
        go_on(world, before)
        present = blobs(world)

        portals.use(copy)
        run_everything(copy)

        kept = blobs(copy)
        if settings:
            assert kept == present, "not even a version has changed"
            assert copy.query("SELECT count(*) FROM job_runs") == [(0,)]
        assert {where: kept.get(where, (b"", ""))[0] for where in present} == {
            where: data for where, (data, _) in present.items()
        }
        assert [where for where in kept if where[0] == "quarantine"] == []

        portals.use(world)
        world.run_timer("reconcile_uploads")
        uploads = world.query("SELECT state, count(*) FROM uploads GROUP BY state ORDER BY state")
        assert uploads == [("expired", 1), ("recorded", 11), ("rejected", 1)], "the rest arrives as ever"
        assert world.query("SELECT count(*) FROM practice_images WHERE missing_since IS NOT NULL") == [(0,)]
        copy.close()
        world.close()


REFUSED: Final = (409, "RESTORED_COPY")


def test_a_restored_copy_refuses_to_change_files_with_a_reason_and_calculates(portals: Portals) -> None:
    world = portals.use(portals.open())
    before = past(world)
    present = blobs(world)
    world.close()
    copy = portals.use(portals.open(settings=COPY))
    author, hq = signed_in(copy, "a@amber.test"), signed_in(copy, "hq@amber.test")
    draft = before["draft"]
    path = f"/best-practices/{draft['id']}"
    image = author.get(f"{path}/images").json()["data"][0]
    file = {"file": ("x.jpg", picture(), "image/jpeg")}
    form = author.http.post(f"/api/v1{path}/upload-image", data={"image_type": "before"}, files=file)

    refused = [
        author.post("/upload/presigned-url", upload_request(draft["id"])),
        author.post("/best-practices/upload/presigned-url", upload_request(draft["id"])),
        form,
        confirm(author, draft, before["waiting"]),
        author.delete(f"{path}/images/{image['id']}"),
    ]
    for response in refused:
        assert error_of(response) == REFUSED
        assert response.json()["error"]["message"] == read_only.REFUSAL
    assert author.get(path).status_code == 200
    assert httpx.get(image["blob_url"]).status_code == 200
    assert hq.post("/analytics/recalculate-savings").json()["data"]["state"] == "completed"
    assert copy.browser().get("/health/status").json()["data"]["restored_copy"] is True
    assert blobs(copy) == present
    copy.close()


def test_a_restored_copy_stores_no_large_export(portals: Portals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bp_core.practices.spreadsheets.MAX_DIRECT", 10)
    copy = portals.use(portals.open(settings=COPY))
    author = copy.add_person("a@amber.test", plant=0).sign_in()
    copy.practice(author)
    assert error_of(author.get("/best-practices/export")) == REFUSED
    copy.close()
