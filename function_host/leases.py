"""Blob leases: one host at a time, taken over within seconds from a host that died."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local.host.storage import StorageAccount

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15  # the shortest that storage grants
RENEW_SECONDS = 5
CONFLICT = 409
PRECONDITION_FAILED = 412


@contextmanager
def held(
    account: StorageAccount, name: str, metadata: dict[str, str] | None = None
) -> "Iterator[BlobLeaseClient | None]":
    """Hold the lease of the host blob ``name``, made with ``metadata`` if missing, renewed until the end.

    Yields None if another host holds it. Raises AzureError if storage is away when the lease is taken; a
    lease that is lost later ends by itself, which makes what it guards at least once, not exactly once.
    """
    blob = account.host_blob(name)
    lease = _acquire(account, blob, metadata or {})
    if lease is None:
        yield None
        return
    ended = threading.Event()
    renewer = threading.Thread(target=_renew, args=(lease, ended), name=f"lease {name}", daemon=True)
    renewer.start()
    try:
        yield lease
    finally:
        ended.set()
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
    """Make the blob, and its container if need be; another host may be doing the same and win."""
    from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

    try:
        blob.upload_blob(b"", metadata=metadata, overwrite=False)
    except ResourceNotFoundError:
        try:
            account.container(blob.container_name).create_container()
        except ResourceExistsError:
            logger.debug("host: another host made the container %s first", blob.container_name)
        _create(account, blob, metadata)
    except HttpResponseError as error:
        if error.status_code not in (CONFLICT, PRECONDITION_FAILED):
            raise


def _renew(lease: "BlobLeaseClient", ended: threading.Event) -> None:
    from azure.core.exceptions import AzureError

    while not ended.wait(RENEW_SECONDS):
        try:
            lease.renew()
        except AzureError as error:
            logger.warning("host: a lease could not be renewed: %s", type(error).__name__)


def _release(lease: "BlobLeaseClient") -> None:
    from azure.core.exceptions import AzureError

    try:
        lease.release()
    except AzureError as error:
        logger.warning("host: a lease could not be released and ends by itself: %s", type(error).__name__)
