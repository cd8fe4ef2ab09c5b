"""waitress on a thread of its own, with an end in two steps: accept no more, then close what is left."""

import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import waitress
from waitress import wasyncore

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONNECTION_LIMIT = 1000
STEP_SECONDS = 2.0
IDLE_THREADS_SECONDS = 0.5


class HttpServer:
    """Serves a WSGI application from the moment it is made. Raises OSError if it cannot listen there.

    ``base_url`` names the real port, also for port 0. A body of more than ``max_body`` bytes is answered with
    413.
    """

    def __init__(self, app: "WSGIApplication", address: str, port: int, threads: int, max_body: int) -> None:
        listener = socket.create_server((address, port))
        self.base_url = f"http://{address}:{listener.getsockname()[1]}"
        self._server = waitress.create_server(
            app,
            sockets=[listener],
            threads=threads,
            max_request_body_size=max_body + 1,  # waitress refuses this length itself, too
            connection_limit=CONNECTION_LIMIT,
            asyncore_use_poll=True,  # beyond 1024 descriptors, where there is poll
            ident=None,
        )
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)
        self._thread.start()

    def stop_accepting(self) -> None:
        """Close the listening socket; connections that are open go on."""
        self._in_loop(lambda: wasyncore.dispatcher.close(self._server))

    def close(self, seconds: float) -> None:
        """Send what is still to be sent, for at most ``seconds``; then close every connection and end."""
        deadline = time.monotonic() + seconds
        while self._sending() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._in_loop(lambda: wasyncore.close_all(self._server._map))  # noqa: SLF001 - waitress names it no other way
        self._thread.join(STEP_SECONDS)
        self._server.task_dispatcher.shutdown(timeout=max(deadline - time.monotonic(), IDLE_THREADS_SECONDS))

    def _sending(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(channel.requests or channel.total_outbufs_len for channel in channels)

    def _in_loop(self, action: Callable[[], None]) -> None:
        """Do something on the server's own thread, which alone may touch its sockets."""
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self._server.trigger.pull_trigger(act)
        done.wait(STEP_SECONDS)
