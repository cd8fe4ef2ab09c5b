"""What uploads need from the outside."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from bp_core.practices.ports import BlobLinks
from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.shared.errors import Unavailable
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.uploads.kinds import BlobName, ImageSize, UploadKind
from bp_core.uploads.rights import Uploader
from bp_core.uploads.schemas import Upload

File = TypeVar("File", bound=StoredImage | StoredDocument)
"""The row that an upload of one kind becomes."""


MAX_NIGHTS: Final = 3
"""On how many nights a blob may fail before it is given up."""


@dataclass(frozen=True)
class PendingUpload:
    """An upload that was requested; `filename` is the name of the file on the uploader's device."""

    practice_id: UUID
    user_id: UUID
    container: str
    blob_name: str
    filename: str
    declared_content_type: str
    declared_size: int
    expires_at: datetime


@dataclass(frozen=True)
class KnownUpload(Generic[File]):
    """What the database knows of a blob before its bytes are read.

    A practice that is marked as deleted exists. `is_requested` is true if there is a row of its upload,
    whatever its state is. `filename` is None for a blob that nobody requested; `is_deleted` is true if its
    file was deleted; `lacks_thumbnail` is true for a recorded image that has no thumbnail yet.
    """

    practice_exists: bool
    is_requested: bool
    filename: str | None
    rejection_reason: str | None
    is_deleted: bool
    file: File | None
    lacks_thumbnail: bool


@dataclass(frozen=True)
class Examined:
    """A file that passed its examination.

    `data` are the bytes to be stored: those of an image can differ from the uploaded ones. Only an image has
    a size, and a thumbnail if one was requested: WebP, upright, longest side at most 480 pixels.
    """

    data: bytes
    image_size: ImageSize | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class CheckedFile:
    """A file that passed every check: an image has a size, a document has a name that people read."""

    name: BlobName
    blob_url: str
    file_size: int
    image_size: ImageSize | None
    document_name: str


@dataclass(frozen=True)
class StoredBlob:
    """A blob: its size in bytes, and its data unless there are more bytes than were requested.

    `etag` is the version of the blob.
    """

    size: int
    data: bytes | None
    url: str
    etag: str


class ExaminerBusy(Unavailable):
    """Too many files wait for their examination."""


class UploadStore(Protocol):
    """Stores uploads of both kinds and their states."""

    def add(self, upload: PendingUpload, now: datetime) -> bool:
        """Insert a pending upload; return False if there is an upload with its blob name."""
        ...

    def uploads(self, practice_id: UUID, now: datetime, query: PageQuery) -> Page[Upload]:
        """List the uploads of a practice, newest first; one that did not arrive in time is `expired`."""
        ...


class FileStore(Protocol[File]):
    """Stores the files of one kind, together with the states of their uploads."""

    def atomic(self) -> AbstractContextManager[object]:
        """Run a block in one transaction, the open one or a new one, which all stores join."""
        ...

    def known(self, name: BlobName) -> KnownUpload[File]:
        """Read what is known of a blob."""
        ...

    def uploader(self, name: BlobName) -> Uploader | None:
        """Read who requested an upload; None for a blob that nobody requested."""
        ...

    def record(self, checked: CheckedFile, now: datetime) -> File | None:
        """Insert a file and set its upload to `recorded`.

        None if the upload was recorded, rejected or deleted before.
        """
        ...

    def reject(self, name: BlobName, reason: str, now: datetime) -> bool:
        """Set an upload to `rejected`; return False if it was recorded, rejected or deleted before."""
        ...

    def set_thumbnail(self, file_id: UUID, thumbnail_name: str) -> bool:
        """Update the blob name of an image's thumbnail; return False if there is no such image any more.

        It waits for a deletion of the image that has not committed yet.
        """
        ...

    def rename(self, file_id: UUID, before: str, after: str) -> File | None:
        """Change the name of a document from `before` to `after`; None if `before` is not its name."""
        ...

    def files(self, practice_id: UUID, query: PageQuery) -> Page[File]:
        """List the files of a practice, newest first."""
        ...

    def remove(self, practice_id: UUID, file_id: UUID, now: datetime) -> File | None:
        """Delete a file, and mark its upload as deleted; None if the practice has no such file."""
        ...


@dataclass(frozen=True)
class FailedBlob:
    """A blob that could not be processed: the error, and on how many nights in all."""

    container: str
    blob_name: str
    error: str
    nights: int


