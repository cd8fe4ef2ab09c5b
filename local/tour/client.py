"""An HTTP client for the portal. It uses only the API, like a browser."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx

from local.data_directory import Account
from local.tour.report import API, Call, CheckFailed, Report, check_equal

Found = TypeVar("Found")

TIMEOUT_SECONDS = 30.0
MAX_WAIT_SECONDS = 120.0
"""How long the tour waits for a trigger or a timer. In Azure a blob trigger can need a minute."""

MAX_RETRY_AFTER_SECONDS = 60
"""How long the tour waits at most after a 429."""

POLL_SECONDS = 0.3
PAGE_SIZE = 100

_NONE: Mapping[str, str] = MappingProxyType({})


class Connection:
    """HTTP connections to the portal and its blob storage. Use it as a context manager."""

    def __init__(self, base_url: str, report: Report) -> None:
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS)
        self._base_url = base_url
        self._report = report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def anonymous(self) -> "ApiClient":
        """A client that is not signed in."""
        return ApiClient(self)

    def sign_in(self, account: Account) -> "ApiClient":
        """A client that is signed in with an account."""
        credentials = {"email": account.email, "password": account.password}
        return ApiClient(self, self.anonymous().post("/auth/login", credentials)["access_token"])

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call the portal."""
        return self._send(method, path, self._base_url + path, options)

    def put_blob(self, url: str, data: bytes, content_type: str) -> int:
        """Upload a file to blob storage with a pre-signed URL. Returns the status."""
        headers = {"Content-Type": content_type, "x-ms-blob-type": "BlockBlob"}
        return self._send("PUT", "storage", url, {"content": data, "headers": headers}).status_code

    def get_blob(self, url: str) -> bytes:
        """Download a file from blob storage with a pre-signed URL. Raises CheckFailed."""
        response = self._send("GET", "storage", url, {})
        check_equal("status of a download", response.status_code, httpx.codes.OK)
        return response.content

    def _send(self, method: str, path: str, url: str, options: dict[str, Any]) -> httpx.Response:
        started = time.perf_counter()
        response = self._client.request(method, url, **options)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            time.sleep(min(int(response.headers["Retry-After"]), MAX_RETRY_AFTER_SECONDS))
            response = self._client.request(method, url, **options)
        milliseconds = (time.perf_counter() - started) * 1000
        self._report.add_call(Call(method, path, response.status_code, milliseconds))
        return response


@dataclass(frozen=True)
class ApiClient:
    """Calls the API as one user, or without a user.

    Each method returns the `data` of the response. It raises CheckFailed if the status is not the expected
    one.
    """

    connection: Connection
    token: str | None = None

    def get(self, path: str, **query: object) -> Any:
        """GET a resource."""
        return self._call("GET", path, {200}, params=query)["data"]

    def post(self, path: str, body: object = None, *, expected: set[int] | None = None) -> Any:
        """POST a body; `expected` is the set of allowed statuses (default: 200)."""
        return self._call("POST", path, expected or {200}, json=body or {})["data"]

    def create(self, path: str, body: object, key: str) -> tuple[Any, bool]:
        """Create something with an Idempotency-Key. Returns it, and whether the response is a replay."""
        created = self._call("POST", path, {201}, json=body, headers={"Idempotency-Key": key})
        return created["data"], created.get("replayed", False)

    def patch(self, path: str, body: object, *, version: int | None = None) -> Any:
        """PATCH a resource; with a `version`, only if it is the current one."""
        return self._call("PATCH", path, {200}, json=body, headers=_if_match(version))["data"]

    def delete(self, path: str) -> Any:
        """DELETE a resource."""
        return self._call("DELETE", path, {200})["data"]

    def get_all(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page."""
        offset, has_more = 0, True
        while has_more:
            page = self._call("GET", path, {200}, params={**query, "limit": PAGE_SIZE, "offset": offset})
            yield from page["data"]
            offset, has_more = offset + PAGE_SIZE, page["pagination"]["has_more"]

    def count(self, path: str, **query: object) -> int:
        """The number of items of a list."""
        return int(self._call("GET", path, {200}, params={**query, "limit": 1})["pagination"]["total"])

    def expect_error(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        status: int,
        code: str,
        version: int | None = None,
    ) -> Any:
        """Make a call that must fail with this status and error code. Returns the error."""
        options = {} if body is None else {"json": body}
        error = self._call(method, path, {status}, headers=_if_match(version), **options)["error"]
        check_equal(f"error code of {method} {path}", error["code"], code)
        return error

    def run_function(self, name: str) -> int:
        """Ask the Functions host to run a function now. Returns the status."""
        return self.connection.call("POST", f"/admin/functions/{name}", json={"input": ""}).status_code

    def _call(
        self, method: str, path: str, expected: set[int], headers: Mapping[str, str] = _NONE, **options: Any
    ) -> dict[str, Any]:
        path = path if path.startswith("/health") else API + path
        request_id = f"tour-{uuid4().hex[:12]}"
        headers = {"X-Request-ID": request_id, **headers}
        if self.token is not None:
            headers |= {"Authorization": f"Bearer {self.token}"}
        response = self.connection.call(method, path, headers=headers, **options)
        if response.status_code not in expected:
            raise CheckFailed(
                f"{method} {path} returned {response.status_code}, expected {_join(expected)}"
                f" (request {request_id}): {response.text[:1000]}"
            )
        check_equal(f"request id of {method} {path}", response.headers.get("X-Request-ID"), request_id)
        content: dict[str, Any] = json.loads(response.content, parse_float=Decimal)
        return content


def wait_for(what: str, look: Callable[[], Found | None]) -> Found:
    """Call `look` until it returns something, and return that. Raises CheckFailed after MAX_WAIT_SECONDS."""
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise CheckFailed(f"{what}: nothing after {MAX_WAIT_SECONDS:.0f} seconds.")
        time.sleep(POLL_SECONDS)
    return found


def _join(statuses: set[int]) -> str:
    return " or ".join(str(status) for status in sorted(statuses))


def _if_match(version: int | None) -> Mapping[str, str]:
    return _NONE if version is None else {"If-Match": f'"{version}"'}
