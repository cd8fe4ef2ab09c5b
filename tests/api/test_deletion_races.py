"""Photographs are deleted while blob triggers draw their thumbnails: nothing of them comes back."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from adapters.storage.accounts import AccountByKey
from adapters.storage.blobs import AzureBlobs
from bp_core.uploads.ports import StoredBlob
from functions import bootstrap
from tests.api.image_uploads import confirm, put
from tests.world import Person, World, concurrently, picture

PHOTOGRAPHS: Final = 40

Deletion = Callable[[str], None]


class Interrupted(AzureBlobs):
    """A storage in which each photograph is deleted once, at one point of the call that draws it."""

    def __init__(self, connection_string: str) -> None:
        super().__init__(AccountByKey(connection_string))
        self.points: dict[str, tuple[str, Callable[[], object]]] = {}

    def read(self, container: str, blob_name: str, at_most: int) -> StoredBlob | None:
        self._reach("before it is read", blob_name)
        stored = super().read(container, blob_name, at_most)
        self._reach("before it is drawn", blob_name)
        return stored

    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        image = blob_name.removesuffix(".webp")
        self._reach("before the thumbnail is written", image)
        super().put(container, blob_name, data, content_type)
        self._reach("before the thumbnail is named", image)

    def _reach(self, point: str, blob_name: str) -> None:
        at, deletion = self.points.get(blob_name, ("", lambda: None))
        if at == point:
            del self.points[blob_name]
            deletion()


POINTS: Final = (
    "before it is read",
    "before it is drawn",
    "before the thumbnail is written",
    "before the thumbnail is named",
)


def confirmed(author: Person, practice: dict[str, Any], blob_name: str) -> Callable[[], None]:
    """Confirm a photograph; return what deletes it."""
    image = confirm(author, practice, blob_name).json()["data"]

    def delete() -> None:
        path = f"/best-practices/{practice['id']}/images/{image['id']}"
        assert author.delete(path).status_code == 200

    return delete


def left(world: World) -> list[object]:
    containers = ("best-practices", "thumbnails", "quarantine")
    return [world.query("SELECT blob_name FROM practice_images"), *map(world.blob_names, containers)]


@pytest.mark.parametrize("events", [1, 2])
def test_photographs_that_are_deleted_at_any_point_of_a_trigger_leave_nothing(
    patient: World, author: Person, practice: dict[str, Any], events: int
) -> None:
    world, blobs = patient, Interrupted(patient.storage)
    bootstrap.install(replace(bootstrap.portal(), blobs=blobs))
    names = [put(world, author, practice, picture(64, 48)) for _ in range(PHOTOGRAPHS)]
    for number, name in enumerate(names):
        blobs.points[name] = POINTS[number % len(POINTS)], confirmed(author, practice, name)

    for start in range(0, PHOTOGRAPHS, 4):
        concurrently(*[partial(world.deliver, name) for name in names[start : start + 4] * events])

    assert blobs.points == {}, "all were deleted"
    assert left(world) == [[], [], [], []]


def test_photographs_that_are_confirmed_delivered_and_deleted_at_the_same_time_leave_nothing(
    patient: World, author: Person, practice: dict[str, Any]
) -> None:
    world = patient
    names = [put(world, author, practice, picture(64, 48)) for _ in range(PHOTOGRAPHS)]

    def confirm_and_delete(name: str) -> None:
        confirmed(author, practice, name)()

    for start in range(0, PHOTOGRAPHS, 4):
        batch = names[start : start + 4]
        concurrently(
            *[partial(confirm_and_delete, name) for name in batch],
            *[partial(world.deliver, name) for name in batch],
        )

    assert left(world) == [[], [], [], []]


def test_recorded_photographs_of_a_practice_that_is_deleted_before_their_thumbnails_stay_recorded(
    patient: World, author: Person
) -> None:
    """A deleted practice is hidden, and nothing of it is lost."""
    world, blobs = patient, Interrupted(patient.storage)
    bootstrap.install(replace(bootstrap.portal(), blobs=blobs))
    names = []
    for number in range(8):
        practice = world.practice(author)
        name = put(world, author, practice, picture(64, 48))
        assert confirm(author, practice, name).status_code == 201
        delete = partial(author.delete, f"/best-practices/{practice['id']}")
        blobs.points[name] = POINTS[number % len(POINTS)], delete
        names.append(name)

    concurrently(*[partial(world.deliver, name) for name in names])

    assert world.query("SELECT count(*) FROM best_practices WHERE is_deleted") == [(8,)]
    assert world.query("SELECT DISTINCT state FROM uploads") == [("recorded",)]
    thumbnails = sorted(f"{name}.webp" for name in names)
    assert left(world)[1:] == [sorted(names), thumbnails, []]
