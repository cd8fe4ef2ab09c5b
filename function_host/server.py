"""The host: reads an app, serves its HTTP functions, and polls for blobs and due timers."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import azure.functions as func

from function_host.admin import Admin, RunNow
from function_host.blobs import BlobListener
from function_host.cors import Cors
from function_host.http_server import HttpServer
from function_host.index import (
    BlobTrigger,
    ConfigurationError,
    HttpTrigger,
    IndexedFunction,
    Settings,
    TimerTrigger,
    index_app,
)
from function_host.lanes import Lanes
from function_host.routes import Router
from function_host.storage import StorageAccount
from function_host.timers import Clock, TimerListener, utc_now
from function_host.workers import Loop, Workers
from function_host.wsgi import HttpApp

MAX_BODY_SETTING = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
DEFAULT_MAX_BODY_BYTES = 104_857_600  # as in Azure
DEFAULT_THREADS = 24
DRAIN_SECONDS = 5.0
THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"
DEFAULT_HOST_ID = "local"

Trigger = TypeVar("Trigger", HttpTrigger, BlobTrigger, TimerTrigger)


@dataclass(frozen=True)
class HttpOptions:
    """How the host serves HTTP: port 0 chooses a free port.

    Requests for ``probe_path`` and all paths below it have threads of their own.
    """

    address: str = "127.0.0.1"
    port: int = 0
    route_prefix: str = ""
    probe_path: str = "/health"


class FunctionHost:
    """Serves ``app`` with ``settings``. As a context manager it starts and stops.

    As in Azure, bodies of more bytes than the setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT get 413.
    ``poll_interval`` is in seconds. ``clock`` gives the time for timers. ``stop`` waits at most
    ``drain_seconds`` for running functions. ``base_url`` is set by ``start``.

    Raises ConfigurationError for an app that Azure would not load. ``start`` raises OSError if the port is in
    use.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        settings: Mapping[str, str],
        *,
        http: HttpOptions = HttpOptions(),
        poll_interval: float = 1.0,
        drain_seconds: float = DRAIN_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        functions = index_app(app, settings)
        self._settings = settings
        self._workers = Workers()
        self._accounts: dict[str, StorageAccount] = {}
        self._create_listeners(functions, clock)
        self._loops = [
            Loop("blobs", poll_interval, self._poll_blobs),
            Loop("timers", poll_interval, self._poll_timers),
        ]
        admin = Admin(functions, self._runners())
        self._http = HttpApp(Router(functions, http.route_prefix), Cors(settings), admin)
        self._serve = partial(
            HttpServer,
            self._http,
            http.address,
            http.port,
            new_lanes=partial(
                Lanes, _whole_number(settings, THREADS_SETTING, DEFAULT_THREADS), http.probe_path
            ),
            max_body=_whole_number(settings, MAX_BODY_SETTING, DEFAULT_MAX_BODY_BYTES),
        )
        self._drain_seconds = drain_seconds
        self.base_url = ""

    def start(self) -> None:
        """Start to serve and to poll, on background threads."""
        self._server = self._serve()
        self.base_url = self._server.base_url
        for loop in self._loops:
            loop.start()

    def stop(self) -> bool:
        """Stop accepting calls, wait for running functions, and close everything.

        Returns False if some functions were still running after ``drain_seconds``.
        """
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

    def _create_listeners(self, functions: list[IndexedFunction], clock: Clock) -> None:
        host_id = self._settings.get(HOST_ID_SETTING, DEFAULT_HOST_ID)
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
                raise ConfigurationError(
                    f"the setting {setting} is not a connection string: {error}"
                ) from error
        return self._accounts[setting]

    def _poll_blobs(self) -> None:
        for listener in self._blobs.values():
            listener.poll()

    def _poll_timers(self) -> None:
        for listener in self._timers.values():
            listener.poll()

    def _runners(self) -> dict[str, RunNow]:
        """For ``POST /admin/functions/{name}``: the functions without an HTTP trigger."""
        return {name: listener.run_now for name, listener in (self._blobs | self._timers).items()}


def _triggered_by(
    kind: type[Trigger], functions: list[IndexedFunction]
) -> Iterator[tuple[IndexedFunction, Trigger]]:
    for function in functions:
        if isinstance(function.trigger, kind):
            yield function, function.trigger


def _whole_number(settings: Settings, name: str, default: int) -> int:
    text = settings.get(name) or str(default)
    if not text.isdecimal() or int(text) == 0:
        raise ConfigurationError(f"the setting {name} must be a whole number above 0, not {text!r}")
    return int(text)
