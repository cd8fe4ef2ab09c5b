"""CORS with credentials, from the setting CORS_ORIGINS."""

from collections.abc import Iterator

import azure.functions as func
import httpx
import pytest

from local.host import ConfigurationError, FunctionHost
from tests.e2e.host.support import http_app

SPA = "http://localhost:5173"
PREFLIGHT = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization, if-match",
}


def app() -> func.FunctionApp:
    return http_app(list_items="items")


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    settings = {"CORS_ORIGINS": f"{SPA}, https://portal.example/"}
    with FunctionHost(app(), settings) as host, httpx.Client(base_url=host.base_url) as client:
        yield client


def cors_headers(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [SPA, "https://portal.example"])
def test_a_preflight_of_an_allowed_origin_is_answered_by_the_host(client: httpx.Client, origin: str) -> None:
    answer = client.options("/items", headers=PREFLIGHT | {"Origin": origin})

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Methods"] == "PATCH"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, if-match"
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def test_an_answer_may_be_read_by_an_allowed_origin_with_its_headers(client: httpx.Client) -> None:
    answer = client.get("/items", headers={"Origin": SPA})

    assert answer.headers["Access-Control-Allow-Origin"] == SPA
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Vary"] == "Origin"
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-ID", "ETag", "Retry-After", "Location", "Idempotency-Replayed"} <= set(exposed)


def test_errors_of_the_host_may_be_read_too(client: httpx.Client) -> None:
    assert client.get("/nowhere", headers={"Origin": SPA}).headers["Access-Control-Allow-Origin"] == SPA


@pytest.mark.parametrize("origin", ["http://localhost:5174", "https://portal.example.evil", "null"])
def test_an_unknown_origin_gets_no_cors_headers(client: httpx.Client, origin: str) -> None:
    answers = [
        client.get("/items", headers={"Origin": origin}),
        client.options("/items", headers=PREFLIGHT | {"Origin": origin}),
    ]

    assert [answer.status_code for answer in answers] == [200, 204]
    assert [cors_headers(answer) for answer in answers] == [set(), set()]


def test_without_the_setting_there_is_no_cors() -> None:
    with FunctionHost(app(), {}) as host, httpx.Client(base_url=host.base_url) as client:
        assert cors_headers(client.get("/items", headers={"Origin": SPA})) == set()
        assert client.options("/items", headers=PREFLIGHT | {"Origin": SPA}).status_code == 405


def test_every_origin_with_credentials_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError, match="CORS_ORIGINS"):
        FunctionHost(app(), {"CORS_ORIGINS": "*"})
