"""Documents: what a PDF or an Office file really is, and whether it brings macros.

Nothing is unpacked but the table of contents of a zip, and of that no more than a megabyte. Formats:
ECMA-376 part 2 (the zip-based ones), [MS-CFB], [MS-DOC], [MS-XLS] and [MS-PPT] (the OLE-based ones).
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from bp_core.uploads.kinds import DOC, DOCX, MEGABYTE, PDF, PPT, PPTX, XLS, XLSX
from bp_core.uploads.store import RefusedFileError

if TYPE_CHECKING:
    from olefile import OleFileIO

MOST_ENTRIES: Final = 10_000
"""How many files a zip may hold."""

MOST_UNPACKED: Final = 500 * MEGABYTE
"""How large a zip may say that it is when it is unpacked, in bytes."""

MOST_CONTENTS: Final = MEGABYTE
"""How large the list of a zip's content types may be, in bytes."""

CONTENT_TYPES: Final = "[content_types].xml"

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
MAIN_PARTS: Final = {
    f"{_OFFICE}wordprocessingml.document.main+xml": DOCX.content_type,
    f"{_OFFICE}spreadsheetml.sheet.main+xml": XLSX.content_type,
    f"{_OFFICE}presentationml.presentation.main+xml": PPTX.content_type,
}
"""The content type of a document's main part, and that of the document."""

MAIN_STREAMS: Final = {
    "worddocument": DOC.content_type,
    "workbook": XLS.content_type,
    "book": XLS.content_type,
    "powerpoint document": PPT.content_type,
}
"""The stream of an OLE file that makes it a document, and the document's content type."""

MACROS: Final = "contains macros"
LOCKED: Final = "protected by a password: it cannot be looked into"
DAMAGED: Final = "damaged: it cannot be read"

_MACRO_TYPES: Final = re.compile(r"macro|vbaproject", re.IGNORECASE)
_MACRO_FILES: Final = re.compile(
    r"(^|[/\\])((vbaproject|vbadata)\.(bin|xml)$|macrosheets[/\\])", re.IGNORECASE
)
_MACRO_STREAMS: Final = re.compile(r"macros|vba|_vba_project.*", re.IGNORECASE)

# A VBAInfoContainer with its VBAInfoAtom, whose second field says whether there are macros ([MS-PPT] 2.4.10).
_PPT_MACROS: Final = re.compile(
    rb"\x1f\x00\xff\x03\x14\x00\x00\x00\x02\x00\x00\x04\x0c\x00\x00\x00.{4}[^\x00]", re.DOTALL
)
_PPT_LOCKED: Final = b"\xdf\xc4\xd1\xf3"
"""What the stream `Current User` of a locked presentation says in its thirteenth to sixteenth byte."""

_DOC_LOCKED: Final = 0x0100
_XLS_FILEPASS: Final = 0x002F
_XLS_BOUNDSHEET: Final = 0x0085
_XLS_MACRO_SHEET: Final = 1
_XLS_EOF: Final = 0x000A

_ZIP_DAMAGE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    expat.ExpatError,
    NotImplementedError,  # a zip of a version to come
    OSError,
    ValueError,
    EOFError,
    struct.error,
)
_OLE_DAMAGE: Final = (OSError, ValueError, IndexError, TypeError, RecursionError, struct.error)


class OfficeDocuments:
    """Looks into documents."""

    def examine(self, data: bytes, content_type: str) -> None:
        """Tell whether a file that starts as its name promises is the document that it promises.

        Raises RefusedFileError if it is damaged, of another format, locked by a password, brings macros,
        or would unpack to very much. A PDF with a password is taken: it has nothing to look for.
        """
        if content_type == PDF.content_type:
            return
        found = _ole_type(data) if DOC.fits(data) else _zip_type(data)
        if found != content_type:
            raise RefusedFileError(f"not a file of type {content_type}")


