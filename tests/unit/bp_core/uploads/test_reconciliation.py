from collections.abc import Iterator
from datetime import datetime
from uuid import uuid4

from bp_core.uploads.kinds import UploadKind
from bp_core.uploads.ports import InventoryFile
from bp_core.uploads.reconciliation import AnyRecorder, Findings, Reconciliation
from tests.unit.bp_core.support import context
from tests.unit.bp_core.uploads.fakes import DAMAGE, DAMAGED, JPEG, PRACTICE_ID, World


class MemoryInventory:
    """Compares the images and blobs of a world, and records the order of the calls."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.existing: set[str] = set()
        self.missing: set[str] = set()
        self.calls: list[str] = []

    def start(self) -> None:
        self.existing.clear()

    def names(self, container: str) -> Iterator[list[str]]:
        for name in sorted(name for place, name in self.here.blobs.blobs if place == container):
            yield [name]

    def add_blobs(self, kind: UploadKind, blob_names: list[str]) -> list[str]:
        self.calls.append("add")
        self.existing.update(blob_names)
        recorded = self.here.images.recorded
        return [name for name in blob_names if name not in recorded or recorded[name].thumbnail_name is None]

    def mark_missing(self, kind: UploadKind, before: datetime, now: datetime) -> list[InventoryFile]:
        self.calls.append("mark")
        newly = [name for name in self.here.images.recorded if name not in self.existing | self.missing]
        self.missing.update(newly)
        return [InventoryFile(self.here.images.recorded[name].id, name) for name in newly]

    def unmark_found(self, kind: UploadKind) -> list[InventoryFile]:
        found = self.missing & self.existing
        self.missing -= found
        return [InventoryFile(uuid4(), name) for name in found]

    def expire_uploads(self, now: datetime) -> int:
        self.calls.append("expire")
        return 0


def blob(number: int) -> str:
    return f"practices/{PRACTICE_ID}/before_{number}.jpg"


def run(inventory: MemoryInventory, *more: AnyRecorder) -> Findings:
    here = inventory.here
    recorders = (here.recorder, *more)
    return Reconciliation(recorders, inventory, inventory, here.audit_trail, context()).run()


def test_a_second_run_finds_nothing() -> None:
    here = World()
    here.blobs.blobs |= {
        ("best-practices", blob(1)): JPEG,
        ("best-practices", blob(2)): DAMAGED,
        ("best-practices", "stray"): b"",
    }
    inventory = MemoryInventory(here)

    first = run(inventory)

    assert (first.recorded, first.rejected, first.rows) == (
        [blob(1)],
        [
            (blob(2), DAMAGE),
            ("stray", "is not a blob name of this portal"),
        ],
        3,
    )
    assert run(inventory) == Findings()


def test_a_blob_that_disappears_and_comes_back_is_reported_each_time() -> None:
    here = World()
    here.blobs.blobs["best-practices", blob(1)] = JPEG
    inventory = MemoryInventory(here)
    run(inventory)

    del here.blobs.blobs["best-practices", blob(1)]
    assert [file.blob_name for file in run(inventory).lost] == [blob(1)]
    assert run(inventory).rows == 0
    here.blobs.blobs["best-practices", blob(1)] = JPEG
    assert [file.blob_name for file in run(inventory).found] == [blob(1)]
    assert here.audit_trail.actions() == ["image.recorded", "image.lost", "image.found"]


def test_all_blobs_are_listed_before_anything_is_marked() -> None:
    here = World()
    here.blobs.blobs |= {("best-practices", blob(number)): JPEG for number in range(1, 4)}
    inventory = MemoryInventory(here)

    run(inventory, here.recorder)

    assert inventory.calls == ["add"] * 6 + ["mark"] * 2 + ["expire"]
