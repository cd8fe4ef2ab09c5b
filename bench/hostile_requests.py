"""What does the worst request cost? CPU time of the whole portal, and the size of the answer."""

import json
import time
from typing import Final

import httpx

from bench.portal import benchmark_portal
from tests.world import Person, World

ROUNDS = 3
LOGIN: Final = "/api/v1/auth/login"
PRACTICES: Final = "/api/v1/best-practices"
FORM: Final = {"Content-Type": "multipart/form-data; boundary=edge"}
PART: Final = b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'


def measure() -> None:
    """Send each request some times; print the least CPU time, the status and the size of the answer."""
    with benchmark_portal({"BCRYPT_ROUNDS": "10"}) as world:
        author = world.plant_user()
        stranger = world.browser()
        for client in (author.http, stranger):
            client.event_hooks = {}  # without the check against the API description
        for name, request in _requests(world, author, stranger).items():
            client = stranger if "stranger" in name else author.http
            seconds, response = min((_timed(client, request) for _ in range(ROUNDS)), key=lambda one: one[0])
            size, status = len(response.content), response.status_code
            print(f"{name:52} {status} {seconds * 1000:8.1f} ms CPU, answer {size:6} bytes")


def _requests(world: World, author: Person, stranger: httpx.Client) -> dict[str, httpx.Request]:
    unknown = json.dumps({f"{name:x}": 1 for name in range(110_000)}, separators=(",", ":")).encode()
    practice = f"{PRACTICES}/{world.practice(author)['id']}"
    tags = ",".join(f'"{number}"' for number in range(1, 100_000))
    build = author.http.build_request
    return {
        "a good practice": build("POST", PRACTICES, json={"title": "Less scrap"}),
        "110,000 unknown fields, stranger": stranger.build_request("POST", LOGIN, content=unknown),
        "110,000 unknown fields to a practice, stranger": stranger.build_request(
            "POST", PRACTICES, content=unknown
        ),
        "110,000 unknown fields to a practice": build("POST", PRACTICES, content=unknown),
        "330,000 empty arrays in a practice": build(
            "POST", PRACTICES, content=b'{"benefits":[' + b"[]," * 330_000 + b"[]]}"
        ),
        "1,900 unknown fields to a practice": build(
            "POST", PRACTICES, content=json.dumps({f"{name:x}": 1 for name in range(1900)})
        ),
        "a name of 1 MB in a practice": build("POST", PRACTICES, json={"k" * 1_000_000: 1}),
        "a query of 2,000 parameters": build(
            "GET", PRACTICES + "?" + "&".join(f"{name:x}=1" for name in range(2000))
        ),
        "If-Match with 100,000 tags": build(
            "PATCH", practice, json={"title": "x"}, headers={"If-Match": tags}
        ),
        "If-Match with 4,000 tags": build(
            "PATCH", practice, json={"title": "x"}, headers={"If-Match": tags[:26_000]}
        ),
        "a form of 150,000 parts": build(
            "POST", f"{practice}/upload-image", content=PART * 150_000, headers=FORM
        ),
        "a token of 1 MB": build(
            "GET", PRACTICES, headers={"Authorization": "Bearer " + "x." * 500_000}
        ),
        "X-Forwarded-For of 1 MB, stranger": stranger.build_request(
            "GET", PRACTICES, headers={"X-Forwarded-For": "1," * 500_000}
        ),
    }  # fmt: skip


def _timed(client: httpx.Client, request: httpx.Request) -> tuple[float, httpx.Response]:
    started = time.process_time()
    response = client.send(request)
    return time.process_time() - started, response
