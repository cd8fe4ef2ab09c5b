"""`dev.py backup FILE`: one archive of the local portal, while it runs or is stopped.

The database is read in one snapshot, after the blobs that its rows name were copied. If one of these was
deleted meanwhile, the next snapshot is taken, and only what is new is copied.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import psycopg

from functions.version import VERSION
from local.backups.archive import SECRETS, ArchiveWriter, BackupError, LostBlob, Manifest, Member, Progress
from local.backups.blobs import BlobCopier, BlobName, expected_blobs, named_blobs, open_storage
from local.backups.commands import Lines, run_command, size_of
from local.backups.source import Source, open_source
from local.backups.tables import SESSION, Connection, dump, revision_of, snapshot
from local.data_directory import DEFAULT_DATA_DIRECTORY, DataDirectory

MAX_ROUNDS: Final = 30
"""How many snapshots are taken, at most, until one names no blob that was deleted while it was copied."""


def back_up(source: Source, target: Path, progress: Progress) -> Manifest:
    """Write a backup to the new file `target`, which appears when it is complete. Raises BackupError."""
    with (
        _new_file(target) as file,
        open_storage(source.storage_connection_string) as service,
        ArchiveWriter(file) as archive,
    ):
        copier = BlobCopier(service, archive, target.parent, progress)
        return _Backup(source, archive, copier, progress).run()


@dataclass
class _Backup:
    """One backup; `lost` are the blobs that the storage has lost although their rows stay."""

    source: Source
    archive: ArchiveWriter
    copier: BlobCopier
    progress: Progress
    lost: set[BlobName] = field(default_factory=set)

    def run(self) -> Manifest:
        """Write the archive."""
        key = self.archive.add(SECRETS, iter([self.source.secrets.read_bytes()]))
        for _ in range(MAX_ROUNDS):
            with snapshot(self.source.database_url) as connection:
                taken_at, named = datetime.now(UTC), named_blobs(connection)
                missing = self.copier.copy(named - self.lost)
                if not missing:
                    return self._finish(connection, taken_at, named, key)
            with psycopg.connect(self.source.database_url, options=SESSION, autocommit=True) as connection:
                self.lost |= self.copier.still_missing(connection, missing)
        raise BackupError("Files were deleted all the time. Try again when the portal is less busy.")

    def _finish(
        self, connection: Connection, taken_at: datetime, named: set[BlobName], key: Member
    ) -> Manifest:
        wanted = named | expected_blobs(connection) | self.copier.quarantined()
        self.copier.copy(wanted - self.lost)
        copied = self.copier.copied
        manifest = Manifest(
            format=1,
            portal_version=VERSION,
            revision=revision_of(connection),
            taken_at=taken_at,
            tables=dump(connection, self.archive, self.progress),
            blobs=tuple(blob for name, blob in copied.items() if name in wanted),
            lost=tuple(LostBlob(**name._asdict()) for name in sorted(self.lost & named)),
            unused=tuple(blob.content for name, blob in copied.items() if name not in wanted),
            secrets=key,
        )
        self.archive.finish(manifest)
        return manifest


@contextmanager
def _new_file(target: Path) -> Iterator[BinaryIO]:
    """A file that only its owner reads, and that gets its name when the block succeeds."""
    _require_new(target)
    partial = target.with_name(f"{target.name}.partial-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _publish(partial, target)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _publish(partial: Path, target: Path) -> None:
    """Give a file its name, unless another file has it. Raises OSError, BackupError."""
    try:
        os.link(partial, target)  # unlike a renaming, it never replaces a file
    except FileExistsError:
        _require_new(target)
    except OSError:  # a file system without links
        _require_new(target)
        partial.rename(target)


def _require_new(target: Path) -> None:
    if target.exists():
        raise BackupError(f"{target} exists. Choose another name, or delete it first.")


def main(arguments: list[str] | None = None) -> int:
    """`python -m local.backups.create FILE [--data-dir DIR]`. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="dev.py backup", description="Back up the local portal, also while it runs."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the archive to be written")
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIRECTORY, help="default: .local")
    options = parser.parse_args(arguments)
    return run_command("backup", lambda: _back_up(options.file.absolute(), DataDirectory(options.data_dir)))


def _back_up(target: Path, data: DataDirectory) -> None:
    _require_new(target)
    with Lines() as lines, open_source(data, lines.show) as source:
        manifest = back_up(source, target, lines.show)
    rows = sum(table.rows for table in manifest.tables)
    print(
        f"{target} has {rows} rows and {len(manifest.blobs)} files ({size_of(target.stat().st_size)}),\n"
        f"as they were on {manifest.taken_at:%Y-%m-%d at %H:%M:%S} UTC.\n"
        "It has the passwords and keys of the portal: store it where only you can read it."
    )
    for blob in manifest.lost:
        print(f"Warning: the storage has lost {blob.container}/{blob.name}.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
