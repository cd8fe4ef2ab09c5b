"""``python -m function_host --port N [--address A] [--app MODULE:NAME] [--debug]``: serves until a signal.

App settings are the environment variables. When the host is ready it prints ``Function host ready on
http://...``. SIGINT (Ctrl-C) and SIGTERM stop it with status 0. If the app or a setting is invalid, it prints
one line with the reason and exits with status 1.
"""

import argparse
import importlib
import json
import logging
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType, ModuleType

import azure.functions as func

from function_host.index import ConfigurationError
from function_host.server import FunctionHost, HttpOptions

SIGNAL_CHECK_SECONDS = 0.5  # Windows delivers Ctrl-C only between waits


def main() -> int:
    """Serve until a signal arrives. Returns the exit status."""
    arguments = _parse_arguments()
    _log_to_stderr()
    stopping = threading.Event()
    _set_on_signal(stopping)
    try:
        host = _load(arguments.app, arguments.address, arguments.port)
        host.start()
    except Exception as error:  # noqa: BLE001 - importing an app can raise anything
        if arguments.debug:
            traceback.print_exc()
        print(f"The host cannot start: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 1
    print(f"Function host ready on {host.base_url}", flush=True)
    while not stopping.wait(SIGNAL_CHECK_SECONDS):
        pass
    if not host.stop():
        _exit_immediately()
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m function_host", description="Serve a FunctionApp on this machine."
    )
    parser.add_argument("--port", type=int, required=True, help="0 chooses a free port")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--app", default="function_app:app", metavar="MODULE:NAME")
    parser.add_argument("--debug", action="store_true", help="show the traceback if the app cannot be loaded")
    return parser.parse_args()


def _log_to_stderr() -> None:
    """Log bare messages: an app may write JSON lines with a level and time of their own."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)  # INFO logs every storage request
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # WARNING logs every queued request


def _set_on_signal(stopping: threading.Event) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)


def _load(reference: str, address: str, port: int) -> FunctionHost:
    """Import the app ``module:name`` from the working directory and make a host for it."""
    os.environ["FUNCTIONS_WORKER_RUNTIME"] = "python"
    module_name, _, app_name = reference.partition(":")
    module = importlib.import_module(module_name)
    app = getattr(module, app_name or "app", None)
    if not isinstance(app, func.FunctionApp):
        raise ConfigurationError(f"{reference} is not an azure.functions.FunctionApp")
    http = HttpOptions(address, port, _route_prefix(module))
    return FunctionHost(app, os.environ, http=http)


def _route_prefix(module: ModuleType) -> str:
    """``extensions.http.routePrefix`` from the host.json next to the app; Azure's default is ``api``."""
    path = Path(module.__file__ or "").with_name("host.json")
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    prefix: str = content.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    return prefix


def _exit_immediately() -> None:
    """Exit without waiting for the threads of running functions, as Azure does."""
    print("Some functions are still running; they are stopped now", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
