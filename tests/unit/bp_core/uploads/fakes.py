"""Uploads, blobs and a decoder in memory; any call can be made to fail, before or after its work."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from bp_core.practices.models import StoredImage
from bp_core.shared.errors import Unavailable
from bp_core.shared.trail import Facts
from bp_core.uploads.kinds import IMAGES, QUARANTINE, BlobName
from bp_core.uploads.models import Upload, UploadState
from bp_core.uploads.recording import Recorder
from bp_core.uploads.store import (
    AskedUpload,
    KnownUpload,
    Picture,
    RecordedFile,
    RefusedFileError,
    StoredBytes,
)
from tests.unit.bp_core.fakes import NotedNotifier, NotedTrail

JPEG: Final = b"\xff\xd8\xff and so on"
DAMAGED: Final = b"\xff\xd8\xff damaged"


class Outage:
    """Fails the moment of a given number; every call has one before and one after its work."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.moments = 0

    @contextmanager
    def call(self) -> Iterator[None]:
        self.pass_by()
        yield
        self.pass_by()

    def pass_by(self) -> None:
        """Let one moment pass, at which everything may fail."""
        self.moments += 1
        if self.moments - 1 == self.at:
            raise Unavailable("The outside world is away.")


class TroubledTrail(NotedTrail):
    """A trail that can fail, too."""

    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self._outage = outage

    def note(
        self,
        action: str,
        entity: str,
        entity_id: UUID,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> None:
        with self._outage.call():
            super().note(action, entity, entity_id, before=before, after=after)


@dataclass
class MemoryUploads:
    """Keeps what was asked for, recorded and rejected, and takes the trail back with it if that fails."""

    practices: set[UUID]
    outage: Outage = field(default_factory=Outage)
    trail: NotedTrail = field(default_factory=NotedTrail)
    asked: dict[str, AskedUpload] = field(default_factory=dict)
    states: dict[str, tuple[UploadState, str | None]] = field(default_factory=dict)
    recorded: dict[str, StoredImage] = field(default_factory=dict)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        before = dict(self.asked), dict(self.states), dict(self.recorded), list(self.trail.notes)
        try:
            yield
            self.outage.pass_by()
        except Unavailable:
            self.asked, self.states, self.recorded, self.trail.notes = before
            raise
        self.outage.pass_by()

    def ask(self, upload: AskedUpload, now: datetime) -> bool:
        with self.outage.call():
            if upload.blob_name in self.states:
                return False
            self.asked[upload.blob_name] = upload
            self.states[upload.blob_name] = ("pending", None)
        return True

    def known(self, name: BlobName, blob_name: str) -> KnownUpload[StoredImage]:
        with self.outage.call():
            state, reason = self.states.get(blob_name, ("pending", None))
            asked, image = self.asked.get(blob_name), self.recorded.get(blob_name)
            return KnownUpload(
                practice_exists=name.practice_id in self.practices,
                filename=asked.filename if asked else None,
                rejected_because=reason if state == "rejected" else None,
                file=image,
                lacks_thumbnail=image is not None and image.thumbnail_name is None,
            )

    def record(self, recorded: RecordedFile, now: datetime) -> tuple[StoredImage, bool]:
        with self.outage.call():
            is_new = recorded.blob_name not in self.recorded
            image = self.recorded.setdefault(recorded.blob_name, stored_image(recorded, now))
            self.states[recorded.blob_name] = ("recorded", None)
        return image, is_new

    def reject(self, name: BlobName, blob_name: str, reason: str, now: datetime) -> bool:
        with self.outage.call():
            state, _ = self.states.get(blob_name, ("pending", None))
            if state == "pending":
                self.states[blob_name] = ("rejected", reason)
            return state == "pending"

    def set_thumbnail(self, file_id: UUID, thumbnail_name: str) -> None:
        with self.outage.call():
            for blob_name, image in self.recorded.items():
                if image.id == file_id:
                    self.recorded[blob_name] = image.model_copy(update={"thumbnail_name": thumbnail_name})

    def rename(self, file_id: UUID, before: str, after: str) -> StoredImage | None:
        raise NotImplementedError("photographs have no names")

    def files(self, practice_id: UUID) -> list[StoredImage]:
        return [image for image in self.recorded.values() if image.practice_id == practice_id]

    def uploads(self, practice_id: UUID, now: datetime) -> list[Upload]:
        raise NotImplementedError("no use case of these tests lists uploads")

    def remove(self, practice_id: UUID, file_id: UUID) -> StoredImage | None:
        for blob_name, image in list(self.recorded.items()):
            if (image.practice_id, image.id) == (practice_id, file_id):
                del self.states[blob_name]
                return self.recorded.pop(blob_name)
        return None


def stored_image(recorded: RecordedFile, now: datetime) -> StoredImage:
    assert recorded.picture is not None
    return StoredImage(
        id=uuid4(),
        practice_id=recorded.name.practice_id,
        image_type="before" if recorded.name.stem == "before" else "after",
        blob_container=recorded.name.kind.container,
        blob_name=recorded.blob_name,
        thumbnail_name=None,
        file_size=recorded.file_size,
        content_type=recorded.name.format.content_type,
        width=recorded.picture.width,
        height=recorded.picture.height,
        uploaded_at=now,
    )


@dataclass
class MemoryBlobs:
    """Keeps bytes by container and name."""

    outage: Outage = field(default_factory=Outage)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def read(self, container: str, blob_name: str, at_most: int) -> StoredBytes | None:
        with self.outage.call():
            data = self.blobs.get((container, blob_name))
        if data is None:
            return None
        url = f"https://blobs/{container}/{blob_name}"
        return StoredBytes(len(data), data if len(data) <= at_most else None, url)

    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        with self.outage.call():
            self.blobs[container, blob_name] = data

    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        with self.outage.call():
            if (container, blob_name) in self.blobs:
                data = self.blobs.pop((container, blob_name))
                self.blobs[QUARANTINE, f"{container}/{blob_name}"] = data

    def delete(self, container: str, blob_name: str) -> None:
        with self.outage.call():
            self.blobs.pop((container, blob_name), None)

    def upload_url(self, container: str, blob_name: str, now: datetime, expires_at: datetime) -> str:
        return f"https://blobs/{container}/{blob_name}?for={(expires_at - now) // timedelta(minutes=1)}"


class FakePictures:
    """Takes every photograph for one of 40 x 30 pixels, unless it says that it is damaged."""

    def examine(self, data: bytes, content_type: str) -> Picture:
        if b"damaged" in data:
            raise RefusedFileError("damaged: it cannot be decoded")
        return Picture(40, 30)

    def thumbnail(self, data: bytes) -> bytes:
        return b"small: " + data


class World:
    """One practice, a storage, and the recorder between them."""

    def __init__(self, practice_id: UUID, *, fails_at: int | None = None) -> None:
        self.outage = Outage(fails_at)
        self.trail = TroubledTrail(self.outage)
        self.uploads = MemoryUploads({practice_id}, self.outage, self.trail)
        self.blobs = MemoryBlobs(self.outage)
        self.notifier = NotedNotifier()
        pictures = FakePictures()
        self.recorder = Recorder(
            IMAGES, self.uploads, self.blobs, pictures, pictures, self.trail, self.notifier
        )

    def is_like(self, other: "World") -> bool:
        """Whether both worlds hold the same, whatever the ids of their images."""
        return self._contents() == other._contents()

    def _contents(self) -> list[object]:
        return [self.uploads.states, self.blobs.blobs, self._images(), self.trail.actions()]

    def _images(self) -> list[StoredImage]:
        nobody = UUID(int=0)
        return [image.model_copy(update={"id": nobody}) for image in self.uploads.recorded.values()]
