"""What uploads need of the world outside."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from bp_core.practices.models import StoredDocument, StoredImage
from bp_core.uploads.kinds import BlobName, UploadKind
from bp_core.uploads.models import Upload

File = TypeVar("File", bound=StoredImage | StoredDocument)
"""What an upload of some kind becomes."""


@dataclass(frozen=True)
class AskedUpload:
    """An upload as it is asked for; `filename` is what it is called on its owner's disk."""

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
    """What is known of a blob before anyone looks at its bytes.

    `filename` is null where nobody asked; `lacks_thumbnail` holds of a recorded photograph until it has one.
    """

    practice_exists: bool
    filename: str | None
    rejected_because: str | None
    file: File | None
    lacks_thumbnail: bool


@dataclass(frozen=True)
class Picture:
    """What a decoder found in a photograph: its size in pixels as people see it."""

    width: int
    height: int


@dataclass(frozen=True)
class RecordedFile:
    """A file that passed every check: photographs have a picture, documents a name that people read."""

    name: BlobName
    blob_name: str
    blob_url: str
    file_size: int
    picture: Picture | None
    document_name: str


@dataclass(frozen=True)
class StoredBytes:
    """A blob: its size, and its bytes unless they are more than was asked for."""

    size: int
    data: bytes | None
    url: str


class RefusedFileError(Exception):
    """A file that is not what its name says, or not taken; the text tells people why."""


class UploadStore(Protocol[File]):
    """Where uploads of one kind, and the files that they became, are kept."""

    def atomic(self) -> AbstractContextManager[object]:
        """Keep everything that is done inside, or nothing of it."""
        ...

    def ask(self, upload: AskedUpload, now: datetime) -> bool:
        """Keep the wish; False if a blob of that name was asked for before."""
        ...

    def known(self, name: BlobName, blob_name: str) -> KnownUpload[File]:
        """Find what is known of a blob."""
        ...

    def record(self, recorded: RecordedFile, now: datetime) -> tuple[File, bool]:
        """Keep a file and the state of its upload; tell whether it was new."""
        ...

    def reject(self, name: BlobName, blob_name: str, reason: str, now: datetime) -> bool:
        """Keep that an upload was refused, and why; False if it was settled before."""
        ...

    def set_thumbnail(self, file_id: UUID, thumbnail_name: str) -> None:
        """Keep where the thumbnail of a photograph lies."""
        ...

    def rename(self, file_id: UUID, before: str, after: str) -> File | None:
        """Call a document that is called `before` something else; None if it is not called so any more."""
        ...

    def files(self, practice_id: UUID) -> list[File]:
        """List the files of a practice, newest first."""
        ...

    def uploads(self, practice_id: UUID, now: datetime) -> list[Upload]:
        """List what was asked for, of any kind, newest first."""
        ...

    def remove(self, practice_id: UUID, file_id: UUID) -> File | None:
        """Forget a file and its upload; None if the practice has no such file."""
        ...


@dataclass(frozen=True)
class LostFile:
    """A recorded file, as a reconciliation reports it."""

    id: UUID
    blob_name: str


class Census(Protocol):
    """Compares what is kept with the blobs that were counted, all at once."""

    def count_in(self, kind: UploadKind, blob_names: list[str]) -> list[str]:
        """Note blobs that are there; give those that are not recorded, or not wholly: no thumbnail yet."""
        ...

    def mark_lost(self, kind: UploadKind, before: datetime, now: datetime) -> list[LostFile]:
        """Mark the files recorded before some moment whose blobs were not counted; give the newly marked."""
        ...

    def unmark_found(self, kind: UploadKind) -> list[LostFile]:
        """Take the mark from files whose blobs were counted; give them."""
        ...

    def expire(self, now: datetime) -> int:
        """Expire what was asked for and not put in time; tell how many."""
        ...


class BlobStore(Protocol):
    """Where the bytes lie."""

    def read(self, container: str, blob_name: str, at_most: int) -> StoredBytes | None:
        """Read a blob of at most so many bytes; None if there is no such blob."""
        ...

    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        """Write a blob, over one that is there."""
        ...

    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        """Move a blob to the quarantine container; nothing happens if it is gone already."""
        ...

    def delete(self, container: str, blob_name: str) -> None:
        """Delete a blob; nothing happens if it is gone already."""
        ...

    def upload_url(self, container: str, blob_name: str, now: datetime, expires_at: datetime) -> str:
        """Make a URL at which this one blob can be created, once, until it expires. Raises Unavailable."""
        ...


class BlobLister(Protocol):
    """Tells which blobs there are."""

    def names(self, container: str) -> Iterator[list[str]]:
        """List the blobs of a container, a page at a time."""
        ...


class Examiner(Protocol):
    """Looks into files of one kind."""

    def examine(self, data: bytes, content_type: str) -> Picture | None:
        """Look at a file; tell of a photograph its size.

        Raises RefusedFileError if it is damaged, of another format, or not taken for what it holds.
        """
        ...


class Thumbnails(Protocol):
    """Draws photographs small."""

    def thumbnail(self, data: bytes) -> bytes:
        """Draw a photograph small: its longest side 480 pixels at most, upright, as WebP."""
        ...
