"""Images and documents of practices: pre-signed URLs, confirmation, lists, deletion."""

from typing import Final, TypeVar
from uuid import UUID

from bp_core.practices.schemas import Document, Image, ImageType
from bp_core.shared.access import Caller
from bp_core.shared.errors import PracticeDeleted, RestoredCopy, UploadMissing, UploadRejected
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery, RequestModel
from bp_core.uploads.kinds import IMAGES
from bp_core.uploads.results import Recorded
from bp_core.uploads.schemas import (
    DocumentConfirmation,
    ImageConfirmation,
    ImageUpload,
    Upload,
    UploadPermit,
    UploadRequest,
)
from functions.edge.endpoint import endpoints
from functions.edge.parsing import Form
from functions.edge.responses import Reply
from functions.practice_access import PRACTICE_OWNER, PRACTICE_VIEWER
from functions.unit_of_work import UnitOfWork

PRACTICE: Final = "/api/v1/best-practices/{practice_id:guid}"
CONFIRMATION_ERRORS: Final = (RestoredCopy, UploadMissing, UploadRejected, PracticeDeleted)

FORM_OVERHEAD: Final = 64 * 1024
"""What a multipart form may need in addition to its file, in bytes."""

View = TypeVar("View")

blueprint, endpoint = endpoints()


class ImageFields(RequestModel):
    """The fields of a form that contains an image."""

    image_type: ImageType


@endpoint(
    "POST",
    "/api/v1/upload/presigned-url",
    who=PRACTICE_OWNER,
    limit="upload",
    creates=True,
    errors=(RestoredCopy,),
)
def ask_for_upload(work: UnitOfWork, caller: Caller, body: UploadRequest) -> UploadPermit:
    """Create a pre-signed URL to upload one file to the storage."""
    return work.uploads.presign(caller, body)


@endpoint(
    "POST",
    "/api/v1/best-practices/upload/presigned-url",
    who=PRACTICE_OWNER,
    limit="upload",
    creates=True,
    errors=(RestoredCopy,),
)
def ask_for_practice_upload(work: UnitOfWork, caller: Caller, body: UploadRequest) -> UploadPermit:
    """Create a pre-signed URL to upload one file to the storage (the path of older clients)."""
    return work.uploads.presign(caller, body)


@endpoint(
    "POST",
    f"{PRACTICE}/images",
    who=PRACTICE_OWNER,
    status=201,
    or_status=200,
    transaction=False,
    errors=CONFIRMATION_ERRORS,
)
def confirm_image(
    work: UnitOfWork, caller: Caller, practice_id: UUID, body: ImageConfirmation
) -> Reply[Image] | UploadRejected:
    """Record an image that was uploaded: 201 if it is new, 200 if it was recorded before."""
    return _reply(work.uploads.confirm_image(caller, practice_id, body))


@endpoint(
    "POST",
    f"{PRACTICE}/upload-image",
    who=PRACTICE_OWNER,
    limit="upload",
    body_limit=IMAGES.max_bytes + FORM_OVERHEAD,
    status=201,
    or_status=200,
    transaction=False,
    errors=(RestoredCopy, UploadRejected, PracticeDeleted),
)
def upload_image(
    work: UnitOfWork, caller: Caller, practice_id: UUID, form: Form[ImageFields]
) -> Reply[Image] | UploadRejected:
    """Upload an image through the portal, as a multipart form."""
    upload = ImageUpload(form.fields.image_type, form.file.filename, form.file.content_type, form.file.data)
    return _reply(work.uploads.upload_image(caller, practice_id, upload))


@endpoint("GET", f"{PRACTICE}/images", who=PRACTICE_VIEWER)
def list_images(work: UnitOfWork, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[Image]:
    """List the images of a practice, newest first."""
    return work.uploads.images(caller, practice_id, query)


@endpoint("GET", f"{PRACTICE}/uploads", who=PRACTICE_OWNER)
def list_uploads(work: UnitOfWork, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[Upload]:
    """List the uploads of a practice with their states, newest first."""
    return work.uploads.uploads(caller, practice_id, query)


@endpoint("DELETE", f"{PRACTICE}/images/{{image_id:guid}}", who=PRACTICE_OWNER, errors=(RestoredCopy,))
def delete_image(work: UnitOfWork, caller: Caller, practice_id: UUID, image_id: UUID) -> Reply[None]:
    """Delete an image with its blobs."""
    work.uploads.remove_image(caller, practice_id, image_id)
    return Reply(None, message="The image is deleted.")


@endpoint(
    "POST",
    f"{PRACTICE}/documents",
    who=PRACTICE_OWNER,
    status=201,
    or_status=200,
    transaction=False,
    errors=CONFIRMATION_ERRORS,
)
def confirm_document(
    work: UnitOfWork, caller: Caller, practice_id: UUID, body: DocumentConfirmation
) -> Reply[Document] | UploadRejected:
    """Record a document that was uploaded: 201 if it is new, 200 if it was recorded before."""
    return _reply(work.uploads.confirm_document(caller, practice_id, body))


@endpoint("GET", f"{PRACTICE}/documents", who=PRACTICE_VIEWER)
def list_documents(work: UnitOfWork, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[Document]:
    """List the documents of a practice, newest first."""
    return work.uploads.documents(caller, practice_id, query)


@endpoint("DELETE", f"{PRACTICE}/documents/{{doc_id:guid}}", who=PRACTICE_OWNER, errors=(RestoredCopy,))
def delete_document(work: UnitOfWork, caller: Caller, practice_id: UUID, doc_id: UUID) -> Reply[None]:
    """Delete a document with its blob."""
    work.uploads.remove_document(caller, practice_id, doc_id)
    return Reply(None, message="The document is deleted.")


def _reply(result: Recorded[View] | UploadRejected) -> Reply[View] | UploadRejected:
    if isinstance(result, UploadRejected):
        return result
    return Reply(result.file, status=201 if result.is_new else 200)
