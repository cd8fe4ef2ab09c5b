"""The real identity library, with an identity endpoint like that of App Service."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import AzureError

from adapters.security.azure_identity import DATABASE_SCOPE, AzureIdentity

OK = 200
TOKEN = {"access_token": "a token", "expires_on": "4102444800", "token_type": "Bearer", "resource": "r"}
CLIENT_ID = "7c0b2d3e-1a4f-4b5c-8d6e-9f0a1b2c3d4e"


class Endpoint:
    """The requests to the endpoint, and the status of its responses."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, dict[str, list[str]]]] = []
        self.status = OK


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            endpoint.asked.append((self.headers["X-IDENTITY-HEADER"], parse_qs(urlsplit(self.path).query)))
            self.send_response(endpoint.status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(TOKEN if endpoint.status == OK else {"statusCode": 500}).encode())

        def log_message(self, *message: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "a header that only this app knows")
        yield endpoint
        server.shutdown()


@pytest.mark.parametrize(("client_id", "asked_for"), [(CLIENT_ID, [CLIENT_ID]), ("", None)])
def test_the_identity_is_the_configured_one_or_the_apps_own(
    endpoint: Endpoint, client_id: str, asked_for: list[str] | None
) -> None:
    assert AzureIdentity(client_id).get_token(DATABASE_SCOPE).token == "a token"

    [(header, query)] = endpoint.asked
    assert header == "a header that only this app knows"
    assert query["resource"] == ["https://ossrdbms-aad.database.windows.net"]
    assert query.get("client_id") == asked_for


def test_a_failing_endpoint_is_called_twice(endpoint: Endpoint) -> None:
    endpoint.status = 500

    with pytest.raises(AzureError):
        AzureIdentity(CLIENT_ID).get_token(DATABASE_SCOPE)

    assert len(endpoint.asked) == 2
