"""The host itself: reads an app, serves its HTTP functions, and looks for blobs and due timers."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import azure.functions as func

from local.host.admin import Admin, RunNow
from local.host.blobs import BlobListener
from local.host.cors import Cors
from local.host.index import (
    BlobTrigger,
    ConfigurationError,
    HttpTrigger,
    IndexedFunction,
    Settings,
    TimerTrigger,
    index_app,
)
from local.host.routes import Router
from local.host.serving import HttpServer
from local.host.storage import StorageAccount
from local.host.timers import Clock, TimerListener, utc_now
from local.host.workers import Loop, Workers
from local.host.wsgi import HttpApp

MAX_BODY_BYTES = 100 * 1024 * 1024  # the real host's default, too
DEFAULT_THREADS = 10
DRAIN_SECONDS = 5.0
THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"

Trigger = TypeVar("Trigger", HttpTrigger, BlobTrigger, TimerTrigger)


class FunctionHost:
    """Serves ``app`` with ``settings`` on ``address``; port 0 is any free one. As a context: start and stop.

    ``poll_interval`` is in seconds, ``max_body`` in bytes (more is 413), ``clock`` is what timers go by, and
    ``stop`` waits ``drain_seconds`` for what runs. Raises ConfigurationError for what the real host would not
    load; ``start`` raises OSError if the port is taken. ``base_url`` is known once started.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        settings: Mapping[str, str],
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        route_prefix: str = "",
        poll_interval: float = 1.0,
        max_body: int = MAX_BODY_BYTES,
        drain_seconds: float = DRAIN_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        functions = index_app(app, settings)
        self._settings = settings
        self._workers = Workers()
        self._accounts: dict[str, StorageAccount] = {}
        self._make_listeners(functions, clock)
        self._loops = [
            Loop("blobs", poll_interval, self._poll_blobs),
            Loop("timers", poll_interval, self._poll_timers),
        ]
        admin = Admin(functions, self._runners())
        self._http = HttpApp(Router(functions, route_prefix), Cors(settings), admin)
        self._serve = partial(HttpServer, self._http, address, port, _threads(settings), max_body)
        self._drain_seconds = drain_seconds
        self.base_url = ""

    def start(self) -> None:
        """Accept calls and look for work, on threads of the host's own."""
        self._server = self._serve()
        self.base_url = self._server.base_url
        for loop in self._loops:
            loop.start()

    def stop(self) -> bool:
        """Accept nothing more, let what runs end, close everything; whether all of it ended in time."""
        deadline = time.monotonic() + self._drain_seconds

        def remaining() -> float:
            return max(0.0, deadline - time.monotonic())

        for loop in self._loops:
            loop.stop()
        self._server.stop_accepting()
        drained = [self._http.wait_until_idle(remaining())]
        drained += [loop.join(remaining()) for loop in self._loops]
        drained.append(self._workers.drain(remaining()))
        self._server.close(remaining())
        for account in self._accounts.values():
            account.close()
        return all(drained)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _make_listeners(self, functions: list[IndexedFunction], clock: Clock) -> None:
        host_id = self._settings.get(HOST_ID_SETTING, "portal")
        self._blobs = {
            function.name: BlobListener(function, trigger, self._account(trigger.connection), self._workers)
            for function, trigger in _triggered_by(BlobTrigger, functions)
        }
        self._timers = {
            function.name: TimerListener(
                function, trigger, self._account(trigger.connection), host_id, clock, self._workers
            )
            for function, trigger in _triggered_by(TimerTrigger, functions)
        }

    def _account(self, setting: str) -> StorageAccount:
        if setting not in self._accounts:
            try:
                self._accounts[setting] = StorageAccount(self._settings[setting])
            except ValueError as error:
                raise ConfigurationError(f"the setting {setting} is no connection string: {error}") from error
        return self._accounts[setting]

    def _poll_blobs(self) -> None:
        for listener in self._blobs.values():
            listener.poll()

    def _poll_timers(self) -> None:
        for listener in self._timers.values():
            listener.poll()

    def _runners(self) -> dict[str, RunNow]:
        """How ``/admin/functions/{name}`` starts each function that is not triggered by HTTP."""
        return {name: listener.run_now for name, listener in (self._blobs | self._timers).items()}


def _triggered_by(
    kind: type[Trigger], functions: list[IndexedFunction]
) -> Iterator[tuple[IndexedFunction, Trigger]]:
    for function in functions:
        if isinstance(function.trigger, kind):
            yield function, function.trigger


def _threads(settings: Settings) -> int:
    text = settings.get(THREADS_SETTING) or str(DEFAULT_THREADS)
    if not text.isdecimal() or int(text) == 0:
        raise ConfigurationError(
            f"the setting {THREADS_SETTING} must be a whole number above 0, not {text!r}"
        )
    return int(text)
