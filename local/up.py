"""`dev.py up`: starts a whole portal on this machine, and ends with Ctrl-C what it started."""

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

from local import core_tools
from local.azurite import WELL_KNOWN_EMULATOR, Azurite
from local.data_directory import DEFAULT_DATA_DIRECTORY, ROOT, Account, DataDirectory
from local.keeping import kept_secrets, shared_secrets_path
from local.migrate import upgrade
from local.people import make_people
from local.ports import LOOPBACK, is_free
from local.postgres import EmbeddedPostgres
from local.problems import StartError
from local.processes import ServiceProcess, end_leftover
from local.storage import prepare_storage

DATABASE = "DATABASE_URL"
STORAGE = "AzureWebJobsStorage"
"""The two settings that, in the environment, replace an embedded service."""

_START_TIMEOUT_SECONDS = 300
"""Core Tools download their extension bundle at the first start; the local host needs a second or two."""
_POLL_SECONDS = 0.1


class Stopped(Exception):
    """Somebody wanted an end: Ctrl-C, SIGTERM, or the terminal was closed."""


class StopSignals:
    """Remembers that an end was wanted; `check` between two steps turns that into Stopped.

    A step itself is never cut in two, so that nothing half started stays behind.
    """

    def __init__(self) -> None:
        self.came = False
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if number := getattr(signal, name, None):
                signal.signal(number, self._remember)
        hangup = getattr(signal, "SIGHUP", None)
        if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:  # nohup wants it ignored
            signal.signal(hangup, self._remember)

    def _remember(self, _number: int, _frame: object) -> None:
        self.came = True

    def check(self) -> None:
        """Raise Stopped if a signal came."""
        if self.came:
            raise Stopped


def main() -> int:
    """Run the portal until it is stopped or fails; the exit status."""
    options = _parse_arguments()
    stopping = StopSignals()
    try:
        with ExitStack() as running:
            _run(options, running, stopping)
    except (StartError, psycopg.Error) as problem:
        if not stopping.came:  # or else a child has seen the Ctrl-C, and fails because of it
            print(f"\n{problem}", file=sys.stderr, flush=True)
            return 1
    except Stopped:
        pass
    _say("Stopped.")
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py up", description="Start the portal on this machine.")
    parser.add_argument("--port", type=_port, default=7071, help="where to serve (default: %(default)s)")
    parser.add_argument(
        "--data-dir", type=Path, default=DEFAULT_DATA_DIRECTORY, help="where data lives (default: .local)"
    )
    parser.add_argument("--fresh", action="store_true", help="delete the embedded data first")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="make no demo people")
    parser.add_argument("--func", action="store_true", help="serve by Azure Functions Core Tools")
    return parser.parse_args()


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number <= 0xFFFF:
        raise ValueError(text)
    return number


def _run(options: argparse.Namespace, running: ExitStack, stopping: StopSignals) -> None:
    """Start everything in order, each with its ending on `running`, and watch the portal until a signal."""
    data = DataDirectory(options.data_dir)
    base_url = f"http://{LOOPBACK}:{options.port}"
    running.enter_context(_claim(data, base_url))
    _require_free_port(options.port)
    host_command = core_tools.command(options.port) if options.func else _local_host_command(options.port)
    settings = _settings()
    if options.fresh:
        _forget(data)
    accounts = _start_services(data, settings, demo=options.demo, running=running, stopping=stopping)
    if options.func:
        core_tools.write_settings(settings)
        settings |= core_tools.python_environment()
    host = _start_host(host_command, data, settings, running)
    _wait_until_healthy(host, options.port, stopping)
    data.write_portal(
        base_url=base_url,
        database_url=settings[DATABASE],
        storage_connection_string=settings[STORAGE],
        accounts=accounts,
    )
    _introduce(base_url, accounts, data)
    _watch(host, stopping)


@contextmanager
def _claim(data: DataDirectory, base_url: str) -> Iterator[None]:
    """Hold the data directory for this process; end what a dead predecessor left running in it."""
    if not data.lock.acquire(wait=False):
        raise StartError(
            f"A portal runs already on the data in {data.path}: {data.lock.holder()}.\n"
            "Stop it first, or start a second one with `--port` and `--data-dir` of its own."
        )
    try:
        data.lock.describe_holder(f"{base_url}, process {os.getpid()}")
        end_leftover(data.host_pid)
        data.portal.unlink(missing_ok=True)
        yield
    finally:
        data.lock.release()


def _require_free_port(port: int) -> None:
    if not is_free(port):
        raise StartError(
            f"Port {port} is taken by another program. Stop that, or choose another port with `--port`."
        )


def _local_host_command(port: int) -> list[str]:
    return [sys.executable, "-m", "local.host", "--port", str(port)]


