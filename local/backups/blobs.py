"""The blobs in a backup: those that the rows of its snapshot name, and the quarantine.

A blob name is never used again, and a recorded blob does not change. So only deletions matter. A blob is
deleted as soon as the deletion of its row has committed, so one that an older snapshot names can be gone.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContentSettings

from bp_core.practices.views import THUMBNAILS
from bp_core.uploads.kinds import QUARANTINE
from local.backups.archive import Archive, ArchiveWriter, BackupError, Blob, Progress
from local.backups.tables import Connection
from local.storage import CONTAINERS

BLOCK_BYTES: Final = 4 * 1024 * 1024
"""How much of a blob is in memory at a time."""

MAX_READS: Final = 5
"""How often a blob is read that changes meanwhile."""

NAMED: Final = """
    SELECT blob_container, blob_name FROM practice_images
    UNION SELECT %(thumbnails)s, thumbnail_name FROM practice_images WHERE thumbnail_name IS NOT NULL
    UNION SELECT blob_container, blob_name FROM practice_documents
"""
EXPECTED: Final = "SELECT container, blob_name FROM uploads u WHERE to_jsonb(u) ->> 'deleted_at' IS NULL"
"""Uploads that were not deleted: the blob of one may not have arrived, or be in quarantine.

Older revisions do not have the column.
"""

LOCKED: Final = (
    """
    SELECT blob_container, blob_name, thumbnail_name FROM practice_images
    WHERE blob_name = ANY(%(names)s) OR thumbnail_name = ANY(%(names)s) FOR SHARE
    """,
    "SELECT blob_container, blob_name FROM practice_documents WHERE blob_name = ANY(%(names)s) FOR SHARE",
)


class BlobName(NamedTuple):
    """Where a blob is."""

    container: str
    name: str


def open_storage(connection_string: str) -> BlobServiceClient:
    """A client of the storage that transfers blobs in blocks of BLOCK_BYTES."""
    return BlobServiceClient.from_connection_string(
        connection_string,
        max_single_get_size=BLOCK_BYTES,
        max_chunk_get_size=BLOCK_BYTES,
        max_single_put_size=BLOCK_BYTES,
        max_block_size=BLOCK_BYTES,
    )


def named_blobs(connection: Connection) -> set[BlobName]:
    """The blobs that the rows of files name."""
    return {BlobName(*row) for row in connection.execute(NAMED, {"thumbnails": THUMBNAILS})}


def expected_blobs(connection: Connection) -> set[BlobName]:
    """The blobs of uploads, some of which do not exist."""
    return {BlobName(*row) for row in connection.execute(EXPECTED) if row[0] in CONTAINERS}


@dataclass
class BlobCopier:
    """Copies blobs to an archive; `scratch` is a directory for blobs larger than BLOCK_BYTES."""

    service: BlobServiceClient
    archive: ArchiveWriter
    scratch: Path
    progress: Progress
    copied: dict[BlobName, Blob] = field(default_factory=dict)

    def copy(self, names: Iterable[BlobName]) -> set[BlobName]:
        """Copy the blobs that were not copied before; return those that do not exist."""
        missing = set()
        wanted = sorted(set(names) - set(self.copied))
        for number, name in enumerate(wanted, start=1):
            if not self._copy(name):
                missing.add(name)
            self.progress(f"Files: {number} of {len(wanted)}")
        return missing

    def quarantined(self) -> set[BlobName]:
        """The blobs in quarantine."""
        with self.service.get_container_client(QUARANTINE) as container:
            return {BlobName(QUARANTINE, blob) for blob in container.list_blob_names()}

    def still_missing(self, connection: Connection, missing: set[BlobName]) -> set[BlobName]:
        """Those of the missing blobs whose rows stay: they were lost before the backup.

        Waits for deletions in progress: as long as the rows are locked, nobody deletes their blobs.
        """
        names = {"names": [blob.name for blob in missing]}
        with connection.transaction():
            rows = [row for query in LOCKED for row in connection.execute(query, names).fetchall()]
            there = {BlobName(container, name) for container, name, *_ in rows}
            there |= {BlobName(THUMBNAILS, thumbnail) for *_, thumbnail in rows if thumbnail}
            return {blob for blob in missing & there if not self._exists(blob)}

    def _exists(self, blob: BlobName) -> bool:
        return bool(self.service.get_blob_client(blob.container, blob.name).exists())

    def _copy(self, blob: BlobName) -> bool:
        # Read completely before it is written: half a blob in the archive cannot be taken back.
        with tempfile.SpooledTemporaryFile(BLOCK_BYTES, dir=str(self.scratch)) as spooled:
            properties = self._read(blob, spooled)
            if properties is None:
                return False
            spooled.seek(0)
            chunks = iter(lambda: spooled.read(BLOCK_BYTES), b"")
            self.copied[blob] = Blob(
                container=blob.container,
                name=blob.name,
                content_type=properties.content_settings.content_type,
                metadata=properties.metadata or {},
                content=self.archive.add(f"blobs/{len(self.copied) + 1:08}", chunks),
            )
        return True

    def _read(self, blob: BlobName, target: Any) -> Any:
        """Read a blob to a file; return its properties, or None if it does not exist."""
        client = self.service.get_blob_client(blob.container, blob.name)
        for _ in range(MAX_READS):
            target.seek(0)
            target.truncate()
            try:
                download = client.download_blob(max_concurrency=1)
                download.readinto(target)
            except ResourceNotFoundError:
                return None
            except ResourceModifiedError:
                continue  # a photograph that is being recorded gets its final bytes once
            return download.properties
        raise BackupError(f"The blob {blob.container}/{blob.name} changes all the time. Try again.")


def upload(service: BlobServiceClient, archive: Archive, progress: Progress) -> None:
    """Write the blobs of an archive to a storage without them. Raises BackupError, AzureError."""
    blobs = archive.manifest.blobs
    for number, blob in enumerate(blobs, start=1):
        if blob.container not in CONTAINERS:
            raise BackupError(
                f"The archive has a file in {blob.container!r}, which the portal does not have."
            )
        try:
            _upload(service, archive, blob)
        except ValueError as error:  # of the client, for a name or a header
            raise BackupError(f"The archive has a file that cannot be stored: {error}") from error
        progress(f"Files: {number} of {len(blobs)}")


def _upload(service: BlobServiceClient, archive: Archive, blob: Blob) -> None:
    with archive.open(blob.content) as content:
        service.get_blob_client(blob.container, blob.name).upload_blob(
            content,
            length=blob.content.size,
            max_concurrency=1,
            metadata=blob.metadata,
            content_settings=ContentSettings(content_type=blob.content_type),
        )


def require_complete(connection: Connection, archive: Archive) -> None:
    """Check that the archive has every blob that its rows name. Raises BackupError."""
    known = {BlobName(blob.container, blob.name) for blob in archive.manifest.blobs}
    known |= {BlobName(blob.container, blob.name) for blob in archive.manifest.lost}
    if missing := named_blobs(connection) - known:
        raise BackupError(f"The archive lacks {len(missing)} files that its rows name.")
