"""Blob triggers by polling: at least once, five tries, then the poison queue.

What is done is kept in storage as receipts, as the real host does, so that neither a restart nor a second
host on the same storage repeats it: one blob ``blobreceipts/{function}/{etag}/{container}/{blob}`` in
``azure-webjobs-hosts`` per event. It is made when the event is first taken, marked ``incomplete`` and
carrying the count of tries; that mark goes when the function has succeeded or the event went to the poison
queue. Its lease is the claim of the host that works on it. Receipts and poison queue are in the storage
account of the trigger.
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

from local.host.index import BlobTrigger, IndexedFunction
from local.host.invocation import invoke
from local.host.leases import held
from local.host.storage import HOST_CONTAINER, StorageAccount
from local.host.workers import Outage, Workers

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

logger = logging.getLogger(__name__)

MAX_TRIES = 5
POISON_QUEUE = "webjobs-blobtrigger-poison"
ANY_VERSION = "*"
QUOTE = '"'
INCOMPLETE, TRIES = "incomplete", "tries"
PLACEHOLDER = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class BlobEvent:
    """One version of one blob; ``etag`` is quoted, as in a header."""

    container: str
    name: str
    etag: str


class BlobListener:
    """Finds the blobs that one function has not seen and runs it on each, on the workers' threads."""

    def __init__(
        self, function: IndexedFunction, trigger: BlobTrigger, account: StorageAccount, workers: Workers
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._account = account
        self._workers = workers
        self._wanted = blob_pattern(trigger.pattern)
        self._receipts = f"blobreceipts/{function.name}/"
        self._done: set[BlobEvent] = set()
        self._receipts_read = False
        self._done_lock = threading.Lock()
        self._outage = Outage(f"blob trigger {function.name}")
        if not trigger.polled:
            logger.info(
                "host: %s waits for Event Grid, which only Azure has: nothing is polled", function.name
            )

    def poll(self) -> None:
        """Look once for blobs that are new or changed. Raises nothing, storage away or not."""
        if self._trigger.polled:
            self._outage.guard(self._look)

    def run_now(self, path: str) -> None:
        """Run the function, on a worker's thread, on the blob ``container/name``, whatever its receipt says.

        Raises ValueError if ``path`` is no such thing.
        """
        container, _, name = path.partition("/")
        if not container or not name:
            raise ValueError('the body must be {"input": "container/blob"}')
        event = BlobEvent(container, name, etag=ANY_VERSION)
        self._workers.submit(f"run {uuid.uuid4()}", partial(self._outage.guard, partial(self._run, event)))

    def _look(self) -> None:
        if not self._receipts_read:
            self._done = self._read_receipts()
            self._receipts_read = True
        listed = self._list()
        with self._done_lock:
            self._done &= listed  # what is gone or changed need not be remembered
            new = listed - self._done
        for event in new:
            key = f"{self._function.name} {event}"
            self._workers.submit(key, partial(self._outage.guard, partial(self._process, event)))

    def _list(self) -> set[BlobEvent]:
        """The container's blobs that the trigger wants; none if there is no such container (yet)."""
        from azure.core.exceptions import ResourceNotFoundError

        container = self._account.container(self._trigger.container)
        prefix = PLACEHOLDER.split(self._trigger.pattern)[0]
        try:
            return {
                BlobEvent(self._trigger.container, blob.name, _quoted(blob.etag))
                for blob in container.list_blobs(name_starts_with=prefix)
                if self._wanted.fullmatch(blob.name)
            }
        except ResourceNotFoundError:
            return set()

    def _read_receipts(self) -> set[BlobEvent]:
        """What earlier runs and other hosts have done, in one listing instead of a question per blob."""
        from azure.core.exceptions import ResourceNotFoundError

        hosts = self._account.container(HOST_CONTAINER)
        try:
            return {
                _event_of_receipt(receipt.name.removeprefix(self._receipts))
                for receipt in hosts.list_blobs(name_starts_with=self._receipts, include=["metadata"])
                if INCOMPLETE not in (receipt.metadata or {})
            }
        except ResourceNotFoundError:
            return set()

    def _process(self, event: BlobEvent) -> None:
        receipt = f"{self._receipts}{event.etag.strip(QUOTE)}/{event.container}/{event.name}"
        with held(self._account, receipt, {INCOMPLETE: "true", TRIES: "0"}) as lease:
            settled = lease is not None and self._settle(event, receipt, lease)
        if settled:
            with self._done_lock:
                self._done.add(event)

    def _settle(self, event: BlobEvent, receipt: str, lease: "BlobLeaseClient") -> bool:
        """Try once more unless it is done; whether the event needs no further try."""
        blob = self._account.host_blob(receipt)
        metadata = blob.get_blob_properties().metadata or {}
        if INCOMPLETE not in metadata:
            return True
        tries = int(metadata[TRIES])
        if tries < MAX_TRIES:
            tries += 1  # counted before the run, so that a run which takes the host down with it counts
            blob.set_blob_metadata({INCOMPLETE: "true", TRIES: str(tries)}, lease=lease)
            succeeded = self._run(event)
        else:  # the host of the last try ended before it could tell the poison queue
            succeeded = False
        if not succeeded and tries < MAX_TRIES:
            return False
        if not succeeded:
            self._poison(event)
        blob.set_blob_metadata({}, lease=lease)
        return True

    def _run(self, event: BlobEvent) -> bool:
        """Run the function on the blob; whether it succeeded. One that is gone or has changed is skipped."""
        blob = self._account.container(event.container).get_blob_client(event.name)
        path = f"{event.container}/{event.name}"
        data = _download(blob, event.etag)
        if data is None:
            logger.info("host: %s skips %s, which is gone or has changed", self._function.name, path)
            return True
        content = data if self._trigger.binary else data.decode("utf-8", errors="replace").encode()
        stream = InputStream(data=content, name=path, uri=blob.url, length=len(data))
        try:
            invoke(self._function, stream)
        except Exception:  # whatever escapes a function is a failed try
            logger.exception("host: %s failed on %s", self._function.name, path)
            return False
        logger.info("host: %s succeeded on %s", self._function.name, path)
        return True

    def _poison(self, event: BlobEvent) -> None:
        """Leave a message in the form of the real host's, for whoever looks after what failed."""
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
            "host: %s failed %d times on %s/%s, which goes to the queue %s",
            *(self._function.name, MAX_TRIES, event.container, event.name, POISON_QUEUE),
        )


def _download(blob: "BlobClient", etag: str) -> bytes | None:
    """The content of this version of the blob; None if there is no such version any more."""
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

    try:
        return blob.download_blob(etag=etag, match_condition=MatchConditions.IfNotModified).readall()
    except (ResourceNotFoundError, ResourceModifiedError):
        return None


def blob_pattern(template: str) -> re.Pattern[str]:
    """What ``practices/{practice_id}/{file}`` matches; as in the real host a placeholder may hold slashes."""
    literals = [re.escape(literal) for literal in PLACEHOLDER.split(template)]
    return re.compile("(.+)".join(literals))


def _event_of_receipt(path: str) -> BlobEvent:
    etag, container, name = path.split("/", 2)
    return BlobEvent(container, name, _quoted(etag))


def _quoted(etag: str) -> str:
    """A listing names an ETag without the quotes that the header has."""
    return f'"{etag.strip(QUOTE)}"'
