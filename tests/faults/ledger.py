"""The ledger: every call and its answer, and what must be in the database afterwards.

A write is one intention of a client, such as "create this practice". Its attempts are the calls with which
the client repeats it until it has an answer. Each attempt has a request id of its own, and the portal writes
that into the audit trail in the transaction of the change. So the audit trail says which attempts were
committed.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["acknowledged", "refused", "open"]
"""What the client knows: it was done, it was not done (4xx), or neither (503, or no answer)."""

UNAVAILABLE = 503
SERVER_ERROR = 500


@dataclass
class Write:
    """One intention of a client. `is_audited`: each time that it is done, the audit trail has its attempt."""

    what: str
    is_audited: bool
    attempts: list[str] = field(default_factory=list)
    outcome: Outcome = "open"
    answer: str = ""

    @property
    def is_acknowledged(self) -> bool:
        return self.outcome == "acknowledged"


@dataclass
class Expected:
    """What a practice may be afterwards: for each of its facts the values that are possible.

    It is more than one value only while the answer to a write is missing.
    """

    title: str
    create: Write
    possible: dict[str, set[object]] = field(default_factory=dict)

    def apply(self, write: Write, **facts: object) -> None:
        """Note what a write makes of the practice, as far as its outcome is known."""
        for name, value in facts.items():
            known = self.possible.setdefault(name, set())
            if write.outcome == "acknowledged":
                known.clear()
            if write.outcome != "refused":
                known.add(value)


class Ledger:
    """All calls and writes of one test. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        """The number of calls by status; 0 is a call without an answer."""
        self.longest_answer = 0.0
        self.slowest_call = ""
        self.refused: list[str] = []
        """The calls that got 503, each with its message."""
        self.unexpected: list[str] = []
        """Answers that no documentation promises: 5xx other than 503 with Retry-After, and wrong contents."""
        self.broken: list[str] = []
        """Calls whose connection was accepted and then broke, without an answer."""
        self.writes: list[Write] = []
        self.practices: dict[str, Expected] = {}
        self.uploaded: dict[str, float] = {}
        """When each blob was uploaded (`time.monotonic`). It has to be recorded, confirmed or not."""
        self.forgiven: set[str] = set()
        """Blobs that the storage has lost by itself."""
        self.confirmed: dict[str, Write] = {}
        """The confirmations of uploads, by blob name."""

    @property
    def calls(self) -> int:
        return self.statuses.total()

    @property
    def acknowledged(self) -> int:
        return sum(write.is_acknowledged for write in self.writes)

    def note(
        self, call: str, status: int, seconds: float, *, retry_after: str | None = None, message: str = ""
    ) -> None:
        """Note a call; status 0 means that it got no answer."""
        with self._lock:
            self.statuses[status] += 1
            if status == UNAVAILABLE:
                self.refused.append(f"{call}: {message}")
            if status and seconds > self.longest_answer:
                self.longest_answer, self.slowest_call = seconds, call
        undocumented = status >= SERVER_ERROR and status != UNAVAILABLE
        if undocumented or (status == UNAVAILABLE and not (retry_after or "").isdecimal()):
            self.complain(f"{call} got {status} with Retry-After {retry_after}")

    def note_broken(self, call: str, error: BaseException | None) -> None:
        """Note why a call got no answer. A refused connection reached nobody, and can always be repeated."""
        if not isinstance(error, ConnectionRefusedError):
            with self._lock:
                self.broken.append(f"{call}: {error!r}")

    def complain(self, what: str) -> None:
        """Note an answer that should not be."""
        with self._lock:
            self.unexpected.append(what)

    def open_write(self, what: str, *, is_audited: bool = True) -> Write:
        """Add a write, which has not been attempted yet."""
        write = Write(what, is_audited)
        with self._lock:
            self.writes.append(write)
        return write

    def expect(self, title: str, create: Write) -> Expected:
        """Add a practice with a title of its own."""
        expected = Expected(title, create)
        with self._lock:
            self.practices[title] = expected
        return expected

    def expect_upload(self, blob_name: str) -> None:
        """Add a blob that the storage has taken."""
        with self._lock:
            self.uploaded[blob_name] = time.monotonic()

    def forgive_uploads(self, *, since: float) -> None:
        """The storage has lost what was uploaded since a time of `time.monotonic`: expect none of it."""
        with self._lock:
            lost = {name for name, uploaded in self.uploaded.items() if uploaded >= since}
            self.forgiven |= lost
            self.uploaded = {name: at for name, at in self.uploaded.items() if name not in lost}

    def expect_image(self, blob_name: str, confirm: Write) -> None:
        """Add an upload that a client has confirmed."""
        with self._lock:
            self.confirmed[blob_name] = confirm
