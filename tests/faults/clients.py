"""A client of the portal that fails over to another host and repeats what was not answered."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.faults.ledger import UNAVAILABLE, Ledger, Write
from tests.faults.wire import BrokenConnectionError, Connection, Reply
from tests.world import Person

PATIENCE_SECONDS = 120.0
"""How long a client repeats a call."""

PAUSE_SECONDS = 0.1
"""How long a client waits after a broken connection, before it calls the other host."""

NO_ANSWER = 0
CLIENT_ERROR = 400


@dataclass(frozen=True)
class User:
    """Somebody who has signed in. `person` calls the portal in the process of the test, without the hosts."""

    person: Person
    token: str


@dataclass(frozen=True)
class Answer:
    """The answer to one call; status 0 means that there was none."""

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def data(self) -> Any:
        """The `data` of the envelope."""
        return self.content["data"]

    def error(self, field: str) -> str:
        """A field of the error in the envelope; empty if it is no error."""
        is_error = isinstance(self.content, dict) and "error" in self.content
        return str(self.content["error"].get(field, "")) if is_error else ""

    @property
    def is_success(self) -> bool:
        return NO_ANSWER < self.status < CLIENT_ERROR

    @property
    def is_uncertain(self) -> bool:
        """Whether the call may or may not have been done."""
        return self.status in (NO_ANSWER, UNAVAILABLE)


class Client:
    """One program that calls the portal, for any users, one call at a time."""

    def __init__(self, urls: Sequence[str], ledger: Ledger, first: int = 0) -> None:
        self.ledger = ledger
        self._connections = [Connection(url) for url in urls]
        self._current = first % len(urls)
        self._storages: dict[str, Connection] = {}
        self.avoided: set[int] = set()
        """The hosts, by number, at which it begins no call."""

    async def get(self, user: User | None, path: str) -> Answer:
        """Read, and repeat that until there is an answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        answer = await self.call(user, "GET", path)
        while answer.is_uncertain and time.monotonic() < deadline:
            await self._pause(answer)
            answer = await self.call(user, "GET", path)
        return answer

    async def write(
        self,
        user: User,
        what: str,
        call: tuple[str, str],
        body: object = None,
        *,
        has_key: bool = False,
        once: bool = False,
        is_audited: bool = True,
        if_match: int | None = None,
    ) -> tuple[Write, Answer]:
        """Write, and repeat that until there is an answer, with the same Idempotency-Key if `has_key`.

        `call` is the method and the path. With `once` it is not repeated: a second time could do it twice.
        """
        write = self.ledger.open_write(what, is_audited=is_audited)
        headers = {"Idempotency-Key": uuid4().hex} if has_key else {}
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            request_id = uuid4().hex
            write.attempts.append(request_id)
            answer = await self.call(user, *call, body, headers | {"X-Request-ID": request_id})
            if not answer.is_uncertain or once or time.monotonic() > deadline:
                break
            await self._pause(answer)
        self._settle(write, answer)
        return write, answer

    async def call(
        self,
        user: User | None,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call and note its answer. `path` is below /api/v1, or starts with /health."""
        target = path if path.startswith("/health") else f"/api/v1{path}"
        sent = {"Authorization": f"Bearer {user.token}"} if user else {}
        content = b""
        if method != "GET":
            sent["Content-Type"] = "application/json"
            content = json.dumps({} if body is None else body).encode()
        if self._current in self.avoided:
            self._current = (self._current + 1) % len(self._connections)
        started = time.monotonic()
        try:
            reply = await self._connections[self._current].request(
                method, target, {**sent, **(headers or {})}, content
            )
        except BrokenConnectionError as error:
            self.ledger.note_broken(f"{method} {path}", error.__cause__)
            self.ledger.note(f"{method} {path}", NO_ANSWER, time.monotonic() - started)
            self._current = (self._current + 1) % len(self._connections)
            return Answer(NO_ANSWER, {}, {})
        answer = Answer(reply.status, reply.headers, _content(reply))
        self.ledger.note(
            f"{method} {path}",
            answer.status,
            time.monotonic() - started,
            retry_after=answer.headers.get("retry-after"),
            message=answer.error("message"),
        )
        return answer

    async def put_blob(self, url: str, data: bytes) -> bool:
        """Upload a blob with a pre-signed URL, as long as the storage does not answer. Returns success."""
        parts = urlsplit(url)
        storage = self._storages.setdefault(parts.netloc, Connection(url))
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "image/jpeg"}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                reply = await storage.request("PUT", f"{parts.path}?{parts.query}", headers, data)
            except BrokenConnectionError:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            # A repeated upload may find the blob of an attempt whose answer was lost: it is not replaced.
            return reply.status in (201, 403, 409)
        return False

    async def close(self) -> None:
        """Close all connections."""
        for connection in [*self._connections, *self._storages.values()]:
            connection.close()
        await asyncio.sleep(0)  # the loop closes the sockets in its next round

    def _settle(self, write: Write, answer: Answer) -> None:
        write.answer = f"{answer.status} {answer.error('code')}"
        if answer.is_success:
            write.outcome = "acknowledged"
        elif answer.is_uncertain or len(write.attempts) > 1:
            write.outcome = "open"  # an earlier attempt may have been done, and be why this one is refused
        else:
            write.outcome = "refused"

    async def _pause(self, answer: Answer) -> None:
        """Wait as long as the answer says."""
        wait = answer.headers.get("retry-after", "")
        await asyncio.sleep(int(wait) if wait.isdecimal() else PAUSE_SECONDS)


def _content(reply: Reply) -> Any:
    is_json = reply.headers.get("content-type", "").startswith("application/json")
    return reply.json() if is_json and reply.body else {}
