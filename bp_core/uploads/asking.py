"""Asking for leave to upload."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bp_core.practices import life
from bp_core.practices.models import ImageType, StoredImage
from bp_core.practices.store import PracticeStore
from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid, NotFound, TooLarge
from bp_core.uploads.kinds import KINDS, BlobName, UploadKind, extension_of, make_blob_name, safe_stem
from bp_core.uploads.models import UploadPermit, UploadRequest
from bp_core.uploads.recording import Recorded, Recorder, answered
from bp_core.uploads.store import AskedUpload, BlobStore, File, UploadStore

PERMIT_LIFETIME: Final = timedelta(minutes=15)


def ask(
    store: UploadStore[File],
    practices: PracticeStore,
    blobs: BlobStore,
    caller: Caller,
    request: UploadRequest,
    now: datetime,
) -> UploadPermit:
    """Give leave to put one file of a practice that is the caller's to write.

    Raises Invalid for a file that would not be taken, Forbidden for an approved practice of a plant user.
    """
    kind = KINDS[request.file_type]
    if request.file_size > kind.max_bytes:
        raise Invalid.of("file_size", f"must be at most {kind.max_bytes} bytes")
    name, asked = _reserved(
        store,
        practices,
        caller,
        kind,
        request.practice_id,
        stem=request.image_type or safe_stem(request.filename),
        filename=request.filename,
        content_type=request.content_type,
        file_size=request.file_size,
        now=now,
    )
    url = blobs.upload_url(name.kind.container, asked.blob_name, now, asked.expires_at)
    return UploadPermit(
        upload_url=url, blob_name=asked.blob_name, container=asked.container, expiry=asked.expires_at
    )


def take(
    practices: PracticeStore,
    recorder: Recorder[StoredImage],
    caller: Caller,
    practice_id: UUID,
    *,
    image_type: ImageType,
    filename: str,
    content_type: str,
    data: bytes,
    now: datetime,
) -> Recorded[StoredImage] | Invalid:
    """Take a photograph that came through the portal, and record it as if it had been put.

    A rejection is returned, not raised, so that what is kept of it stays. Raises Invalid, Forbidden,
    TooLarge.
    """
    if len(data) > recorder.kind.max_bytes:
        raise TooLarge(f"The file is larger than {recorder.kind.max_bytes} bytes.")
    _, asked = _reserved(
        recorder.store,
        practices,
        caller,
        recorder.kind,
        practice_id,
        stem=image_type,
        filename=filename,
        content_type=content_type,
        file_size=len(data),
        now=now,
    )
    recorder.blobs.put(asked.container, asked.blob_name, data, content_type)
    return answered(recorder.record(asked.blob_name, with_thumbnail=False, now=now), "file")


def _reserved(
    store: UploadStore[File],
    practices: PracticeStore,
    caller: Caller,
    kind: UploadKind,
    practice_id: UUID,
    *,
    stem: str,
    filename: str,
    content_type: str,
    file_size: int,
    now: datetime,
) -> tuple[BlobName, AskedUpload]:
    practice = practices.whereabouts(practice_id)
    if practice is None:
        raise NotFound("There is no such practice.")
    life.require_editable(caller, practice.status)
    extension = extension_of(filename)
    if kind.format_of(extension).content_type != content_type:
        raise Invalid.of("content_type", f"does not fit a file that ends in .{extension}")
    name = BlobName(kind, practice_id, stem, int(now.timestamp() * 1000), extension)
    while True:
        asked = AskedUpload(
            practice_id=practice_id,
            user_id=caller.user_id,
            container=kind.container,
            blob_name=make_blob_name(name),
            filename=filename,
            declared_content_type=content_type,
            declared_size=file_size,
            expires_at=now + PERMIT_LIFETIME,
        )
        if store.ask(asked, now):
            return name, asked
        name = replace(name, epoch_ms=name.epoch_ms + 1)  # two in one millisecond: the next one is free
