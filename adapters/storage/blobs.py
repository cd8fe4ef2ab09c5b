"""Azure Blob Storage: the files of practices, and signed URLs that let a browser upload or read one of them.

The storage library takes a second to import, so it is imported where it is first needed.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import quote

from typing_extensions import override

from adapters.storage.accounts import StorageAccount
from adapters.storage.dispositions import INLINE, attachment
from bp_core.practices.ports import ExportStore, ServedAs
from bp_core.purging import EXPORTS, ExpiredBlobs
from bp_core.shared.errors import Unavailable
from bp_core.uploads.kinds import IMAGES, MEGABYTE, QUARANTINE
from bp_core.uploads.ports import BlobLister, BlobStore, StoredBlob

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobServiceClient

READ_LIFETIME: Final = timedelta(hours=24)
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the clock of the storage may be behind ours: URLs are valid from this long ago."""

CONNECT_TIMEOUT: Final = 2
READ_TIMEOUT: Final = 4
"""How long the storage may be silent, in seconds: a call that waits twice as long still ends within ten."""

RETRY_AFTER: Final = 1
"""Seconds between a failed call and its only retry. The defaults of the library add up to 18 seconds."""

CHECK_TIMEOUT: Final = 1
"""How long a check of the storage waits to connect, and for the answer, in seconds. It is not repeated."""

MAX_SYNC_COPY: Final = 256 * MEGABYTE
"""The largest blob that the storage copies within one call. Only an attacker uploads a larger one."""

COPY_WAIT: Final = 1.0
MAX_COPY_WAITS: Final = 60
"""A larger blob is copied in the background: seconds between two checks, and how many checks there are."""

PAGE_SIZE: Final = 1000
"""How many blobs are listed in one call."""

BLOCK_SIZE: Final = 4 * MEGABYTE
"""How much of a large file is in memory while it is stored, in bytes. The default of the library is 64 MB."""

PRECONDITION_FAILED: Final = 412
RANGE_NOT_SATISFIABLE: Final = 416
SERVER_ERROR: Final = 500


@dataclass(frozen=True)
class _Grant:
    """What a signed URL permits until it expires; the storage answers with the headers that it names."""

    permission: str
    now: datetime
    expires_at: datetime
    content_type: str | None = None
    disposition: str | None = None


