"""The storage of a portal that is a restored copy: everything can be read, nothing changed."""

from datetime import datetime
from typing import BinaryIO

from typing_extensions import override

from adapters.storage.blobs import AzureBlobs
from bp_core.shared.errors import RestoredCopy

REFUSAL = "This portal is a restored copy for looking at. Files cannot be changed here."


class ReadOnlyBlobs(AzureBlobs):
    """The blobs of a storage account that belongs to another portal. Whatever changes it is RestoredCopy."""

    @override
    def require_writable(self) -> None:
        raise RestoredCopy(REFUSAL)

    @override
    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        raise RestoredCopy(REFUSAL)

    @override
    def replace(self, container: str, blob_name: str, data: bytes, content_type: str, etag: str) -> bool:
        raise RestoredCopy(REFUSAL)

    @override
    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        raise RestoredCopy(REFUSAL)

    @override
    def delete(self, container: str, blob_name: str) -> None:
        raise RestoredCopy(REFUSAL)

    @override
    def delete_unmodified(self, container: str, blob_name: str, since: datetime) -> bool:
        raise RestoredCopy(REFUSAL)

    @override
    def delete_older(self, container: str, before: datetime) -> int:
        raise RestoredCopy(REFUSAL)

    @override
    def upload_url(self, container: str, blob_name: str, now: datetime, expires_at: datetime) -> str:
        raise RestoredCopy(REFUSAL)

    @override
    def put_export(self, prefix: str, extension: str, content: BinaryIO, content_type: str) -> str:
        raise RestoredCopy(REFUSAL)
