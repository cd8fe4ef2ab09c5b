"""What is backed up: the embedded services of a running portal, or of a stopped one, started meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from local.azurite import Azurite
from local.backups.archive import BackupError, Progress
from local.data_directory import DataDirectory
from local.postgres import EmbeddedPostgres
from local.processes import stop_orphan


class Source(NamedTuple):
    """The addresses of database and storage, and the file with the secrets."""

    database_url: str
    storage_connection_string: str
    secrets: Path


@contextmanager
def open_source(data: DataDirectory, progress: Progress) -> Iterator[Source]:
    """The services of a portal, until the block ends; a stopped portal cannot be started meanwhile.

    Raises BackupError, SetupError.
    """
    if not data.lock.acquire(wait=False):
        yield _running(data)
        return
    try:
        if not (data.postgres.exists() and data.azurite.exists() and data.secrets.exists()):
            raise BackupError(f"There is no portal in {data.path}: `dev.py up` has not created one yet.")
        progress("The portal is stopped: starting its database and storage")
        stop_orphan(data.host_pid)
        with ExitStack() as cleanup:
            server, azurite = EmbeddedPostgres(data.postgres), Azurite(data.azurite)
            cleanup.callback(azurite.stop)
            azurite.launch()
            cleanup.callback(server.stop)
            server.start()
            azurite.wait_until_ready()
            yield Source(server.url(), azurite.connection_string, data.secrets)
    finally:
        data.lock.release()


def _running(data: DataDirectory) -> Source:
    try:
        portal = data.read_portal()
    except (OSError, ValueError) as error:
        raise BackupError("The portal is starting or stopping. Try again in a moment.") from error
    source = Source(portal["database_url"], portal["storage_connection_string"], data.secrets)
    azurite = Azurite(data.azurite)
    if not _is_in(source.database_url, data.postgres) or not azurite.is_at(source.storage_connection_string):
        raise BackupError(
            "The running portal uses an external database or storage, and only embedded data are backed up.\n"
            "Use pg_dump for an external PostgreSQL, and copy the files of an external Azurite."
        )
    return source


def _is_in(database_url: str, directory: Path) -> bool:
    """Whether a server has its data in a directory; an external one may not say where they are."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'").fetchone()
    return row is not None and Path(row[0]).resolve() == directory
