"""PgBouncer in transaction mode in front of a PostgreSQL, with the settings of modules/database.bicep."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.faults.hosts import free_port

SERVER_USER = "pgserver"
"""Who runs the embedded PostgreSQL if root starts it. PgBouncer does not run as root."""

START_SECONDS = 10.0

CONFIGURATION = """
[databases]
* = host={host} port={server_port} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 5000
ignore_startup_parameters = extra_float_digits,options
query_wait_timeout = 5
server_login_retry = 1
"""


def pgbouncer() -> str | None:
    """The path of PgBouncer, if it is installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def pooled(server_url: str) -> Iterator[int]:
    """Run PgBouncer in front of the server of a URL; yields its port on 127.0.0.1."""
    program = pgbouncer()
    assert program is not None
    server, port = conninfo_to_dict(server_url), free_port()
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        configuration = directory / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(host=server["host"], server_port=server.get("port", 5432), port=port)
        )
        configuration.chmod(0o644)
        user = SERVER_USER if os.geteuid() == 0 else None
        log = directory / "pgbouncer.log"
        with (
            log.open("wb") as output,
            subprocess.Popen([program, configuration], stdout=output, stderr=output, user=user) as process,
        ):
            try:
                _wait_until_ready(port, log)
                yield port
            finally:
                process.terminate()


def _wait_until_ready(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url(port, "postgres")).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        else:
            return


def url(port: int, database: str) -> str:
    """The URL of a database through PgBouncer."""
    return f"postgresql://postgres@127.0.0.1:{port}/{database}"
