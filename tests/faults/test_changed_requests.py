"""Requests that are changed at random get documented answers, and change nothing unless they succeed."""

import http.client
import os
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from random import Random
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

import function_app
from bench.child import peak_megabytes
from function_host.index import index_app
from function_host.routes import Router
from functions.edge.declaration import Endpoint
from tests import declared
from tests.faults import invariants
from tests.faults.mutations import corpus
from tests.faults.report import PROPERTY, Row
from tests.faults.requests import Known, Request, changed_request
from tests.faults.servers import wait_until
from tests.faults.trial import Site, Size
from tests.world import Person, World, picture

SEED: Final = int(os.environ.get("FUZZ_SEED", "12"))
SECONDS: Final = 30

VOLATILE: Final = frozenset({"sessions", "sign_in_failures", "idempotency_keys", "job_runs", "blob_failures"})
"""Tables that a refused request may change: what it counts, and what it ends."""

HOST_ANSWERS: Final = frozenset({400, 404, 405, 411, 413, 414, 431})
"""What the function host answers before the portal, without an envelope."""

LEAKS: Final = (b"Traceback", b"psycopg", b"SELECT ", b"INSERT ", b"UPDATE ", b'File "', b"site-packages")
"""What no answer contains: parts of stack traces and statements."""

UPLOADING: Final = frozenset({"upload_image", "confirm_image"})
"""Calls after which the blob trigger writes something."""

RECORDED: Final = "UPLOAD_REJECTED"
"""The error of a file that is not accepted, which is recorded."""


MEMORY_LIMIT: Final = 200
"""The most memory that changed requests may add to a host, in megabytes."""


def test_changed_requests_get_documented_answers_and_change_nothing_unless_they_succeed(
    site: Site, size: Size, request: pytest.FixtureRequest
) -> None:
    count = size.count(bounded=400, full=3_000)
    portal = Portal(site)
    before = portal.peak_memory()
    for number in range(count):
        portal.send(Random(f"{SEED}:{number}"), f"request {number} of seed {SEED}")
    assert {200, 201, 400, 401, 404, 422} <= portal.statuses.keys()
    peak = portal.peak_memory()
    request.node.user_properties.append(
        (PROPERTY, asdict(Row(f"{count:,} changed requests", calls=count, peak_memory=round(peak))))
    )
    assert peak - before < MEMORY_LIMIT


class Portal:
    """A running host, what it has, and what it has answered."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._host = site.hosts[0]
        self._router = Router(index_app(function_app.app, site.world.settings))
        self._tables = content_tables(site.world)
        self._known = known(site)
        self.statuses: Counter[int] = Counter()
        self.settle()

    def send(self, random: Random, name: str) -> None:
        """Send a request and check its answer. Fails with the name and the request."""
        endpoint, request = changed_request(random, self._known)
        before = self._content() if endpoint.writes else ""
        try:
            response = exchange(self._host.url, request)
        except OSError as error:
            raise AssertionError(f"{name}: {request.raw[:2000]!r} was not answered") from error
        what = f"{name}: {request.raw[:2000]!r}, answered {response.status_code}: {response.text[:500]}"
        self.statuses[response.status_code] += 1
        self._check(endpoint, request, response, what)
        if response.is_success and endpoint.name in UPLOADING:
            self.settle()
        if endpoint.writes and not response.is_success and RECORDED not in response.text:
            assert self._content() == before, what

    def settle(self) -> None:
        """Wait until the triggers have written what they write."""
        world = self._site.world
        wait_until(lambda: invariants.all_drawn(world), SECONDS, "a photograph has no thumbnail")

    def _check(self, endpoint: Endpoint, request: Request, response: httpx.Response, what: str) -> None:
        assert not any(leak in response.content for leak in LEAKS), what
        if "X-Request-ID" not in response.headers:
            assert response.status_code in HOST_ANSWERS, what
            return
        assert response.status_code < 500, what
        try:
            declared.check(response, self._router)
        except AssertionError as error:
            raise AssertionError(what) from error

    def _content(self) -> str:
        """A hash of all rows that a refused request must not change."""
        rows = " UNION ALL ".join(
            f"SELECT '{table}' || one::text AS one FROM {table} one" for table in self._tables
        )
        [(found,)] = self._site.world.query(
            f"SELECT md5(string_agg(one, '' ORDER BY one)) FROM ({rows}) rows"
        )
        return str(found)

    def peak_memory(self) -> float:
        """The peak of the host and of the process that examines files for it, in megabytes."""
        return sum(peak_megabytes(process.pid) for process in self._host.tree())


def content_tables(world: World) -> list[str]:
    """The tables that a refused request must not change."""
    rows = world.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    return sorted({name for (name,) in rows} - VOLATILE)


def known(site: Site) -> Known:
    """Make what requests can name: practices in all states, questions, a copy, a photograph, cursors."""
    world = site.world
    hq, author, other = world.headquarters(), world.plant_user(0), world.plant_user(1)
    drafts = [world.practice(author)["id"] for _ in range(3)]
    submitted = [world.practice(author, "submitted", tags=["x"])["id"] for _ in range(3)]
    approved = [world.approved(hq, plant)["id"] for plant in (0, 1)]
    assert hq.post(f"/benchmarking/benchmark/{approved[0]}").status_code == 201
    copied = other.post("/copy/implement", {"original_practice_id": approved[0]}).json()["data"]
    question = other.post(f"/questions/practice/{approved[0]}", {"question_text": "How long?"}).json()["data"]
    uploaded = author.http.post(
        f"/api/v1/best-practices/{submitted[0]}/upload-image",
        data={"image_type": "before"},
        files={"file": ("a.jpg", picture(), "image/jpeg")},
    ).json()["data"]
    practices = [*drafts, *submitted, *approved]
    ids = {
        "practice_id": practices, "original_id": approved, "original_practice_id": approved,
        "copy_id": [row[0] for row in world.query("SELECT id::text FROM copied_practices")],
        "question_id": [question["id"]], "image_id": [uploaded["id"]],
        "plant_id": [str(one) for one in world.plants], "category_id": [str(one) for one in world.categories],
        "blob_name": [uploaded["blob_name"]],
    }  # fmt: skip
    assert copied
    people = (hq, author, other)
    return Known([token(one) for one in people], ids, corpus(), [cursor(one) for one in people])


def token(person: Person) -> str:
    """The access token of a person."""
    return str(person.tokens["access_token"])


def cursor(person: Person) -> str:
    """A cursor that a person got."""
    found = person.get("/best-practices", limit=1).json()["pagination"]["next_cursor"]
    assert found
    return str(found)


def exchange(base_url: str, request: Request) -> httpx.Response:
    """Send the bytes of a request and read the whole response."""
    address = urlsplit(base_url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        # The host may refuse the head, and not read the body.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request.raw)
        answer = http.client.HTTPResponse(connection, method=request.method)
        answer.begin()
        content = answer.read()
        headers = answer.getheaders()
    path = request.target.partition("?")[0].encode("ascii", "replace").decode()
    sent = httpx.Request(request.method, httpx.URL(base_url).copy_with(path=path))
    return httpx.Response(answer.status, headers=headers, content=content, request=sent)
