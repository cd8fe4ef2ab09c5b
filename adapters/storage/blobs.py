"""Blob Storage: the bytes of photographs, and URLs that let a browser put or read one of them.

The storage library takes a second to import, so it is imported where it is first needed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from adapters.storage_accounts import StorageAccount
from bp_core.shared.errors import Unavailable
from bp_core.uploads.kinds import IMAGES, MEGABYTE, QUARANTINE
from bp_core.uploads.store import StoredBytes

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobServiceClient

READ_LIFETIME: Final = timedelta(hours=24)
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the storage's clock may lie behind ours, for a URL to be valid at once."""

CONNECT_TIMEOUT: Final = 2
READ_TIMEOUT: Final = 20
RETRY_AFTER: Final = 1
"""How long after a failure the storage is asked once more, in seconds: the library's own 18 are too long."""

MOST_COPIED_AT_ONCE: Final = 256 * MEGABYTE
"""The largest blob that the storage copies within the call; nobody uploads one but to see what happens."""

COPY_WAIT: Final = 1.0
MOST_COPY_WAITS: Final = 60
"""How often, and how many seconds apart, it is asked whether it has copied a larger one."""

PAGE_SIZE: Final = 1000
"""How many blobs are listed in one call."""

RANGE_NOT_SATISFIABLE: Final = 416
SERVER_ERROR: Final = 500


class AzureBlobs:
    """The blobs of one storage account."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account

    def read(self, container: str, blob_name: str, at_most: int) -> StoredBytes | None:
        """Read a blob of at most so many bytes; None if there is no such blob. Raises Unavailable."""
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        blob = self._blob(container, blob_name)
        with _storage_errors():
            try:
                # Ranged: a blob that is too large costs one byte more than is taken, not all of it.
                data = blob.download_blob(offset=0, length=at_most + 1, max_concurrency=1).readall()
                size = blob.get_blob_properties().size if len(data) > at_most else len(data)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if error.status_code != RANGE_NOT_SATISFIABLE:
                    raise
                data, size = b"", 0  # an empty blob has not even a first byte
        return StoredBytes(size=size, data=data if size <= at_most else None, url=blob.url)

    def put(self, container: str, blob_name: str, data: bytes, content_type: str) -> None:
        """Write a blob, over one that is there. Raises Unavailable."""
        from azure.storage.blob import ContentSettings

        with _storage_errors():
            self._blob(container, blob_name).upload_blob(
                data, overwrite=True, content_settings=ContentSettings(content_type=content_type)
            )

    def quarantine(self, container: str, blob_name: str, reason: str) -> None:
        """Move a blob to the quarantine container; nothing happens if it is gone. Raises Unavailable."""
        from azure.core.exceptions import ResourceNotFoundError

        source = self._blob(container, blob_name)
        refused = self._blob(QUARANTINE, f"{container}/{blob_name}")
        with _storage_errors():
            try:
                url = self.read_url(container, blob_name, datetime.now(UTC))
                size = source.get_blob_properties().size
                at_once = size <= MOST_COPIED_AT_ONCE
                copy = refused.start_copy_from_url(url, {"reason": quote(reason)}, requires_sync=at_once)
                _wait_for_copy(refused, str(copy["copy_status"]))
                source.delete_blob()
            except ResourceNotFoundError:
                return

    def delete(self, container: str, blob_name: str) -> None:
        """Delete a blob; nothing happens if it is gone already. Raises Unavailable."""
        from azure.core.exceptions import ResourceNotFoundError

        with _storage_errors():
            try:
                self._blob(container, blob_name).delete_blob()
            except ResourceNotFoundError:
                return

    def names(self, container: str) -> Iterator[list[str]]:
        """List the blobs of a container, a page at a time. Raises Unavailable."""
        with self._service.get_container_client(container) as client:
            pages = client.list_blob_names(results_per_page=PAGE_SIZE).by_page()
            while True:
                with _storage_errors():
                    page = next(pages, None)
                    if page is None:
                        return
                    names = list(page)
                yield names

    def delete_older(self, container: str, before: datetime) -> int:
        """Delete the blobs of a container that were written before some moment; tell how many.

        Raises Unavailable.
        """
        deleted = 0
        with _storage_errors(), self._service.get_container_client(container) as client:
            for blob in client.list_blobs(results_per_page=PAGE_SIZE):
                if blob.last_modified < before:
                    self.delete(container, blob.name)
                    deleted += 1
        return deleted

    def read_url(self, container: str, blob_name: str, now: datetime) -> str:
        """Make a URL that reads one blob for 24 hours. Raises Unavailable where no key is to be had."""
        return self._signed_url(container, blob_name, "r", now, now + READ_LIFETIME)

    def upload_url(self, container: str, blob_name: str, now: datetime, expires_at: datetime) -> str:
        """Make a URL at which this one blob can be created, once, until it expires. Raises Unavailable."""
        return self._signed_url(container, blob_name, "c", now, expires_at)

    def check(self) -> None:
        """Ask the storage for a sign of life. Raises Unavailable."""
        from azure.core.exceptions import AzureError

        try:
            # Of the account itself, an identity with rights to its blobs may ask nothing.
            with self._service.get_container_client(IMAGES.container) as client:
                client.get_container_properties()
        except AzureError as error:  # also a wrong key: whatever keeps us from the files
            raise Unavailable("The file storage does not answer.") from error

    def _signed_url(
        self, container: str, blob_name: str, permission: str, now: datetime, expires_at: datetime
    ) -> str:
        from azure.storage.blob import generate_blob_sas

        service, start = self._service, now - CLOCK_SKEW
        with _storage_errors():
            signs_with = self._account.signs_with(service, start, expires_at)
        signature = generate_blob_sas(
            account_name=service.account_name or "",
            container_name=container,
            blob_name=blob_name,
            permission=permission,
            start=start,
            expiry=expires_at,
            protocol="https" if service.url.startswith("https:") else "https,http",
            **signs_with,
        )
        return f"{service.url.rstrip('/')}/{container}/{quote(blob_name)}?{signature}"

    @cached_property
    def _service(self) -> "BlobServiceClient":
        from azure.storage.blob import LinearRetry

        return self._account.open(
            connection_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retry_policy=LinearRetry(backoff=RETRY_AFTER, retry_total=1, random_jitter_range=0),
        )

    def _blob(self, container: str, blob_name: str) -> "BlobClient":
        return self._service.get_blob_client(container, blob_name)


def _wait_for_copy(blob: "BlobClient", status: str | None) -> None:
    """Wait until a blob is copied. Raises Unavailable if that takes long."""
    for _ in range(MOST_COPY_WAITS):
        if status == "success":
            return
        time.sleep(COPY_WAIT)
        status = blob.get_blob_properties().copy.status
    raise Unavailable("The file storage is still copying; try again shortly.")


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Turn a storage that does not answer, or answers with a failure of its own, into Unavailable."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise Unavailable("The file storage does not answer; try again shortly.") from error
    except HttpResponseError as error:
        if error.status_code is not None and error.status_code < SERVER_ERROR:
            raise
        raise Unavailable("The file storage does not answer; try again shortly.") from error
