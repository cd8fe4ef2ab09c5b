from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest

from bp_core.shared.errors import Unavailable
from bp_core.uploads import failures
from bp_core.uploads.failures import GIVEN_UP, BlobGuard
from bp_core.uploads.findings import Findings
from bp_core.uploads.kinds import UploadKind, thumbnail_name
from bp_core.uploads.ports import MAX_NIGHTS, Examined, ExaminerBusy, FailedBlob, InventoryFile
from bp_core.uploads.reconciliation import Reconciliation
from tests.unit.bp_core.support import TODAY, context
from tests.unit.bp_core.uploads.fakes import DAMAGE, DAMAGED, JPEG, PRACTICE_ID, FakeImages, World


class MemoryInventory:
    """Compares the images and blobs of a world, and records the order of the calls."""

    def __init__(self, here: World, failures: "MemoryFailures") -> None:
        self.here = here
        self.failures = failures
        self.existing: set[str] = set()
        self.thumbnails: set[str] = set()
        self.missing: set[str] = set()
        self.calls: list[str] = []

    def start(self) -> None:
        self.existing.clear()
        self.thumbnails.clear()

    def add_blobs(self, kind: UploadKind, blob_names: list[str]) -> list[str]:
        self.calls.append("add")
        self.existing.update(blob_names)
        recorded, states = self.here.images.recorded, self.here.uploads.states
        given_up = {name for name, one in self.failures.counted.items() if one.nights >= MAX_NIGHTS}
        return [name for name in blob_names if name not in recorded and name not in given_up - set(states)]

    def add_thumbnails(self, names: list[str]) -> None:
        self.calls.append("add")
        self.thumbnails.update(names)

    def undrawn(self, before: datetime, at_most: int) -> list[str]:
        return [
            name
            for name, image in self.here.images.recorded.items()
            if name in self.existing
            and image.thumbnail_name not in self.thumbnails
            and self.failures.nights(name) < MAX_NIGHTS
        ][:at_most]

    def orphans(self, at_most: int) -> list[str]:
        images = self.existing | set(self.here.images.recorded)
        return sorted(self.thumbnails - {thumbnail_name(name) for name in images})[:at_most]

    def mark_missing(self, kind: UploadKind, before: datetime, now: datetime) -> list[InventoryFile]:
        self.calls.append("mark")
        newly = [name for name in self.here.images.recorded if name not in self.existing | self.missing]
        self.missing.update(newly)
        return [InventoryFile(self.here.images.recorded[name].id, name) for name in newly]

    def unmark_found(self, kind: UploadKind) -> list[InventoryFile]:
        found = self.missing & self.existing
        self.missing -= found
        return [InventoryFile(uuid4(), name) for name in found]

    def forget_failures(self) -> None:
        return

    def expire_uploads(self, now: datetime) -> int:
        self.calls.append("expire")
        return 0


class MemoryFailures:
    """Counts failures in memory."""

    def __init__(self) -> None:
        self.counted: dict[str, FailedBlob] = {}
        self._last: dict[str, date] = {}

    def nights(self, blob_name: str) -> int:
        return self.counted[blob_name].nights if blob_name in self.counted else 0

    def count(self, container: str, blob_name: str, error: str, night: date) -> FailedBlob:
        is_new = self._last.get(blob_name) != night
        self._last[blob_name] = night
        counted = FailedBlob(container, blob_name, error, self.nights(blob_name) + is_new)
        self.counted[blob_name] = counted
        return counted

    def forget(self, container: str, blob_name: str) -> None:
        if self.nights(blob_name) < MAX_NIGHTS:
            self.counted.pop(blob_name, None)


class ExplodingImages(FakeImages):
    """Accepts images like the real examiner, but fails for some in a way that nobody expects."""

    def __init__(self) -> None:
        self.error: Callable[[], Exception] = lambda: RuntimeError("the decoder has a bug")

    def examine(self, data: bytes, content_type: str, *, with_thumbnail: bool) -> Examined:
        if b"explodes" in data:
            raise self.error()
        return super().examine(data, content_type, with_thumbnail=with_thumbnail)


EXPLODING = b"\xff\xd8\xff explodes"
BUG = "RuntimeError: the decoder has a bug"


