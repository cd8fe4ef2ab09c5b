from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid4

from bp_core.uploads.kinds import UploadKind
from bp_core.uploads.reconciling import Findings, reconcile
from bp_core.uploads.store import LostFile
from tests.unit.bp_core.support import NOW
from tests.unit.bp_core.uploads.fakes import DAMAGED, JPEG, World

PRACTICE_ID = UUID("0b5bd0b3-9a5c-4f6e-8a3e-5a0a2f0c9d11")


class MemoryCensus:
    """Counts the blobs of a world of photographs, and remembers in which order it was asked."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.counted: set[str] = set()
        self.lost: set[str] = set()
        self.asked: list[str] = []

    def names(self, container: str) -> Iterator[list[str]]:
        for name in sorted(name for place, name in self.here.blobs.blobs if place == container):
            yield [name]

    def count_in(self, kind: UploadKind, blob_names: list[str]) -> list[str]:
        self.asked.append("count")
        self.counted.update(blob_names)
        recorded = self.here.uploads.recorded
        return [name for name in blob_names if name not in recorded or recorded[name].thumbnail_name is None]

    def mark_lost(self, kind: UploadKind, before: datetime, now: datetime) -> list[LostFile]:
        self.asked.append("mark")
        newly = [name for name in self.here.uploads.recorded if name not in self.counted | self.lost]
        self.lost.update(newly)
        return [LostFile(self.here.uploads.recorded[name].id, name) for name in newly]

    def unmark_found(self, kind: UploadKind) -> list[LostFile]:
        back = self.lost & self.counted
        self.lost -= back
        return [LostFile(uuid4(), name) for name in back]

    def expire(self, now: datetime) -> int:
        self.asked.append("expire")
        return 0


def blob(number: int) -> str:
    return f"practices/{PRACTICE_ID}/before_{number}.jpg"


def night(census: MemoryCensus) -> Findings:
    census.counted.clear()
    here = census.here
    return reconcile([here.recorder], census, census, here.trail, NOW.at)


def test_a_second_night_finds_nothing() -> None:
    here = World(PRACTICE_ID)
    here.blobs.blobs |= {
        ("best-practices", blob(1)): JPEG,
        ("best-practices", blob(2)): DAMAGED,
        ("best-practices", "stray"): b"",
    }
    census = MemoryCensus(here)

    first = night(census)

    assert (first.recorded, first.rejected, first.rows) == (
        [blob(1)],
        [
            (blob(2), "damaged: it cannot be decoded"),
            ("stray", "is not a name that the portal gives"),
        ],
        3,
    )
    assert night(census) == Findings()


def test_a_blob_that_goes_and_comes_back_is_told_of_each_time() -> None:
    here = World(PRACTICE_ID)
    here.blobs.blobs["best-practices", blob(1)] = JPEG
    census = MemoryCensus(here)
    night(census)

    del here.blobs.blobs["best-practices", blob(1)]
    assert [file.blob_name for file in night(census).lost] == [blob(1)]
    assert night(census).rows == 0
    here.blobs.blobs["best-practices", blob(1)] = JPEG
    assert [file.blob_name for file in night(census).found] == [blob(1)]
    assert here.trail.actions() == ["image.recorded", "image.lost", "image.found"]


def test_all_blobs_are_counted_before_anything_is_marked() -> None:
    here = World(PRACTICE_ID)
    here.blobs.blobs |= {("best-practices", blob(number)): JPEG for number in range(1, 4)}
    census = MemoryCensus(here)
    reconcile([here.recorder, here.recorder], census, census, here.trail, NOW.at)
    assert census.asked == ["count"] * 6 + ["mark"] * 2 + ["expire"]
