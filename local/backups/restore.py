"""`dev.py restore FILE`: the local portal as it was when a backup was taken.

Everything is built beside the existing data, which are replaced by one renaming at the end. Whatever stops
the restore before that leaves them as they were.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from pydantic import BaseModel, ConfigDict, ValidationError

from local.azurite import Azurite
from local.backups.archive import Archive, BackupError, Progress, open_archive
from local.backups.blobs import open_storage, require_complete, upload
from local.backups.commands import Lines, ignore_signals, run_command
from local.backups.tables import SESSION, load
from local.data_directory import DEFAULT_DATA_DIRECTORY, DataDirectory, write_private
from local.postgres import EmbeddedPostgres
from local.processes import stop_orphan
from local.storage import prepare_storage
from ops.migrate import known_revisions, upgrade


class _Secrets(BaseModel):
    """The content of secrets.json."""

    model_config = ConfigDict(strict=True, extra="forbid")

    jwt_secret: str
    passwords: dict[str, str]


def restore(
    path: Path,
    data: DataDirectory,
    *,
    replace: bool,
    progress: Progress,
    before_install: Callable[[], None] = lambda: None,
) -> bool:
    """Restore a backup to the data directory of a stopped portal; return whether data were replaced.

    Without `replace` there must be no data yet. `before_install` is called when everything is ready.
    Raises BackupError, SetupError, psycopg.Error, AzureError.
    """
    with _locked(data), open_archive(path) as archive:
        existing = [each for each in (data.postgres, data.azurite, data.secrets) if each.exists()]
        if existing and not replace:
            raise BackupError(
                f"There is a portal in {data.path}. Choose another --data-dir, or add --replace:\n"
                f"the existing data are then moved to {data.replaced}."
            )
        _require_known(archive)
        archive.verify(progress)
        with _directory_for(data) as new:
            _build(archive, new, data, progress)
            _stop_orphans(data)
            before_install()
            data.install_restored()
    return bool(existing)


@contextmanager
def _locked(data: DataDirectory) -> Iterator[None]:
    if not data.lock.acquire(wait=False):
        raise BackupError(f"A portal runs on {data.path}: {data.lock.read_owner()}. Stop it first.")
    try:
        yield
    finally:
        data.lock.release()


def _require_known(archive: Archive) -> None:
    revision = archive.manifest.revision
    if revision not in known_revisions():
        raise BackupError(
            f"The backup has revision {revision} of the database, which this checkout does not know. It was\n"
            f"made by portal {archive.manifest.portal_version}: restore it with that version or a newer one."
        )


@contextmanager
def _directory_for(data: DataDirectory) -> Iterator[DataDirectory]:
    """An empty directory for the restored data; it is removed unless it was installed."""
    new = DataDirectory(data.restoring)
    _remove(new)
    new.path.mkdir(parents=True)
    try:
        yield new
    finally:
        _remove(new)


def _remove(new: DataDirectory) -> None:
    """Remove what an interrupted restore left behind."""
    if new.path.exists():
        _stop_orphans(new)
        shutil.rmtree(new.path)


def _stop_orphans(data: DataDirectory) -> None:
    """Stop what a killed process left running."""
    stop_orphan(data.host_pid)
    EmbeddedPostgres(data.postgres).stop_orphan()
    Azurite(data.azurite).stop_orphan()


def _build(archive: Archive, new: DataDirectory, data: DataDirectory, progress: Progress) -> None:
    secrets = _read_secrets(archive)
    with ExitStack() as cleanup:
        azurite = Azurite(new.azurite)
        azurite.use_ports_of(data.azurite)
        cleanup.callback(azurite.stop)
        azurite.launch()
        server = EmbeddedPostgres(new.postgres)
        cleanup.callback(server.stop)
        progress("Creating a database")
        server.start()
        load_database(server.url(), archive, progress)
        azurite.wait_until_ready()
        prepare_storage(azurite.connection_string, [])
        with open_storage(azurite.connection_string) as service:
            upload(service, archive, progress)
    write_private(new.secrets, secrets)


def load_database(url: str, archive: Archive, progress: Progress) -> None:
    """Write the rows in the schema of their revision, then upgrade the schema."""
    upgrade(url, archive.manifest.revision)
    try:
        with psycopg.connect(url, options=SESSION) as connection:
            load(connection, archive, progress)
            require_complete(connection, archive)
    except psycopg.Error as error:
        raise BackupError(f"The rows of the backup do not fit its revision of the schema: {error}") from error
    upgrade(url)
    with psycopg.connect(url, options=SESSION, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _read_secrets(archive: Archive) -> str:
    try:
        content = _Secrets.model_validate_json(b"".join(archive.chunks(archive.manifest.secrets)))
    except ValidationError as error:
        raise BackupError("The secrets in the backup are not those of a portal.") from error
    return content.model_dump_json(indent=2) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """`python -m local.backups.restore FILE [--replace] [--data-dir DIR]`. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="dev.py restore", description="Restore the local portal from a backup."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an archive of `dev.py backup`")
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIRECTORY, help="default: .local")
    parser.add_argument("--replace", action="store_true", help="replace the data that are there")
    options = parser.parse_args(arguments)
    data = DataDirectory(options.data_dir)
    return run_command("restore", lambda: _restore(options.file.absolute(), data, options.replace))


def _restore(path: Path, data: DataDirectory, replace: bool) -> None:
    with Lines() as lines:
        replaced = restore(path, data, replace=replace, progress=lines.show, before_install=ignore_signals)
    print(f"The portal in {data.path} is as it was in {path}. Start it with `dev.py up`.")
    if replaced:
        print(f"The data that it replaced are in {data.replaced}. Delete them when you do not need them.")


if __name__ == "__main__":
    sys.exit(main())
