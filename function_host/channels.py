"""Connections of the HTTP server: requests that are too large, that wait too long, or that never end."""

import socket
import time
from typing import Any

from typing_extensions import override
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import WSGITask

LINGER_SECONDS = 10.0
HEADER_SECONDS = 10.0
"""How long the headers of a request may take, from its first byte; of the first, from the connection."""

REQUEST_SECONDS = 60.0
"""How long a request with its body may take to arrive."""

UNREAD_SECONDS = 60.0
"""How long a client may read nothing of its response."""

WAITED = "function_host.waited"
"""In the WSGI environment: how many seconds the request waited for a thread."""


class RequestParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Does not invite the client to send a body that is refused or empty (``Expect: 100-continue``)."""

    @override
    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.error or self.completed:
            self.expect_continue = False
        return consumed


class Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    """Tells the application how long the request waited for a thread."""

    @override
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[WAITED] = time.monotonic() - self.channel.queued_at
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that is closed in two steps after a refused request, and if a request does not end.

    If a server closes while the client still sends, the client may lose the response. So this one only stops
    sending, and throws away what arrives until the client closes the connection, or for LINGER_SECONDS.
    """

    parser_class = RequestParser
    task_class = Task

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refused = False
        self._linger_until: float | None = None
        self._began: float | None = time.monotonic()
        self.queued_at = 0.0

    @override
    def received(self, data: bytes) -> bool:
        if self._began is None:
            self._began = time.monotonic()
        accepted: bool = super().received(data)
        if self.request is None:
            self._began = None
        return accepted

    @override
    def service(self) -> None:
        self._refused = bool(self.requests[0].error)
        super().service()

    @override
    def handle_write(self) -> None:
        is_answered = self.close_when_flushed and not self.total_outbufs_len
        if not (self._refused and is_answered and self._stop_sending()):
            super().handle_write()

    @override
    def readable(self) -> bool:
        if self._is_overdue() or self._is_unread():
            # Not by `will_close`: that waits until the client reads.
            self.will_close = self.close_when_flushed = False
            self.handle_close()
            return False
        return self._linger_until is not None or bool(super().readable())

    @override
    def handle_read(self) -> None:
        if self._linger_until is None:
            super().handle_read()
            return
        try:
            data = self.recv(self.adj.recv_bytes)  # closes the channel at the end of the input
        except OSError:
            data = b""
        if not data or time.monotonic() > self._linger_until:
            self.handle_close()

    def _is_overdue(self) -> bool:
        """Whether a request has begun, and does not end: the client is slow, or away."""
        if self._began is None:
            return False
        has_headers = self.request is not None and self.request.headers_finished
        return time.monotonic() - self._began > (REQUEST_SECONDS if has_headers else HEADER_SECONDS)

    def _is_unread(self) -> bool:
        """Whether the client does not read its response."""
        return bool(self.total_outbufs_len) and time.time() - self.last_activity > UNREAD_SECONDS

    def _stop_sending(self) -> bool:
        """Begin to linger. Returns False if the client has closed the connection."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        self.close_when_flushed = False
        self._linger_until = time.monotonic() + LINGER_SECONDS
        return True
