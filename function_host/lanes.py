"""Threads of the HTTP server: those for all requests, and a few that answer probes only.

Azure does not send more calls to an instance than it has threads for. Here, probes of the health of an app
have threads of their own, so that they are answered while the threads of other requests are busy.
"""

import time
from typing import Any

from waitress.task import ThreadedTaskDispatcher

PROBE_THREADS = 4


class Lanes:
    """The task dispatcher of waitress, with threads of their own for `probe_path` and all paths below it."""

    def __init__(self, threads: int, probe_path: str) -> None:
        self._probe_path = probe_path.rstrip("/")
        self._requests = ThreadedTaskDispatcher()
        self._requests.set_thread_count(threads)
        self._probes = ThreadedTaskDispatcher()
        self._probes.set_thread_count(PROBE_THREADS)

    def add_task(self, task: Any) -> None:
        """Answer the first request of a connection (a `Channel`) as soon as a thread is free."""
        task.queued_at = time.monotonic()
        path = str(getattr(task.requests[0], "path", ""))  # a request that could not be parsed has none
        is_probe = path == self._probe_path or path.startswith(f"{self._probe_path}/")
        (self._probes if is_probe else self._requests).add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        """Stop all threads within ``timeout`` seconds, and cancel the requests that wait."""
        deadline = time.monotonic() + timeout
        self._requests.shutdown(cancel_pending, timeout)
        self._probes.shutdown(cancel_pending, max(0.0, deadline - time.monotonic()))