class Nights:
    """A world that is reconciled night after night."""

    def __init__(self) -> None:
        self.here = World()
        self.images = ExplodingImages()
        object.__setattr__(self.here.recorder, "examiner", self.images)
        self.failures = MemoryFailures()
        self.inventory = MemoryInventory(self.here, self.failures)
        self.tonight = TODAY

    def upload(self, number: int, data: bytes = JPEG) -> str:
        """Put an image that was requested; return its blob name."""
        name = blob(number)
        self.here.uploads.states[name] = ("pending", None)
        self.here.blobs.blobs["best-practices", name] = data
        return name

    def run(self, *, same_night: bool = False) -> Findings:
        if not same_night:
            self.tonight += timedelta(days=1)
        here, now = self.here, context(self.tonight)
        guard = BlobGuard(self.failures, here.blobs, now)
        return Reconciliation(
            here.recorder, here.document_recorder, self.inventory, guard, here.blobs, here.audit_trail, now
        ).run()


@pytest.fixture
def nights() -> Nights:
    return Nights()


def blob(number: int) -> str:
    return f"practices/{PRACTICE_ID}/before_{number}.jpg"


def test_a_second_run_finds_nothing(nights: Nights) -> None:
    nights.upload(1)
    nights.upload(2, DAMAGED)
    nights.here.blobs.blobs["best-practices", "stray"] = b""

    first = nights.run()

    assert (first.recorded, first.rejected, first.rows) == (
        [blob(1)],
        [
            (blob(2), DAMAGE),
            ("stray", "is not a blob name of this portal"),
        ],
        3,
    )
    assert nights.run() == Findings()


def test_a_blob_that_disappears_and_comes_back_is_reported_each_time(nights: Nights) -> None:
    nights.upload(1)
    nights.run()

    del nights.here.blobs.blobs["best-practices", blob(1)]
    assert [file.blob_name for file in nights.run().lost] == [blob(1)]
    assert nights.run().rows == 0
    nights.here.blobs.blobs["best-practices", blob(1)] = JPEG
    assert [file.blob_name for file in nights.run().found] == [blob(1)]
    assert nights.here.audit_trail.actions() == ["image.recorded", "image.lost", "image.found"]


def test_all_blobs_are_listed_before_anything_is_marked(nights: Nights) -> None:
    for number in range(1, 4):
        nights.upload(number)

    nights.run()

    assert nights.inventory.calls == ["add"] * 6 + ["mark"] * 2 + ["expire"]


# --- blobs that fail


def test_a_blob_that_fails_does_not_stop_the_others_and_is_given_up_on_the_third_night(
    nights: Nights,
) -> None:
    bad = nights.upload(1, EXPLODING)
    nights.upload(2)

    first = nights.run()
    assert (first.recorded, first.rows) == ([blob(2)], 1)
    assert first.failed == [FailedBlob("best-practices", bad, BUG, nights=1)]
    assert first.error == f"1 files could not be processed: best-practices/{bad} ({BUG}; on 1 nights)"
    assert nights.here.uploads.states[bad] == ("pending", None)

    assert [one.nights for one in nights.run().failed] == [2]
    third = nights.run()
    assert ([one.nights for one in third.failed], third.rejected) == ([3], [(bad, GIVEN_UP)])
    assert nights.here.uploads.states[bad] == ("rejected", GIVEN_UP)
    assert ("quarantine", f"best-practices/{bad}") in nights.here.blobs.blobs
    assert [notice.message for _, notice in nights.here.notifier.notices] == [f"before_1.jpg: {GIVEN_UP}"]
    assert nights.run() == Findings()


def test_two_runs_in_one_night_count_one_failure(nights: Nights) -> None:
    nights.upload(1, EXPLODING)
    assert [one.nights for one in nights.run().failed] == [1]
    assert [one.nights for one in nights.run(same_night=True).failed] == [1]


def test_a_success_deletes_the_failures(nights: Nights) -> None:
    name = nights.upload(1, EXPLODING)
    nights.run()
    nights.run()
    nights.here.blobs.blobs["best-practices", name] = JPEG

    assert nights.run().recorded == [name]
    assert nights.failures.counted == {}


