"""Connections of the HTTP server: requests that are too large, that wait too long, or that never end."""

import socket
import time
from typing import Any

from typing_extensions import override
from waitress.buffers import OverflowableBuffer
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

SLOW_SECONDS = 0.25
SMALL_PIECE = 1024
"""A request is slow if it has not ended after this time, and arrives in pieces of less than these bytes."""

WAITED = "function_host.waited"
"""In the WSGI environment: how many seconds the request waited for a thread."""


class SlowReads:
    """Limits how much time of the thread that reads all connections is spent on slow requests.

    After each piece that it reads, that thread waits for its turn among the threads that answer. Hundreds of
    slow clients would take all of its time, and everybody else would wait for seconds.
    """

    SHARE = 0.1
    """The part of the time that may be spent."""

    BURST_SECONDS = 0.05
    """How much may be spent at once."""

    def __init__(self) -> None:
        self._allowed_at = 0.0

    def are_allowed(self, now: float) -> bool:
        """Whether a slow request may be read at this moment of `time.monotonic`."""
        return now >= self._allowed_at

    def spend(self, began: float) -> None:
        """Note that a slow request was read from this moment until now."""
        now = time.monotonic()
        start = max(self._allowed_at, began - self.BURST_SECONDS / self.SHARE)
        self._allowed_at = start + (now - began) / self.SHARE


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
    current_outbuf_count: int

    def __init__(self, slow_reads: SlowReads, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._slow_reads = slow_reads
        self._refused = False
        self._linger_until: float | None = None
        self._began: float | None = time.monotonic()
        self._is_piecemeal = False
        self.queued_at = 0.0

    @override
    def received(self, data: bytes) -> bool:
        if self._began is None:
            self._began = time.monotonic()
        accepted: bool = super().received(data)
        if self.request is None:
            self._began = None
        self._is_piecemeal = len(data) < SMALL_PIECE
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
    def _flush_some(self, do_close: bool = True) -> bool:
        """Send what waits, and forget it: waitress keeps the last response of every connection."""
        has_sent: bool = super()._flush_some(do_close)
        with self.outbuf_lock:
            if self.current_outbuf_count and not self.total_outbufs_len:
                self.outbufs.pop().close()
                self.outbufs.append(OverflowableBuffer(self.adj.outbuf_overflow))
                self.current_outbuf_count = 0
        return has_sent

    @override
    def readable(self) -> bool:
        now = time.monotonic()
        if self._is_overdue(now) or self._is_unread() or self._has_lingered(now):
            # Not by `will_close`: that waits until the client reads.
            self.will_close = self.close_when_flushed = False
            self.handle_close()
            return False
        if self._is_slow(now) and not self._slow_reads.are_allowed(now):
            return False
        return self._linger_until is not None or bool(super().readable())

    @override
    def handle_read(self) -> None:
        now = time.monotonic()
        is_slow = self._is_slow(now)
        if is_slow and not self._slow_reads.are_allowed(now):
            return
        if self._linger_until is None:
            super().handle_read()
        else:
            self._drop_input()
        if is_slow:
            self._slow_reads.spend(now)

    def _drop_input(self) -> None:
        try:
            self.recv(self.adj.recv_bytes)  # closes the channel at the end of the input
        except OSError:
            self.handle_close()

    def _is_slow(self, now: float) -> bool:
        """Whether the client sends slowly, or sends more although its request was refused."""
        if self._linger_until is not None:
            return True
        return self._is_piecemeal and self._began is not None and now - self._began > SLOW_SECONDS

    def _is_overdue(self, now: float) -> bool:
        """Whether a request has begun, and does not end: the client is slow, or away."""
        if self._began is None:
            return False
        has_headers = self.request is not None and self.request.headers_finished
        return now - self._began > (REQUEST_SECONDS if has_headers else HEADER_SECONDS)

    def _is_unread(self) -> bool:
        """Whether the client does not read its response."""
        return bool(self.total_outbufs_len) and time.time() - self.last_activity > UNREAD_SECONDS

    def _has_lingered(self, now: float) -> bool:
        return self._linger_until is not None and now > self._linger_until

    def _stop_sending(self) -> bool:
        """Begin to linger. Returns False if the client has closed the connection."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        self.close_when_flushed = False
        self._linger_until = time.monotonic() + LINGER_SECONDS
        return True
