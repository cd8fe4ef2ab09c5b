"""The nightly reconciliation: blobs whose events were missed, and files whose blobs are gone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import pytest

from adapters.storage import blobs
from adapters.storage.accounts import AccountByKey
from adapters.storage.blobs import AzureBlobs
from bp_core.shared.errors import Unavailable
from functions import bootstrap
from tests.documents import office, pdf
from tests.world import Person, World, confirmation, document_confirmation, picture

DAY = timedelta(days=1)
DOCX: Final = {
    "filename": "plan.docx",
    "content_type": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


@pytest.fixture
def practice_id(world: World, author: Person) -> str:
    return str(world.practice(author)["id"])


def reconcile(world: World) -> int:
    """Run the timer a day later; return the number of findings."""
    world.clock.advance(DAY)
    world.run_timer("reconcile_uploads")
    [run] = world.query("SELECT state, rows FROM job_runs ORDER BY started_at DESC LIMIT 1")
    assert run[0] == "completed"
    return int(run[1])


def files(world: World) -> list[str]:
    rows = world.query("SELECT blob_name FROM practice_images UNION SELECT blob_name FROM practice_documents")
    return sorted(row[0] for row in rows)


def audit_trail(world: World) -> list[str]:
    rows = world.query("SELECT action FROM audit_log WHERE entity IN ('image', 'document') ORDER BY id")
    return [row[0] for row in rows]


def recorded(world: World, author: Person, practice_id: str) -> dict[str, str]:
    """Upload, deliver and confirm an image and a document; return their blob names by container."""
    image = world.presign_image(author, practice_id)["blob_name"]
    document = world.presign_document(author, practice_id)["blob_name"]
    world.put_blob(image, picture())
    world.put_blob(document, pdf(), "supporting-documents")
    world.deliver(image)
    world.deliver(document)
    path = f"/best-practices/{practice_id}"
    assert author.post(f"{path}/images", confirmation(image)).status_code == 200
    assert author.post(f"{path}/documents", document_confirmation(document)).status_code == 200
    return {"best-practices": image, "supporting-documents": document}


def test_nothing_is_done_if_everything_is_in_order(world: World, author: Person, practice_id: str) -> None:
    recorded(world, author, practice_id)
    before = audit_trail(world)
    assert (reconcile(world), reconcile(world)) == (0, 0)
    assert audit_trail(world) == before


def test_a_blob_whose_event_was_missed_is_recorded_once(
    world: World, author: Person, practice_id: str
) -> None:
    image = world.presign_image(author, practice_id)["blob_name"]
    world.put_blob(image, picture())
    unrequested = f"documents/{practice_id}/plan_1.docx"
    world.put_blob(unrequested, office("docx"), "supporting-documents")

    assert (reconcile(world), reconcile(world)) == (2, 0)

    assert files(world) == sorted([image, unrequested])
    assert world.query("SELECT state FROM uploads") == [("recorded",), ("recorded",)]
    assert world.blob_names("thumbnails") == [f"{image}.webp"]
    assert audit_trail(world) == ["image.recorded", "document.recorded"]


def test_a_missing_thumbnail_is_made(world: World, author: Person, practice_id: str) -> None:
    image = world.presign_image(author, practice_id)["blob_name"]
    world.put_blob(image, picture())
    author.post(f"/best-practices/{practice_id}/images", confirmation(image))
    assert world.blob_names("thumbnails") == []

    assert (reconcile(world), reconcile(world)) == (1, 0)

    assert world.blob_names("thumbnails") == [f"{image}.webp"]


def test_a_blob_that_cannot_be_recorded_is_moved_to_quarantine_and_reported_once(
    world: World, author: Person, practice_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    macros = str(world.presign_document(author, practice_id, **DOCX)["blob_name"])
    rejected = {
        "best-practices": ["stray.txt"],
        "supporting-documents": ["a/b/c.pdf", macros],
    }
    for container, names in rejected.items():
        for name in names:
            world.put_blob(name, office("docm"), container)

    assert (reconcile(world), reconcile(world)) == (3, 0)

    assert world.blob_names("best-practices") == world.blob_names("supporting-documents") == []
    expected = sorted(f"{container}/{name}" for container, names in rejected.items() for name in names)
    assert world.blob_names("quarantine") == expected
    assert world.query("SELECT state, reason FROM uploads") == [("rejected", "The file contains macros.")]
    assert caplog.text.count("upload_rejected") == 3


def test_a_blob_that_the_database_does_not_know_is_reported_and_left(
    world: World, author: Person, practice_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = {
        "best-practices": f"practices/{uuid4()}/before_1.jpg",
        "supporting-documents": f"documents/{practice_id}/plan_1.docx",
    }
    for container, name in unknown.items():
        world.put_blob(name, office("docm"), container)

    assert (reconcile(world), reconcile(world)) == (0, 0)

    for container, name in unknown.items():
        assert world.blob_names(container) == [name]
        assert caplog.text.count(f'"{name}"') == 2
    assert world.blob_names("quarantine") == []
    assert world.query("SELECT count(*) FROM uploads") == [(0,)]


def test_a_missing_blob_is_reported_once_and_again_when_it_is_back(
    world: World, author: Person, practice_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = recorded(world, author, practice_id)
    kept = recorded(world, author, practice_id)
    known = audit_trail(world)
    for container, name in names.items():
        with world.container(container) as client:
            client.delete_blob(name)

    assert (reconcile(world), reconcile(world)) == (2, 0)
    assert audit_trail(world)[len(known) :] == ["image.lost", "document.lost"]
    assert caplog.text.count("blob_lost") == 2
    lost = world.query("SELECT blob_name FROM practice_images WHERE missing_since IS NOT NULL")
    assert lost == [(names["best-practices"],)]
    assert files(world) == sorted([*names.values(), *kept.values()]), "the rows stay"

    world.put_blob(names["best-practices"], picture())
    assert (reconcile(world), reconcile(world)) == (1, 0)
    assert audit_trail(world)[-1] == "image.found"
    assert world.query("SELECT count(*) FROM practice_images WHERE missing_since IS NOT NULL") == [(0,)]


def test_a_requested_upload_that_never_arrives_expires(
    world: World, author: Person, practice_id: str
) -> None:
    world.presign_image(author, practice_id)
    late = str(world.presign_document(author, practice_id)["blob_name"])

    assert (reconcile(world), reconcile(world)) == (2, 0)
    assert world.query("SELECT state FROM uploads") == [("expired",), ("expired",)]

    world.put_blob(late, pdf(), "supporting-documents")  # a slow upload ends after its URL has expired
    world.deliver(late)
    assert world.query("SELECT state FROM uploads WHERE blob_name = %s", late) == [("recorded",)]


def test_an_upload_with_a_valid_permit_does_not_expire(
    world: World, author: Person, practice_id: str
) -> None:
    world.presign_image(author, practice_id)
    world.run_timer("reconcile_uploads")
    assert world.query("SELECT state FROM uploads") == [("pending",)]


def test_a_file_that_its_owner_deletes_is_not_reported(
    world: World, author: Person, practice_id: str
) -> None:
    recorded(world, author, practice_id)
    path = f"/best-practices/{practice_id}"
    for what in ("images", "documents"):
        [file] = author.get(f"{path}/{what}").json()["data"]
        assert author.delete(f"{path}/{what}/{file['id']}").status_code == 200
    assert reconcile(world) == 0


def test_a_file_recorded_within_the_last_hour_is_not_reported(
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


class UnavailableForDocuments(AzureBlobs):
    """A storage that lists the images and fails for the documents."""

    def names(self, container: str) -> Iterator[list[str]]:
        if container == "supporting-documents":
            raise Unavailable("The file storage does not answer; try again shortly.")
        return super().names(container)


def test_after_a_failure_recorded_files_stay_and_nothing_is_marked(
    world: World, author: Person, practice_id: str
) -> None:
    lost = recorded(world, author, practice_id)["best-practices"]
    with world.container("best-practices") as client:
        client.delete_blob(lost)
    missed = f"practices/{practice_id}/after_1.jpg"
    world.put_blob(missed, picture())
    bootstrap.install(replace(world.portal, blobs=UnavailableForDocuments(AccountByKey(world.storage))))
    world.clock.advance(DAY)

    with pytest.raises(Unavailable):
        world.run_timer("reconcile_uploads")

    runs: list[tuple[Any, ...]] = world.query("SELECT state, rows FROM job_runs")
    assert runs == [("failed", None)]
    assert missed in files(world)
    assert world.query("SELECT count(*) FROM practice_images WHERE missing_since IS NOT NULL") == [(0,)]
    bootstrap.install(world.portal)
    assert (reconcile(world), reconcile(world)) == (1, 0)