def _zip_type(data: bytes) -> str | None:
    # Counted before the library reads them: half a million entries would fill the memory.
    if data.count(b"PK\x01\x02") > MOST_ENTRIES:
        raise RefusedFileError(f"holds more than {MOST_ENTRIES} files")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _require_modest(archive.infolist(), len(data))
            parts = {info.filename.lower(): info for info in archive.infolist()}
            if CONTENT_TYPES not in parts:
                return None
            with archive.open(parts[CONTENT_TYPES]) as contents:
                listing = contents.read(MOST_CONTENTS + 1)
        types = _content_types(listing)
    except _ZIP_DAMAGE as damage:
        raise RefusedFileError(DAMAGED) from damage
    if any(map(_MACRO_TYPES.search, types)) or any(map(_MACRO_FILES.search, parts)):
        raise RefusedFileError(MACROS)
    mains = types & MAIN_PARTS.keys()
    return MAIN_PARTS[mains.pop()] if len(mains) == 1 else None


def _require_modest(entries: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED:
        raise RefusedFileError(f"unpacks to {unpacked} bytes: more than {MOST_UNPACKED}")
    if sum(entry.compress_size for entry in entries) > size:
        raise RefusedFileError("damaged: its parts overlap")
    if any(entry.flag_bits & 1 for entry in entries):
        raise RefusedFileError(LOCKED)
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise RefusedFileError("damaged: packed in a way that Office does not know")
    if len({entry.filename.lower() for entry in entries}) < len(entries):
        raise RefusedFileError("damaged: two of its parts have one name")


def _content_types(listing: bytes) -> set[str]:
    """Read which content types a document says that its parts have."""
    if len(listing) > MOST_CONTENTS:
        raise RefusedFileError(f"its list of contents unpacks to more than {MOST_CONTENTS} bytes")
    types: set[str] = set()

    def element(_: str, attributes: dict[str, str]) -> None:
        types.add(attributes.get("ContentType", ""))

    def doctype(*_: object) -> None:
        raise RefusedFileError("damaged: its list of contents declares entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(listing, True)
    return types


def _ole_type(data: bytes) -> str | None:
    import olefile

    try:
        with closing(olefile.OleFileIO(data)) as ole:
            names = {part.lower() for path in ole.listdir(streams=True, storages=True) for part in path}
            if "encryptedpackage" in names:
                raise RefusedFileError(LOCKED)
            if any(map(_MACRO_STREAMS.fullmatch, names)):
                raise RefusedFileError(MACROS)
            mains = {MAIN_STREAMS[path[0].lower()]: path[0] for path in ole.listdir() if _is_main(path)}
            if len(mains) != 1:
                return None
            content_type, stream = mains.popitem()
            _LOOKERS[content_type](ole, stream)
    except _OLE_DAMAGE as damage:
        raise RefusedFileError(DAMAGED) from damage
    return content_type


def _is_main(path: list[str]) -> bool:
    return len(path) == 1 and path[0].lower() in MAIN_STREAMS


def _look_into_text(ole: "OleFileIO", stream: str) -> None:
    (flags,) = struct.unpack_from("<H", _content(ole, stream), 10)
    if flags & _DOC_LOCKED:
        raise RefusedFileError(LOCKED)


def _look_into_table(ole: "OleFileIO", stream: str) -> None:
    for record, start, content in _records(_content(ole, stream)):
        if record == _XLS_FILEPASS:
            raise RefusedFileError(LOCKED)
        # Macros of Excel 4.0 are no VBA: they stand in sheets of their own.
        if record == _XLS_BOUNDSHEET and content[start + 5] == _XLS_MACRO_SHEET:
            raise RefusedFileError(MACROS)
        if record == _XLS_EOF:  # the first substream is over: the sheets themselves say nothing new
            return


def _look_into_slides(ole: "OleFileIO", stream: str) -> None:
    if ole.exists("Current User") and _content(ole, "Current User")[12:16] == _PPT_LOCKED:
        raise RefusedFileError(LOCKED)
    if _PPT_MACROS.search(_content(ole, stream)):
        raise RefusedFileError(MACROS)


_LOOKERS: Final = {
    DOC.content_type: _look_into_text,
    XLS.content_type: _look_into_table,
    PPT.content_type: _look_into_slides,
}


def _content(ole: "OleFileIO", stream: str) -> bytes:
    with ole.openstream(stream) as opened:
        content: bytes = opened.read()
    return content


def _records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Walk through the records of a workbook: the type of each, and where it starts."""
    position = 0
    while position + 4 <= len(content):
        record, length = struct.unpack_from("<HH", content, position)
        yield record, position + 4, content
        position += 4 + length
