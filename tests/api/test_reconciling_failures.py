"""Blobs that the nightly reconciliation cannot process, lost thumbnails, and thumbnails without an image."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.files.examiner import FileExaminer
from adapters.storage.blobs import AzureBlobs
from bp_core.shared.errors import Unavailable
from bp_core.uploads.failures import GIVEN_UP
from bp_core.uploads.ports import Examined
from tests.api.image_uploads import confirm, put, stored
from tests.documents import pdf
from tests.world import Person, World, picture

BAD = picture(color="black")
"""An image with which the decoder below fails, as no decoder should."""

BUG = "RuntimeError: the decoder has a bug"


@pytest.fixture
def faulty_decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    examine = FileExaminer.examine

    def faulty(self: FileExaminer, data: bytes, content_type: str, *, with_thumbnail: bool) -> Examined:
        if data == BAD:
            raise RuntimeError("the decoder has a bug")
        return examine(self, data, content_type, with_thumbnail=with_thumbnail)

    with monkeypatch.context() as patch:
        patch.setattr(FileExaminer, "examine", faulty)
        yield


def night(world: World) -> tuple[str, int, str | None]:
    """Reconcile a day later; return the state, the rows and the error of the run."""
    world.clock.advance(timedelta(days=1))
    world.run_timer("reconcile_uploads")
    [run] = world.query("SELECT state, rows, error FROM job_runs ORDER BY started_at DESC LIMIT 1")
    return run[0], run[1], run[2]


def failures(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT blob_name, error, nights FROM blob_failures")


@pytest.mark.usefixtures("faulty_decoder")
def test_a_blob_that_fails_every_night_is_given_up_on_the_third_and_the_others_are_recorded(
    world: World, author: Person, practice: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bad = put(world, author, practice, BAD)
    document = str(world.presign_document(author, practice["id"])["blob_name"])
    world.put_blob(document, pdf(), "supporting-documents")
    message = f"1 files could not be processed: best-practices/{bad} ({BUG}; on %d nights)"

    assert night(world) == ("failed", 1, message % 1)
    assert world.query("SELECT blob_name FROM practice_documents") == [(document,)]
    assert failures(world) == [(bad, BUG, 1)]
    assert night(world) == ("failed", 0, message % 2)
    assert world.query("SELECT state FROM uploads WHERE blob_name = %s", bad) == [("pending",)]
    assert night(world) == ("failed", 1, message % 3)

    assert world.query("SELECT state, reason FROM uploads WHERE blob_name = %s", bad) == [
        ("rejected", GIVEN_UP)
    ]
    assert world.blob_names("quarantine") == [f"best-practices/{bad}"]
    [notice] = author.sign_in().get("/notifications").json()["data"]
    assert (notice["type"], notice["message"].partition(": ")[2]) == ("upload_rejected", GIVEN_UP)
    assert caplog.text.count('"blob_failed"') == 3
    assert night(world) == ("completed", 0, None)
    assert failures(world) == []


@pytest.mark.usefixtures("faulty_decoder")
def test_two_runs_in_one_night_count_a_failure_once(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    put(world, author, practice, BAD)
    night(world)
    world.run_timer("reconcile_uploads")
    assert [row[2] for row in failures(world)] == [1]


def test_a_success_deletes_the_failures_of_a_blob(
    world: World, author: Person, practice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    blob_name = put(world, author, practice)

    def broken(*_: object, **__: object) -> Examined:
        raise Unavailable("The file cannot be examined now; try again shortly.")

    with monkeypatch.context() as patch:
        patch.setattr(FileExaminer, "examine", broken)
        assert night(world)[0] == "failed"
        assert [row[2] for row in failures(world)] == [1]
    assert night(world) == ("completed", 1, None)
    assert world.query("SELECT blob_name FROM practice_images") == [(blob_name,)]
    assert failures(world) == []


def test_a_failed_blob_leaves_no_transaction_open(
    world: World, author: Person, practice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes in the middle of the transaction that records the image."""
    first, second = (put(world, author, practice) for _ in range(2))
    rows = "SELECT blob_name FROM practice_images ORDER BY blob_name"
    world.query(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'no such image'; END$$"
    )
    world.query(
        "CREATE TRIGGER refused BEFORE INSERT ON practice_images FOR EACH ROW"
        f" WHEN (NEW.blob_name = '{first}') EXECUTE FUNCTION refuse()"
    )

    state, recorded, error = night(world)

    assert (state, recorded, world.query(rows)) == ("failed", 1, [(second,)])
    assert "RaiseException: no such image" in (error or "")
    world.query("DROP TRIGGER refused ON practice_images")
    assert night(world) == ("completed", 1, None)
    assert world.query(rows) == sorted([(first,), (second,)])


