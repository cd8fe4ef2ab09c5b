"""waitress on a background thread. It stops in two steps: stop accepting, then close the open connections."""

import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from typing_extensions import override
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from function_host.channels import Channel, SlowReads
from function_host.lanes import Lanes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONNECTION_LIMIT = 1000
IDLE_CONNECTION_SECONDS = 60
"""A connection is closed after this time without a request."""

ACCEPTED_AT_ONCE = 100
CLEANUP_SECONDS = 10
MAX_HEADER_BYTES = 40 * 1024
STEP_SECONDS = 2.0
IDLE_THREADS_SECONDS = 0.5


class Listener(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """Accepts all connections that wait: waitress accepts one, then looks at every other connection again."""

    @override
    def handle_accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                return


class HttpServer:
    """Serves a WSGI application as soon as it is created. Raises OSError if the port is in use.

    ``base_url`` has the real port, also for port 0. A body of more than ``max_body`` bytes gets 413,
    and headers of more than MAX_HEADER_BYTES 431; neither is kept.
    """

    def __init__(
        self, app: "WSGIApplication", address: str, port: int, new_lanes: Callable[[], Lanes], max_body: int
    ) -> None:
        listener = socket.create_server((address, port))
        self.base_url = f"http://{address}:{listener.getsockname()[1]}"
        adjustments = Adjustments(
            sockets=[listener],
            max_request_body_size=max_body + 1,  # waitress rejects a body of exactly this size
            max_request_header_size=MAX_HEADER_BYTES,
            connection_limit=CONNECTION_LIMIT,
            channel_timeout=IDLE_CONNECTION_SECONDS,
            cleanup_interval=CLEANUP_SECONDS,
            asyncore_use_poll=True,  # select() is limited to 1024 descriptors
            ident=None,
        )
        self._server = Listener(
            app,
            map={},
            _sock=listener,
            dispatcher=new_lanes(),
            adj=adjustments,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
        )
        self._server.channel_class = partial(Channel, SlowReads())
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)
        self._thread.start()

    def stop_accepting(self) -> None:
        """Close the listening socket. Open connections stay open."""
        self._in_loop(lambda: wasyncore.dispatcher.close(self._server))

    def close(self, seconds: float) -> None:
        """Send pending responses for at most ``seconds``, then close all connections and stop the thread."""
        deadline = time.monotonic() + seconds
        while self._sending() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._in_loop(lambda: wasyncore.close_all(self._server._map))  # noqa: SLF001 - there is no public name
        self._thread.join(STEP_SECONDS)
        self._server.task_dispatcher.shutdown(timeout=max(deadline - time.monotonic(), IDLE_THREADS_SECONDS))

    def _sending(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(channel.requests or channel.total_outbufs_len for channel in channels)

    def _in_loop(self, action: Callable[[], None]) -> None:
        """Run ``action`` on the server's thread: its sockets must not be used from another."""
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self._server.trigger.pull_trigger(act)
        done.wait(STEP_SECONDS)
