"""The blob trigger: a file is recorded with its thumbnail or moved to quarantine, however many events."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from adapters.files.examiner import FileExaminer
from adapters.storage.accounts import AccountByKey
from adapters.storage.blobs import AzureBlobs
from bp_core.shared.errors import Unavailable
from bp_core.uploads.ports import Examined, StoredBlob
from functions import bootstrap
from tests.api.image_uploads import confirm, put, stored
from tests.world import NOON, Person, World, concurrently, error_of, picture

ORIENTATION = 0x0112


def thumbnail(world: World, blob_name: str) -> Image.Image:
    return Image.open(io.BytesIO(stored(world, f"{blob_name}.webp", "thumbnails")))


def counts(world: World) -> list[tuple[Any, ...]]:
    """Count the images, the images with a thumbnail, and the uploads."""
    return world.query(
        "SELECT count(*), count(thumbnail_name), (SELECT count(*) FROM uploads) FROM practice_images"
    )


def uploads(author: Person, practice: dict[str, Any]) -> list[tuple[str, str | None]]:
    response = author.get(f"/best-practices/{practice['id']}/uploads")
    return [(upload["state"], upload["reason"]) for upload in response.json()["data"]]


# --- images


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_an_image_is_recorded_with_its_size_and_a_thumbnail(
    world: World, author: Person, practice: dict[str, Any], kind: str, extension: str
) -> None:
    data = picture(1200, 800, kind, "green")
    blob_name = put(world, author, practice, data, extension)

    world.deliver(blob_name)

    row = world.query(
        "SELECT image_type, blob_name, thumbnail_name, file_size, content_type, width, height, uploaded_at"
        " FROM practice_images"
    )
    assert row == [
        ("before", blob_name, f"{blob_name}.webp", len(data), f"image/{kind.lower()}", 1200, 800, NOON)
    ]
    with thumbnail(world, blob_name) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (480, 320))
    with world.container("thumbnails").get_blob_client(f"{blob_name}.webp") as client:
        assert client.get_blob_properties().content_settings.content_type == "image/webp"
    assert uploads(author, practice) == [("recorded", None)]
    assert stored(world, blob_name) == data


def test_an_image_that_nobody_requested_is_recorded_from_an_event_without_data(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    blob_name = f"practices/{practice['id']}/after_1.jpg"
    world.put_blob(blob_name, picture(100, 50))

    world.deliver(blob_name)

    assert counts(world) == [(1, 1, 1)]
    assert uploads(author, practice) == [("recorded", None)]
    with thumbnail(world, blob_name) as drawn:
        assert drawn.size == (100, 50)  # never larger than the image


def test_the_thumbnail_of_a_rotated_image_is_upright(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    stored = Image.new("RGB", (800, 600), "green")
    stored.paste("red", (0, 0, 400, 600))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the left side is up
    data = io.BytesIO()
    stored.save(data, "JPEG", exif=exif)
    blob_name = put(world, author, practice, data.getvalue())

    world.deliver(blob_name)

    assert world.query("SELECT width, height FROM practice_images") == [(600, 800)]
    with thumbnail(world, blob_name) as drawn:
        upright = drawn.convert("RGB")
    assert upright.size == (360, 480)
    top, bottom = upright.getpixel((180, 60)), upright.getpixel((180, 420))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[0] > 200 > top[1] + 100, bottom[0] < 50 < bottom[1]) == (True, True)


def test_events_and_confirmations_are_accepted_in_any_order_and_number(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    first = put(world, author, practice, picture())
    assert confirm(author, practice, first).status_code == 201
    assert counts(world) == [(1, 0, 1)]
    world.deliver(first)
    assert counts(world) == [(1, 1, 1)]
    world.deliver(first)
    assert confirm(author, practice, first).status_code == 200

    second = put(world, author, practice, picture())
    world.deliver(second)
    world.deliver(second)
    assert confirm(author, practice, second).status_code == 200
    assert counts(world) == [(2, 2, 2)]
    assert world.blob_names("thumbnails") == sorted([f"{first}.webp", f"{second}.webp"])


def test_an_image_delivered_and_confirmed_twenty_times_at_once_is_recorded_once(
    patient: World, author: Person, practice: dict[str, Any]
) -> None:
    world = patient
    blob_name = put(world, author, practice, picture())

    def status() -> int:
        return confirm(author, practice, blob_name).status_code

    outcomes = concurrently(*[status] * 20, *[partial(world.deliver, blob_name)] * 20)

    statuses = outcomes[:20]
    assert set(statuses) <= {200, 201}
    assert statuses.count(201) <= 1
    assert counts(world) == [(1, 1, 1)]
    assert world.blob_names("best-practices") == [blob_name]
    assert world.blob_names("thumbnails") == [f"{blob_name}.webp"]
    assert uploads(author, practice) == [("recorded", None)]


# --- rejected files


def truncated() -> bytes:
    whole = picture(1200, 800)
    return whole[: len(whole) // 2]


def too_many_pixels() -> bytes:
    drawn = io.BytesIO()
    Image.new("1", (10_000, 6_000)).save(drawn, "PNG")
    assert len(drawn.getvalue()) < 100_000
    return drawn.getvalue()


TOO_LARGE = "The file has 11534336 bytes; at most 10485760 bytes are accepted."
TOO_MANY_PIXELS = "The image has 10000 x 6000 pixels; at most 50 megapixels are accepted."
DAMAGED = "The file is damaged and cannot be opened."
NOT_A_JPEG = "The file is not of type image/jpeg."
REJECTED = {
    "an SVG called .jpg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "jpg", NOT_A_JPEG),
    "a text": (b"hello", "jpg", NOT_A_JPEG),
    "nothing": (b"", "jpg", NOT_A_JPEG),
    "a PNG called .jpg": (picture(kind="PNG"), "jpg", NOT_A_JPEG),
    "a WebP called .png": (picture(kind="WEBP"), "png", "The file is not of type image/png."),
    "a signature only": (b"\xff\xd8\xff\xe0" + bytes(200), "jpg", DAMAGED),
    "a truncated JPEG": (truncated(), "jpg", DAMAGED),
    "60 megapixels": (too_many_pixels(), "png", TOO_MANY_PIXELS),
    "11 MB": (
        picture().ljust(11 * 1024 * 1024, b"\0"), "jpg", TOO_LARGE
    ),
}  # fmt: skip


def test_a_rejected_file_is_moved_to_quarantine_and_the_upload_says_why(world: World, author: Person) -> None:
    for what, (data, extension, reason) in REJECTED.items():
        practice = world.practice(author)
        blob_name = put(world, author, practice, data, extension)
        for _ in range(2):  # a second event changes nothing
            world.deliver(blob_name)
            assert uploads(author, practice) == [("rejected", reason)], what
            assert stored(world, f"best-practices/{blob_name}", "quarantine") == data
        response = confirm(author, practice, blob_name)
        assert error_of(response) == (422, "UPLOAD_REJECTED")
    assert counts(world) == [(0, 0, len(REJECTED))]
    assert world.blob_names("best-practices") == world.blob_names("thumbnails") == []
    assert len(world.blob_names("quarantine")) == len(REJECTED)


def test_a_file_delivered_and_confirmed_many_times_at_once_is_rejected_once(
    patient: World, author: Person, practice: dict[str, Any]
) -> None:
    world = patient
    blob_name = put(world, author, practice, b"hello")

    def status() -> int:
        return confirm(author, practice, blob_name).status_code

    outcomes = concurrently(*[status] * 10, *[partial(world.deliver, blob_name)] * 10)

    assert outcomes[:10] == [422] * 10
    assert uploads(author, practice) == [("rejected", NOT_A_JPEG)]
    assert world.blob_names("best-practices") == []
    assert stored(world, f"best-practices/{blob_name}", "quarantine") == b"hello"


class InterruptedRead(AzureBlobs):
    """A storage in which something happens just before a blob is read for the first time."""

    happening: Callable[[], None] | None = None

    def read(self, container: str, blob_name: str, at_most: int) -> StoredBlob | None:
        happening, self.happening = self.happening, None
        if happening:
            happening()
        return super().read(container, blob_name, at_most)


def test_a_confirmation_returns_a_rejection_that_happens_at_the_same_time(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    blob_name = put(world, author, practice, b"hello")
    blobs = InterruptedRead(AccountByKey(world.storage))
    blobs.happening = partial(world.deliver, blob_name)
    bootstrap.install(replace(world.portal, blobs=blobs))

    response = confirm(author, practice, blob_name)

    assert error_of(response) == (422, "UPLOAD_REJECTED")
    assert response.json()["error"]["details"] == [{"field": "blob_name", "message": NOT_A_JPEG}]


def test_a_blob_with_a_foreign_name_is_moved_to_quarantine(world: World, practice: dict[str, Any]) -> None:
    names = [
        f"practices/{practice['id']}/{file}"
        for file in ("evil.jpg", "before_1.svg", "before_1.JPG", "before_01.jpg", "a/before_1.jpg",
                     "my photo é.jpg", "before_1%2f2.jpg", "before_1.jpg.exe")
    ] + ["practices/7/before_1.jpg", f"practices/{str(practice['id']).upper()}/before_1.jpg"]  # fmt: skip
    for name in names:
        world.put_blob(name, picture(8, 8))
        world.deliver(name)
    assert world.blob_names("best-practices") == []
    assert world.blob_names("quarantine") == sorted(f"best-practices/{name}" for name in names)
    assert counts(world) == [(0, 0, 0)]


def test_a_blob_that_this_database_does_not_know_stays_where_it_is(
    world: World, practice: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    of_unknown_practice = f"practices/{uuid4()}/before_1.jpg"
    damaged = f"practices/{practice['id']}/before_1.jpg"
    world.put_blob(of_unknown_practice, picture())
    world.put_blob(damaged, truncated())
    for blob_name in (of_unknown_practice, damaged):
        world.deliver(blob_name)
    assert world.blob_names("best-practices") == sorted([of_unknown_practice, damaged])
    assert world.blob_names("quarantine") == []
    assert counts(world) == [(0, 0, 0)]
    assert caplog.text.count("upload_unknown") == 2


def test_an_image_of_a_deleted_practice_is_not_recorded(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    blob_name = put(world, author, practice, picture())
    world.mark_deleted(practice)

    assert confirm(author, practice, blob_name).status_code == 404
    world.deliver(blob_name)

    assert counts(world) == [(0, 0, 1)]
    assert world.blob_names("quarantine") == [f"best-practices/{blob_name}"]


def test_an_event_without_a_blob_changes_nothing(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    permit = world.presign_image(author, practice["id"])
    world.deliver(permit["blob_name"])
    assert (counts(world), uploads(author, practice)) == ([(0, 0, 1)], [("pending", None)])


# --- failures in the middle


def test_a_file_that_fails_every_time_is_logged_by_name_and_left_to_the_host_and_the_night(
    world: World,
    author: Person,
    practice: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    blob_name = put(world, author, practice)

    def broken(*_: object, **__: object) -> Examined:
        raise RuntimeError("the decoder has a bug")

    monkeypatch.setattr(FileExaminer, "examine", broken)
    for _ in range(5):
        with pytest.raises(RuntimeError):  # so that the host tries again, five times in all
            world.deliver(blob_name)

    failures = [record.getMessage() for record in caplog.records if "upload_failed" in record.getMessage()]
    assert len([line for line in failures if blob_name in line]) == 5
    assert uploads(author, practice) == [("pending", None)]
    assert world.blob_names("best-practices") == [blob_name]


class FailingOnce(AzureBlobs):
    """A storage whose first write fails."""

    def __init__(self, connection_string: str) -> None:
        super().__init__(AccountByKey(connection_string))
        self.failed = False

    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        self._fail_once()
        super().put(container, blob_name, data, content_type)

    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        self._fail_once()
        super().quarantine(container, blob_name, reason)

    def _fail_once(self) -> None:
        if not self.failed:
            self.failed = True
            raise Unavailable("The file storage does not answer; try again shortly.")


@pytest.fixture
def failing_once(world: World) -> World:
    bootstrap.install(replace(world.portal, blobs=FailingOnce(world.storage)))
    return world


def test_a_thumbnail_that_cannot_be_stored_is_made_at_the_next_event(
    failing_once: World, author: Person, practice: dict[str, Any]
) -> None:
    world = failing_once
    blob_name = put(world, author, practice, picture())

    with pytest.raises(Unavailable):  # so that the host tries again
        world.deliver(blob_name)
    assert counts(world) == [(1, 0, 1)]
    assert confirm(author, practice, blob_name).status_code == 200
    world.deliver(blob_name)

    assert counts(world) == [(1, 1, 1)]
    assert world.blob_names("thumbnails") == [f"{blob_name}.webp"]
    assert uploads(author, practice) == [("recorded", None)]


def test_an_image_is_recorded_even_if_the_container_of_thumbnails_is_missing(
    world: World, author: Person, practice: dict[str, Any]
) -> None:
    blob_name = put(world, author, practice, picture())
    with world.container("thumbnails") as client:
        client.delete_container()
        with pytest.raises(Exception, match="ContainerNotFound"):
            world.deliver(blob_name)
        client.create_container()
    assert confirm(author, practice, blob_name).status_code == 200
    world.deliver(blob_name)
    assert counts(world) == [(1, 1, 1)]


def test_a_rejected_blob_that_cannot_be_moved_is_moved_at_the_next_event(
    failing_once: World, author: Person, practice: dict[str, Any]
) -> None:
    world = failing_once
    blob_name = put(world, author, practice, b"hello")

    with pytest.raises(Unavailable):
        world.deliver(blob_name)
    assert uploads(author, practice) == [("rejected", NOT_A_JPEG)]
    assert world.blob_names("best-practices") == [blob_name]
    world.deliver(blob_name)

    assert uploads(author, practice) == [("rejected", NOT_A_JPEG)]
    assert world.blob_names("best-practices") == []
    assert world.blob_names("quarantine") == [f"best-practices/{blob_name}"]
