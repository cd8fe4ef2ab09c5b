"""Clients that are slow, half open, or do not read, while others work."""

import socket
import time
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit

from tests.faults.repeating import repeating
from tests.faults.trial import Site, Size, Trial

HEAD = "{method} {path} HTTP/1.1\r\nHost: portal\r\n"
SLOW_BODY = HEAD.format(method="POST", path="/api/v1/auth/login") + "Content-Length: 10000\r\n\r\n"
HALF_OPEN = "GET /api/v1/best-prac"
UNREAD = HEAD.format(method="GET", path="/openapi.json") + "\r\n"


def connect(host_url: str, sent: str, clients: ExitStack) -> socket.socket:
    parts = urlsplit(host_url)
    client = clients.enter_context(socket.create_connection((str(parts.hostname), int(parts.port or 0))))
    client.sendall(sent.encode())
    return client


def send_a_byte(bodies: list[socket.socket]) -> None:
    """Send a byte of every body; forget those whose connection the host has closed."""
    for client in list(bodies):
        try:
            client.sendall(b"x")
        except OSError:
            bodies.remove(client)


def test_hundreds_of_slow_and_half_open_clients_keep_nobody_from_writing(
    trial: Trial, site: Site, size: Size
) -> None:
    each = size.count(bounded=50, full=200)
    name = f"{4 * each} slow and half-open clients"
    with trial.fault(name), trial.load(*trial.writers(16), *trial.readers(4)), ExitStack() as clients:
        bodies = []
        for url in site.urls:
            for _ in range(each):
                bodies.append(connect(url, SLOW_BODY, clients))
                connect(url, HALF_OPEN, clients)
            for _ in range(10):
                connect(url, UNREAD, clients)
        with repeating(partial(send_a_byte, bodies), 0.2):
            trial.wait_for_writes(32)
            time.sleep(size.pick(bounded=1.0, full=60.0))
            trial.wait_for_writes(32)
