"""CORS with credentials, from the setting CORS_ORIGINS."""

from collections.abc import Iterator

import azure.functions as func
import httpx
import pytest

from function_host import ConfigurationError, FunctionHost
from tests.e2e.function_host.support import http_app

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


def cors_headers(response: httpx.Response) -> set[str]:
    return {name for name in response.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [SPA, "https://portal.example"])
def test_the_host_responses_a_preflight_from_an_allowed_origin(client: httpx.Client, origin: str) -> None:
    response = client.options("/items", headers=PREFLIGHT | {"Origin": origin})

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Access-Control-Allow-Methods"] == "PATCH"
    assert response.headers["Access-Control-Allow-Headers"] == "authorization, if-match"
    assert int(response.headers["Access-Control-Max-Age"]) > 0


def test_an_allowed_origin_can_read_a_response_and_its_headers(client: httpx.Client) -> None:
    response = client.get("/items", headers={"Origin": SPA})

    assert response.headers["Access-Control-Allow-Origin"] == SPA
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Vary"] == "Origin"
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-ID", "ETag", "Retry-After", "Location", "Idempotency-Replayed"} <= set(exposed)


def test_an_allowed_origin_can_read_errors_of_the_host(client: httpx.Client) -> None:
    assert client.get("/nowhere", headers={"Origin": SPA}).headers["Access-Control-Allow-Origin"] == SPA


@pytest.mark.parametrize("origin", ["http://localhost:5174", "https://portal.example.evil", "null"])
def test_an_unknown_origin_gets_no_cors_headers(client: httpx.Client, origin: str) -> None:
    responses = [
        client.get("/items", headers={"Origin": origin}),
        client.options("/items", headers=PREFLIGHT | {"Origin": origin}),
    ]

    assert [response.status_code for response in responses] == [200, 204]
    assert [cors_headers(response) for response in responses] == [set(), set()]


def test_without_the_setting_there_is_no_cors() -> None:
    with FunctionHost(app(), {}) as host, httpx.Client(base_url=host.base_url) as client:
        assert cors_headers(client.get("/items", headers={"Origin": SPA})) == set()
        assert client.options("/items", headers=PREFLIGHT | {"Origin": SPA}).status_code == 405


def test_a_wildcard_origin_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError, match="CORS_ORIGINS"):
        FunctionHost(app(), {"CORS_ORIGINS": "*"})