def test_a_blob_that_nobody_requested_fails_without_being_moved_and_is_left_alone_after_three_nights(
    nights: Nights,
) -> None:
    name = nights.upload(1, EXPLODING)
    nights.here.uploads.states.clear()

    assert [len(nights.run().failed) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert nights.here.blobs.blobs == {("best-practices", name): EXPLODING}


def test_if_many_blobs_fail_none_is_given_up(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MANY", 2)
    for number in range(1, 4):
        nights.upload(number, EXPLODING)

    assert [len(nights.run().rejected) for _ in range(5)] == [0] * 5
    nights.here.blobs.blobs["best-practices", blob(1)] = JPEG
    assert len(nights.run().rejected) == 2


def test_the_record_of_a_run_names_three_failed_blobs(nights: Nights) -> None:
    for number in range(1, 6):
        nights.upload(number, EXPLODING)

    error = nights.run().error or ""
    assert error.startswith("5 files could not be processed: best-practices/")
    assert (error.count(BUG), error.endswith("; and 2 more")) == (3, True)


def test_a_busy_examiner_postpones_a_blob_and_does_not_count(nights: Nights) -> None:
    name = nights.upload(1, EXPLODING)
    nights.images.error = lambda: ExaminerBusy("Too many files are being examined; try again shortly.")

    found = nights.run()

    assert (found.postponed, found.failed, found.rows) == ([name], [], 0)


def test_an_outage_of_the_storage_ends_the_run_and_blames_no_blob(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unavailable("The file storage does not answer.")

    nights.upload(1, EXPLODING)
    monkeypatch.setattr(nights.here.blobs, "check", away)

    with pytest.raises(Unavailable):
        nights.run()
    assert nights.failures.counted == {}


def test_an_error_that_the_database_cannot_store_is_stored_without_its_strange_characters(
    nights: Nights,
) -> None:
    nights.upload(1, EXPLODING)
    nights.images.error = lambda: ValueError("a\0b\udc80" + "c" * 1000)

    [failed] = nights.run().failed
    assert failed.error == "ValueError: ab\\udc80" + "c" * 280


# --- thumbnails


def recorded(nights: Nights, number: int = 1) -> str:
    name = nights.upload(number)
    nights.run()
    return name


def test_a_lost_thumbnail_is_drawn_again(nights: Nights) -> None:
    name = recorded(nights)
    del nights.here.blobs.blobs["thumbnails", thumbnail_name(name)]

    found = nights.run()

    assert (found.thumbnails_drawn, found.rows) == ([name], 1)
    assert nights.here.blobs.blobs["thumbnails", thumbnail_name(name)] == b"small: " + JPEG
    assert nights.run() == Findings()


@pytest.mark.parametrize("data", [DAMAGED, EXPLODING])
def test_a_recorded_image_that_cannot_be_drawn_is_left_alone_after_three_nights(
    nights: Nights, data: bytes
) -> None:
    name = recorded(nights)
    other = recorded(nights, 2)
    for one in (name, other):
        del nights.here.blobs.blobs["thumbnails", thumbnail_name(one)]
    nights.here.blobs.blobs["best-practices", name] = data

    assert nights.run().thumbnails_drawn == [other]
    assert [len(nights.run().failed) for _ in range(4)] == [1, 1, 0, 0]
    assert nights.here.uploads.states[name] == ("recorded", None)
    assert name in nights.here.images.recorded
    assert nights.here.blobs.blobs["best-practices", name] == data, "a recorded image is never moved"


def test_a_thumbnail_without_an_image_is_deleted_and_no_other(nights: Nights) -> None:
    name = recorded(nights)
    blobs = nights.here.blobs.blobs
    blobs["thumbnails", thumbnail_name(blob(7))] = b"an orphan"
    blobs["thumbnails", thumbnail_name(blob(8))] = b"of an image that this database does not know"
    blobs["best-practices", blob(8)] = DAMAGED

    found = nights.run()

    assert (found.thumbnails_removed, found.rows) == ([thumbnail_name(blob(7))], 1)
    assert found.unknown == [blob(8)]
    assert sorted(where for where in blobs if where[0] == "thumbnails") == [
        ("thumbnails", thumbnail_name(name)),
        ("thumbnails", thumbnail_name(blob(8))),
    ]
