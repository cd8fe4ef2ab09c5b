from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from bp_core.practices.schemas import Image, StoredImage
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, Invalid, NotFound, TooLarge, UploadRejected
from bp_core.uploads.kinds import IMAGES
from bp_core.uploads.recording import DELETED
from bp_core.uploads.results import Recorded, Rejected
from bp_core.uploads.schemas import ImageUpload, UploadPermit, UploadRequest
from tests.unit.bp_core.support import HQ, NOW, OWNER, practice
from tests.unit.bp_core.uploads.fakes import DAMAGED, EPOCH_MS, JPEG, PRACTICE_ID, World


def request(**changes: Any) -> UploadRequest:
    sent = {
        "practice_id": PRACTICE_ID,
        "file_type": "image",
        "image_type": "before",
        "filename": "IMG 2041.JPG",
        "content_type": "image/jpeg",
        "file_size": 1000,
    }
    return UploadRequest.model_validate(sent | changes)


def presign(world: World, *, caller: Caller = OWNER, **changes: Any) -> UploadPermit:
    return world.service.presign(caller, request(**changes))


def upload(world: World, data: bytes) -> Recorded[Image] | UploadRejected:
    return world.service.upload_image(OWNER, PRACTICE_ID, ImageUpload("after", "x.jpg", "image/jpeg", data))


# Pre-signed URLs


def test_a_permit_is_for_one_blob_named_by_practice_kind_and_time_and_for_15_minutes() -> None:
    world = World()

    permit = presign(world)

    assert permit.blob_name == f"practices/{PRACTICE_ID}/before_{EPOCH_MS}.jpg"
    assert permit.container == "best-practices"
    assert permit.expiry == NOW + timedelta(minutes=15)
    assert permit.upload_url == f"https://blobs/best-practices/{permit.blob_name}?for=15"


def test_a_requested_upload_is_stored_with_its_uploader() -> None:
    world = World()

    permit = presign(world)

    pending = world.uploads.pending[permit.blob_name]
    assert (pending.practice_id, pending.user_id) == (PRACTICE_ID, OWNER.user_id)
    assert (pending.declared_content_type, pending.declared_size) == ("image/jpeg", 1000)


def test_permits_of_the_same_millisecond_are_for_different_blobs() -> None:
    world = World()

    names = [presign(world).blob_name for _ in range(3)]

    assert names == [f"practices/{PRACTICE_ID}/before_{EPOCH_MS + step}.jpg" for step in range(3)]


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [("a.jpeg", "image/jpeg"), ("a.png", "image/png"), ("a.webp", "image/webp")],
)
def test_jpeg_png_and_webp_are_accepted(filename: str, content_type: str) -> None:
    permit = presign(World(), filename=filename, content_type=content_type)

    assert permit.blob_name.endswith(filename.removeprefix("a"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filename": "../x.jpg"}, "filename"),
        ({"filename": "x"}, "filename"),
        ({"filename": "x.svg", "content_type": "image/svg+xml"}, "filename"),
        ({"filename": "x.png"}, "content_type"),
        ({"content_type": "text/html"}, "content_type"),
        ({"file_size": IMAGES.max_bytes + 1}, "file_size"),
    ],
)
def test_a_file_that_would_be_rejected_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    world = World()

    with pytest.raises(Invalid) as error:
        presign(world, **changes)

    assert [fault.field for fault in error.value.details] == [field]
    assert world.uploads.pending == {}


def test_a_file_of_exactly_ten_megabytes_can_be_uploaded() -> None:
    presign(World(), file_size=IMAGES.max_bytes)


@pytest.mark.parametrize(
    "changes",
    [
        {"file_size": 0},
        {"file_type": "document"},
        {"file_type": "film"},
        {"image_type": "during"},
        {"image_type": None},
    ],
)
def test_a_request_for_anything_else_is_invalid(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**changes)


def test_only_headquarters_uploads_images_of_an_approved_practice() -> None:
    with pytest.raises(Forbidden):
        presign(World("approved"))

    presign(World("approved"), caller=HQ)


def test_a_practice_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        presign(World(), practice_id=uuid4())


# Uploads through the portal


def test_an_image_that_is_uploaded_through_the_portal_is_stored_and_recorded() -> None:
    world = World()

    result = upload(world, JPEG)

    assert isinstance(result, Recorded)
    assert result.is_new
    name = f"practices/{PRACTICE_ID}/after_{EPOCH_MS}.jpg"
    assert result.file.blob_url == f"https://blobs/best-practices/{name}?read"
    assert world.blobs.blobs == {("best-practices", name): JPEG}
    assert world.uploads.states == {name: ("recorded", None)}


def test_a_damaged_image_that_is_uploaded_through_the_portal_is_rejected() -> None:
    world = World()

    result = upload(world, DAMAGED)

    assert isinstance(result, Invalid)
    assert [fault.field for fault in result.details] == ["file"]
    assert [state for state, _ in world.uploads.states.values()] == ["rejected"]
    assert [container for container, _ in world.blobs.blobs] == ["quarantine"]


def test_more_than_ten_megabytes_are_not_accepted_through_the_portal() -> None:
    world = World()

    with pytest.raises(TooLarge):
        upload(world, JPEG.ljust(IMAGES.max_bytes + 1))

    assert (world.blobs.blobs, world.uploads.pending) == ({}, {})


# Deletion


def with_image(world: World, *, with_thumbnail: bool = True) -> StoredImage:
    """Record an image of the practice."""
    name = f"practices/{PRACTICE_ID}/before_{EPOCH_MS}.jpg"
    world.blobs.blobs["best-practices", name] = JPEG
    recorded = world.recorder.record(name, with_thumbnail=with_thumbnail)
    assert isinstance(recorded, Recorded)
    return recorded.file


def remove(world: World, image_id: UUID, caller: Caller = OWNER) -> None:
    world.service.remove_image(caller, PRACTICE_ID, image_id)


def test_a_removed_image_is_deleted_with_its_blobs() -> None:
    world = World()
    image = with_image(world)

    remove(world, image.id)

    assert (world.images.recorded, world.blobs.blobs) == ({}, {})
    assert world.audit_trail.actions() == ["image.recorded", "image.deleted"]
    with pytest.raises(NotFound):
        remove(world, image.id)


def test_a_blob_that_comes_back_under_the_name_of_a_deleted_file_is_refused() -> None:
    world = World()
    image = with_image(world)
    remove(world, image.id)
    world.blobs.blobs["best-practices", image.blob_name] = JPEG

    assert world.recorder.record(image.blob_name, with_thumbnail=True) == Rejected(DELETED)

    assert world.images.recorded == {}
    assert list(world.blobs.blobs) == [("quarantine", f"best-practices/{image.blob_name}")]


def test_an_image_without_a_thumbnail_is_removed_as_well() -> None:
    world = World()
    image = with_image(world, with_thumbnail=False)

    remove(world, image.id)

    assert world.blobs.blobs == {}


def test_only_headquarters_removes_images_of_an_approved_practice() -> None:
    world = World("submitted")
    image = with_image(world)
    world.practices.states[PRACTICE_ID] = practice("approved", id=PRACTICE_ID)

    with pytest.raises(Forbidden):
        remove(world, image.id)
    remove(world, image.id, caller=HQ)

    assert world.images.recorded == {}


def test_an_image_of_a_practice_that_does_not_exist_is_not_found() -> None:
    world = World()
    world.practices.states.clear()

    with pytest.raises(NotFound):
        remove(world, uuid4())