class BlobFailures(Protocol):
    """Counts failures of blobs. Each call commits at once."""

    def count(self, container: str, blob_name: str, error: str, night: date) -> FailedBlob:
        """Count a failure of a blob, at most one for each night."""
        ...

    def forget(self, container: str, blob_name: str) -> None:
        """Delete the failures of a blob, unless it was given up."""
        ...


@dataclass(frozen=True)
class InventoryFile:
    """A recorded file whose blob is missing, or was found again."""

    id: UUID
    blob_name: str


class BlobInventory(Protocol):
    """Compares the recorded files with the blobs that exist, in one transaction."""

    def start(self) -> None:
        """Start with no blobs. Called once, before any other method."""
        ...

    def add_blobs(self, kind: UploadKind, blob_names: list[str]) -> list[str]:
        """Add blobs that exist; return those that are not recorded.

        Those that nobody requested and that failed on `MAX_NIGHTS` are left out.
        """
        ...

    def add_thumbnails(self, names: list[str]) -> None:
        """Add thumbnails that exist."""
        ...

    def undrawn(self, before: datetime, at_most: int) -> list[str]:
        """List images that were recorded before a time, exist, and have no thumbnail, by their blob names.

        Images that could not be drawn on `MAX_NIGHTS` are left out. Those that failed are last.
        """
        ...

    def orphans(self, at_most: int) -> list[str]:
        """List thumbnails of images that have neither a row nor a blob."""
        ...

    def mark_missing(self, kind: UploadKind, before: datetime, now: datetime) -> list[InventoryFile]:
        """Mark the files recorded before a time whose blobs were not added; return the newly marked ones."""
        ...

    def unmark_found(self, kind: UploadKind) -> list[InventoryFile]:
        """Remove the mark from files whose blobs were added; return them."""
        ...

    def forget_failures(self) -> None:
        """Delete the failures of blobs that are gone, and of files with which nothing is wrong any more."""
        ...

    def expire_uploads(self, now: datetime) -> int:
        """Set pending uploads to `expired` if they did not arrive in time; return how many.

        One whose blob was added did arrive, and waits for another try.
        """
        ...


class BlobStore(BlobLinks, Protocol):
    """Stores blobs, and signs URLs for them. Every method may raise Unavailable."""

    def check(self) -> None:
        """Check that the storage answers. Raises Unavailable."""
        ...

    def require_writable(self) -> None:
        """Check that this portal may change the storage. Raises RestoredCopy."""
        ...

    def read(self, container: str, blob_name: str, at_most: int) -> StoredBlob | None:
        """Read a blob of up to `at_most` bytes; None if there is no such blob."""
        ...

    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        """Write a blob, replacing one with the same name."""
        ...

    def replace(self, container: str, blob_name: str, data: bytes, content_type: str, etag: str) -> bool:
        """Overwrite a blob that has still this version; return False if it has another one or is gone."""
        ...

    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        """Move a blob to the quarantine container; do nothing if there is no such blob."""
        ...

    def delete(self, container: str, blob_name: str) -> None:
        """Delete a blob; do nothing if there is no such blob."""
        ...

    def url(self, container: str, blob_name: str) -> str:
        """Return the URL of a blob, which is not signed."""
        ...

    def upload_url(self, container: str, blob_name: str, now: datetime, expires_at: datetime) -> str:
        """Sign a URL that can create this one blob, once, until it expires."""
        ...


class BlobLister(Protocol):
    """Lists blobs, and deletes old ones."""

    def check(self) -> None:
        """Check that the storage answers. Raises Unavailable."""
        ...

    def names(self, container: str) -> Iterator[list[str]]:
        """List the blob names of a container, one page at a time. Raises Unavailable."""
        ...

    def delete_unmodified(self, container: str, blob_name: str, since: datetime) -> bool:
        """Delete a blob that was not written since a time; return whether it did. Raises Unavailable."""
        ...


class Examiner(Protocol):
    """Checks the content of files of one kind."""

    def examine(self, data: bytes, content_type: str, *, with_thumbnail: bool) -> Examined:
        """Check that a file is what its content type says.

        Raises RejectedFileError if it is damaged, of another format, or has content that is not accepted;
        Unavailable if it cannot be examined now.
        """
        ...
