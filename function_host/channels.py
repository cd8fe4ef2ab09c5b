"""How the HTTP server refuses a request that is too large: without its body, with a response that arrives."""

import socket
import time
from typing import Any

from typing_extensions import override
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

LINGER_SECONDS = 10.0


class RequestParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Does not invite the client to send a body that is refused already (``Expect: 100-continue``)."""

    @override
    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.error:
            self.expect_continue = False
        return consumed


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that is closed in two steps after a refused request.

    If a server closes while the client still sends, the client may lose the response. So this one only stops
    sending, and throws away what arrives until the client closes the connection, or for LINGER_SECONDS.
    """

    parser_class = RequestParser

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refused = False
        self._linger_until: float | None = None

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

    def _stop_sending(self) -> bool:
        """Begin to linger. Returns False if the client has closed the connection."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        self.close_when_flushed = False
        self._linger_until = time.monotonic() + LINGER_SECONDS
        return True
