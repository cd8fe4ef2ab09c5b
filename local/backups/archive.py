"""The archive of a backup: a ZIP file without compression, with a manifest that lists every other member.

Nothing in it is a path or a statement: members have fixed names or numbers, tables are rows for COPY. Nothing
is compressed, so the content is never larger than the file.
"""

import contextlib
import hashlib
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.errors import SetupError

FORMAT: Final = 1
"""The version of the archive. A change that older code cannot read gets the next number."""

MANIFEST: Final = "manifest.json"
SECRETS: Final = "secrets.json"
MAX_MANIFEST_BYTES: Final = 64 * 1024 * 1024
CHUNK_BYTES: Final = 256 * 1024
"""How much of a member is in memory at a time."""

ENCRYPTED_FLAG: Final = 0x1

UNREADABLE: Final = (
    zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, OverflowError, RuntimeError, ValueError,
    struct.error,
)  # fmt: skip
"""What `zipfile` raises for a damaged or hostile file."""

Progress = Callable[[str], None]
"""Shows a line about the progress."""


class BackupError(SetupError):
    """A backup cannot be taken or restored; the message says why, and what to do."""


HeaderText = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A text that can be the value of a header."""


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Member(_Model):
    """A file in the archive: its name, its size in bytes, and the SHA-256 of its content."""

    member: str
    size: int = Field(ge=0)
    sha256: str


class Table(_Model):
    """The rows of a table, in the text format of COPY."""

    name: str
    columns: tuple[str, ...] = Field(strict=False)
    rows: int = Field(ge=0)
    content: Member


class Blob(_Model):
    """A blob with its properties."""

    container: str
    name: str = Field(min_length=1)
    content_type: HeaderText | None
    metadata: dict[HeaderText, HeaderText]
    content: Member


class LostBlob(_Model):
    """A blob that a row names and that the storage did not have: it was lost before the backup."""

    container: str
    name: str


class Manifest(_Model):
    """What the archive has.

    `revision` is that of the schema. `unused` are blobs that were deleted while the backup ran; no row of the
    archive names them.
    """

    format: Literal[1]
    portal_version: str
    revision: str
    taken_at: datetime = Field(strict=False)
    tables: tuple[Table, ...] = Field(strict=False)
    blobs: tuple[Blob, ...] = Field(strict=False)
    lost: tuple[LostBlob, ...] = Field(strict=False)
    unused: tuple[Member, ...] = Field(strict=False)
    secrets: Member

    def members(self) -> list[Member]:
        """All members but the manifest."""
        tables, blobs = ([one.content for one in group] for group in (self.tables, self.blobs))
        return [self.secrets, *tables, *blobs, *self.unused]


class ArchiveWriter:
    """Writes an archive to a file, one member after the other, and the manifest at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def add(self, name: str, chunks: Iterator[bytes]) -> Member:
        """Write a member."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
            for chunk in chunks:
                target.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return Member(member=name, size=size, sha256=digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest. The archive is complete then."""
        self._zip.writestr(zipfile.ZipInfo(MANIFEST), manifest.model_dump_json(indent=1))
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(
            OSError
        ):  # after `finish` this does nothing; otherwise nobody keeps the file
            self._zip.close()


class Archive:
    """An archive that was opened for reading; `manifest` can be trusted after `verify`."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip = archive
        self.manifest = manifest

    @contextmanager
    def open(self, member: Member) -> Iterator[BinaryIO]:
        """Open a member for reading."""
        with self._zip.open(member.member) as file:
            yield file  # type: ignore[misc] # typed as IO[bytes], which has the same methods

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Read a member in chunks of CHUNK_BYTES."""
        with self.open(member) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def verify(self, progress: Progress) -> None:
        """Read all members and compare them with the manifest. Raises BackupError."""
        members = self.manifest.members()
        for number, member in enumerate(members, start=1):
            digest, size = hashlib.sha256(), 0
            with _readable(f"{member.member} in the archive is damaged"):
                for chunk in self.chunks(member):
                    digest.update(chunk)
                    size += len(chunk)
            if (size, digest.hexdigest()) != (member.size, member.sha256):
                raise BackupError(f"{member.member} in the archive is damaged: its checksum is wrong.")
            progress(f"Checking the archive: {number} of {len(members)} files")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive and check its structure, but not its content. Raises BackupError."""
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
    with contextlib.ExitStack() as opened:
        opened.enter_context(file)
        with _readable(f"{path} is not a backup, or it is incomplete"):
            archive = opened.enter_context(zipfile.ZipFile(file))
        members = _checked_members(path, archive, size)
        manifest = _read_manifest(path, archive, members)
        named = [MANIFEST, *(member.member for member in manifest.members())]
        if sorted(named) != sorted(members):
            raise BackupError(f"{path} is damaged: its files are not those of its manifest.")
        yield Archive(archive, manifest)


def _checked_members(path: Path, archive: zipfile.ZipFile, size: int) -> list[str]:
    """The names of the members. Raises BackupError if this code cannot have written them."""
    infos = archive.infolist()
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ENCRYPTED_FLAG for info in infos):
        raise BackupError(f"{path} is not a backup of this portal: its files are compressed or encrypted.")
    if sum(max(info.file_size, info.compress_size) for info in infos) > size:
        raise BackupError(f"{path} is damaged: its files are larger than itself.")
    return [info.filename for info in infos]


def _read_manifest(path: Path, archive: zipfile.ZipFile, members: list[str]) -> Manifest:
    if members.count(MANIFEST) != 1 or archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
        raise BackupError(f"{path} is not a backup of this portal: it has no manifest.")
    with _readable(f"{path} is damaged: its manifest cannot be read"):
        text = archive.read(MANIFEST)
    try:
        number = _FormatOnly.model_validate_json(text).format
        if number != FORMAT:
            raise BackupError(
                f"{path} has the format {number} of backups; this code reads {FORMAT}.\n"
                "Restore it with the version of the portal that made it, or a newer one."
            )
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BackupError(f"{path} has a damaged manifest: {where}: {first['msg']}.") from error


class _FormatOnly(BaseModel):
    format: int


@contextmanager
def _readable(message: str) -> Iterator[None]:
    try:
        yield
    except (*UNREADABLE, OSError) as error:
        raise BackupError(f"{message}: {error}.") from error
