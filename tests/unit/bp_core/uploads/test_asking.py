from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from bp_core.practices.models import Status, StoredImage
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, Invalid, NotFound, TooLarge
from bp_core.uploads import asking
from bp_core.uploads.kinds import IMAGES
from bp_core.uploads.models import UploadPermit, UploadRequest
from bp_core.uploads.recording import Recorded
from tests.unit.bp_core.practices.fakes import MemoryPractices
from tests.unit.bp_core.support import HQ, NOW, OWNER, practice
from tests.unit.bp_core.uploads.fakes import DAMAGED, JPEG, World

PRACTICE_ID = UUID("0b5bd0b3-9a5c-4f6e-8a3e-5a0a2f0c9d11")
EPOCH_MS = 1752571800000
"""The moment of these tests, in milliseconds."""


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


def ask(world: World, *, caller: Caller = OWNER, status: Status = "draft", **changes: Any) -> UploadPermit:
    practices = MemoryPractices(practice(status, id=PRACTICE_ID))
    return asking.ask(world.uploads, practices, world.blobs, caller, request(**changes), NOW.at)


def take(
    world: World, data: bytes, *, status: Status = "draft", **changes: Any
) -> Recorded[StoredImage] | Invalid:
    how = {"image_type": "after", "filename": "x.jpg", "content_type": "image/jpeg"} | changes
    practices = MemoryPractices(practice(status, id=PRACTICE_ID))
    return asking.take(practices, world.recorder, OWNER, PRACTICE_ID, **how, data=data, now=NOW.at)


def test_a_permit_is_for_one_blob_named_by_practice_kind_and_moment_and_for_15_minutes() -> None:
    world = World(PRACTICE_ID)

    permit = ask(world)

    assert permit.blob_name == f"practices/{PRACTICE_ID}/before_{EPOCH_MS}.jpg"
    assert permit.container == "best-practices"
    assert permit.expiry == NOW.at + timedelta(minutes=15)
    assert permit.upload_url == f"https://blobs/best-practices/{permit.blob_name}?for=15"


def test_what_is_asked_for_is_kept_with_who_asked() -> None:
    world = World(PRACTICE_ID)

    permit = ask(world)

    kept = world.uploads.asked[permit.blob_name]
    assert (kept.practice_id, kept.user_id) == (PRACTICE_ID, OWNER.user_id)
    assert (kept.declared_content_type, kept.declared_size) == ("image/jpeg", 1000)


def test_two_permits_of_one_millisecond_are_for_two_blobs() -> None:
    world = World(PRACTICE_ID)

    names = [ask(world).blob_name for _ in range(3)]

    assert names == [f"practices/{PRACTICE_ID}/before_{EPOCH_MS + step}.jpg" for step in range(3)]


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [("a.jpeg", "image/jpeg"), ("a.png", "image/png"), ("a.webp", "image/webp")],
)
def test_jpeg_png_and_webp_are_taken(filename: str, content_type: str) -> None:
    permit = ask(World(PRACTICE_ID), filename=filename, content_type=content_type)

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
def test_a_file_that_would_not_be_taken_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    world = World(PRACTICE_ID)

    with pytest.raises(Invalid) as refusal:
        ask(world, **changes)

    assert [fault.field for fault in refusal.value.details] == [field]
    assert world.uploads.asked == {}


def test_a_file_of_exactly_ten_megabytes_may_be_put() -> None:
    ask(World(PRACTICE_ID), file_size=IMAGES.max_bytes)


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
def test_a_request_for_something_else_cannot_be_read(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**changes)


def test_an_approved_practice_gets_photographs_from_headquarters_only() -> None:
    with pytest.raises(Forbidden):
        ask(World(PRACTICE_ID), status="approved")

    ask(World(PRACTICE_ID), status="approved", caller=HQ)


def test_a_practice_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        ask(World(PRACTICE_ID), practice_id=uuid4())


def test_a_photograph_that_comes_through_the_portal_is_put_and_recorded() -> None:
    world = World(PRACTICE_ID)

    outcome = take(world, JPEG)

    assert isinstance(outcome, Recorded)
    assert outcome.is_new
    name = f"practices/{PRACTICE_ID}/after_{EPOCH_MS}.jpg"
    assert world.blobs.blobs == {("best-practices", name): JPEG}
    assert world.uploads.states == {name: ("recorded", None)}


def test_what_comes_through_the_portal_and_is_no_photograph_is_kept_as_rejected() -> None:
    world = World(PRACTICE_ID)

    outcome = take(world, DAMAGED)

    assert isinstance(outcome, Invalid)
    assert [fault.field for fault in outcome.details] == ["file"]
    assert [state for state, _ in world.uploads.states.values()] == ["rejected"]
    assert [container for container, _ in world.blobs.blobs] == ["quarantine"]


def test_more_than_ten_megabytes_are_not_taken_through_the_portal() -> None:
    world = World(PRACTICE_ID)

    with pytest.raises(TooLarge):
        take(world, JPEG.ljust(IMAGES.max_bytes + 1))

    assert (world.blobs.blobs, world.uploads.asked) == ({}, {})


def test_a_name_that_does_not_fit_its_content_type_is_not_taken_through_the_portal() -> None:
    with pytest.raises(Invalid):
        take(World(PRACTICE_ID), JPEG, filename="x.png")


def test_an_approved_practice_of_a_plant_user_takes_no_photograph() -> None:
    with pytest.raises(Forbidden):
        take(World(PRACTICE_ID), JPEG, status="approved")