def _settings() -> dict[str, str]:
    """The app settings: the environment's, or else those of the sample; services are filled in later."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    return {name: os.environ.get(name, default) for name, default in sample.items()}


def _forget(data: DataDirectory) -> None:
    if external := [name for name in (DATABASE, STORAGE) if os.environ.get(name)]:
        raise StartError(
            f"--fresh deletes embedded data only, but {' and '.join(external)} in the environment\n"
            "names data elsewhere. Unset it to start afresh on this machine, or empty that place yourself."
        )
    _say(f"Deleting the data in {data.path} ...")
    EmbeddedPostgres(data.postgres).end_leftover()
    Azurite(data.azurite).end_leftover()
    data.forget()


def _start_services(
    data: DataDirectory, settings: dict[str, str], *, demo: bool, running: ExitStack, stopping: StopSignals
) -> list[Account]:
    """Start or find database and storage, make them ready, and write their addresses into `settings`."""
    azurite = _launch_azurite(data, settings, running)  # starts while the database does
    stopping.check()
    _start_database(data, settings, running)
    stopping.check()
    upgrade(settings[DATABASE])
    external = os.environ.get(DATABASE)
    accounts: list[Account] = []
    with kept_secrets(shared_secrets_path(external) if external else data.secrets) as kept:
        settings["JWT_SECRET"] = settings["JWT_SECRET"] or kept.jwt_secret
        if demo:
            rounds = int(settings["BCRYPT_ROUNDS"])
            accounts = make_people(settings[DATABASE], kept, bcrypt_rounds=rounds)
    stopping.check()
    if azurite:
        azurite.wait_until_ready()
        settings[STORAGE] = azurite.connection_string
    prepare_storage(settings[STORAGE], _listed(settings["CORS_ORIGINS"]))
    stopping.check()
    return accounts


def _listed(text: str) -> list[str]:
    return [part.strip().rstrip("/") for part in text.split(",") if part.strip()]


def _launch_azurite(data: DataDirectory, settings: dict[str, str], running: ExitStack) -> Azurite | None:
    if external := os.environ.get(STORAGE):
        emulator = external.strip().lower() == "usedevelopmentstorage=true"
        settings[STORAGE] = WELL_KNOWN_EMULATOR if emulator else external
        return None
    _say("Starting Azurite (blob storage) ...")
    azurite = Azurite(data.azurite)
    azurite.launch()
    running.callback(_stop, "Azurite", azurite.stop)
    return azurite


def _start_database(data: DataDirectory, settings: dict[str, str], running: ExitStack) -> None:
    if external := os.environ.get(DATABASE):
        psycopg.connect(external).close()  # fails with a plain message, not with Alembic's
        settings[DATABASE] = external
        return
    _say("Starting PostgreSQL ...")
    server = EmbeddedPostgres(data.postgres)
    running.callback(_stop, "PostgreSQL", server.stop)
    server.start()
    settings[DATABASE] = server.url()


def _start_host(
    command: list[str], data: DataDirectory, settings: dict[str, str], running: ExitStack
) -> ServiceProcess:
    _say("Starting the portal ...")
    host = ServiceProcess(
        command,
        log=data.host_log,
        pid_file=data.host_pid,
        environment={**os.environ, **settings},
        directory=ROOT,
    )
    host.start()
    running.callback(_stop, "the portal", host.stop)
    return host


def _wait_until_healthy(host: ServiceProcess, port: int, stopping: StopSignals) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while not _answers(port, "/health"):
        stopping.check()
        _require_running(host)
        if time.monotonic() > deadline:
            raise StartError(f"The portal does not answer GET /health. Its last lines:\n{host.last_lines()}")
        time.sleep(_POLL_SECONDS)


def _answers(port: int, path: str) -> bool:
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
        raise StartError(f"The portal has ended by itself, status {status}:\n{host.last_lines()}")


def _introduce(base_url: str, accounts: list[Account], data: DataDirectory) -> None:
    _say(f"\nThe portal runs on {base_url}", f"Its documentation: {base_url}/docs", "")
    rows = [("e-mail", "password", "role", "plant")]
    rows += [(one.email, one.password or "(set elsewhere)", one.role, one.plant or "") for one in accounts]
    if accounts:
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        _say(*("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows), "")
    _say(f"For scripts: {data.portal}. Log: {data.host_log}", "Ctrl-C stops it.")


def _watch(host: ServiceProcess, stopping: StopSignals) -> None:
    """Wait for a signal, or raise StartError when the portal ends by itself; show its log on a terminal."""
    with host.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            if sys.stdout.isatty():
                _say(log.read(), end="")
            stopping.check()
            _require_running(host)
            time.sleep(_POLL_SECONDS)


def _stop(what: str, stop: Callable[[], None]) -> None:
    _say(f"Stopping {what} ...")
    stop()


def _say(*lines: str, end: str = "\n") -> None:
    with suppress(OSError):  # a terminal that was closed must not keep us from ending things
        print(*lines, sep="\n", end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())
