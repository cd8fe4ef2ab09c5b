"""``python -m local.host --port N [--address A] [--app MODULE:NAME] [--debug]``: serves until told to end.

App settings are the environment variables. When it accepts calls it prints ``Portal host ready on
http://...``; SIGINT (Ctrl-C) and SIGTERM end it with status 0, an app or setting that cannot be served with 1
and one line that says why.
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

from local.host.index import ConfigurationError
from local.host.server import FunctionHost

SIGNAL_CHECK_SECONDS = 0.5  # Windows delivers Ctrl-C only between waits


def main() -> int:
    """Serve until a signal comes; the exit status."""
    arguments = _arguments()
    _log_to_stderr()
    ending = threading.Event()
    _end_on_signals(ending)
    try:
        host = _load(arguments.app, arguments.address, arguments.port)
        host.start()
    except Exception as error:  # noqa: BLE001 - importing an app can raise anything, and all of it is told the same way
        if arguments.debug:
            traceback.print_exc()
        print(f"The host cannot start: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 1
    print(f"Portal host ready on {host.base_url}", flush=True)
    while not ending.wait(SIGNAL_CHECK_SECONDS):
        pass
    if not host.stop():
        _die_with_what_still_runs()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.host", description="Serve a FunctionApp on this machine."
    )
    parser.add_argument("--port", type=int, required=True, help="0 chooses a free one")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--app", default="function_app:app", metavar="MODULE:NAME")
    parser.add_argument(
        "--debug", action="store_true", help="show the traceback of an app that cannot be served"
    )
    return parser.parse_args()


def _log_to_stderr() -> None:
    """Messages as they are: the app's own lines are JSON and carry their level and time."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)  # it tells of every request to storage
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue under load is no news


def _end_on_signals(ending: threading.Event) -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)


def _load(reference: str, address: str, port: int) -> FunctionHost:
    """The host of the app that ``module:name`` means, found from the working directory on."""
    os.environ["FUNCTIONS_WORKER_RUNTIME"] = "python"
    module_name, _, app_name = reference.partition(":")
    module = importlib.import_module(module_name)
    app = getattr(module, app_name or "app", None)
    if not isinstance(app, func.FunctionApp):
        raise ConfigurationError(f"{reference} is no azure.functions.FunctionApp")
    return FunctionHost(app, os.environ, address=address, port=port, route_prefix=_route_prefix(module))


def _route_prefix(module: ModuleType) -> str:
    """``extensions.http.routePrefix`` of the host.json beside the app; the real host's default is ``api``."""
    path = Path(module.__file__ or "").with_name("host.json")
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    prefix: str = content.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    return prefix


def _die_with_what_still_runs() -> None:
    """End at once: the interpreter would wait for a function that outlived its time, as Azure does not."""
    print("Functions still running are ended", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
