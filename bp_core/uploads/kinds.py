"""What may be uploaded, and how the blobs are named (rules 8)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from bp_core.shared.errors import Invalid
from bp_core.shared.text import slug

QUARANTINE: Final = "quarantine"
"""The container to which rejected blobs are moved."""

MEGABYTE: Final = 1024 * 1024

FileType = Literal["image", "document"]
"""The two kinds of upload, as requests name them."""

CONTENT_TYPE_ALIASES: Final[Mapping[str, str]] = {"image/jpg": "image/jpeg"}
"""Content types that some clients send, and the registered type that each of them means."""

MAX_STEM_LENGTH: Final = 60
"""How many characters of a document's file name go into the name of its blob."""

_STAMPED_FILE: Final = re.compile(
    r"(?P<stem>[a-z0-9-]+)_(?P<epoch_ms>[1-9][0-9]{0,14})\.(?P<extension>[a-z0-9]+)"
)
_PATH_TRICKS: Final = re.compile(r"\.\.|[/\\]|%2f|%5c|[\x00-\x1f\x7f]", re.IGNORECASE)


@dataclass(frozen=True)
class Format:
    """A file format: its content type, and the signature that its files start with."""

    content_type: str
    signature: re.Pattern[bytes]

    def matches(self, data: bytes) -> bool:
        """Whether the data start with the signature of this format."""
        return self.signature.match(data) is not None


JPEG: Final = Format("image/jpeg", re.compile(rb"\xff\xd8\xff"))
PNG: Final = Format("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"))
WEBP: Final = Format("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL))

PDF: Final = Format("application/pdf", re.compile(rb"%PDF-"))
_OLE: Final = re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
DOC: Final = Format("application/msword", _OLE)
PPT: Final = Format("application/vnd.ms-powerpoint", _OLE)
XLS: Final = Format("application/vnd.ms-excel", _OLE)
# A zip, or the OLE container of a file with a password: the document parser then gives a better reason.
_ZIP: Final = re.compile(rb"PK\x03\x04|" + _OLE.pattern)
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
DOCX: Final = Format(f"{_OFFICE}.wordprocessingml.document", _ZIP)
PPTX: Final = Format(f"{_OFFICE}.presentationml.presentation", _ZIP)
XLSX: Final = Format(f"{_OFFICE}.spreadsheetml.sheet", _ZIP)


@dataclass(frozen=True)
class UploadKind:
    """A kind of upload: where its blobs are stored, their names, the formats and size that are accepted."""

    name: FileType
    container: str
    folder: str
    stem: re.Pattern[str]
    formats: Mapping[str, Format]
    max_bytes: int

    def format_of(self, extension: str) -> Format:
        """Return the format of a file extension. Raises Invalid for an extension that is not accepted."""
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
    stem=re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{MAX_STEM_LENGTH - 2}}}[a-z0-9])?"),
    formats={"pdf": PDF, "doc": DOC, "docx": DOCX, "ppt": PPT, "pptx": PPTX, "xls": XLS, "xlsx": XLSX},
    max_bytes=20 * MEGABYTE,
)

THUMBNAIL_SUFFIX: Final = ".webp"
"""What the name of a thumbnail has after the blob name of its image."""

KINDS: Final[Mapping[FileType, UploadKind]] = {"image": IMAGES, "document": DOCUMENTS}

MAX_PIXELS: Final = 50_000_000
"""The largest image that is decoded, in pixels."""

MAX_DECODED_BYTES: Final = 152_000_000
"""How many bytes the decoder may need for the pixels of an image.

50 megapixels of a progressive JPEG in the usual sampling; the examining process stays below 200 MB.
"""

MAX_SCANS: Final = 100
"""How many scans a progressive JPEG may have; encoders write about ten."""

MAX_SCANNED_PIXELS: Final = 2_000_000_000
"""How many pixels all scans of a JPEG may pass over: 40 scans of the largest image."""


class RejectedFileError(Exception):
    """A file that is not accepted. The message is a sentence for the uploader that says why."""


@dataclass(frozen=True)
class ImageSize:
    """The size of an image in pixels, as people see it: after its EXIF orientation is applied."""

    width: int
    height: int


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
        """The format that the extension names."""
        return self.kind.format_of(self.extension)

    def __str__(self) -> str:
        return make_blob_name(self)


def make_blob_name(name: BlobName) -> str:
    """Return the name of a blob in its container.

    `practices/{practice_id}/{before|after}_{epoch_ms}.{ext}` for an image,
    `documents/{practice_id}/{safe_stem}_{epoch_ms}.{ext}` for a document.
    """
    return f"{name.kind.folder}/{name.practice_id}/{name.stem}_{name.epoch_ms}.{name.extension}"


def thumbnail_name(blob_name: str) -> str:
    """Return the name of the thumbnail of an image, in the container of thumbnails."""
    return blob_name + THUMBNAIL_SUFFIX


def parse_blob_name(kind: UploadKind, text: str) -> BlobName:
    """Parse the name of a blob; the inverse of `make_blob_name`.

    Raises Invalid for a name that `make_blob_name` does not produce.
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
    raise Invalid.of("blob_name", "is not a blob name of this portal")


def registered_type(content_type: str) -> str:
    """Return the registered form of a content type: `image/JPG` gives `image/jpeg`."""
    content_type = content_type.lower()
    return CONTENT_TYPE_ALIASES.get(content_type, content_type)


def extension_of(filename: str) -> str:
    """Return the extension of a file name in lower case.

    Raises Invalid for a name that contains a path or control characters, or has no extension.
    """
    stem, dot, extension = filename.rpartition(".")
    if _PATH_TRICKS.search(filename) or not (stem and dot and extension):
        raise Invalid.of("filename", "must be a plain file name with an extension")
    return extension.lower()


def safe_stem(filename: str) -> str:
    """Return the stem of a blob name for a file name: `Fügeplan (2).pdf` gives `fugeplan-2`."""
    stem, _, _ = filename.rpartition(".")
    return slug(stem)[:MAX_STEM_LENGTH].strip("-") or "document"
