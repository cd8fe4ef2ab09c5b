"""The nightly reconciliation: blobs behind the portal's back, and gone from under its feet."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adapters import blobs
from adapters.blobs import AzureBlobs
from adapters.storage_accounts import AccountByKey
from bp_core.shared.errors import Unavailable
from functions import bootstrap
from tests.documents import office, pdf
from tests.world import Person, World, confirmation, document_confirmation, picture

DAY = timedelta(days=1)


@pytest.fixture
def author(world: World) -> Person:
    return world.plant_user(0)


@pytest.fixture
def practice_id(world: World, author: Person) -> str:
    return str(world.practice(author)["id"])


def reconcile(world: World) -> int:
    """Run the timer a day later; how much there was to do."""
    world.clock.advance(DAY)
    world.run_timer("reconcile_uploads")
    [run] = world.query("SELECT state, rows FROM job_runs ORDER BY started_at DESC LIMIT 1")
    assert run[0] == "completed"
    return int(run[1])


def files(world: World) -> list[str]:
    rows = world.query("SELECT blob_name FROM practice_images UNION SELECT blob_name FROM practice_documents")
    return sorted(row[0] for row in rows)


def trail(world: World) -> list[str]:
    rows = world.query("SELECT action FROM audit_log WHERE entity IN ('image', 'document') ORDER BY id")
    return [row[0] for row in rows]


def recorded(world: World, author: Person, practice_id: str) -> dict[str, str]:
    """A photograph and a document, put, delivered and confirmed; the names of their blobs by container."""
    image = world.ask_for_upload(author, practice_id)["blob_name"]
    document = world.ask_for_document(author, practice_id)["blob_name"]
    world.put_blob(image, picture())
    world.put_blob(document, pdf(), "supporting-documents")
    world.deliver(image)
    world.deliver(document)
    path = f"/best-practices/{practice_id}"
    assert author.post(f"{path}/images", confirmation(image)).status_code == 200
    assert author.post(f"{path}/documents", document_confirmation(document)).status_code == 200
    return {"best-practices": image, "supporting-documents": document}


def test_where_nothing_is_amiss_nothing_is_done(world: World, author: Person, practice_id: str) -> None:
    recorded(world, author, practice_id)
    before = trail(world)
    assert (reconcile(world), reconcile(world)) == (0, 0)
    assert trail(world) == before


def test_what_events_missed_is_recorded_once(world: World, author: Person, practice_id: str) -> None:
    image = world.ask_for_upload(author, practice_id)["blob_name"]
    world.put_blob(image, picture())
    unasked = f"documents/{practice_id}/plan_1.docx"
    world.put_blob(unasked, office("docx"), "supporting-documents")

    assert (reconcile(world), reconcile(world)) == (2, 0)

    assert files(world) == sorted([image, unasked])
    assert world.query("SELECT state FROM uploads") == [("recorded",), ("recorded",)]
    assert world.blob_names("thumbnails") == [f"{image}.webp"]
    assert trail(world) == ["image.recorded", "document.recorded"]


def test_a_thumbnail_that_was_never_drawn_is_drawn(world: World, author: Person, practice_id: str) -> None:
    image = world.ask_for_upload(author, practice_id)["blob_name"]
    world.put_blob(image, picture())
    author.post(f"/best-practices/{practice_id}/images", confirmation(image))
    assert world.blob_names("thumbnails") == []

    assert (reconcile(world), reconcile(world)) == (1, 0)

    assert world.blob_names("thumbnails") == [f"{image}.webp"]


def test_a_blob_that_cannot_be_recorded_goes_to_quarantine_and_is_reported_once(
    world: World, author: Person, practice_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused = {
        "best-practices": ["stray.txt", f"practices/{uuid4()}/before_1.jpg"],
        "supporting-documents": ["a/b/c.pdf", f"documents/{practice_id}/plan_1.docx"],
    }
    for container, names in refused.items():
        for name in names:
            world.put_blob(name, office("docm"), container)

    assert (reconcile(world), reconcile(world)) == (4, 0)

    assert world.blob_names("best-practices") == world.blob_names("supporting-documents") == []
    everything = sorted(f"{container}/{name}" for container, names in refused.items() for name in names)
    assert world.blob_names("quarantine") == everything
    assert world.query("SELECT state, reason FROM uploads") == [("rejected", "contains macros")]
    assert caplog.text.count("upload_rejected") == 4


def test_a_blob_that_is_gone_is_reported_once_and_again_when_it_is_back(
    world: World, author: Person, practice_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = recorded(world, author, practice_id)
    kept = recorded(world, author, practice_id)
    known = trail(world)
    for container, name in names.items():
        with world.container(container) as client:
            client.delete_blob(name)

    assert (reconcile(world), reconcile(world)) == (2, 0)
    assert trail(world)[len(known) :] == ["image.lost", "document.lost"]
    assert caplog.text.count("blob_lost") == 2
    lost = world.query("SELECT blob_name FROM practice_images WHERE missing_since IS NOT NULL")
    assert lost == [(names["best-practices"],)]
    assert files(world) == sorted([*names.values(), *kept.values()]), "the rows stay"

    world.put_blob(names["best-practices"], picture())
    assert (reconcile(world), reconcile(world)) == (1, 0)
    assert trail(world)[-1] == "image.found"
    assert world.query("SELECT count(*) FROM practice_images WHERE missing_since IS NOT NULL") == [(0,)]


def test_what_was_asked_for_and_never_put_expires(world: World, author: Person, practice_id: str) -> None:
    world.ask_for_upload(author, practice_id)
    late = str(world.ask_for_document(author, practice_id)["blob_name"])

    assert (reconcile(world), reconcile(world)) == (2, 0)
    assert world.query("SELECT state FROM uploads") == [("expired",), ("expired",)]

    world.put_blob(late, pdf(), "supporting-documents")  # the URL ends, a slow upload does not
    world.deliver(late)
    assert world.query("SELECT state FROM uploads WHERE blob_name = %s", late) == [("recorded",)]


def test_what_may_still_be_put_does_not_expire(world: World, author: Person, practice_id: str) -> None:
    world.ask_for_upload(author, practice_id)
    world.run_timer("reconcile_uploads")
    assert world.query("SELECT state FROM uploads") == [("pending",)]


def test_a_file_that_is_deleted_as_its_owner_wishes_is_not_lost(
    world: World, author: Person, practice_id: str
) -> None:
    recorded(world, author, practice_id)
    path = f"/best-practices/{practice_id}"
    for what in ("images", "documents"):
        [file] = author.get(f"{path}/{what}").json()["data"]
        assert author.delete(f"{path}/{what}/{file['id']}").status_code == 200
    assert reconcile(world) == 0


def test_a_file_that_came_within_the_last_hour_is_not_looked_for_yet(
    world: World, author: Person, practice_id: str
) -> None:
    names = recorded(world, author, practice_id)
    for container, name in names.items():
        with world.container(container) as client:
            client.delete_blob(name)
    world.clock.advance(timedelta(minutes=59))
    world.run_timer("reconcile_uploads")
    assert world.query("SELECT rows FROM job_runs") == [(0,)]
    assert reconcile(world) == 2


def test_containers_are_listed_a_page_at_a_time(
    world: World, author: Person, practice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "PAGE_SIZE", 2)
    names = sorted(f"documents/{practice_id}/plan_{number}.pdf" for number in range(1, 8))
    for name in names:
        world.put_blob(name, pdf(), "supporting-documents")
    pages = list(world.portal.blobs.names("supporting-documents"))
    assert sorted(name for page in pages for name in page) == names
    assert max(map(len, pages)) == 2

    assert (reconcile(world), reconcile(world)) == (7, 0)
    assert files(world) == names


class AwayAtTheEnd(AzureBlobs):
    """A storage that lists the photographs, and is away when it is asked for documents."""

    def names(self, container: str) -> Iterator[list[str]]:
        if container == "supporting-documents":
            raise Unavailable("The file storage does not answer; try again shortly.")
        return super().names(container)


def test_a_failure_on_the_way_keeps_what_was_recorded_and_marks_nothing(
    world: World, author: Person, practice_id: str
) -> None:
    lost = recorded(world, author, practice_id)["best-practices"]
    with world.container("best-practices") as client:
        client.delete_blob(lost)
    missed = f"practices/{practice_id}/after_1.jpg"
    world.put_blob(missed, picture())
    bootstrap.install(replace(world.portal, blobs=AwayAtTheEnd(AccountByKey(world.storage))))
    world.clock.advance(DAY)

    with pytest.raises(Unavailable):
        world.run_timer("reconcile_uploads")

    runs: list[tuple[Any, ...]] = world.query("SELECT state, rows FROM job_runs")
    assert runs == [("failed", None)]
    assert missed in files(world)
    assert world.query("SELECT count(*) FROM practice_images WHERE missing_since IS NOT NULL") == [(0,)]
    bootstrap.install(world.portal)
    assert (reconcile(world), reconcile(world)) == (1, 0)
