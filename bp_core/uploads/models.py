"""What callers send and see of an upload."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from bp_core.practices.models import ImageType
from bp_core.shared.model import Line, Sent, Shown, Text, Timestamp, whole
from bp_core.uploads.kinds import FileType

UploadState = Literal["pending", "recorded", "rejected", "expired"]
"""Asked for; seen and in order; seen and refused; asked for and never seen in time."""

ShortName = Annotated[Text, Field(min_length=1, max_length=255)]
FileSize = Annotated[int, BeforeValidator(whole), Field(ge=1)]


class UploadRequest(Sent):
    """The wish to upload a file: `filename` and `content_type` must fit each other.

    A photograph has an `image_type`, a document has none.
    """

    practice_id: UUID
    file_type: FileType
    image_type: Annotated[ImageType | None, Field(validate_default=True)] = None
    filename: ShortName
    content_type: ShortName
    file_size: FileSize

    @field_validator("image_type")
    @classmethod
    def _of_photographs_only(cls, value: ImageType | None, info: ValidationInfo) -> ImageType | None:
        file_type = info.data.get("file_type")
        if file_type == "image" and value is None:
            raise ValueError("is needed for a photograph: before or after")
        if file_type == "document" and value is not None:
            raise ValueError("is for photographs only")
        return value


class UploadPermit(Shown):
    """Leave to put one blob once, until `expiry`, at `upload_url`."""

    upload_url: str
    blob_name: str
    container: str
    expiry: Timestamp


class Confirmation(Sent):
    """A client's word that it has put a file; what was stored decides, not what is declared."""

    blob_name: Annotated[Text, Field(min_length=1, max_length=1024)]
    blob_container: Annotated[Text, Field(min_length=1, max_length=63)]
    file_size: FileSize
    content_type: ShortName


class ImageConfirmation(Confirmation):
    """A client's word that it has put a photograph."""

    image_type: ImageType


class DocumentConfirmation(Confirmation):
    """A client's word that it has put a document, and what the document is called."""

    document_name: Annotated[Line, Field(max_length=300)]


class Upload(Shown):
    """An upload and what became of it; `reason` tells why it was rejected."""

    id: UUID
    practice_id: UUID
    user_id: UUID | None
    container: str
    blob_name: str
    declared_content_type: str | None
    declared_size: int | None
    state: UploadState
    reason: str | None
    expires_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
