"""The host over HTTP: what a function receives, and what the client gets."""

import asyncio
import http.client
import json
import logging
import socket
import threading
from collections.abc import Iterator
from functools import partial

import azure.functions as func
import httpx
import pytest
from waitress.buffers import OverflowableBuffer

from function_host import ConfigurationError, FunctionHost, HttpOptions

GUID = "0b9f2c1e-3a4d-4e5f-8a6b-7c8d9e0f1a2b"
MAX_BODY = 2_000_000

app = func.FunctionApp()
release = threading.Event()
call_started = threading.Event()


@app.route(route="echo/{id:guid}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route_params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="json", methods=["POST"])
def read_json(req: func.HttpRequest) -> func.HttpResponse:
    try:
        return func.HttpResponse(json.dumps(req.get_json()))
    except ValueError:
        return func.HttpResponse(status_code=400)


@app.route(route="size", methods=["POST"])
def size(req: func.HttpRequest) -> str:
    return str(len(req.get_body()))


@app.route(route="slow", methods=["GET"])
async def slow(req: func.HttpRequest, context: func.Context) -> str:
    await asyncio.sleep(0)
    return f"{context.function_name} {len(context.invocation_id)} {context.trace_context.trace_parent}"


@app.route(route="blocked", methods=["GET"])
def blocked(req: func.HttpRequest) -> str:
    call_started.set()
    release.wait()
    return "done"


@app.route(route="broken", methods=["GET"])
def broken(req: func.HttpRequest) -> str:
    raise KeyError("the cause")


@app.route(route="wrong", methods=["GET"])
def wrong(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    pass


@app.route(route="answers", methods=["GET", "HEAD"])
def answers(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("späte Antwort", status_code=201, headers={"X-Seen": "first", "ETag": '"1"'})
    response.headers.add("x-seen", "last")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2; HttpOnly")
    response.headers.add("Content-Length", "3")
    return response


@app.route(route="page", methods=["GET"])
def page(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("<p>", mimetype="text/html", charset="latin-1")


@app.route(route="named", methods=["GET"])
def named(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"\x00", headers={"Content-Type": "image/webp"})


@app.route(route="nothing", methods=["DELETE"])
def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        FunctionHost(app, {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(MAX_BODY)}) as host,
        httpx.Client(base_url=host.base_url) as client,
    ):
        yield client


def test_a_function_gets_the_request_as_in_azure(client: httpx.Client) -> None:
    answer = client.post(
        f"/Echo/{GUID.upper()}?a=x%20y", content=b"\x00\xff", headers={"X-Mixed-Case": "Kept"}
    ).json()

    assert answer["method"] == "POST"
    assert answer["url"] == f"{client.base_url}/Echo/{GUID.upper()}?a=x%20y"
    assert answer["route_params"] == {"id": GUID.upper()}
    assert answer["params"] == {"a": "x y"}
    assert answer["body"] == "\x00\xff"
    assert answer["headers"]["x-mixed-case"] == "Kept"
    assert answer["headers"]["content-length"] == "2"


def test_repeated_query_values_are_joined_and_empty_ones_dropped(client: httpx.Client) -> None:
    answer = client.get(f"/echo/{GUID}?a=1&b=&a=2&c&d=%C3%A9").json()

    assert answer["params"] == {"a": "1,2", "d": "é"}


def test_repeated_request_headers_are_joined(client: httpx.Client) -> None:
    answer = client.get(f"/echo/{GUID}", headers=[("X-A", "1"), ("X-A", "2")]).json()

    assert answer["headers"]["x-a"] == "1, 2"


def test_a_chunked_body_is_complete(client: httpx.Client) -> None:
    assert client.post("/size", content=iter([b"a" * 70_000, b"b"])).text == "70001"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_an_invalid_json_body_raises_value_error_in_the_function(client: httpx.Client, body: bytes) -> None:
    assert client.post("/json", content=body).status_code == 400


def test_a_body_at_the_limit_is_accepted(client: httpx.Client) -> None:
    assert client.post("/size", content=b"x" * MAX_BODY).text == str(MAX_BODY)


def test_a_body_over_the_limit_gets_413_before_it_is_sent(client: httpx.Client) -> None:
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port)
    connection.putrequest("POST", "/size")
    connection.putheader("Content-Length", str(MAX_BODY + 1))
    connection.endheaders()

    assert connection.getresponse().status == 413
    connection.close()
    assert client.post("/size", content=b"x").text == "1"


def test_a_client_that_waits_for_an_invitation_gets_413_instead(client: httpx.Client) -> None:
    head = f"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY + 1}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.sendall(head.encode())

        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_waits_for_an_invitation_to_send_nothing_is_answered(client: httpx.Client) -> None:
    head = b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(
        (client.base_url.host, client.base_url.port or 0), timeout=30
    ) as connection:
        connection.sendall(head)

        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_that_sends_much_too_much_reads_413_and_not_a_broken_connection(
    client: httpx.Client, framing: str
) -> None:
    length = f"Content-Length: {50 * MAX_BODY}" if framing == "length" else "Transfer-Encoding: chunked"
    chunk = b"x" * 65_536
    framed = chunk if framing == "length" else b"10000\r\n" + chunk + b"\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.sendall(f"POST /size HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())
        for _ in range(
            15 * MAX_BODY // len(chunk)
        ):  # the server must not stop reading before the client does
            connection.sendall(framed)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(partial(connection.recv, 65_536), b""))

    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received.lower()
    assert client.post("/size", content=b"x").text == "1"


