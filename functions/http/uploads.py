"""Photographs and documents of practices: leave to upload, confirmation, lists, deletion."""

from typing import Final, TypeVar
from uuid import UUID

from bp_core.practices.models import Document, Image, ImageType, StoredDocument, StoredImage
from bp_core.practices.reading import show_document, show_image
from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid
from bp_core.shared.model import Sent
from bp_core.uploads import asking, recording
from bp_core.uploads.kinds import IMAGES
from bp_core.uploads.models import (
    DocumentConfirmation,
    ImageConfirmation,
    Upload,
    UploadPermit,
    UploadRequest,
)
from bp_core.uploads.recording import Recorded
from functions.access import PRACTICE_OWNER, PRACTICE_VIEWER
from functions.answers import Reply
from functions.bootstrap import Unit
from functions.edge import endpoints
from functions.parsing import Form

FORM_OVERHEAD: Final = 64 * 1024
"""What a multipart form may need around its file, in bytes."""

Shown = TypeVar("Shown")

blueprint, endpoint = endpoints()


class ImageFields(Sent):
    """What comes with a photograph in a form."""

    image_type: ImageType


@endpoint("POST", "/api/v1/upload/presigned-url", who=PRACTICE_OWNER, limit="upload", creates=True)
def ask_for_upload(unit: Unit, caller: Caller, body: UploadRequest) -> UploadPermit:
    """Give leave to put one file straight into the storage."""
    return _ask(unit, caller, body)


@endpoint(
    "POST", "/api/v1/best-practices/upload/presigned-url", who=PRACTICE_OWNER, limit="upload", creates=True
)
def ask_for_practice_upload(unit: Unit, caller: Caller, body: UploadRequest) -> UploadPermit:
    """Give leave to put one file straight into the storage, at the path that older clients know."""
    return _ask(unit, caller, body)


# Not one transaction: no connection is held while the photograph is fetched and decoded.
@endpoint(
    "POST",
    "/api/v1/best-practices/{practice_id:guid}/images",
    who=PRACTICE_OWNER,
    status=201,
    or_status=200,
    transaction=False,
    creates=True,
    errors=("UPLOAD_MISSING", "UPLOAD_REJECTED", "CONFLICT"),
)
def confirm_image(unit: Unit, practice_id: UUID, body: ImageConfirmation) -> Reply[Image] | Invalid:
    """Record a photograph that was put: 201 if that is news, 200 if it is recorded already."""
    return _told_image(unit, recording.confirm(unit.image_recorder, practice_id, body, unit.moment.at))


@endpoint(
    "POST",
    "/api/v1/best-practices/{practice_id:guid}/upload-image",
    who=PRACTICE_OWNER,
    limit="upload",
    body_limit=IMAGES.max_bytes + FORM_OVERHEAD,
    status=201,
    or_status=200,
    transaction=False,
    creates=True,
    errors=("UPLOAD_REJECTED", "CONFLICT"),
)
def upload_image(
    unit: Unit, caller: Caller, practice_id: UUID, form: Form[ImageFields]
) -> Reply[Image] | Invalid:
    """Upload a photograph through the portal, as a multipart form."""
    outcome = asking.take(
        unit.practices,
        unit.image_recorder,
        caller,
        practice_id,
        image_type=form.fields.image_type,
        filename=form.file.filename,
        content_type=form.file.content_type,
        data=form.file.data,
        now=unit.moment.at,
    )
    return _told_image(unit, outcome)


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/images", who=PRACTICE_VIEWER)
def list_images(unit: Unit, practice_id: UUID) -> list[Image]:
    """List the photographs of a practice, newest first."""
    images = unit.image_recorder.store.files(practice_id)
    return [show_image(unit.portal.blobs, image, unit.moment.at) for image in images]


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/uploads", who=PRACTICE_OWNER)
def list_uploads(unit: Unit, practice_id: UUID) -> list[Upload]:
    """List every upload of a practice and what became of it."""
    return unit.image_recorder.store.uploads(practice_id, unit.moment.at)


@endpoint("DELETE", "/api/v1/best-practices/{practice_id:guid}/images/{image_id:guid}", who=PRACTICE_OWNER)
def delete_image(unit: Unit, caller: Caller, practice_id: UUID, image_id: UUID) -> Reply[None]:
    """Delete a photograph, its row and its blobs, or leave both."""
    recording.remove(unit.image_recorder, unit.practices, caller, practice_id, image_id)
    return Reply(None, message="The image is deleted.")


# Not one transaction: no connection is held while the document is fetched and looked into.
@endpoint(
    "POST",
    "/api/v1/best-practices/{practice_id:guid}/documents",
    who=PRACTICE_OWNER,
    status=201,
    or_status=200,
    transaction=False,
    creates=True,
    errors=("UPLOAD_MISSING", "UPLOAD_REJECTED", "CONFLICT"),
)
def confirm_document(unit: Unit, practice_id: UUID, body: DocumentConfirmation) -> Reply[Document] | Invalid:
    """Record a document that was put: 201 if that is news, 200 if it is recorded already."""
    outcome = recording.confirm(unit.document_recorder, practice_id, body, unit.moment.at)
    if isinstance(outcome, Invalid):
        return outcome
    return _reply(show_document(unit.portal.blobs, outcome.file, unit.moment.at), outcome)


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/documents", who=PRACTICE_VIEWER)
def list_documents(unit: Unit, practice_id: UUID) -> list[Document]:
    """List the documents of a practice, newest first."""
    documents = unit.document_recorder.store.files(practice_id)
    return [show_document(unit.portal.blobs, document, unit.moment.at) for document in documents]


@endpoint("DELETE", "/api/v1/best-practices/{practice_id:guid}/documents/{doc_id:guid}", who=PRACTICE_OWNER)
def delete_document(unit: Unit, caller: Caller, practice_id: UUID, doc_id: UUID) -> Reply[None]:
    """Delete a document, its row and its blob, or leave both."""
    recording.remove(unit.document_recorder, unit.practices, caller, practice_id, doc_id)
    return Reply(None, message="The document is deleted.")


def _ask(unit: Unit, caller: Caller, body: UploadRequest) -> UploadPermit:
    store = unit.image_recorder.store
    return asking.ask(store, unit.practices, unit.portal.blobs, caller, body, unit.moment.at)


def _told_image(unit: Unit, outcome: Recorded[StoredImage] | Invalid) -> Reply[Image] | Invalid:
    if isinstance(outcome, Invalid):
        return outcome
    return _reply(show_image(unit.portal.blobs, outcome.file, unit.moment.at), outcome)


def _reply(shown: Shown, outcome: Recorded[StoredImage] | Recorded[StoredDocument]) -> Reply[Shown]:
    return Reply(shown, status=201 if outcome.is_new else 200)