class AzureBlobs(BlobStore, BlobLister, ExpiredBlobs, ExportStore):
    """The blobs of one storage account."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account

    @override
    def read(self, container: str, blob_name: str, at_most: int) -> StoredBlob | None:
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        blob = self._blob(container, blob_name)
        with _storage_errors():
            try:
                # Ranged: of a blob that is too large, only one byte more than accepted is transferred.
                download = blob.download_blob(offset=0, length=at_most + 1, max_concurrency=1)
                data, etag = download.readall(), str(download.properties.etag)
                size = blob.get_blob_properties().size if len(data) > at_most else len(data)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if error.status_code != RANGE_NOT_SATISFIABLE:
                    raise
                data, size, etag = b"", 0, ""  # an empty blob has no first byte to read
        return StoredBlob(size=size, data=data if size <= at_most else None, url=blob.url, etag=etag)

    @override
    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        from azure.storage.blob import ContentSettings

        with _storage_errors():
            self._blob(container, blob_name).upload_blob(
                data, overwrite=True, content_settings=ContentSettings(content_type=content_type)
            )

    @override
    def replace(self, container: str, blob_name: str, data: bytes, content_type: str, etag: str) -> bool:
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
        from azure.storage.blob import ContentSettings

        with _storage_errors():
            try:
                self._blob(container, blob_name).upload_blob(
                    data,
                    overwrite=True,
                    content_settings=ContentSettings(content_type=content_type),
                    etag=etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
        return True

    @override
    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        source = self._blob(container, blob_name)
        target = self._blob(QUARANTINE, f"{container}/{blob_name}")
        with _storage_errors():
            try:
                now = datetime.now(UTC)
                url = self._signed_url(container, blob_name, _Grant("r", now, now + READ_LIFETIME))
                size = source.get_blob_properties().size
                is_small = size <= MAX_SYNC_COPY
                copy = target.start_copy_from_url(url, {"reason": quote(reason)}, requires_sync=is_small)
                _wait_for_copy(target, str(copy["copy_status"]))
                source.delete_blob()
            except ResourceNotFoundError:
                return

    @override
    def delete(self, container: str, blob_name: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        with _storage_errors():
            try:
                self._blob(container, blob_name).delete_blob()
            except ResourceNotFoundError:
                return

    @override
    def delete_unmodified(self, container: str, blob_name: str, since: datetime) -> bool:
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        with _storage_errors():
            try:
                self._blob(container, blob_name).delete_blob(if_unmodified_since=since)
            except ResourceNotFoundError:
                return False
            except HttpResponseError as error:
                if error.status_code != PRECONDITION_FAILED:
                    raise
                return False
        return True

    @override
    def names(self, container: str) -> Iterator[list[str]]:
        with self._service.get_container_client(container) as client:
            pages = client.list_blob_names(results_per_page=PAGE_SIZE).by_page()
            while True:
                with _storage_errors():
                    page = next(pages, None)
                    if page is None:
                        return
                    names = list(page)
                yield names

    @override
    def delete_older(self, container: str, before: datetime) -> int:
        deleted = 0
        with _storage_errors(), self._service.get_container_client(container) as client:
            for blob in client.list_blobs(results_per_page=PAGE_SIZE):
                if blob.last_modified < before:
                    self.delete(container, blob.name)
                    deleted += 1
        return deleted

    @override
    def read_url(self, container: str, blob_name: str, now: datetime, served: ServedAs) -> str:
        grant = _Grant("r", now, now + READ_LIFETIME, served.content_type, _disposition(blob_name, served))
        return self._signed_url(container, blob_name, grant)

    @override
    def url(self, container: str, blob_name: str) -> str:
        return f"{self._service.url.rstrip('/')}/{container}/{quote(blob_name)}"

    @override
    def upload_url(self, container: str, blob_name: str, now: datetime, expires_at: datetime) -> str:
        return self._signed_url(container, blob_name, _Grant("c", now, expires_at))

    @override
    def put_export(self, prefix: str, extension: str, content: BinaryIO, content_type: str) -> str:
        from azure.storage.blob import ContentSettings

        blob_name = f"{prefix}-{secrets.token_hex(8)}.{extension}"
        with _storage_errors():
            self._blob(EXPORTS, blob_name).upload_blob(
                content, content_settings=ContentSettings(content_type=content_type)
            )
        return blob_name

    @override
    def export_url(self, blob_name: str, now: datetime, expires_at: datetime, served: ServedAs) -> str:
        grant = _Grant("r", now, expires_at, served.content_type, _disposition(blob_name, served))
        return self._signed_url(EXPORTS, blob_name, grant)

    @override
    def require_writable(self) -> None:
        return

    @override
    def check(self) -> None:
        from azure.core.exceptions import AzureError

        try:
            # Not of the account: an identity with rights to its blobs may not read the account's properties.
            with self._checked_service.get_container_client(IMAGES.container) as client:
                client.get_container_properties()
        except AzureError as error:  # a wrong key as well: anything that makes the files unreachable
            raise Unavailable("The file storage does not answer.") from error

    def _signed_url(self, container: str, blob_name: str, grant: _Grant) -> str:
        from azure.storage.blob import generate_blob_sas

        service, start = self._service, grant.now - CLOCK_SKEW
        with _storage_errors():
            signing_key = self._account.signing_key(service, start, grant.expires_at)
        signature = generate_blob_sas(
            account_name=service.account_name or "",
            container_name=container,
            blob_name=blob_name,
            permission=grant.permission,
            start=start,
            expiry=grant.expires_at,
            content_type=grant.content_type,
            content_disposition=grant.disposition,
            protocol="https" if service.url.startswith("https:") else "https,http",
            **signing_key,
        )
        return f"{self.url(container, blob_name)}?{signature}"

    @cached_property
    def _service(self) -> "BlobServiceClient":
        from azure.storage.blob import LinearRetry

        return self._account.open(
            connection_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_single_put_size=BLOCK_SIZE,
            max_block_size=BLOCK_SIZE,
            retry_policy=LinearRetry(backoff=RETRY_AFTER, retry_total=1, random_jitter_range=0),
        )

    @cached_property
    def _checked_service(self) -> "BlobServiceClient":
        """A client that does not wait: for checks."""
        return self._account.open(connection_timeout=CHECK_TIMEOUT, read_timeout=CHECK_TIMEOUT, retry_total=0)

    def _blob(self, container: str, blob_name: str) -> "BlobClient":
        return self._service.get_blob_client(container, blob_name)


def _disposition(blob_name: str, served: ServedAs) -> str:
    if served.saved_name is None:
        return INLINE
    return attachment(served.saved_name, blob_name.rpartition(".")[2])


def _wait_for_copy(blob: "BlobClient", status: str | None) -> None:
    """Wait until a blob is copied. Raises Unavailable if it takes too long."""
    for _ in range(MAX_COPY_WAITS):
        if status == "success":
            return
        time.sleep(COPY_WAIT)
        status = blob.get_blob_properties().copy.status
    raise Unavailable("The file storage is still copying; try again shortly.")


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Raise Unavailable if the storage does not answer, or answers with a server error."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise Unavailable("The file storage does not answer; try again shortly.") from error
    except HttpResponseError as error:
        if error.status_code is not None and error.status_code < SERVER_ERROR:
            raise
        raise Unavailable("The file storage does not answer; try again shortly.") from error
