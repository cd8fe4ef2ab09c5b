"""Uploads, files and blobs in memory, and fake decoders. Any call can be made to fail, before or after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, Generic
from uuid import UUID, uuid4

from bp_core.practices.ports import ServedAs
from bp_core.practices.schemas import Status, StoredDocument, StoredImage
from bp_core.shared.auditing import AuditedEntity, Snapshot
from bp_core.shared.errors import Unavailable
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.uploads.kinds import DOCUMENTS, IMAGES, QUARANTINE, BlobName, ImageSize, RejectedFileError
from bp_core.uploads.ports import CheckedFile, Examined, File, KnownUpload, PendingUpload, StoredBlob
from bp_core.uploads.recording import Recorder
from bp_core.uploads.rights import Uploader
from bp_core.uploads.schemas import Upload, UploadState
from bp_core.uploads.service import UploadService
from tests.unit.bp_core.fakes import RecordedAuditTrail, RecordedNotifier
from tests.unit.bp_core.practices.fakes import MemoryPractices
from tests.unit.bp_core.support import NOW, context, practice

PRACTICE_ID: Final = UUID("0b5bd0b3-9a5c-4f6e-8a3e-5a0a2f0c9d11")
EPOCH_MS: Final = 1752571800000
"""`NOW` in milliseconds."""

JPEG: Final = b"\xff\xd8\xff and so on"
DAMAGED: Final = b"\xff\xd8\xff damaged"
PDF: Final = b"%PDF- and so on"

DAMAGE: Final = "The file is damaged and cannot be opened."
"""Why damaged files are rejected."""


class Outage:
    """Fails at the failure point with a given index; a call has one before and one after its work.

    `meanwhile` happens at the failure point with the index `meanwhile_at`, once.
    """

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.points = 0
        self.meanwhile: Callable[[], object] | None = None
        self.meanwhile_at: int | None = None

    @contextmanager
    def call(self) -> Iterator[None]:
        self.failure_point()
        yield
        self.failure_point()

    def failure_point(self) -> None:
        """Count one failure point, and fail if it is the chosen one."""
        self.points += 1
        if self.points - 1 == self.meanwhile_at:
            rival, self.meanwhile, self.meanwhile_at = self.meanwhile, None, None
            counted, self.points = self.points, -1_000_000  # the points of the rival do not count
            if rival is not None:
                rival()
            self.points = counted
        if self.points - 1 == self.at:
            raise Unavailable("The storage does not answer.")


class FailingAuditTrail(RecordedAuditTrail):
    """An audit trail that can fail, too."""

    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self._outage = outage

    def record(
        self,
        action: str,
        entity: AuditedEntity,
        entity_id: UUID,
        before: Snapshot = None,
        after: Snapshot = None,
    ) -> None:
        with self._outage.call():
            super().record(action, entity, entity_id, before=before, after=after)


class MemoryUploads:
    """Stores uploads: what was requested, and the states by blob name."""

    def __init__(self) -> None:
        self.pending: dict[str, PendingUpload] = {}
        self.states: dict[str, tuple[UploadState, str | None]] = {}
        self.deleted: set[str] = set()
        self.uploaders: dict[str, Uploader] = {}

    def add(self, upload: PendingUpload, now: datetime) -> bool:
        if upload.blob_name in self.states:
            return False
        self.pending[upload.blob_name] = upload
        self.states[upload.blob_name] = ("pending", None)
        return True

    def uploads(self, practice_id: UUID, now: datetime, query: PageQuery) -> Page[Upload]:
        found = [
            Upload(
                id=uuid4(),
                practice_id=practice_id,
                user_id=one.user_id,
                container=one.container,
                blob_name=one.blob_name,
                declared_content_type=one.declared_content_type,
                declared_size=one.declared_size,
                state=self.states[one.blob_name][0],
                reason=self.states[one.blob_name][1],
                expires_at=one.expires_at,
                created_at=now,
                updated_at=now,
            )
            for one in self.pending.values()
            if one.practice_id == practice_id
        ]
        return Page.of(found, query)


class MemoryFiles(Generic[File]):
    """Stores files of one kind; a failing transaction takes back the uploads and the audit trail as well."""

    def __init__(
        self,
        make: Callable[[CheckedFile], File],
        practices: MemoryPractices,
        uploads: MemoryUploads,
        outage: Outage,
        audit_trail: RecordedAuditTrail,
    ) -> None:
        self._make = make
        self._practices = practices
        self._uploads = uploads
        self._outage = outage
        self._audit_trail = audit_trail
        self.recorded: dict[str, File] = {}
        self.in_transaction = False

    @contextmanager
    def atomic(self) -> Iterator[None]:
        uploads, trail = self._uploads, self._audit_trail
        before = dict(uploads.states), dict(self.recorded), list(trail.notes)
        self.in_transaction = True
        try:
            yield
            self._outage.failure_point()
        except Exception:
            uploads.states, self.recorded, trail.notes = before
            raise
        finally:
            self.in_transaction = False
        self._outage.failure_point()

    def known(self, name: BlobName) -> KnownUpload[File]:
        with self._outage.call():
            blob_name = str(name)
            state, reason = self._uploads.states.get(blob_name, ("pending", None))
            pending, file = self._uploads.pending.get(blob_name), self.recorded.get(blob_name)
            return KnownUpload(
                practice_exists=name.practice_id in self._practices.states,
                is_requested=blob_name in self._uploads.states,
                filename=pending.filename if pending else None,
                rejection_reason=reason if state == "rejected" else None,
                is_deleted=blob_name in self._uploads.deleted,
                file=file,
                lacks_thumbnail=isinstance(file, StoredImage) and file.thumbnail_name is None,
            )

    def uploader(self, name: BlobName) -> Uploader | None:
        with self._outage.call():
            return self._uploads.uploaders.get(str(name))

    def record(self, checked: CheckedFile, now: datetime) -> File | None:
        with self._outage.call():
            if not self._settle(checked.name, "recorded", None):
                return None
            file = self.recorded[str(checked.name)] = self._make(checked)
        return file

    def reject(self, name: BlobName, reason: str, now: datetime) -> bool:
        with self._outage.call():
            return self._settle(name, "rejected", reason)

    def _settle(self, name: BlobName, state: UploadState, reason: str | None) -> bool:
        blob_name = str(name)
        before, _ = self._uploads.states.get(blob_name, ("pending", None))
        if before != "pending" or blob_name in self._uploads.deleted:
            return False
        self._uploads.states[blob_name] = (state, reason)
        return True

    def set_thumbnail(self, file_id: UUID, thumbnail_name: str) -> bool:
        with self._outage.call():
            if all(file.id != file_id for file in self.recorded.values()):
                return False
            self._update(file_id, thumbnail_name=thumbnail_name)
        return True

    def rename(self, file_id: UUID, before: str, after: str) -> File | None:
        with self._outage.call():
            [file] = [one for one in self.recorded.values() if one.id == file_id]
            if not isinstance(file, StoredDocument) or file.document_name != before:
                return None
            return self._update(file_id, document_name=after)

    def files(self, practice_id: UUID, query: PageQuery) -> Page[File]:
        return Page.of([one for one in self.recorded.values() if one.practice_id == practice_id], query)

    def remove(self, practice_id: UUID, file_id: UUID, now: datetime) -> File | None:
        for blob_name, file in list(self.recorded.items()):
            if (file.practice_id, file.id) == (practice_id, file_id):
                self._uploads.deleted.add(blob_name)
                return self.recorded.pop(blob_name)
        return None

    def _update(self, file_id: UUID, **changes: str) -> File:
        [blob_name] = [name for name, file in self.recorded.items() if file.id == file_id]
        updated: File = self.recorded[blob_name].model_copy(update=changes)  # type: ignore[assignment] # a TypeVar
        self.recorded[blob_name] = updated
        return updated


def stored_image(checked: CheckedFile) -> StoredImage:
    assert checked.image_size is not None
    return StoredImage(
        id=uuid4(),
        practice_id=checked.name.practice_id,
        image_type="before" if checked.name.stem == "before" else "after",
        blob_container=checked.name.kind.container,
        blob_name=str(checked.name),
        thumbnail_name=None,
        file_size=checked.file_size,
        content_type=checked.name.format.content_type,
        width=checked.image_size.width,
        height=checked.image_size.height,
        uploaded_at=NOW,
    )


def stored_document(checked: CheckedFile) -> StoredDocument:
    return StoredDocument(
        id=uuid4(),
        practice_id=checked.name.practice_id,
        document_name=checked.document_name,
        blob_container=checked.name.kind.container,
        blob_name=str(checked.name),
        file_size=checked.file_size,
        content_type=checked.name.format.content_type,
        uploaded_at=NOW,
    )


class MemoryBlobs:
    """Stores blobs by container and name."""

    def __init__(self, outage: Outage) -> None:
        self._outage = outage
        self.blobs: dict[tuple[str, str], bytes] = {}

    def read(self, container: str, blob_name: str, at_most: int) -> StoredBlob | None:
        with self._outage.call():
            data = self.blobs.get((container, blob_name))
        if data is None:
            return None
        url = f"https://blobs/{container}/{blob_name}"
        return StoredBlob(len(data), data if len(data) <= at_most else None, url, etag=repr(hash(data)))

    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        with self._outage.call():
            self.blobs[container, blob_name] = data

    def replace(self, container: str, blob_name: str, data: bytes, content_type: str, etag: str) -> bool:
        with self._outage.call():
            current = self.blobs.get((container, blob_name))
            if current is None or repr(hash(current)) != etag:
                return False
            self.blobs[container, blob_name] = data
        return True

    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        with self._outage.call():
            if (container, blob_name) in self.blobs:
                data = self.blobs.pop((container, blob_name))
                self.blobs[QUARANTINE, f"{container}/{blob_name}"] = data

    def delete(self, container: str, blob_name: str) -> None:
        with self._outage.call():
            self.blobs.pop((container, blob_name), None)

    def delete_unmodified(self, container: str, blob_name: str, since: datetime) -> bool:
        with self._outage.call():
            return self.blobs.pop((container, blob_name), None) is not None

    def check(self) -> None:
        with self._outage.call():
            return

    def require_writable(self) -> None:
        return

    def names(self, container: str) -> Iterator[list[str]]:
        for name in sorted(name for place, name in self.blobs if place == container):
            yield [name]

    def url(self, container: str, blob_name: str) -> str:
        return f"https://blobs/{container}/{blob_name}"

    def upload_url(self, container: str, blob_name: str, now: datetime, expires_at: datetime) -> str:
        return f"https://blobs/{container}/{blob_name}?for={(expires_at - now) // timedelta(minutes=1)}"

    def read_url(self, container: str, blob_name: str, now: datetime, served: ServedAs) -> str:
        return f"https://blobs/{container}/{blob_name}?read"


CAMERA: Final = b" (camera)"
"""What an image loses that is stored."""


class FakeImages:
    """Accepts every image as one of 40 x 30 pixels, unless its data contain the word damaged."""

    def examine(self, data: bytes, content_type: str, *, with_thumbnail: bool) -> Examined:
        if b"damaged" in data:
            raise RejectedFileError(DAMAGE)
        cleaned = data.replace(CAMERA, b"")
        return Examined(cleaned, ImageSize(40, 30), b"small: " + cleaned if with_thumbnail else None)


class FakeDocuments:
    """Accepts every document."""

    def examine(self, data: bytes, content_type: str, *, with_thumbnail: bool) -> Examined:
        return Examined(data)


class World:
    """One practice of Pune, a storage, and the upload service with its recorders."""

    def __init__(self, status: Status = "draft", *, fails_at: int | None = None) -> None:
        self.outage = Outage(fails_at)
        self.audit_trail = FailingAuditTrail(self.outage)
        self.notifier = RecordedNotifier()
        self.practices = MemoryPractices(practice(status, id=PRACTICE_ID))
        self.uploads = MemoryUploads()
        self.blobs = MemoryBlobs(self.outage)
        self.images = self._files(stored_image)
        self.documents = self._files(stored_document)
        self.recorder = Recorder(
            kind=IMAGES,
            store=self.images,
            blobs=self.blobs,
            practices=self.practices,
            examiner=FakeImages(),
            audit_trail=self.audit_trail,
            notifier=self.notifier,
            context=context(),
            after_commit=lambda action: action(),
        )
        self.document_recorder = Recorder(
            kind=DOCUMENTS,
            store=self.documents,
            blobs=self.blobs,
            practices=self.practices,
            examiner=FakeDocuments(),
            audit_trail=self.audit_trail,
            notifier=self.notifier,
            context=context(),
            after_commit=lambda action: action(),
        )
        self.service = UploadService(
            store=self.uploads,
            practices=self.practices,
            image_recorder=self.recorder,
            document_recorder=self.document_recorder,
            blobs=self.blobs,
            context=context(),
        )

    def is_like(self, other: "World") -> bool:
        """Whether both worlds contain the same, whatever the ids of their images."""
        return self._contents() == other._contents()

    def _files(self, make: Callable[[CheckedFile], File]) -> MemoryFiles[File]:
        return MemoryFiles(make, self.practices, self.uploads, self.outage, self.audit_trail)

    def _contents(self) -> list[object]:
        return [self.uploads.states, self.blobs.blobs, self._images(), self.audit_trail.actions()]

    def _images(self) -> list[StoredImage]:
        nobody = UUID(int=0)
        return [image.model_copy(update={"id": nobody}) for image in self.images.recorded.values()]
