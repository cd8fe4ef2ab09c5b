"""Hostile and talkative files over HTTP and by the blob trigger."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from PIL import Image, ImageOps

from adapters.files.examiner import ExaminerLimits, FileExaminer
from adapters.files.images.structure import ORIENTATION
from bp_core.shared.errors import Unavailable
from functions import bootstrap
from tests import hostile
from tests.api.image_uploads import confirm, put, stored
from tests.hostile import CAMERA, SECRET, camera_exif, encoded
from tests.world import Person, World, concurrently, error_of, picture

Practice = dict[str, Any]


@pytest.fixture
def practice(world: World, author: Person) -> Practice:
    return world.practice(author, "submitted")


def photograph(orientation: int = 1) -> bytes:
    image = Image.effect_noise((900, 600), 60).convert("RGB")
    return encoded(image, "JPEG", exif=camera_exif(orientation)) + SECRET


def images(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT file_size, width, height, thumbnail_name IS NOT NULL FROM practice_images")


# --- camera data


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_position_of_a_photograph_is_gone_from_what_other_plants_read(
    world: World, author: Person, practice: Practice, orientation: int
) -> None:
    world.clock.at = datetime.now(UTC)
    blob_name = put(world, author.sign_in(), practice, photograph(orientation))
    recorded = confirm(author, practice, blob_name).json()["data"]
    world.deliver(blob_name)

    [image] = world.plant_user(1).get(f"/best-practices/{practice['id']}/images").json()["data"]
    for url in (image["blob_url"], image["thumbnail_url"]):
        data = httpx.get(url).content
        assert CAMERA not in data
        assert SECRET not in data
    original = httpx.get(image["blob_url"]).content
    assert image["file_size"] == recorded["file_size"] == len(original)
    width, height = (900, 600) if orientation == 1 else (600, 900)
    assert (image["width"], image["height"]) == (width, height)
    with Image.open(io.BytesIO(original)) as kept:
        assert dict(kept.getexif()) == ({} if orientation == 1 else {ORIENTATION: orientation})
        assert ImageOps.exif_transpose(kept).size == (width, height)


def test_a_photograph_that_is_sent_as_a_form_loses_its_position(
    world: World, author: Person, practice: Practice
) -> None:
    files = {"file": ("x.jpg", photograph(), "image/jpeg")}
    path = f"/api/v1/best-practices/{practice['id']}/upload-image"
    image = author.http.post(path, data={"image_type": "before"}, files=files).json()["data"]
    kept = stored(world, image["blob_name"])
    assert (SECRET in kept, CAMERA in kept, image["file_size"]) == (False, False, len(kept))


def test_a_photograph_delivered_and_confirmed_many_times_at_once_is_one_row_that_fits_its_blob(
    patient: World, author: Person, practice: Practice
) -> None:
    world = patient
    blob_name = put(world, author, practice, photograph(6))

    def confirmed() -> int:
        return confirm(author, practice, blob_name).status_code

    outcomes = concurrently(*[confirmed] * 8, *[partial(world.deliver, blob_name)] * 8)

    assert set(outcomes[:8]) <= {200, 201}
    kept = stored(world, blob_name)
    assert images(world) == [(len(kept), 600, 900, True)]
    assert SECRET not in kept


@pytest.mark.parametrize("portal_settings", [{"KEEP_PHOTO_METADATA": "true"}])
def test_a_portal_can_keep_the_data_of_the_camera(world: World, author: Person, practice: Practice) -> None:
    data = photograph(6)
    blob_name = put(world, author, practice, data)
    world.deliver(blob_name)
    assert stored(world, blob_name) == data
    assert images(world) == [(len(data), 600, 900, True)]


# --- what costs too much


def test_a_picture_that_costs_too_much_is_rejected_by_every_way(
    world: World, author: Person, practice: Practice
) -> None:
    bombs = [
        (hostile.progressive_bomb(200, 990), "jpg",
         "The image has 1000 scans, which take too long to decode."),
        (hostile.png(7071, 7071, 6), "png",
         "The image needs 200 MB when it is decoded; at most 152 MB are accepted."),
    ]  # fmt: skip
    names = {put(world, author, practice, data, kind): reason for data, kind, reason in bombs * 3}
    confirmed, delivered, *_ = names
    assert error_of(confirm(author, practice, confirmed)) == (422, "UPLOAD_REJECTED")
    world.deliver(delivered)
    world.clock.advance(timedelta(days=1))
    world.run_timer("reconcile_uploads")

    assert dict(world.query("SELECT blob_name, reason FROM uploads")) == names
    assert images(world) == []
    assert world.blob_names("best-practices") == []
    assert len(world.blob_names("quarantine")) == 6


def test_a_picture_of_16_bits_of_grey_gets_a_thumbnail(
    world: World, author: Person, practice: Practice
) -> None:
    blob_name = put(world, author, practice, encoded(Image.new("I;16", (640, 480), 0x8000), "PNG"), "png")
    world.deliver(blob_name)
    assert [row[1:] for row in images(world)] == [(640, 480, True)]


# --- a full queue


def test_a_confirmation_that_finds_a_full_queue_is_503_and_loses_nothing(
    world: World, author: Person, practice: Practice
) -> None:
    examiner = FileExaminer(limits=replace(ExaminerLimits(), waiting=1, wait_seconds=0.1))
    bootstrap.install(replace(world.portal, examiner=examiner))
    blob_name = put(world, author, practice, picture())

    with examiner._turn:  # another file is being examined
        response = confirm(author, practice, blob_name)
        with pytest.raises(Unavailable):  # so that the host tries again
            world.deliver(blob_name)
        world.clock.advance(timedelta(days=1))
        world.run_timer("reconcile_uploads")
        assert world.query("SELECT state, rows FROM job_runs") == [("completed", 0)]
        assert world.query("SELECT state FROM uploads") == [("pending",)], "the file has arrived"

    assert (error_of(response), response.headers["Retry-After"]) == ((503, "UNAVAILABLE"), "5")
    assert images(world) == []
    assert stored(world, blob_name) == picture()
    world.run_timer("reconcile_uploads")
    assert images(world) == [(len(picture()), 800, 600, True)]
    assert confirm(author.sign_in(), practice, blob_name).status_code == 200
    examiner.close()
