"""Blob triggers by polling: each event at least once, at most five attempts, then the poison queue.

Like the Azure Functions host, this one stores a receipt per event, so that neither a restart nor a second
host on the same storage account processes an event again. A receipt is a blob
``blobreceipts/{function}/{etag}/{container}/{blob}`` in the container ``azure-webjobs-hosts``. It is created
when a host first takes the event, with the metadata ``incomplete`` and the number of attempts. The metadata
is removed when the function succeeded or the event went to the poison queue. A host leases the receipt while
it processes the event. Receipts and poison queue are in the storage account of the trigger.
"""

import json
import logging
import re
import threading
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from azure.functions.blob import InputStream

from function_host.index import BlobTrigger, IndexedFunction
from function_host.invocation import invoke
from function_host.leases import blob_lease
from function_host.storage import HOST_CONTAINER, StorageAccount
from function_host.workers import StorageOutage, Workers

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
POISON_QUEUE = "webjobs-blobtrigger-poison"
PAGE = 50
"""How many blobs are listed at once. Each takes about 60 kB while the list is read, once a second."""

ANY_VERSION = "*"
QUOTE = '"'
INCOMPLETE, ATTEMPTS = "incomplete", "tries"
"""Names of the metadata of a receipt."""

PLACEHOLDER = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class BlobEvent:
    """One version of one blob. ``etag`` has quotes, as in an HTTP header."""

    container: str
    name: str
    etag: str


