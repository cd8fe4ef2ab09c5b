"""Recording uploads: one use case for every way in which the portal learns of a blob (rules 8).

The blob trigger, the confirm calls, the upload through the portal and the nightly reconciliation all use a
`Recorder`, for images and for documents. For one blob it may run any number of times, in any order and at the
same time: one row is the result. The stored bytes decide, not what the client declared. A rejection is
committed before the blob is moved, and a deletion before the blobs are deleted, so that a retry after a
failure has the same result. A thumbnail is written before the row names it, and only a row that still exists
can name it.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic
from uuid import UUID

from bp_core.notifications import Notice, Notifier
from bp_core.practices.ports import PracticeStore
from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.practices.views import THUMBNAIL_TYPE, THUMBNAILS
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import Invalid, NotFound, Unavailable
from bp_core.uploads.examining import BlobExaminer
from bp_core.uploads.kinds import (
    BlobName,
    RejectedFileError,
    UploadKind,
    parse_blob_name,
    thumbnail_name,
)
from bp_core.uploads.ports import (
    BlobStore,
    CheckedFile,
    Examined,
    Examiner,
    File,
    FileStore,
    KnownUpload,
    StoredBlob,
)
from bp_core.uploads.results import Missing, Recorded, RecordingResult, Rejected, Unknown
from bp_core.uploads.rights import require_uploader

RightCheck = Callable[[], object]
"""Checks a right on the locked practice, and raises if there is none."""

DELETED: Final = "The file was deleted. Upload it again with a new upload permit."
"""Why a blob is refused whose file was deleted, although its upload permit may still be valid."""

AfterCommit = Callable[[Callable[[], None]], object]
"""Takes what is to be done after the transaction has committed, and only then."""


@dataclass(frozen=True)
class _Upload:
    """A blob that is being recorded; a document has `default_name` until its uploader names it.

    `is_ours` is false for a blob that nobody requested or confirms in this database.
    """

    name: BlobName
    is_ours: bool
    default_name: str
    document_name: str | None
    require_right: RightCheck


@dataclass(frozen=True)
class Recorder(Generic[File]):
    """Records uploads of one kind."""

    kind: UploadKind
    store: FileStore[File]
    practices: PracticeStore
    blobs: BlobStore
    examiner: Examiner
    audit_trail: AuditTrail
    notifier: Notifier
    context: Context
    after_commit: AfterCommit

    def record(
        self,
        blob_name: str,
        *,
        with_thumbnail: bool,
        document_name: str | None = None,
        require_right: RightCheck | None = None,
    ) -> RecordingResult[File]:
        """Check a blob of the kind's container, then record or reject it; repeating it changes nothing.

        `document_name` is the name that the uploader gives a document, before or after it is recorded.
        `require_right` checks the right of a caller; without one, a file is rejected if the user who
        requested the upload may no longer edit the practice. It runs before the blob is read, and again in
        the transaction that writes the file. A blob with a name that no portal makes is moved to quarantine;
        one that nobody requested in this database is recorded or stays where it is. Raises Unavailable (try
        again), and what `require_right` raises.
        """
        name = self._own_name(blob_name)
        if isinstance(name, Rejected):
            return name
        known = self.store.known(name)
        upload = self._upload(name, known, document_name, require_right)
        settled = self._settled(upload, known)
        if settled is None:
            return self._record_or_reject(upload, with_thumbnail=with_thumbnail)
        if with_thumbnail and known.file is not None and known.lacks_thumbnail:
            return self._add_thumbnail(name, known.file)
        return settled

    def give_up(self, blob_name: str, reason: str) -> RecordingResult[File]:
        """Reject an upload that cannot be examined, without another try. Raises Unavailable."""
        name = self._own_name(blob_name)
        if isinstance(name, Rejected):
            return name
        known = self.store.known(name)
        upload = self._upload(name, known)
        return self._settled(upload, known) or self._reject(upload, reason)

    def draw_thumbnail(self, blob_name: str) -> bool:
        """Draw the thumbnail of a recorded image; return False if the image or its blob does not exist.

        Raises RejectedFileError for an image that cannot be decoded, Unavailable.
        """
        name = parse_blob_name(self.kind, blob_name)
        file = self.store.known(name).file
        return file is not None and self._draw(name, file)

    def remove(self, practice_id: UUID, file_id: UUID) -> None:
        """Delete a file of a practice in a transaction, and its blobs after that has committed.

        Its blob name is never recorded again. Blobs that stay, because the storage fails meanwhile, are moved
        away by the nightly reconciliation. Raises NotFound, Unavailable if the storage does not answer.
        """
        self.blobs.check()
        kind = self.kind.name
        file = self.store.remove(practice_id, file_id, self.context.now)
        if file is None:
            raise NotFound(f"There is no such {kind}.")
        self.audit_trail.record(f"{kind}.deleted", kind, file.id, before=_facts(file))
        self.after_commit(partial(self._delete_blobs, file))

    def _delete_blobs(self, file: File) -> None:
        self.blobs.delete(file.blob_container, file.blob_name)
        if isinstance(file, StoredImage):  # also one that is being drawn now, and is not named yet
            self.blobs.delete(THUMBNAILS, thumbnail_name(file.blob_name))

    def _own_name(self, blob_name: str) -> BlobName | Rejected:
        """Parse the name of a blob. What no portal names so is no portal's file: it goes to quarantine."""
        try:
            return parse_blob_name(self.kind, blob_name)
        except Invalid as error:
            return self._quarantine(blob_name, error.details[0].message)

    @property
    def blob_examiner(self) -> BlobExaminer:
        """Examines the blobs of this kind."""
        return BlobExaminer(self.kind, self.blobs, self.examiner)

    def _upload(
        self,
        name: BlobName,
        known: KnownUpload[File],
        document_name: str | None = None,
        require_right: RightCheck | None = None,
    ) -> _Upload:
        return _Upload(
            name=name,
            is_ours=known.is_requested or require_right is not None,
            default_name=known.filename or f"{name.stem}.{name.extension}",
            document_name=document_name,
            require_right=require_right or partial(self._require_uploader, name),
        )

    def _settled(self, upload: _Upload, known: KnownUpload[File]) -> RecordingResult[File] | None:
        """Return the result of an upload that needs no examination; None for any other."""
        blob_name = str(upload.name)
        if known.file is not None:
            return Recorded(self._named(upload, known.file), is_new=False)
        if known.is_deleted:
            return self._quarantine(blob_name, DELETED)
        if known.rejection_reason is not None:
            return self._quarantine(blob_name, known.rejection_reason)
        if not known.practice_exists:
            return Unknown("The practice does not exist.")
        return None

    def _settled_meanwhile(self, upload: _Upload) -> RecordingResult[File] | None:
        return self._settled(upload, self.store.known(upload.name))

    def _record_or_reject(self, upload: _Upload, *, with_thumbnail: bool) -> RecordingResult[File]:
        try:
            upload.require_right()
            examined = self.blob_examiner.prepare(upload.name, with_thumbnail=with_thumbnail)
            if examined is None:
                return self._settled_meanwhile(upload) or Missing()
            recorded = self._write_file(upload, *examined)
        except RejectedFileError as error:
            return self._reject(upload, str(error))
        thumbnail = examined[1].thumbnail
        if thumbnail is not None and isinstance(recorded, Recorded):
            self._keep_thumbnail(recorded.file, thumbnail)
        return recorded

    def _write_file(self, upload: _Upload, stored: StoredBlob, examined: Examined) -> RecordingResult[File]:
        checked = CheckedFile(
            upload.name,
            stored.url,
            len(examined.data),
            examined.image_size,
            upload.document_name or upload.default_name,
        )
        with self.store.atomic():
            upload.require_right()
            file = self.store.record(checked, self.context.now)
            if file is not None:
                kind = self.kind.name
                self.audit_trail.record(f"{kind}.recorded", kind, file.id, after=_facts(file))
                return Recorded(file, is_new=True)
        return self._result_of_another_call(upload)

    def _result_of_another_call(self, upload: _Upload) -> RecordingResult[File]:
        result = self._settled_meanwhile(upload)
        if result is None:
            raise Unavailable("The upload changed meanwhile; try again shortly.")
        return result

    def _add_thumbnail(self, name: BlobName, file: File) -> RecordingResult[File]:
        """Draw the thumbnail of an image that is recorded; an image that cannot be decoded stays without."""
        with suppress(RejectedFileError):
            if not self._draw(name, file):
                return Missing()
        return Recorded(file, is_new=False)

    def _draw(self, name: BlobName, file: File) -> bool:
        thumbnail = self.blob_examiner.thumbnail(name)
        return thumbnail is not None and self._keep_thumbnail(file, thumbnail)

    def _keep_thumbnail(self, file: File, thumbnail: bytes) -> bool:
        """Write a thumbnail, then name it on the row; delete it again if the image was deleted meanwhile."""
        name = thumbnail_name(file.blob_name)
        self.blobs.put(THUMBNAILS, name, thumbnail, THUMBNAIL_TYPE)
        is_kept = self.store.set_thumbnail(file.id, name)
        if not is_kept:
            self.blobs.delete(THUMBNAILS, name)
        return is_kept

    def _require_uploader(self, name: BlobName) -> None:
        """Check the right of the user who requested an upload. Raises RejectedFileError."""
        require_uploader(self.store.uploader(name), self.practices.lock_scope(name.practice_id))

    def _named(self, upload: _Upload, file: File) -> File:
        """Give a document the name of its uploader, if it was recorded before that name was known."""
        default_name, document_name = upload.default_name, upload.document_name
        if document_name in (None, default_name) or not _is_named(file, default_name):
            return file
        with self.store.atomic():
            upload.require_right()
            renamed = self.store.rename(file.id, default_name, document_name)
            if renamed is None:
                return file
            before, after = {"document_name": default_name}, {"document_name": document_name}
            self.audit_trail.record("document.renamed", "document", file.id, before=before, after=after)
        return renamed

    def _reject(self, upload: _Upload, reason: str) -> RecordingResult[File]:
        """Write a rejection, then move the blob; another call may have settled the upload meanwhile.

        A blob that is not ours stays where it is, and leaves no row: it may be a file of another database.
        """
        if not upload.is_ours:
            return self._settled_meanwhile(upload) or Unknown(reason)
        name, blob_name = upload.name, str(upload.name)
        with self.store.atomic():
            is_rejected = self.store.reject(name, reason, self.context.now)
            if is_rejected:
                facts = {"blob_name": blob_name, "reason": reason}
                self.audit_trail.record("upload.rejected", "practice", name.practice_id, after=facts)
                message = f"{blob_name.rpartition('/')[2]}: {reason}"
                notice = Notice("upload_rejected", "Your upload was rejected", message, name.practice_id)
                self.notifier.notify_uploader(name.kind.container, blob_name, notice)
        return self._quarantine(blob_name, reason) if is_rejected else self._result_of_another_call(upload)

    def _quarantine(self, blob_name: str, reason: str) -> Rejected:
        self.blobs.quarantine(self.kind.container, blob_name, reason)
        return Rejected(reason)


def _is_named(file: StoredImage | StoredDocument, name: str) -> bool:
    return isinstance(file, StoredDocument) and file.document_name == name


def _facts(file: StoredImage | StoredDocument) -> dict[str, object]:
    fields = {"practice_id", "image_type", "document_name", "blob_container", "blob_name"}
    return file.model_dump(include=fields)
