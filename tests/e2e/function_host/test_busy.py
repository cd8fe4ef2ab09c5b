"""The host while all of its threads are busy, and clients that are slow or away."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import azure.functions as func
import httpx
import pytest

from function_host import FunctionHost
from tests.e2e.function_host.support import eventually

THREADS = 3
LARGE = 32 * 1024 * 1024

app = func.FunctionApp()
release = threading.Event()
running = threading.Semaphore(0)


@app.route(route="blocked", methods=["GET"])
def blocked(req: func.HttpRequest) -> str:
    running.release()
    release.wait()
    return "done"


@app.route(route="quick", methods=["GET"])
def quick(req: func.HttpRequest) -> str:
    return "quick"


@app.route(route="size", methods=["POST"])
def size(req: func.HttpRequest) -> str:
    return str(len(req.get_body()))


@app.route(route="large", methods=["GET"])
def large(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"x" * LARGE)


@app.route(route="health", methods=["GET"])
def health(req: func.HttpRequest) -> str:
    return "alive"


@app.route(route="health/details", methods=["GET"])
def details(req: func.HttpRequest) -> str:
    return "details"


@app.route(route="healthy", methods=["GET"])
def healthy(req: func.HttpRequest) -> str:
    return "not a probe"


@pytest.fixture
def url() -> Iterator[str]:
    release.clear()
    with FunctionHost(app, {"PYTHON_THREADPOOL_THREAD_COUNT": str(THREADS)}) as host:
        yield host.base_url
        release.set()


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=60)


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def read_until(client: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        part = client.recv(1000)
        assert part, received
        received += part
    return received


def occupy(url: str, threads: ThreadPoolExecutor) -> None:
    """Make all threads of the host busy until `release` is set."""
    for _ in range(THREADS):
        threads.submit(get, f"{url}/blocked")
    for _ in range(THREADS):
        running.acquire()


def test_probes_are_answered_while_all_threads_are_busy(url: str) -> None:
    with ThreadPoolExecutor() as threads:
        occupy(url, threads)
        assert [get(f"{url}/health").text for _ in range(3)] == ["alive"] * 3
        assert get(f"{url}/health/details").text == "details"
        others = [threads.submit(get, f"{url}/{path}") for path in ("quick", "healthy")]
        assert get(f"{url}/health").text == "alive"
        assert not any(other.done() for other in others)
        release.set()


def test_a_request_that_waited_too_long_for_a_thread_gets_503_and_the_next_is_served(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("function_host.wsgi.LONGEST_WAIT_SECONDS", 0.2)
    with ThreadPoolExecutor() as threads:
        occupy(url, threads)
        late = threads.submit(get, f"{url}/quick")
        threading.Timer(1.0, release.set).start()
        refused = late.result()
    assert (refused.status_code, refused.headers["Retry-After"], refused.text) == (503, "2", "")
    assert get(f"{url}/quick").text == "quick"


def test_a_connection_whose_request_does_not_begin_or_end_is_closed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("function_host.channels.HEADER_SECONDS", 0.3)
    monkeypatch.setattr("function_host.channels.REQUEST_SECONDS", 0.6)
    beginnings = (b"", b"GET /quick HT", b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
    for beginning in beginnings:
        with connected(url) as client:
            client.sendall(beginning)
            assert client.recv(100) == b"", beginning


def test_a_connection_that_waits_between_two_requests_is_not_half_a_request(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("function_host.channels.HEADER_SECONDS", 0.3)
    request = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(url) as client:
        for _ in range(2):
            client.sendall(request)
            read_until(client, b"quick")
            threading.Event().wait(1.5)


def test_hundreds_of_half_open_connections_and_slow_bodies_hold_no_thread(url: str) -> None:
    with ExitStack() as clients:
        slow = [clients.enter_context(connected(url)) for _ in range(300)]
        for client in slow:
            client.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        for sent in range(2):
            for client in slow:
                client.sendall(b"x")
            assert get(f"{url}/quick").text == "quick", sent
        slow[0].sendall(b"x")
        assert read_until(slow[0], b"\r\n\r\n3").startswith(b"HTTP/1.1 200")


def test_clients_that_do_not_read_a_large_response_hold_no_thread(url: str) -> None:
    with ExitStack() as clients:
        for _ in range(2 * THREADS):
            client = clients.enter_context(connected(url))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        assert get(f"{url}/quick").text == "quick"


def test_a_client_that_never_reads_is_disconnected(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("function_host.channels.UNREAD_SECONDS", 0.5)
    with FunctionHost(app, {}) as host, connected(host.base_url) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1) == b"H"
        channels = host._server._server.active_channels
        eventually(lambda: not channels)
