"""Calling the portal over HTTP, as a browser does: nothing here knows how it is built."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx

from local.tour.telling import API, Call, Difference, Teller, require

Found = TypeVar("Found")

ANSWER_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""How long the tour waits for a trigger or a timer; the real host may need a minute to see a blob."""

LONGEST_WAIT_SECONDS = 60
"""How long the tour waits where it is told that it calls too often."""

POLL_SECONDS = 0.3
PAGE = 100


class Web:
    """The portal at a URL and the storage beside it. As a context: closes its connections."""

    def __init__(self, base_url: str, teller: Teller) -> None:
        self._client = httpx.Client(timeout=ANSWER_SECONDS)
        self._base_url = base_url
        self._teller = teller

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._client.close()

    def stranger(self) -> "Visitor":
        """Somebody who is not signed in."""
        return Visitor(self)

    def call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Call the portal."""
        return self._timed(method, path, self._base_url + path, sent)

    def put_blob(self, url: str, data: bytes, content_type: str) -> int:
        """Put a file straight into the storage, as a browser does with the URL it was given; the status."""
        headers = {"Content-Type": content_type, "x-ms-blob-type": "BlockBlob"}
        return self._timed("PUT", "storage", url, {"content": data, "headers": headers}).status_code

    def fetch_blob(self, url: str) -> bytes:
        """Fetch a file from the storage with the URL that the portal gave. Raises Difference."""
        response = self._timed("GET", "storage", url, {})
        require("reading a stored file", response.status_code, httpx.codes.OK)
        return response.content

    def _timed(self, method: str, path: str, url: str, sent: dict[str, Any]) -> httpx.Response:
        started = time.perf_counter()
        response = self._client.request(method, url, **sent)
        if (
            response.status_code == httpx.codes.TOO_MANY_REQUESTS
        ):  # as any good client: once more, when it may
            time.sleep(min(int(response.headers["Retry-After"]), LONGEST_WAIT_SECONDS))
            response = self._client.request(method, url, **sent)
        milliseconds = (time.perf_counter() - started) * 1000
        self._teller.note(Call(method, path, response.status_code, milliseconds))
        return response


@dataclass(frozen=True)
class Visitor:
    """Somebody at the portal. Each call gives the `data` of the answer, and raises Difference for any other
    status than wanted.
    """

    web: Web
    token: str | None = None

    def get(self, path: str, **query: object) -> Any:
        """Read something."""
        return self._answer("GET", path, {200}, params=query)["data"]

    def post(self, path: str, body: object = None, *, wanted: set[int] | None = None) -> Any:
        """Do something."""
        return self._answer("POST", path, wanted or {200}, json=body or {})["data"]

    def patch(self, path: str, body: object) -> Any:
        """Change something."""
        return self._answer("PATCH", path, {200}, json=body)["data"]

    def every(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Walk a whole list, page by page."""
        offset, has_more = 0, True
        while has_more:
            answer = self._answer("GET", path, {200}, params={**query, "limit": PAGE, "offset": offset})
            yield from answer["data"]
            offset, has_more = offset + PAGE, answer["pagination"]["has_more"]

    def count(self, path: str, **query: object) -> int:
        """Count what a list holds."""
        return int(self._answer("GET", path, {200}, params={**query, "limit": 1})["pagination"]["total"])

    def refused(self, method: str, path: str, body: object = None, *, status: int, code: str) -> Any:
        """Try what must be refused; the error as the portal tells it."""
        sent = {} if body is None else {"json": body}
        error = self._answer(method, path, {status}, **sent)["error"]
        require(f"the code of {method} {path}", error["code"], code)
        return error

    def ask_host(self, function: str) -> int:
        """Ask the host to run a function now; the status."""
        return self.web.call("POST", f"/admin/functions/{function}", json={"input": ""}).status_code

    def _answer(self, method: str, path: str, wanted: set[int], **sent: Any) -> dict[str, Any]:
        path = path if path.startswith("/health") else API + path
        request_id = f"tour-{uuid4().hex[:12]}"
        headers = {"X-Request-ID": request_id}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        response = self.web.call(method, path, headers=headers, **sent)
        if response.status_code not in wanted:
            raise Difference(
                f"{method} {path} answered {response.status_code}, not {_any_of(wanted)}"
                f" (request {request_id}): {response.text[:1000]}"
            )
        require(f"the request id of {method} {path}", response.headers.get("X-Request-ID"), request_id)
        answer: dict[str, Any] = json.loads(response.content, parse_float=Decimal)
        return answer


def wait_for(what: str, look: Callable[[], Found | None]) -> Found:
    """Look again and again until something is there, and return it.

    Raises Difference if it does not come.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise Difference(f"{what}: not within {PATIENCE_SECONDS:.0f} seconds.")
        time.sleep(POLL_SECONDS)
    return found


def _any_of(statuses: set[int]) -> str:
    return " or ".join(str(status) for status in sorted(statuses))