# --- thumbnails


def test_a_lost_thumbnail_is_drawn_again(world: World, author: Person, practice: dict[str, Any]) -> None:
    first, second = (put(world, author, practice, picture(640, 480)) for _ in range(2))
    for name in (first, second):
        world.deliver(name)
    drawn = stored(world, f"{first}.webp", "thumbnails")
    with world.container("thumbnails") as client:
        client.delete_blob(f"{first}.webp")

    assert night(world) == ("completed", 1, None)
    assert stored(world, f"{first}.webp", "thumbnails") == drawn
    assert night(world) == ("completed", 0, None)


@pytest.mark.usefixtures("faulty_decoder")
def test_a_recorded_image_that_cannot_be_drawn_stays_recorded_and_is_left_alone_after_three_nights(
    world: World, author: Person, practice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = put(world, author, practice, picture()), put(world, author, practice)
    for name in (bad, good):
        assert confirm(author, practice, name).status_code == 201
    with world.container("best-practices") as client:
        client.upload_blob(bad, BAD, overwrite=True)

    assert [night(world)[:2] for _ in range(5)] == [
        ("failed", 1), ("failed", 0), ("failed", 0), ("completed", 0), ("completed", 0),
    ]  # fmt: skip
    assert world.blob_names("thumbnails") == [f"{good}.webp"]
    assert world.query("SELECT DISTINCT state FROM uploads") == [("recorded",)]
    assert (world.blob_names("best-practices"), world.blob_names("quarantine")) == (sorted([bad, good]), [])
    assert failures(world) == [(bad, BUG, 3)]


def test_thumbnails_without_an_image_are_removed_an_hour_later_and_no_others(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    world.clock.at = datetime.now(UTC)  # the storage uses the real time
    author.sign_in()
    image = put(world, author, practice)
    world.deliver(image)
    folder = f"practices/{practice['id']}"
    unknown = f"{folder}/before_8.jpg"
    world.query(
        "UPDATE best_practices SET status = 'approved', submitted_date = '2026-01-01', waiting_since = NULL"
    )
    world.put_blob(unknown, picture())
    kept = [f"{image}.webp", f"{unknown}.webp", "another.txt"]
    for name in [f"{folder}/before_7.jpg.webp", *kept[1:]]:
        world.put_blob(name, b"small", "thumbnails")

    for minutes, left in ((30, 4), (60, 3)):
        world.clock.advance(timedelta(minutes=minutes))
        world.run_timer("reconcile_uploads")
        assert len(world.blob_names("thumbnails")) == left
    assert world.blob_names("thumbnails") == sorted(kept)


# --- deletions


def test_a_deletion_that_is_undone_leaves_the_blobs(
    world: World, author: Person, practice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller is deactivated after the rows were deleted, and before the transaction commits."""
    blob_name = put(world, author, practice)
    world.deliver(blob_name)
    path = f"/best-practices/{practice['id']}/images"
    [image] = author.get(path).json()["data"]
    check = AzureBlobs.check

    def deactivate(self: AzureBlobs) -> None:
        world.query("UPDATE users SET is_active = false")
        check(self)

    with monkeypatch.context() as patch:
        patch.setattr(AzureBlobs, "check", deactivate)
        assert author.delete(f"{path}/{image['id']}").status_code == 401

    assert world.query("SELECT blob_name FROM practice_images") == [(blob_name,)]
    assert world.blob_names("best-practices") == [blob_name]
    assert world.blob_names("thumbnails") == [f"{blob_name}.webp"]


def test_what_cannot_be_deleted_after_the_commit_is_cleared_away_in_the_next_nights(
    world: World, author: Person, practice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.at = datetime.now(UTC)
    author.sign_in()
    blob_name = put(world, author, practice)
    world.deliver(blob_name)
    path = f"/best-practices/{practice['id']}/images"
    [image] = author.get(path).json()["data"]

    def unavailable(*_: object) -> None:
        raise Unavailable("The file storage does not answer; try again shortly.")

    with monkeypatch.context() as patch:
        patch.setattr(AzureBlobs, "delete", unavailable)
        assert author.delete(f"{path}/{image['id']}").status_code == 200
    assert author.get(path).json()["data"] == []

    assert [night(world)[1] for _ in range(3)] == [1, 1, 0]
    assert world.blob_names("best-practices") == world.blob_names("thumbnails") == []
    assert world.blob_names("quarantine") == [f"best-practices/{blob_name}"]
