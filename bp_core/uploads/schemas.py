"""Requests and responses of uploads."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from bp_core.practices.schemas import BLOB_NAME, BLOB_URL, ImageType
from bp_core.shared.schemas import Line, RequestModel, ResponseModel, Text, Timestamp, whole
from bp_core.uploads.kinds import FileType

UploadState = Literal["pending", "recorded", "rejected", "expired"]
"""Requested; accepted and stored as a file of the practice; not accepted; not uploaded in time."""

ShortName = Annotated[Text, Field(min_length=1, max_length=255)]
FileSize = Annotated[int, BeforeValidator(whole), Field(ge=1)]


class UploadRequest(RequestModel):
    """A request to upload one file: `filename` and `content_type` must match.

    An image needs an `image_type`, a document has none.
    """

    practice_id: UUID
    file_type: FileType
    image_type: Annotated[ImageType | None, Field(validate_default=True)] = None
    filename: Annotated[ShortName, Field(examples=["joint.jpg"])]
    content_type: Annotated[ShortName, Field(examples=["image/jpeg"])]
    file_size: Annotated[FileSize, Field(examples=[204800])]

    @field_validator("image_type")
    @classmethod
    def _images_only(cls, value: ImageType | None, info: ValidationInfo) -> ImageType | None:
        file_type = info.data.get("file_type")
        if file_type == "image" and value is None:
            raise ValueError("is required for an image: before or after")
        if file_type == "document" and value is not None:
            raise ValueError("is for images only")
        return value


class UploadPermit(ResponseModel):
    """A pre-signed URL: one PUT request to `upload_url` creates one blob, until `expiry`."""

    upload_url: Annotated[str, BLOB_URL]
    blob_name: Annotated[str, BLOB_NAME]
    container: Annotated[str, Field(examples=["best-practices"])]
    expiry: Timestamp


class Confirmation(RequestModel):
    """The statement of a client that it has uploaded a file; the stored file counts, not what is declared.

    Older clients send `practice_id` and `blob_url`, too: they must be those of the path and of the blob.
    """

    blob_name: Annotated[Text, Field(min_length=1, max_length=1024), BLOB_NAME]
    blob_container: Annotated[Text, Field(min_length=1, max_length=63, examples=["best-practices"])]
    file_size: Annotated[FileSize, Field(examples=[204800])]
    content_type: Annotated[ShortName, Field(examples=["image/jpeg"])]
    practice_id: UUID | None = None
    blob_url: Annotated[Text | None, Field(max_length=4096)] = None


class ImageConfirmation(Confirmation):
    """The statement of a client that it has uploaded an image."""

    image_type: ImageType


class DocumentConfirmation(Confirmation):
    """The statement of a client that it has uploaded a document, with the name that people see."""

    document_name: Annotated[Line, Field(max_length=300, examples=["Work instruction 7"])]


@dataclass(frozen=True)
class ImageUpload:
    """An image that is uploaded through the portal."""

    image_type: ImageType
    filename: str
    content_type: str
    data: bytes


class Upload(ResponseModel):
    """An upload and its state; `reason` says why it was rejected."""

    id: UUID
    practice_id: UUID
    user_id: UUID | None
    container: Annotated[str, Field(examples=["best-practices"])]
    blob_name: Annotated[str, BLOB_NAME]
    declared_content_type: str | None
    declared_size: int | None
    state: UploadState
    reason: Annotated[str | None, Field(examples=[None])]
    expires_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
