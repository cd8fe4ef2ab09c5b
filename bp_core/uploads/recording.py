"""Recording what was uploaded: one use case, however it is heard of, how often and in what order (rules 8).

The blob trigger, the confirm call, the multipart upload and the nightly reconciliation all come here, with
photographs and with documents: a `Recorder` is the mechanism, described by the kind of upload that it is for.
What is stored decides, not what was declared. What is found is kept before a blob is moved, so that a retry
after a failure ends the same way.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic
from uuid import UUID

from bp_core.notifications import Notice, Notifier
from bp_core.practices import life
from bp_core.practices.models import StoredDocument, StoredImage
from bp_core.practices.reading import THUMBNAILS
from bp_core.practices.store import PracticeStore
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, FieldError, Invalid, NotFound
from bp_core.shared.trail import Trail
from bp_core.uploads.kinds import BlobName, UploadKind, parse_blob_name
from bp_core.uploads.models import DocumentConfirmation, ImageConfirmation
from bp_core.uploads.store import (
    BlobStore,
    Examiner,
    File,
    RecordedFile,
    RefusedFileError,
    StoredBytes,
    Thumbnails,
    UploadStore,
)


@dataclass(frozen=True)
class Recorded(Generic[File]):
    """The file is recorded; `is_new` only for whoever came first."""

    file: File
    is_new: bool


@dataclass(frozen=True)
class Rejected:
    """The blob is no file that the portal takes; it lies in quarantine."""

    reason: str


@dataclass(frozen=True)
class Missing:
    """There is no such blob, or not yet."""


Outcome = Recorded[File] | Rejected | Missing


@dataclass(frozen=True)
class Recorder(Generic[File]):
    """Everything that recording one kind of upload needs; `thumbnails` for photographs only."""

    kind: UploadKind
    store: UploadStore[File]
    blobs: BlobStore
    examiner: Examiner
    thumbnails: Thumbnails | None
    trail: Trail
    notifier: Notifier

    def record(
        self, blob_name: str, *, with_thumbnail: bool, now: datetime, document_name: str | None = None
    ) -> "Outcome[File]":
        """Check a blob of the kind's container, then record or reject it; any number of times.

        A document is called what its uploader says, whenever that comes; until then as the file that was
        asked for, or as its blob. Raises Unavailable where the database or the storage is away: try again.
        """
        try:
            name = parse_blob_name(self.kind, blob_name)
        except Invalid as refusal:
            return self._expel(blob_name, refusal.details[0].message)
        known = self.store.known(name, blob_name)
        found_name = known.filename or f"{name.stem}.{name.extension}"
        if known.file is not None and not (with_thumbnail and known.lacks_thumbnail):
            return Recorded(self._named(known.file, found_name, document_name), is_new=False)
        if known.rejected_because is not None:
            return self._expel(blob_name, known.rejected_because)
        if not known.practice_exists:
            return self._expel(blob_name, "there is no such practice")
        stored = self.blobs.read(self.kind.container, blob_name, self.kind.max_bytes)
        if stored is None:  # not there yet, or refused and moved while we looked
            reason = self.store.known(name, blob_name).rejected_because
            return Missing() if reason is None else Rejected(reason)
        outcome = self._examine(name, blob_name, stored, found_name, document_name, now)
        if with_thumbnail and isinstance(outcome, Recorded) and stored.data is not None:
            self._draw_thumbnail(outcome.file, stored.data)
        return outcome

    def _examine(
        self,
        name: BlobName,
        blob_name: str,
        stored: StoredBytes,
        found_name: str,
        document_name: str | None,
        now: datetime,
    ) -> "Outcome[File]":
        try:
            recorded = self._checked(name, blob_name, stored, document_name or found_name)
        except RefusedFileError as refusal:
            reason = str(refusal)
            self._keep_rejection(name, blob_name, reason, now)
            return self._expel(blob_name, reason)
        with self.store.atomic():
            file, is_new = self.store.record(recorded, now)
            if is_new:
                self.trail.note(f"{self.kind.name}.recorded", self.kind.name, file.id, after=_facts(file))
        return Recorded(file if is_new else self._named(file, found_name, document_name), is_new)

    def _named(self, file: File, found_name: str, document_name: str | None) -> File:
        """Call a document what its uploader says, if it was recorded before that was heard of."""
        if document_name is None or document_name == found_name:
            return file
        with self.store.atomic():
            renamed = self.store.rename(file.id, found_name, document_name)
            if renamed is None:
                return file
            before, after = {"document_name": found_name}, {"document_name": document_name}
            self.trail.note("document.renamed", "document", file.id, before=before, after=after)
        return renamed

    def _keep_rejection(self, name: BlobName, blob_name: str, reason: str, now: datetime) -> None:
        with self.store.atomic():
            if self.store.reject(name, blob_name, reason, now):
                facts = {"blob_name": blob_name, "reason": reason}
                self.trail.note("upload.rejected", "practice", name.practice_id, after=facts)
                message = f"{blob_name.rpartition('/')[2]}: {reason}"
                notice = Notice("upload_rejected", "Your upload was rejected", message, name.practice_id)
                self.notifier.tell_uploader(name.kind.container, blob_name, notice)

    def _checked(
        self, name: BlobName, blob_name: str, stored: StoredBytes, document_name: str
    ) -> RecordedFile:
        if stored.data is None:
            raise RefusedFileError(f"larger than {self.kind.max_bytes} bytes: {stored.size}")
        content_type = name.format.content_type
        if not name.format.fits(stored.data):
            raise RefusedFileError(f"not a file of type {content_type}")
        picture = self.examiner.examine(stored.data, content_type)
        return RecordedFile(name, blob_name, stored.url, stored.size, picture, document_name)

    def _expel(self, blob_name: str, reason: str) -> Rejected:
        self.blobs.quarantine(self.kind.container, blob_name, reason)
        return Rejected(reason)

    def _draw_thumbnail(self, file: StoredImage | StoredDocument, data: bytes) -> None:
        if self.thumbnails is None:
            return
        thumbnail_name = f"{file.blob_name}.webp"
        self.blobs.put(THUMBNAILS, thumbnail_name, self.thumbnails.thumbnail(data), "image/webp")
        self.store.set_thumbnail(file.id, thumbnail_name)


def confirm(
    recorder: Recorder[File],
    practice_id: UUID,
    confirmation: ImageConfirmation | DocumentConfirmation,
    now: datetime,
) -> Recorded[File] | Invalid:
    """Record a file that a client says it has put.

    A rejection is returned, not raised, so that what is kept of it stays. Raises Invalid for a blob of
    another practice or kind, Conflict (UPLOAD_MISSING) for one that is not there yet.
    """
    name = parse_blob_name(recorder.kind, confirmation.blob_name)
    if confirmation.blob_container != recorder.kind.container:
        raise Invalid.of("blob_container", f"must be {recorder.kind.container}")
    if name.practice_id != practice_id:
        raise Invalid.of("blob_name", "belongs to another practice")
    document_name = None
    if isinstance(confirmation, DocumentConfirmation):
        document_name = confirmation.document_name
    elif name.stem != confirmation.image_type:
        raise Invalid.of("image_type", "does not fit the name of the blob")
    outcome = recorder.record(
        confirmation.blob_name, with_thumbnail=False, now=now, document_name=document_name
    )
    return answered(outcome, "blob_name")


def answered(outcome: Outcome[File], field: str) -> Recorded[File] | Invalid:
    """Turn what became of a blob into what its uploader is told, blaming the field that brought it.

    Raises Conflict (UPLOAD_MISSING).
    """
    if isinstance(outcome, Missing):
        raise Conflict("The upload has not arrived; put the file first.", code="UPLOAD_MISSING")
    if isinstance(outcome, Rejected):
        details = (FieldError(field, outcome.reason),)
        return Invalid("The file was rejected.", code="UPLOAD_REJECTED", details=details)
    return outcome


def remove(
    recorder: Recorder[File], practices: PracticeStore, caller: Caller, practice_id: UUID, file_id: UUID
) -> None:
    """Delete a file of a practice that is the caller's to write: its row and its blobs.

    If the storage is away (Unavailable) the row stays, too. Raises NotFound, Forbidden.
    """
    practice = practices.whereabouts(practice_id)
    if practice is None:
        raise NotFound("There is no such practice.")
    life.require_editable(caller, practice.status)
    file = recorder.store.remove(practice_id, file_id)
    kind = recorder.kind.name
    if file is None:
        raise NotFound(f"There is no such {kind}.")
    recorder.trail.note(f"{kind}.deleted", kind, file.id, before=_facts(file))
    if isinstance(file, StoredImage) and file.thumbnail_name:
        recorder.blobs.delete(THUMBNAILS, file.thumbnail_name)
    recorder.blobs.delete(file.blob_container, file.blob_name)


def _facts(file: StoredImage | StoredDocument) -> dict[str, object]:
    kept = {"practice_id", "image_type", "document_name", "blob_container", "blob_name"}
    return file.model_dump(include=kept)
