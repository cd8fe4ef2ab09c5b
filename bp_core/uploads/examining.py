"""Examining blobs: read, checked, and replaced by what is to be stored of them."""

from dataclasses import dataclass
from typing import Final

from bp_core.shared.errors import Unavailable
from bp_core.uploads.kinds import BlobName, RejectedFileError, UploadKind
from bp_core.uploads.ports import BlobStore, Examined, Examiner, StoredBlob

MAX_READS: Final = 5
"""How often a blob is read that another call replaces meanwhile."""


@dataclass(frozen=True)
class BlobExaminer:
    """Examines the blobs of one kind. Every method raises RejectedFileError, Unavailable."""

    kind: UploadKind
    blobs: BlobStore
    examiner: Examiner

    def prepare(self, name: BlobName, *, with_thumbnail: bool) -> tuple[StoredBlob, Examined] | None:
        """Examine a blob, and replace its bytes by those to be stored; None if there is no such blob.

        The blob is replaced before its file is recorded: whatever happens in between, the next call finds a
        blob that needs no replacement.
        """
        content_type = name.format.content_type
        for _ in range(MAX_READS):
            stored = self._read(name)
            if stored is None:
                return None
            examined = self._examined(name, stored, with_thumbnail=with_thumbnail)
            if examined.data == stored.data or self.blobs.replace(
                self.kind.container, str(name), examined.data, content_type, stored.etag
            ):
                return stored, examined
        raise Unavailable("The file changes all the time; try again shortly.")

    def thumbnail(self, name: BlobName) -> bytes | None:
        """Draw the thumbnail of an image; None if there is no such blob, or for a document."""
        stored = self._read(name)
        return None if stored is None else self._examined(name, stored, with_thumbnail=True).thumbnail

    def _read(self, name: BlobName) -> StoredBlob | None:
        return self.blobs.read(self.kind.container, str(name), self.kind.max_bytes)

    def _examined(self, name: BlobName, stored: StoredBlob, *, with_thumbnail: bool) -> Examined:
        if stored.data is None:
            raise RejectedFileError(
                f"The file has {stored.size} bytes; at most {self.kind.max_bytes} bytes are accepted."
            )
        if not name.format.matches(stored.data):
            raise RejectedFileError(f"The file is not of type {name.format.content_type}.")
        return self.examiner.examine(stored.data, name.format.content_type, with_thumbnail=with_thumbnail)