def test_a_body_over_the_limit_is_not_kept(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    append = OverflowableBuffer.append

    def count(buffer: OverflowableBuffer, data: bytes) -> None:
        kept.append(len(data))
        append(buffer, data)

    monkeypatch.setattr(OverflowableBuffer, "append", count)
    assert client.post("/size", content=b"x" * (10 * MAX_BODY)).status_code == 413
    assert sum(kept) < 1000  # the response
    kept.clear()
    assert client.post("/size", content=iter([b"x" * 65_536] * (10 * MAX_BODY // 65_536))).status_code == 413
    assert sum(kept) <= MAX_BODY + 10_000


def test_headers_over_the_limit_get_431(client: httpx.Client) -> None:
    assert client.get("/slow", headers={"X-Long": "x" * 1_000_000}).status_code == 431
    assert client.get("/slow", headers={"X-Long": "x" * 30_000}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/echo", "/echo/1", "/nowhere", f"/echo/{GUID}/more"])
def test_an_unknown_path_gets_404_with_an_empty_body(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.content) == (404, b"")


def test_another_method_gets_405_with_the_allowed_methods(client: httpx.Client) -> None:
    answer = client.delete(f"/echo/{GUID}")

    assert (answer.status_code, answer.headers["Allow"], answer.content) == (405, "GET, POST", b"")


def test_a_response_keeps_status_cookies_and_the_last_of_a_repeated_header(
    client: httpx.Client,
) -> None:
    answer = client.get("/answers")

    assert (answer.status_code, answer.text) == (201, "späte Antwort")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers.get_list("X-Seen") == ["last"]
    assert answer.headers.get_list("Set-Cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


def test_head_gets_the_headers_without_a_body(client: httpx.Client) -> None:
    answer = client.head("/answers")

    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Content-Length"] == str(len("späte Antwort".encode()))


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/page", "text/html; charset=latin-1"),
        ("/named", "image/webp"),
        (f"/echo/{GUID}", "application/json"),
    ],
)
def test_the_content_type_comes_from_the_header_or_from_mimetype_and_charset(
    client: httpx.Client, path: str, content_type: str
) -> None:
    assert client.get(path).headers["Content-Type"] == content_type


def test_a_204_has_no_body(client: httpx.Client) -> None:
    answer = client.delete("/nothing")

    assert (answer.status_code, answer.content) == (204, b"")


def test_an_async_function_with_a_context_works(client: httpx.Client) -> None:
    answer = client.get("/slow", headers={"traceparent": "00-1-2-01"})

    assert answer.text == "slow 36 00-1-2-01"


@pytest.mark.parametrize(
    ("path", "cause"), [("/broken", "KeyError: 'the cause'"), ("/wrong", "NotImplementedError")]
)
def test_an_exception_of_a_function_is_logged_and_gets_500_without_a_body(
    client: httpx.Client, caplog: pytest.LogCaptureFixture, path: str, cause: str
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client.get(path)

    assert (answer.status_code, answer.content) == (500, b"")
    assert cause in caplog.text


def test_a_running_call_gets_its_response_when_the_host_stops() -> None:
    release.clear()
    call_started.clear()
    answers: list[str] = []
    host = FunctionHost(app, {})
    host.start()
    call = threading.Thread(
        target=lambda: answers.append(httpx.get(f"{host.base_url}/blocked", timeout=30).text)
    )
    call.start()
    call_started.wait()
    releasing = threading.Timer(0.3, release.set)
    releasing.start()

    assert host.stop()
    call.join()
    assert answers == ["done"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{host.base_url}/blocked")


def test_the_host_stops_after_its_timeout_even_if_a_call_is_running() -> None:
    release.clear()
    call_started.clear()
    host = FunctionHost(app, {}, drain_seconds=0.2)
    host.start()
    failures: list[httpx.HTTPError] = []

    def call() -> None:
        try:
            httpx.get(f"{host.base_url}/blocked", timeout=30)
        except httpx.HTTPError as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    call_started.wait()

    assert not host.stop()
    release.set()
    caller.join()
    assert len(failures) == 1


def test_a_port_in_use_is_an_error_at_start() -> None:
    with FunctionHost(app, {}) as first:
        second = FunctionHost(app, {}, http=HttpOptions(port=int(first.base_url.rpartition(":")[2])))
        with pytest.raises(OSError, match="in use"):
            second.start()


@pytest.mark.parametrize("name", ["PYTHON_THREADPOOL_THREAD_COUNT", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"])
@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5"])
def test_a_setting_that_is_no_number_is_reported(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        FunctionHost(app, {name: value})
