"""What may be uploaded, and how the blobs are named (rules 8)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from bp_core.shared.errors import Invalid

QUARANTINE: Final = "quarantine"
"""The container that rejected blobs are moved to."""

MEGABYTE: Final = 1024 * 1024

FileType = Literal["image", "document"]
"""The two kinds of upload, by the names that callers use."""

LONGEST_STEM: Final = 60
"""How much of a document's own name goes into that of its blob, in characters."""

_STAMPED_FILE: Final = re.compile(
    r"(?P<stem>[a-z0-9-]+)_(?P<epoch_ms>[1-9][0-9]{0,14})\.(?P<extension>[a-z0-9]+)"
)
_PATH_TRICKS: Final = re.compile(r"\.\.|[/\\]|%2f|%5c|[\x00-\x1f\x7f]", re.IGNORECASE)


@dataclass(frozen=True)
class Format:
    """A file format: what it is called on the wire, and the bytes that it starts with."""

    content_type: str
    signature: re.Pattern[bytes]

    def fits(self, data: bytes) -> bool:
        """Whether the bytes start as files of this format do."""
        return self.signature.match(data) is not None


JPEG: Final = Format("image/jpeg", re.compile(rb"\xff\xd8\xff"))
PNG: Final = Format("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"))
WEBP: Final = Format("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL))

PDF: Final = Format("application/pdf", re.compile(rb"%PDF-"))
_OLE: Final = re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
DOC: Final = Format("application/msword", _OLE)
PPT: Final = Format("application/vnd.ms-powerpoint", _OLE)
XLS: Final = Format("application/vnd.ms-excel", _OLE)
# A zip; or OLE, which a password wraps around it: a reader of the content says so, and better.
_ZIP: Final = re.compile(rb"PK\x03\x04|" + _OLE.pattern)
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
DOCX: Final = Format(f"{_OFFICE}.wordprocessingml.document", _ZIP)
PPTX: Final = Format(f"{_OFFICE}.presentationml.presentation", _ZIP)
XLSX: Final = Format(f"{_OFFICE}.spreadsheetml.sheet", _ZIP)


@dataclass(frozen=True)
class UploadKind:
    """A kind of upload: where its blobs lie, what they may be called, what they may be and how large."""

    name: FileType
    container: str
    folder: str
    stem: re.Pattern[str]
    formats: Mapping[str, Format]
    max_bytes: int

    def format_of(self, extension: str) -> Format:
        """Tell the format that a file extension stands for.

        Raises Invalid for one that is not taken.
        """
        found = self.formats.get(extension.lower())
        if found is None:
            raise Invalid.of("filename", f"must end in one of: {', '.join(sorted(self.formats))}")
        return found


IMAGES: Final = UploadKind(
    name="image",
    container="best-practices",
    folder="practices",
    stem=re.compile("before|after"),
    formats={"jpg": JPEG, "jpeg": JPEG, "png": PNG, "webp": WEBP},
    max_bytes=10 * MEGABYTE,
)

DOCUMENTS: Final = UploadKind(
    name="document",
    container="supporting-documents",
    folder="documents",
    stem=re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST_STEM - 2}}}[a-z0-9])?"),
    formats={"pdf": PDF, "doc": DOC, "docx": DOCX, "ppt": PPT, "pptx": PPTX, "xls": XLS, "xlsx": XLSX},
    max_bytes=20 * MEGABYTE,
)

KINDS: Final[Mapping[FileType, UploadKind]] = {"image": IMAGES, "document": DOCUMENTS}

MOST_PIXELS: Final = 50_000_000
"""The largest photograph that is decoded, in pixels."""


@dataclass(frozen=True)
class BlobName:
    """The parts of a blob's name."""

    kind: UploadKind
    practice_id: UUID
    stem: str
    epoch_ms: int
    extension: str

    @property
    def format(self) -> Format:
        """The format that the name promises."""
        return self.kind.format_of(self.extension)


def make_blob_name(name: BlobName) -> str:
    """Write a blob's name: `practices/{practice_id}/{before|after}_{epoch_ms}.{ext}` for a photograph,
    `documents/{practice_id}/{safe_stem}_{epoch_ms}.{ext}` for a document.
    """
    return f"{name.kind.folder}/{name.practice_id}/{name.stem}_{name.epoch_ms}.{name.extension}"


def parse_blob_name(kind: UploadKind, text: str) -> BlobName:
    """Read a blob's name; the inverse of `make_blob_name`.

    Raises Invalid for any name that was made by someone else.
    """
    folder, _, rest = text.partition("/")
    practice, _, file = rest.partition("/")
    match = _STAMPED_FILE.fullmatch(file)
    if (
        folder == kind.folder
        and match
        and kind.stem.fullmatch(match["stem"])
        and match["extension"] in kind.formats
    ):
        try:
            name = BlobName(kind, UUID(practice), match["stem"], int(match["epoch_ms"]), match["extension"])
        except ValueError:
            name = None
        if name is not None and make_blob_name(name) == text:
            return name
    raise Invalid.of("blob_name", "is not a name that the portal gives")


def extension_of(filename: str) -> str:
    """Take the extension from the name of a file on somebody's disk, in lower case.

    Raises Invalid for a name that plays tricks with paths, or has no extension.
    """
    stem, dot, extension = filename.rpartition(".")
    if _PATH_TRICKS.search(filename) or not (stem and dot and extension):
        raise Invalid.of("filename", "must be a plain file name with an extension")
    return extension.lower()


def safe_stem(filename: str) -> str:
    """Make of a file's own name what may stand in that of its blob: `Fügeplan (2).pdf` gives `fugeplan-2`."""
    stem, _, _ = filename.rpartition(".")
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    safe = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return safe[:LONGEST_STEM].strip("-") or "document"
