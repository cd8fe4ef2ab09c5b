"""Blob leases as locks between hosts. The lease of a crashed host expires within seconds."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from function_host.storage import StorageAccount

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15  # the shortest lease that Azure Storage allows
RENEW_SECONDS = 5
CONFLICT = 409
PRECONDITION_FAILED = 412


@contextmanager
def blob_lease(
    account: StorageAccount, name: str, metadata: dict[str, str] | None = None
) -> "Iterator[BlobLeaseClient | None]":
    """Lease the host blob ``name`` and renew the lease until the block ends.

    Creates the blob with ``metadata`` if it is missing. Yields None if another host has the lease. Raises
    AzureError if storage is unavailable when the lease is acquired. If storage fails later, the lease expires
    while the block still runs. So the work in the block can run more than once.
    """
    blob = account.host_blob(name)
    lease = _acquire(account, blob, metadata or {})
    if lease is None:
        yield None
        return
    stopping = threading.Event()
    renewer = threading.Thread(target=_renew, args=(lease, stopping), name=f"lease {name}", daemon=True)
    renewer.start()
    try:
        yield lease
    finally:
        stopping.set()
        renewer.join()
        _release(lease)


def _acquire(
    account: StorageAccount, blob: "BlobClient", metadata: dict[str, str]
) -> "BlobLeaseClient | None":
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

    try:
        return blob.acquire_lease(LEASE_SECONDS)
    except ResourceNotFoundError:
        _create(account, blob, metadata)
        return _acquire(account, blob, metadata)
    except HttpResponseError as error:
        if error.status_code == CONFLICT:
            return None
        raise


def _create(account: StorageAccount, blob: "BlobClient", metadata: dict[str, str]) -> None:
    """Create the blob, and its container if missing. Another host may do the same at the same time."""
    from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

    try:
        blob.upload_blob(b"", metadata=metadata, overwrite=False)
    except ResourceNotFoundError:
        try:
            account.container(blob.container_name).create_container()
        except ResourceExistsError:
            logger.debug("host: another host created the container %s", blob.container_name)
        _create(account, blob, metadata)
    except HttpResponseError as error:
        if error.status_code not in (CONFLICT, PRECONDITION_FAILED):
            raise


def _renew(lease: "BlobLeaseClient", stopping: threading.Event) -> None:
    from azure.core.exceptions import AzureError

    while not stopping.wait(RENEW_SECONDS):
        try:
            lease.renew()
        except AzureError as error:
            logger.warning("host: a lease could not be renewed: %s", type(error).__name__)


def _release(lease: "BlobLeaseClient") -> None:
    from azure.core.exceptions import AzureError

    try:
        lease.release()
    except AzureError as error:
        logger.warning("host: a lease could not be released; it will expire: %s", type(error).__name__)
