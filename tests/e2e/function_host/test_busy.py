"""The host while all of its threads are busy, and clients that are slow or away."""

import gc
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import azure.functions as func
import httpx
import pytest

from function_host import FunctionHost
from function_host.channels import SLOW_SECONDS, SlowReads
from function_host.http_server import Listener
from tests.e2e.function_host.support import eventually

THREADS = 3
LARGE = 32 * 1024 * 1024
PAGE = 100 * 1024

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


@app.route(route="page", methods=["GET"])
def page(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"x" * PAGE)


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


def test_a_slow_request_is_answered(url: str) -> None:
    with connected(url) as client:
        for byte in b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxxx":
            client.sendall(bytes([byte]))
            threading.Event().wait(0.02)
        assert read_until(client, b"\r\n\r\n3").startswith(b"HTTP/1.1 200")


def test_slow_requests_may_take_a_tenth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("function_host.channels.time.monotonic", lambda: now)
    slow_reads = SlowReads()
    for _ in range(6):
        assert slow_reads.are_allowed(now)
        began, now = now, now + 0.01
        slow_reads.spend(began)
    assert not slow_reads.are_allowed(now)
    assert not slow_reads.are_allowed(now + 0.03)
    assert slow_reads.are_allowed(now + 0.041)


def test_slow_requests_wait_and_others_do_not_when_the_share_is_spent(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_allowed = False
    monkeypatch.setattr(SlowReads, "are_allowed", lambda *_: is_allowed)
    with connected(url) as client:
        client.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
        threading.Event().wait(SLOW_SECONDS + 0.1)
        client.sendall(b"x")
        assert get(f"{url}/quick").text == "quick"
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(60)
        is_allowed = True
        assert read_until(client, b"\r\n\r\n1").startswith(b"HTTP/1.1 200")


def test_connections_that_wait_are_accepted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread accepts all connections; between two rounds it looks at all that are open."""
    rounds = 0
    accept = Listener.handle_accept

    def counted(listener: Listener) -> None:
        nonlocal rounds
        rounds += 1
        accept(listener)

    monkeypatch.setattr(Listener, "handle_accept", counted)
    with FunctionHost(app, {}) as host, ExitStack() as clients:
        server = host._server
        may_go_on = threading.Event()
        busy = threading.Thread(target=server._in_loop, args=(may_go_on.wait,))
        busy.start()
        for _ in range(60):
            clients.enter_context(connected(host.base_url))
        may_go_on.set()
        busy.join()
        eventually(lambda: len(server._server.active_channels) == 60)
    assert rounds < 6


def test_connections_keep_nothing_that_they_have_sent(url: str) -> None:
    def answer(client: HTTPConnection) -> None:
        client.request("GET", "/page")
        assert len(client.getresponse().read()) == PAGE

    with ExitStack() as connections:
        netloc = urlsplit(url).netloc
        clients = [connections.enter_context(closing(HTTPConnection(netloc))) for _ in range(40)]
        answer(clients[0])
        tracemalloc.start()
        try:
            for client in clients:
                answer(client)
            gc.collect()
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kept < 10 * PAGE


def test_a_refused_client_that_does_not_close_its_connection_is_disconnected(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("function_host.channels.LINGER_SECONDS", 0.3)
    with FunctionHost(app, {}) as host, connected(host.base_url) as client:
        client.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 413"
        channels = host._server._server.active_channels
        assert len(channels) == 1
        eventually(lambda: not channels)


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
