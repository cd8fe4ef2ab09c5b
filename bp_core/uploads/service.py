"""Uploading, listing and deleting the files of practices (rules 8)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from bp_core.practices import views, workflow
from bp_core.practices.ports import PracticeStore
from bp_core.practices.schemas import Document, Image, StoredDocument, StoredImage
from bp_core.practices.workflow import PracticeScope
from bp_core.shared.access import Caller
from bp_core.shared.context import Context
from bp_core.shared.errors import FieldError, Invalid, TooLarge, UploadMissing, UploadRejected
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.uploads.kinds import (
    IMAGES,
    KINDS,
    BlobName,
    UploadKind,
    extension_of,
    parse_blob_name,
    registered_type,
    safe_stem,
)
from bp_core.uploads.ports import BlobStore, File, PendingUpload, UploadStore
from bp_core.uploads.recording import Recorder
from bp_core.uploads.results import Missing, Recorded, RecordingResult, Rejected, Unknown
from bp_core.uploads.schemas import (
    Confirmation,
    DocumentConfirmation,
    ImageConfirmation,
    ImageUpload,
    Upload,
    UploadPermit,
    UploadRequest,
)

PERMIT_LIFETIME: Final = timedelta(minutes=15)
"""How long a pre-signed URL can be used."""

View = TypeVar("View")


@dataclass(frozen=True)
class _DeclaredFile:
    """A file as its uploader describes it; `stem` becomes part of its blob name."""

    kind: UploadKind
    practice_id: UUID
    stem: str
    filename: str
    declared_type: str
    size: int

    @property
    def content_type(self) -> str:
        """The registered form of the declared content type."""
        return registered_type(self.declared_type)


@dataclass(frozen=True)
class UploadService:
    """The use cases of images and documents.

    `presign` and `remove_*` run in one transaction. `confirm_*` and `upload_image` run without one, so that
    no connection is occupied while a file is transferred and decoded: they check the caller's right first,
    and again on the locked practice in the transaction that records the file. A rejected file is returned as
    UploadRejected, not raised, so that the rejection is committed.
    """

    store: UploadStore
    practices: PracticeStore
    image_recorder: Recorder[StoredImage]
    document_recorder: Recorder[StoredDocument]
    blobs: BlobStore
    context: Context

    def presign(self, caller: Caller, request: UploadRequest) -> UploadPermit:
        """Sign a URL to upload one file of a practice that the caller may edit.

        Raises Invalid for a file that would not be accepted, NotFound, Forbidden, RestoredCopy, Unavailable.
        """
        kind = KINDS[request.file_type]
        if request.file_size > kind.max_bytes:
            raise Invalid.of("file_size", f"must be at most {kind.max_bytes} bytes")
        self._lock_editable(caller, request.practice_id)
        self.blobs.require_writable()
        stem = request.image_type or safe_stem(request.filename)
        declared = _DeclaredFile(
            kind, request.practice_id, stem, request.filename, request.content_type, request.file_size
        )
        pending = self._reserve(caller, declared)
        return UploadPermit(
            upload_url=self._upload_url(pending),
            blob_name=pending.blob_name,
            container=pending.container,
            expiry=pending.expires_at,
        )

    def confirm_image(
        self, caller: Caller, practice_id: UUID, confirmation: ImageConfirmation
    ) -> Recorded[Image] | UploadRejected:
        """Record an image that a client has uploaded to a practice that the caller may edit.

        The owner of an approved practice can still confirm an image that is recorded already.
        Raises NotFound, Forbidden, RestoredCopy, Unavailable, UploadMissing, and Invalid for a blob of
        another practice or kind.
        """
        workflow.require_owner(caller, self.practices.scope(practice_id))
        self.blobs.require_writable()
        name = self._confirmed_name(self.image_recorder.kind, practice_id, confirmation)
        if name.stem != confirmation.image_type:
            raise Invalid.of("image_type", "does not match the name of the blob")
        require_right = partial(self._lock_editable, caller, practice_id)
        result = self.image_recorder.record(str(name), with_thumbnail=False, require_right=require_right)
        return _shown(result, "blob_name", self._show_image)

    def confirm_document(
        self, caller: Caller, practice_id: UUID, confirmation: DocumentConfirmation
    ) -> Recorded[Document] | UploadRejected:
        """Record a document that a client has uploaded to a practice that the caller may edit.

        The owner of an approved practice can still confirm a document that is recorded already.
        Raises NotFound, Forbidden, RestoredCopy, Unavailable, UploadMissing, and Invalid for a blob of
        another practice or kind.
        """
        workflow.require_owner(caller, self.practices.scope(practice_id))
        self.blobs.require_writable()
        name = self._confirmed_name(self.document_recorder.kind, practice_id, confirmation)
        result = self.document_recorder.record(
            str(name),
            with_thumbnail=False,
            document_name=confirmation.document_name,
            require_right=partial(self._lock_editable, caller, practice_id),
        )
        return _shown(result, "blob_name", self._show_document)

    def upload_image(
        self, caller: Caller, practice_id: UUID, upload: ImageUpload
    ) -> Recorded[Image] | UploadRejected:
        """Store and record an image of a practice that the caller may edit.

        Raises TooLarge, NotFound, Forbidden, RestoredCopy, Unavailable, and Invalid for a wrong file name or
        content type.
        """
        size = len(upload.data)
        if size > IMAGES.max_bytes:
            raise TooLarge(f"The file is larger than {IMAGES.max_bytes} bytes.")
        workflow.require_editor(caller, self.practices.scope(practice_id))
        self.blobs.require_writable()
        declared = _DeclaredFile(
            IMAGES, practice_id, upload.image_type, upload.filename, upload.content_type, size
        )
        pending = self._reserve(caller, declared)
        self.blobs.put(pending.container, pending.blob_name, upload.data, pending.declared_content_type)
        result = self.image_recorder.record(
            pending.blob_name,
            with_thumbnail=False,
            require_right=partial(self._lock_editable, caller, practice_id),
        )
        return _shown(result, "file", self._show_image)

    def images(self, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[Image]:
        """Show one page of the images of a practice that the caller may see, newest first.

        Raises NotFound.
        """
        workflow.require_visible(caller, self.practices.scope(practice_id))
        page = self.image_recorder.store.files(practice_id, query)
        return page.with_items([self._show_image(one) for one in page.items])

    def documents(self, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[Document]:
        """Show one page of the documents of a practice that the caller may see, newest first.

        Raises NotFound.
        """
        workflow.require_visible(caller, self.practices.scope(practice_id))
        page = self.document_recorder.store.files(practice_id, query)
        return page.with_items([self._show_document(one) for one in page.items])

    def uploads(self, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[Upload]:
        """Show one page of the uploads of a practice that the caller owns, newest first, with their states.

        Raises NotFound, Forbidden.
        """
        workflow.require_owner(caller, self.practices.scope(practice_id))
        return self.store.uploads(practice_id, self.context.now, query)

    def remove_image(self, caller: Caller, practice_id: UUID, image_id: UUID) -> None:
        """Delete an image of a practice that the caller may edit, with its blobs.

        Raises NotFound, Forbidden, RestoredCopy, Unavailable.
        """
        self._lock_editable(caller, practice_id)
        self.blobs.require_writable()
        self.image_recorder.remove(practice_id, image_id)

    def remove_document(self, caller: Caller, practice_id: UUID, document_id: UUID) -> None:
        """Delete a document of a practice that the caller may edit, with its blob.

        Raises NotFound, Forbidden, RestoredCopy, Unavailable.
        """
        self._lock_editable(caller, practice_id)
        self.blobs.require_writable()
        self.document_recorder.remove(practice_id, document_id)

    def _lock_editable(self, caller: Caller, practice_id: UUID) -> PracticeScope:
        return workflow.require_editor(caller, self.practices.lock_scope(practice_id))

    def _reserve(self, caller: Caller, file: _DeclaredFile) -> PendingUpload:
        """Insert a pending upload with a blob name that no other upload has. Raises Invalid."""
        now = self.context.now
        name = _new_name(file, epoch_ms=int(now.timestamp() * 1000))
        while True:
            pending = PendingUpload(
                practice_id=file.practice_id,
                user_id=caller.user_id,
                container=file.kind.container,
                blob_name=str(name),
                filename=file.filename,
                declared_content_type=file.content_type,
                declared_size=file.size,
                expires_at=now + PERMIT_LIFETIME,
            )
            if self.store.add(pending, now):
                return pending
            # Another upload of this millisecond has the name: try the next millisecond.
            name = replace(name, epoch_ms=name.epoch_ms + 1)

    def _upload_url(self, pending: PendingUpload) -> str:
        now, expires_at = self.context.now, pending.expires_at
        return self.blobs.upload_url(pending.container, pending.blob_name, now, expires_at)

    def _confirmed_name(self, kind: UploadKind, practice_id: UUID, confirmation: Confirmation) -> BlobName:
        """Return the name of a confirmed blob. Raises Invalid if it contradicts the request."""
        name = parse_blob_name(kind, confirmation.blob_name)
        if confirmation.blob_container != kind.container:
            raise Invalid.of("blob_container", f"must be {kind.container}")
        if name.practice_id != practice_id:
            raise Invalid.of("blob_name", "belongs to another practice")
        if confirmation.practice_id not in (None, practice_id):
            raise Invalid.of("practice_id", "is not the practice in the path")
        if confirmation.blob_url and _unsigned(confirmation.blob_url) != self.blobs.url(
            kind.container, str(name)
        ):
            raise Invalid.of("blob_url", "is not the URL of the blob")
        return name

    def _show_image(self, image: StoredImage) -> Image:
        return views.image(image, self.blobs, self.context.now)

    def _show_document(self, document: StoredDocument) -> Document:
        return views.document(document, self.blobs, self.context.now)


def _new_name(file: _DeclaredFile, epoch_ms: int) -> BlobName:
    extension = extension_of(file.filename)
    if file.kind.format_of(extension).content_type != file.content_type:
        raise Invalid.of("content_type", f"does not match a file name that ends in .{extension}")
    return BlobName(file.kind, file.practice_id, file.stem, epoch_ms, extension)


def _unsigned(url: str) -> str:
    """Return a URL without its query, where the signature is."""
    return url.partition("?")[0]


def _shown(
    result: RecordingResult[File], field: str, show: Callable[[File], View]
) -> Recorded[View] | UploadRejected:
    """Return a recorded file as callers see it, or a rejection that names the field of the request.

    Raises UploadMissing.
    """
    if isinstance(result, Missing):
        raise UploadMissing("The file is not in the storage yet; upload it first.")
    if isinstance(result, Rejected | Unknown):
        return UploadRejected("The file was rejected.", details=(FieldError(field, result.reason),))
    return Recorded(show(result.file), result.is_new)
