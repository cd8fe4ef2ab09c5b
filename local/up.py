"""`dev.py up`: starts the whole portal on this machine. Ctrl-C stops everything that it started."""

import argparse
import http.client
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from local import core_tools
from local.data_directory import DEFAULT_DATA_DIRECTORY, ROOT, Account, DataDirectory
from local.errors import SetupError, reason
from local.ports import LOOPBACK, is_free
from local.processes import ServiceProcess, describe_end, stop_orphan
from local.services import DATABASE, STORAGE, app_settings, checked, delete_data, start_services, stop
from local.stopping import Stopped, StopSignals
from local.terminal import say

HOST_ID = "AzureFunctionsWebHost__hostid"
"""The local function host stores the state of timers under this id."""

KEPT_LOGS = 3
"""How many logs of earlier starts are kept."""

_START_TIMEOUT_SECONDS = 300
"""Core Tools download their extension bundle at the first start. The local host needs a second or two."""
_POLL_SECONDS = 0.1


def main() -> int:
    """Run the portal until it is stopped or fails. Returns the exit status."""
    signals = StopSignals()
    options = _parse_arguments()
    try:
        with ExitStack() as cleanup:
            _run(options, cleanup, signals)
    except (SetupError, psycopg.Error, OSError) as error:
        if not signals.received:  # after Ctrl-C a child process may fail first
            print(f"\n{_message(error)}", file=sys.stderr, flush=True)
            return 1
    except Stopped:
        pass
    say("Stopped.")
    return 0


def _message(error: Exception) -> str:
    if isinstance(error, SetupError):
        return str(error)
    text = reason(error) if isinstance(error, OSError) else str(error).strip()
    return f"The portal cannot start: {text}"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py up", description="Start the portal on this machine.")
    parser.add_argument("--port", type=_port, default=7071, help="default: %(default)s")
    parser.add_argument(
        "--data-dir", type=Path, default=DEFAULT_DATA_DIRECTORY, help="data directory (default: .local)"
    )
    parser.add_argument("--fresh", action="store_true", help="delete the embedded data first")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="create no demo users")
    parser.add_argument("--func", action="store_true", help="use Azure Functions Core Tools")
    return parser.parse_args()


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) <= 0xFFFF):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535")
    return int(text)


def _run(options: argparse.Namespace, cleanup: ExitStack, signals: StopSignals) -> None:
    """Start everything in order, add each stop to `cleanup`, and watch the portal until a signal."""
    signals.check()
    data = DataDirectory(options.data_dir)
    base_url = f"http://{LOOPBACK}:{options.port}"
    cleanup.enter_context(_lock(data, base_url))
    _require_free_port(options.port)
    host_command = core_tools.command(options.port) if options.func else _local_host_command(options.port)
    settings = app_settings()
    checked(settings)
    if options.fresh:
        delete_data(data)
    accounts = start_services(data, settings, demo=options.demo, cleanup=cleanup, signals=signals)
    if options.func:
        core_tools.write_settings(settings)
        environment = settings | core_tools.python_environment()
    else:
        environment = settings | {HOST_ID: os.environ.get(HOST_ID, "portal")}
    host = _start_host(host_command, data, environment, cleanup)
    _wait_until_healthy(host, options.port, signals)
    data.write_portal(
        base_url=base_url,
        database_url=settings[DATABASE],
        storage_connection_string=settings[STORAGE],
        accounts=accounts,
    )
    _print_summary(base_url, accounts, data)
    _watch(host, signals)


@contextmanager
def _lock(data: DataDirectory, base_url: str) -> Iterator[None]:
    """Lock the data directory, and stop a host that a killed `up` left running in it."""
    try:
        is_ours = data.lock.acquire(wait=False)
    except OSError as error:
        raise SetupError(
            f"The data directory cannot be used: {reason(error)}\nChoose another with `--data-dir`."
        ) from error
    if not is_ours:
        raise SetupError(
            f"A portal is already running on the data in {data.path}: {data.lock.read_owner()}.\n"
            "Stop it first, or start a second portal with another `--port` and `--data-dir`."
        )
    try:
        data.lock.write_owner(f"{base_url}, process {os.getpid()}")
        stop_orphan(data.host_pid)
        data.portal.unlink(missing_ok=True)
        yield
    finally:
        data.lock.release()


def _require_free_port(port: int) -> None:
    if not is_free(port):
        raise SetupError(
            f"Port {port} is used by another program. Stop that program, or choose a port with `--port`."
        )


def _local_host_command(port: int) -> list[str]:
    return [sys.executable, "-m", "function_host", "--port", str(port)]


def _start_host(
    command: list[str], data: DataDirectory, settings: dict[str, str], cleanup: ExitStack
) -> ServiceProcess:
    say("Starting the portal ...")
    host = ServiceProcess(
        command,
        log=data.host_log,
        pid_file=data.host_pid,
        environment={**os.environ, **settings},
        directory=ROOT,
        kept_logs=KEPT_LOGS,
    )
    cleanup.callback(stop, "the portal", host.stop)
    host.start()
    return host


def _wait_until_healthy(host: ServiceProcess, port: int, signals: StopSignals) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while not _is_ok(port, "/health"):
        signals.check()
        _require_running(host)
        if time.monotonic() > deadline:
            raise SetupError(f"The portal does not respond to GET /health. Its log:\n{host.last_lines()}")
        time.sleep(_POLL_SECONDS)


def _is_ok(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _require_running(host: ServiceProcess) -> None:
    if (status := host.exit_status()) is not None:
        raise SetupError(
            f"The portal stopped unexpectedly {describe_end(status)}:\n{host.last_lines()}\n"
            f"The whole log: {host.log}. After the next starts it is {host.log.name}.1 to .{KEPT_LOGS}."
        )


def _print_summary(base_url: str, accounts: list[Account], data: DataDirectory) -> None:
    say(f"\nThe portal runs on {base_url}", f"Its documentation: {base_url}/docs", "")
    rows = [("e-mail", "password", "role", "plant")]
    rows += [(user.email, user.password or "(unknown)", user.role, user.plant or "") for user in accounts]
    if accounts:
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        say(*("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows), "")
    say(f"For scripts: {data.portal}. Log: {data.host_log}", "Ctrl-C stops it.")


def _watch(host: ServiceProcess, signals: StopSignals) -> None:
    """Show the log on a terminal until a signal arrives. Raises SetupError if the portal stops by itself."""
    with host.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            if sys.stdout.isatty():
                say(log.read(), end="")
            signals.check()
            _require_running(host)
            time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
