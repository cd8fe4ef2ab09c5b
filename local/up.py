"""`dev.py up`: starts the whole portal on this machine. Ctrl-C stops everything that it started."""

import argparse
import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg

from function_host.storage import expand_connection_string
from local import core_tools
from local.azurite import Azurite
from local.data_directory import DEFAULT_DATA_DIRECTORY, ROOT, Account, DataDirectory
from local.demo_users import create_demo_users
from local.errors import SetupError
from local.ports import LOOPBACK, is_free
from local.postgres import EmbeddedPostgres
from local.processes import ServiceProcess, stop_orphan
from local.secrets_file import open_secrets, secrets_path_for
from local.storage import prepare_storage
from ops.migrate import upgrade

DATABASE = "DATABASE_URL"
STORAGE = "AzureWebJobsStorage"
"""Settings that replace an embedded service if they are set in the environment."""

HOST_ID = "AzureFunctionsWebHost__hostid"
"""The local function host stores the state of timers under this id."""

_START_TIMEOUT_SECONDS = 300
"""Core Tools download their extension bundle at the first start. The local host needs a second or two."""
_POLL_SECONDS = 0.1


class Stopped(Exception):
    """A signal asked to stop: Ctrl-C, SIGTERM, or the terminal was closed."""


class StopSignals:
    """Records signals. `check`, called between two steps, raises Stopped if there was one.

    A step is never interrupted, so that no process is left half started.
    """

    def __init__(self) -> None:
        self.received = False
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if number := getattr(signal, name, None):
                signal.signal(number, self._record)
        hangup = getattr(signal, "SIGHUP", None)
        if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:  # nohup ignores it
            signal.signal(hangup, self._record)

    def _record(self, _number: int, _frame: object) -> None:
        self.received = True

    def check(self) -> None:
        """Raise Stopped if there was a signal."""
        if self.received:
            raise Stopped


def main() -> int:
    """Run the portal until it is stopped or fails. Returns the exit status."""
    options = _parse_arguments()
    signals = StopSignals()
    try:
        with ExitStack() as cleanup:
            _run(options, cleanup, signals)
    except (SetupError, psycopg.Error) as error:
        if not signals.received:  # after Ctrl-C a child process may fail first
            print(f"\n{error}", file=sys.stderr, flush=True)
            return 1
    except Stopped:
        pass
    _print("Stopped.")
    return 0


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
    number = int(text)
    if not 0 < number <= 0xFFFF:
        raise ValueError(text)
    return number


def _run(options: argparse.Namespace, cleanup: ExitStack, signals: StopSignals) -> None:
    """Start everything in order, add each stop to `cleanup`, and watch the portal until a signal."""
    data = DataDirectory(options.data_dir)
    base_url = f"http://{LOOPBACK}:{options.port}"
    cleanup.enter_context(_lock(data, base_url))
    _require_free_port(options.port)
    host_command = core_tools.command(options.port) if options.func else _local_host_command(options.port)
    settings = _load_settings()
    if options.fresh:
        _delete_data(data)
    accounts = _start_services(data, settings, demo=options.demo, cleanup=cleanup, signals=signals)
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
    if not data.lock.acquire(wait=False):
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


def _load_settings() -> dict[str, str]:
    """The app settings from the environment or the sample. Addresses of services are added later."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    return {name: os.environ.get(name, default) for name, default in sample.items()}


def _delete_data(data: DataDirectory) -> None:
    if external := [name for name in (DATABASE, STORAGE) if os.environ.get(name)]:
        raise SetupError(
            f"--fresh deletes only embedded data, but {' and '.join(external)} in the environment\n"
            "points to external data. Unset it to use embedded data, or delete the external data yourself."
        )
    _print(f"Deleting the data in {data.path} ...")
    EmbeddedPostgres(data.postgres).stop_orphan()
    Azurite(data.azurite).stop_orphan()
    data.delete_data()


def _start_services(
    data: DataDirectory, settings: dict[str, str], *, demo: bool, cleanup: ExitStack, signals: StopSignals
) -> list[Account]:
    """Start and prepare database and storage, and write their addresses to `settings`."""
    azurite = _launch_azurite(data, settings, cleanup)  # starts while the database starts
    signals.check()
    _start_database(data, settings, cleanup)
    signals.check()
    upgrade(settings[DATABASE])
    external = os.environ.get(DATABASE)
    accounts: list[Account] = []
    with open_secrets(secrets_path_for(external) if external else data.secrets) as local:
        settings["JWT_SECRET"] = settings["JWT_SECRET"] or local.jwt_secret
        if demo:
            rounds = int(settings["BCRYPT_ROUNDS"])
            accounts = create_demo_users(settings[DATABASE], local, bcrypt_rounds=rounds)
    signals.check()
    if azurite:
        azurite.wait_until_ready()
        settings[STORAGE] = azurite.connection_string
    prepare_storage(settings[STORAGE], _split_origins(settings["CORS_ORIGINS"]))
    signals.check()
    return accounts


def _split_origins(text: str) -> list[str]:
    return [part.strip().rstrip("/") for part in text.split(",") if part.strip()]


def _launch_azurite(data: DataDirectory, settings: dict[str, str], cleanup: ExitStack) -> Azurite | None:
    if external := os.environ.get(STORAGE):
        settings[STORAGE] = expand_connection_string(external)
        return None
    _print("Starting Azurite (blob storage) ...")
    azurite = Azurite(data.azurite)
    azurite.launch()
    cleanup.callback(_stop, "Azurite", azurite.stop)
    return azurite


def _start_database(data: DataDirectory, settings: dict[str, str], cleanup: ExitStack) -> None:
    if external := os.environ.get(DATABASE):
        psycopg.connect(external).close()  # its error message is clearer than Alembic's
        settings[DATABASE] = external
        return
    _print("Starting PostgreSQL ...")
    server = EmbeddedPostgres(data.postgres)
    cleanup.callback(_stop, "PostgreSQL", server.stop)
    server.start()
    settings[DATABASE] = server.url()


def _start_host(
    command: list[str], data: DataDirectory, settings: dict[str, str], cleanup: ExitStack
) -> ServiceProcess:
    _print("Starting the portal ...")
    host = ServiceProcess(
        command,
        log=data.host_log,
        pid_file=data.host_pid,
        environment={**os.environ, **settings},
        directory=ROOT,
    )
    host.start()
    cleanup.callback(_stop, "the portal", host.stop)
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
        raise SetupError(f"The portal stopped unexpectedly with status {status}:\n{host.last_lines()}")


def _print_summary(base_url: str, accounts: list[Account], data: DataDirectory) -> None:
    _print(f"\nThe portal runs on {base_url}", f"Its documentation: {base_url}/docs", "")
    rows = [("e-mail", "password", "role", "plant")]
    rows += [(user.email, user.password or "(unknown)", user.role, user.plant or "") for user in accounts]
    if accounts:
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        _print(*("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows), "")
    _print(f"For scripts: {data.portal}. Log: {data.host_log}", "Ctrl-C stops it.")


def _watch(host: ServiceProcess, signals: StopSignals) -> None:
    """Show the log on a terminal until a signal arrives. Raises SetupError if the portal stops by itself."""
    with host.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            if sys.stdout.isatty():
                _print(log.read(), end="")
            signals.check()
            _require_running(host)
            time.sleep(_POLL_SECONDS)


def _stop(what: str, stop: Callable[[], None]) -> None:
    _print(f"Stopping {what} ...")
    stop()


def _print(*lines: str, end: str = "\n") -> None:
    with suppress(OSError):  # a closed terminal must not prevent the cleanup
        print(*lines, sep="\n", end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())
