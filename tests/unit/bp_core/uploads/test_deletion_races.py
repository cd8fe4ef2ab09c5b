"""A photograph is deleted at every point of another call: nothing of it comes back."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from bp_core.practices.schemas import StoredImage
from bp_core.shared.errors import PortalError, Unavailable
from bp_core.uploads.kinds import thumbnail_name
from bp_core.uploads.results import Missing, Recorded, RecordingResult
from tests.unit.bp_core.support import OWNER, practice
from tests.unit.bp_core.uploads.fakes import CAMERA, JPEG, PRACTICE_ID, World
from tests.unit.bp_core.uploads.test_reconciliation import Nights, blob

NAME: Final = blob(1)
PHOTOGRAPH: Final = JPEG + CAMERA
FAR: Final = 10_000


def trigger(here: World) -> RecordingResult[StoredImage]:
    return here.recorder.record(NAME, with_thumbnail=True)


def confirmed(nights: Nights) -> World:
    """A photograph that is recorded and has no thumbnail yet."""
    nights.upload(1, PHOTOGRAPH)
    result = nights.here.recorder.record(NAME, with_thumbnail=False)
    assert isinstance(result, Recorded)
    return nights.here


def uploaded(nights: Nights) -> World:
    """A photograph that is not recorded yet."""
    nights.upload(1, PHOTOGRAPH)
    return nights.here


def delete(here: World) -> None:
    """Record the photograph, if it is not recorded yet, and delete it."""
    recorded = here.recorder.record(NAME, with_thumbnail=False)
    if isinstance(recorded, Recorded):
        here.service.remove_image(OWNER, PRACTICE_ID, recorded.file.id)


def points(make: Callable[[Nights], World], call: Callable[[World], object]) -> int:
    """Count the points at which something else can happen during a call."""
    here = make(Nights())
    here.outage.points = 0
    call(here)
    return here.outage.points


def left(here: World) -> list[tuple[str, str]]:
    """What is left of the photograph, outside quarantine."""
    return [where for where in here.blobs.blobs if where[0] != "quarantine"]


STARTS: Final = {"confirmed": confirmed, "uploaded": uploaded}
INTERLEAVINGS: Final = [
    (name, point) for name, make in STARTS.items() for point in range(points(make, trigger))
]


@pytest.mark.parametrize(("start", "point"), INTERLEAVINGS)
def test_a_photograph_that_is_deleted_at_any_point_of_a_trigger_leaves_nothing(
    start: str, point: int
) -> None:
    here = STARTS[start](Nights())
    here.outage.points = 0
    here.outage.meanwhile_at, here.outage.meanwhile = point, lambda: delete(here)

    trigger(here)

    if here.images.recorded:  # the trigger had ended before the photograph was recorded
        delete(here)
    assert (here.images.recorded, left(here)) == ({}, [])
    assert trigger(here) != Missing()
    assert (here.images.recorded, left(here)) == ({}, []), "not after another event either"


@pytest.mark.parametrize(("start", "point"), INTERLEAVINGS)
def test_two_triggers_and_a_deletion_leave_nothing(start: str, point: int) -> None:
    here = STARTS[start](Nights())
    here.outage.points = 0

    def meanwhile() -> None:
        trigger(here)
        delete(here)

    here.outage.meanwhile_at, here.outage.meanwhile = point, meanwhile

    trigger(here)

    assert (here.images.recorded, left(here)) == ({}, [])


@pytest.mark.parametrize("crash", range(points(confirmed, trigger)))
@pytest.mark.parametrize("point", range(points(confirmed, trigger)))
def test_what_a_crashed_trigger_leaves_of_a_deleted_photograph_is_gone_after_the_next_night(
    crash: int, point: int
) -> None:
    nights = Nights()
    here = confirmed(nights)
    here.outage.points, here.outage.at = 0, crash
    here.outage.meanwhile_at, here.outage.meanwhile = point, lambda: delete(here)
    with suppress(Unavailable):
        trigger(here)
    here.outage.at = here.outage.meanwhile_at = None
    with suppress(PortalError):
        delete(here)

    nights.run()

    assert (here.images.recorded, left(here)) == ({}, [])


@pytest.mark.parametrize("crash", range(points(confirmed, delete)))
def test_a_deletion_that_crashes_at_any_point_is_done_or_can_be_repeated(crash: int) -> None:
    nights = Nights()
    here = confirmed(nights)
    trigger(here)
    here.outage.points, here.outage.at = 0, crash
    with suppress(Unavailable):
        delete(here)
    here.outage.at = None

    if here.images.recorded:
        assert sorted(left(here)) == [("best-practices", NAME), ("thumbnails", thumbnail_name(NAME))]
        delete(here)
    else:
        nights.run()
        nights.run()
    assert (here.images.recorded, left(here)) == ({}, [])


@pytest.mark.parametrize(("start", "point"), INTERLEAVINGS)
def test_a_recorded_photograph_of_a_practice_that_is_deleted_stays_recorded(start: str, point: int) -> None:
    nights = Nights()
    here = STARTS[start](nights)
    here.outage.points = 0

    def meanwhile() -> None:
        if here.images.in_transaction:
            return  # the practice is locked
        here.recorder.record(NAME, with_thumbnail=False)
        here.practices.states[PRACTICE_ID] = practice("approved", id=PRACTICE_ID)

    here.outage.meanwhile_at, here.outage.meanwhile = point, meanwhile

    trigger(here)
    nights.run()

    assert here.uploads.states == {NAME: ("recorded", None)}
    assert sorted(here.blobs.blobs) == [("best-practices", NAME), ("thumbnails", thumbnail_name(NAME))]