class BlobListener:
    """Finds the blobs that one function has not processed yet and runs it on each, on the worker threads."""

    def __init__(
        self, function: IndexedFunction, trigger: BlobTrigger, account: StorageAccount, workers: Workers
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._account = account
        self._workers = workers
        self._name_pattern = blob_name_pattern(trigger.pattern)
        self._receipts = f"blobreceipts/{function.name}/"
        self._completed: set[BlobEvent] = set()
        self._receipts_loaded = False
        self._completed_lock = threading.Lock()
        self._outage = StorageOutage(f"blob trigger {function.name}")
        if not trigger.polled:
            logger.info("host: %s uses Event Grid, which only Azure has; it is not polled", function.name)

    def poll(self) -> None:
        """Look once for new or changed blobs. Raises nothing, even if storage is unavailable."""
        if self._trigger.polled:
            self._outage.guard(self._submit_new_events)

    def run_now(self, path: str) -> None:
        """Run the function on the blob ``container/name``, on a worker thread, whatever its receipt says.

        Raises ValueError if ``path`` has another form.
        """
        container, _, name = path.partition("/")
        if not container or not name:
            raise ValueError('the body must be {"input": "container/blob"}')
        event = BlobEvent(container, name, etag=ANY_VERSION)
        self._workers.submit(f"run {uuid.uuid4()}", partial(self._outage.guard, partial(self._run, event)))

    def _submit_new_events(self) -> None:
        if not self._receipts_loaded:
            self._completed = self._load_receipts()
            self._receipts_loaded = True
        listed = self._list_events()
        with self._completed_lock:
            self._completed &= listed  # forget the events of deleted and changed blobs
            new = listed - self._completed
        for event in new:
            key = f"{self._function.name} {event}"
            self._workers.submit(key, partial(self._outage.guard, partial(self._process, event)))

    def _list_events(self) -> set[BlobEvent]:
        """The blobs in the container whose names match; none if the container does not exist (yet)."""
        from azure.core.exceptions import ResourceNotFoundError

        container = self._account.container(self._trigger.container)
        prefix = PLACEHOLDER.split(self._trigger.pattern)[0]
        try:
            return {
                BlobEvent(self._trigger.container, blob.name, _quoted(blob.etag))
                for blob in container.list_blobs(name_starts_with=prefix, results_per_page=PAGE)
                if self._name_pattern.fullmatch(blob.name)
            }
        except ResourceNotFoundError:
            return set()

    def _load_receipts(self) -> set[BlobEvent]:
        """The events that earlier runs and other hosts completed: one listing, not one request per blob."""
        from azure.core.exceptions import ResourceNotFoundError

        hosts = self._account.container(HOST_CONTAINER)
        try:
            return {
                _event_of_receipt(receipt.name.removeprefix(self._receipts))
                for receipt in hosts.list_blobs(
                    name_starts_with=self._receipts, include=["metadata"], results_per_page=PAGE
                )
                if INCOMPLETE not in (receipt.metadata or {})
            }
        except ResourceNotFoundError:
            return set()

    def _process(self, event: BlobEvent) -> None:
        receipt = f"{self._receipts}{event.etag.strip(QUOTE)}/{event.container}/{event.name}"
        with blob_lease(self._account, receipt, {INCOMPLETE: "true", ATTEMPTS: "0"}) as lease:
            completed = lease is not None and self._attempt(event, receipt, lease)
        if completed:
            with self._completed_lock:
                self._completed.add(event)

    def _attempt(self, event: BlobEvent, receipt: str, lease: "BlobLeaseClient") -> bool:
        """Run the function once if the event is not completed. Returns whether it is completed now."""
        blob = self._account.host_blob(receipt)
        metadata = blob.get_blob_properties().metadata or {}
        if INCOMPLETE not in metadata:
            return True
        attempts = int(metadata[ATTEMPTS])
        if attempts < MAX_ATTEMPTS:
            attempts += 1  # stored before the run, so that a run that crashes the host counts too
            blob.set_blob_metadata({INCOMPLETE: "true", ATTEMPTS: str(attempts)}, lease=lease)
            succeeded = self._run(event)
        else:  # the host of the last attempt crashed before it sent the message to the poison queue
            succeeded = False
        if not succeeded and attempts < MAX_ATTEMPTS:
            return False
        if not succeeded:
            self._send_to_poison_queue(event)
        blob.set_blob_metadata({}, lease=lease)
        return True

    def _run(self, event: BlobEvent) -> bool:
        """Run the function on the blob, or skip a deleted or changed one. Returns False if it failed."""
        blob = self._account.container(event.container).get_blob_client(event.name)
        path = f"{event.container}/{event.name}"
        data = _download(blob, event.etag)
        if data is None:
            logger.info("host: %s skips %s: the blob was deleted or changed", self._function.name, path)
            return True
        content = data if self._trigger.binary else data.decode("utf-8", errors="replace").encode()
        stream = InputStream(data=content, name=path, uri=blob.url, length=len(data))
        try:
            invoke(self._function, stream)
        except Exception:  # any exception is a failed attempt
            logger.exception("host: %s failed on %s", self._function.name, path)
            return False
        logger.info("host: %s succeeded on %s", self._function.name, path)
        return True

    def _send_to_poison_queue(self, event: BlobEvent) -> None:
        """Send a message in the format of the Azure Functions host."""
        message = {
            "Type": "BlobTrigger",
            "FunctionId": f"Host.Functions.{self._function.name}",
            "BlobType": "BlockBlob",
            "ContainerName": event.container,
            "BlobName": event.name,
            "ETag": event.etag,
        }
        self._account.put_message(POISON_QUEUE, json.dumps(message))
        logger.error(
            "host: %s failed %d times on %s/%s; a message is in the queue %s",
            *(self._function.name, MAX_ATTEMPTS, event.container, event.name, POISON_QUEUE),
        )


def _download(blob: "BlobClient", etag: str) -> bytes | None:
    """The content of this version of the blob, or None if this version no longer exists."""
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

    try:
        return blob.download_blob(etag=etag, match_condition=MatchConditions.IfNotModified).readall()
    except (ResourceNotFoundError, ResourceModifiedError):
        return None


def blob_name_pattern(template: str) -> re.Pattern[str]:
    """A regular expression for ``items/{id}/{file}``. As in Azure, a placeholder also matches slashes."""
    literals = [re.escape(literal) for literal in PLACEHOLDER.split(template)]
    return re.compile("(.+)".join(literals))


def _event_of_receipt(path: str) -> BlobEvent:
    etag, container, name = path.split("/", 2)
    return BlobEvent(container, name, _quoted(etag))


def _quoted(etag: str) -> str:
    """An ETag with quotes, as in an HTTP header; blob listings have it without."""
    return f'"{etag.strip(QUOTE)}"'
