"""Recording uploads: one use case for every way in which the portal learns of a blob (rules 8).

The blob trigger, the confirm calls, the upload through the portal and the nightly reconciliation all use a
`Recorder`, for images and for documents. For one blob it may run any number of times, in any order and at the
same time: one row is the result. The stored bytes decide, not what the client declared. A rejection is
committed before the blob is moved, so that a retry after a failure has the same result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from bp_core.notifications import Notice, Notifier
from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.practices.views import THUMBNAILS
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import Invalid, NotFound
from bp_core.uploads.kinds import BlobName, UploadKind, parse_blob_name
from bp_core.uploads.ports import (
    BlobStore,
    CheckedFile,
    Examiner,
    File,
    FileStore,
    RejectedFileError,
    StoredBlob,
    Thumbnails,
)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Recorded(Generic[Item]):
    """The file is recorded; `is_new` is true only for the call that recorded it."""

    file: Item
    is_new: bool


@dataclass(frozen=True)
class Rejected:
    """The file is not accepted; its blob is in quarantine."""

    reason: str


@dataclass(frozen=True)
class Missing:
    """There is no such blob, or not yet."""


RecordingResult = Recorded[File] | Rejected | Missing

RightCheck = Callable[[], object]
"""Checks the right of a caller on the locked practice, and raises if there is none."""


def no_caller() -> None:
    """Check nothing: the blob trigger and the reconciliation have no caller."""


@dataclass(frozen=True)
class _Upload:
    """A blob that is being recorded; a document has `default_name` until its uploader names it."""

    name: BlobName
    default_name: str
    document_name: str | None
    require_right: RightCheck


@dataclass(frozen=True)
class Recorder(Generic[File]):
    """Records uploads of one kind; `thumbnails` is None for documents."""

    kind: UploadKind
    store: FileStore[File]
    blobs: BlobStore
    examiner: Examiner
    thumbnails: Thumbnails | None
    audit_trail: AuditTrail
    notifier: Notifier
    context: Context

    def record(
        self,
        blob_name: str,
        *,
        with_thumbnail: bool,
        document_name: str | None = None,
        require_right: RightCheck = no_caller,
    ) -> RecordingResult[File]:
        """Check a blob of the kind's container, then record or reject it; repeating it changes nothing.

        `document_name` is the name that the uploader gives a document, before or after it is recorded.
        `require_right` runs in the transaction that writes the file. Raises Unavailable (try again), and what
        `require_right` raises; a rejection is written without it.
        """
        try:
            name = parse_blob_name(self.kind, blob_name)
        except Invalid as error:
            return self._quarantine(blob_name, error.details[0].message)
        known = self.store.known(name)
        default_name = known.filename or f"{name.stem}.{name.extension}"
        upload = _Upload(name, default_name, document_name, require_right)
        if known.file is not None and not (with_thumbnail and known.lacks_thumbnail):
            return Recorded(self._named(upload, known.file), is_new=False)
        if known.rejection_reason is not None:
            return self._quarantine(blob_name, known.rejection_reason)
        if not known.practice_exists:
            return self._quarantine(blob_name, "The practice does not exist.")
        stored = self.blobs.read(self.kind.container, blob_name, self.kind.max_bytes)
        if stored is None:
            return self._missing(name)
        return self._record_or_reject(upload, stored, with_thumbnail=with_thumbnail)

    def remove(self, practice_id: UUID, file_id: UUID) -> None:
        """Delete a file of a practice with its blobs, in a transaction: if a blob stays, so does the row.

        Raises NotFound, Unavailable.
        """
        file, kind = self.store.remove(practice_id, file_id), self.kind.name
        if file is None:
            raise NotFound(f"There is no such {kind}.")
        self.audit_trail.record(f"{kind}.deleted", kind, file.id, before=_facts(file))
        if isinstance(file, StoredImage) and file.thumbnail_name:
            self.blobs.delete(THUMBNAILS, file.thumbnail_name)
        self.blobs.delete(file.blob_container, file.blob_name)

    def _missing(self, name: BlobName) -> Rejected | Missing:
        """Find out why there is no blob: another call may have rejected and moved it in the meantime."""
        reason = self.store.known(name).rejection_reason
        return Missing() if reason is None else Rejected(reason)

    def _record_or_reject(
        self, upload: _Upload, stored: StoredBlob, *, with_thumbnail: bool
    ) -> Recorded[File] | Rejected:
        try:
            checked, data = self._checked(upload, stored)
        except RejectedFileError as error:
            reason = str(error)
            self._write_rejection(upload.name, reason)
            return self._quarantine(str(upload.name), reason)
        recorded = self._write_file(upload, checked)
        if with_thumbnail and self.thumbnails is not None:
            thumbnail_name = f"{recorded.file.blob_name}.webp"
            self.blobs.put(THUMBNAILS, thumbnail_name, self.thumbnails.thumbnail(data), "image/webp")
            self.store.set_thumbnail(recorded.file.id, thumbnail_name)
        return recorded

    def _checked(self, upload: _Upload, stored: StoredBlob) -> tuple[CheckedFile, bytes]:
        if stored.data is None:
            raise RejectedFileError(
                f"The file has {stored.size} bytes; at most {self.kind.max_bytes} bytes are accepted."
            )
        content_type = upload.name.format.content_type
        if not upload.name.format.matches(stored.data):
            raise RejectedFileError(f"The file is not of type {content_type}.")
        image_size = self.examiner.examine(stored.data, content_type)
        document_name = upload.document_name or upload.default_name
        return CheckedFile(upload.name, stored.url, stored.size, image_size, document_name), stored.data

    def _write_file(self, upload: _Upload, checked: CheckedFile) -> Recorded[File]:
        with self.store.atomic():
            upload.require_right()
            file, is_new = self.store.record(checked, self.context.now)
            if is_new:
                kind = self.kind.name
                self.audit_trail.record(f"{kind}.recorded", kind, file.id, after=_facts(file))
        return Recorded(file if is_new else self._named(upload, file), is_new)

    def _named(self, upload: _Upload, file: File) -> File:
        """Give a document the name of its uploader, if it was recorded before that name was known."""
        default_name, document_name = upload.default_name, upload.document_name
        if document_name is None or document_name == default_name:
            return file
        with self.store.atomic():
            upload.require_right()
            renamed = self.store.rename(file.id, default_name, document_name)
            if renamed is None:
                return file
            before, after = {"document_name": default_name}, {"document_name": document_name}
            self.audit_trail.record("document.renamed", "document", file.id, before=before, after=after)
        return renamed

    def _write_rejection(self, name: BlobName, reason: str) -> None:
        blob_name = str(name)
        with self.store.atomic():
            if self.store.reject(name, reason, self.context.now):
                facts = {"blob_name": blob_name, "reason": reason}
                self.audit_trail.record("upload.rejected", "practice", name.practice_id, after=facts)
                message = f"{blob_name.rpartition('/')[2]}: {reason}"
                notice = Notice("upload_rejected", "Your upload was rejected", message, name.practice_id)
                self.notifier.notify_uploader(name.kind.container, blob_name, notice)

    def _quarantine(self, blob_name: str, reason: str) -> Rejected:
        self.blobs.quarantine(self.kind.container, blob_name, reason)
        return Rejected(reason)


def _facts(file: StoredImage | StoredDocument) -> dict[str, object]:
    fields = {"practice_id", "image_type", "document_name", "blob_container", "blob_name"}
    return file.model_dump(include=fields)
