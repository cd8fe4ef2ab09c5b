"""Documents: the real format of a PDF or Office file, and whether it does something when it is opened.

Of a zip only the lists of contents and of relationships are unpacked, up to a limit. The formats are
specified in ECMA-376 part 2 (zip-based), and in [MS-CFB], [MS-DOC], [MS-XLS] and [MS-PPT] (OLE-based).
"""

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from adapters.files import pdf
from adapters.files.elements import ListReader
from adapters.files.relationships import require_internal
from adapters.files.zips import most_entries
from bp_core.uploads.kinds import DOC, DOCX, MEGABYTE, PDF, PPT, PPTX, XLS, XLSX, RejectedFileError

if TYPE_CHECKING:
    from adapters.files.ole import OleFile

MAX_ENTRIES: Final = 10_000
"""How many files a zip may contain."""

MAX_UNPACKED: Final = 500 * MEGABYTE
"""The largest unpacked size that the directory of a zip may declare, in bytes."""

MAX_CONTENTS: Final = MEGABYTE
"""The largest list of content types in a zip, in bytes."""

CONTENT_TYPES: Final = "[content_types].xml"

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
MAIN_PARTS: Final = {
    f"{_OFFICE}wordprocessingml.document.main+xml": DOCX.content_type,
    f"{_OFFICE}spreadsheetml.sheet.main+xml": XLSX.content_type,
    f"{_OFFICE}presentationml.presentation.main+xml": PPTX.content_type,
}
"""The content type of a document, by the content type of its main part."""

MAIN_STREAMS: Final = {
    "worddocument": DOC.content_type,
    "workbook": XLS.content_type,
    "book": XLS.content_type,
    "powerpoint document": PPT.content_type,
}
"""The content type of a document, by the name of the main stream in its OLE file."""

MACROS: Final = "The file contains macros."
LOCKED: Final = "The file is protected by a password and cannot be checked."

_MACRO_TYPES: Final = re.compile(r"macro|vbaproject", re.IGNORECASE)
_MACRO_FILES: Final = re.compile(
    r"(^|[/\\])((vbaproject|vbadata)\.(bin|xml)$|macrosheets[/\\])", re.IGNORECASE
)
_MACRO_STREAMS: Final = re.compile(r"macros|vba|_vba_project.*", re.IGNORECASE)

# A VBAInfoContainer with its VBAInfoAtom; the second field of the atom is not 0 if there are macros
# ([MS-PPT] 2.4.10).
_PPT_MACROS: Final = re.compile(
    rb"\x1f\x00\xff\x03\x14\x00\x00\x00\x02\x00\x00\x04\x0c\x00\x00\x00.{4}[^\x00]", re.DOTALL
)
_PPT_ENCRYPTED: Final = b"\xdf\xc4\xd1\xf3"
"""Bytes 13 to 16 of the stream `Current User` of a presentation with a password."""

_DOC_ENCRYPTED: Final = 0x0100
_XLS_ENCRYPTED: Final = 0x002F
_XLS_BOUNDSHEET: Final = 0x0085
_XLS_MACRO_SHEET: Final = 1
_XLS_EOF: Final = 0x000A


def examine(data: bytes, content_type: str) -> None:
    """Check that a document is what its content type says, and does nothing by itself when it is opened.

    Raises RejectedFileError, and what the parsers raise for a damaged file: `examination` rejects that, too.
    """
    if content_type == PDF.content_type:
        pdf.require_passive(data)
        return
    found = _ole_type(data) if DOC.matches(data) else _zip_type(data)
    if found != content_type:
        raise RejectedFileError(f"The file is not of type {content_type}.")


def _zip_type(data: bytes) -> str | None:
    if most_entries(data) > MAX_ENTRIES:
        raise RejectedFileError(f"The file contains more than {MAX_ENTRIES} files.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _require_harmless(archive.infolist(), len(data))
        parts = {info.filename.lower(): info for info in archive.infolist()}
        if CONTENT_TYPES not in parts:
            return None
        with archive.open(parts[CONTENT_TYPES]) as contents:
            listing = contents.read(MAX_CONTENTS + 1)
        reader = ListReader()
        require_internal(archive, reader)
    types = _content_types(listing, reader)
    if any(map(_MACRO_TYPES.search, types)) or any(map(_MACRO_FILES.search, parts)):
        raise RejectedFileError(MACROS)
    mains = types & MAIN_PARTS.keys()
    return MAIN_PARTS[mains.pop()] if len(mains) == 1 else None


def _require_harmless(entries: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        raise RejectedFileError(
            f"The file unpacks to {unpacked} bytes; at most {MAX_UNPACKED} bytes are accepted."
        )
    if sum(entry.compress_size for entry in entries) > size:
        raise RejectedFileError("The file is damaged: its parts overlap.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise RejectedFileError(LOCKED)
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise RejectedFileError("The file is damaged: its compression is not one that Office uses.")
    if len({entry.filename.lower() for entry in entries}) < len(entries):
        raise RejectedFileError("The file is damaged: two of its parts have the same name.")


def _content_types(listing: bytes, reader: ListReader) -> set[str]:
    """Return the content types in a document's list of contents."""
    if len(listing) > MAX_CONTENTS:
        raise RejectedFileError(f"The list of contents in the file is larger than {MAX_CONTENTS} bytes.")
    types: set[str] = set()
    reader.read(listing, lambda attributes: types.add(attributes.get("ContentType", "")))
    return types


def _ole_type(data: bytes) -> str | None:
    from adapters.files.ole import open_ole

    with closing(open_ole(data)) as ole:
        names = {part.lower() for path in ole.listdir(streams=True, storages=True) for part in path}
        if "encryptedpackage" in names:
            raise RejectedFileError(LOCKED)
        if any(map(_MACRO_STREAMS.fullmatch, names)):
            raise RejectedFileError(MACROS)
        mains = {MAIN_STREAMS[path[0].lower()]: path[0] for path in ole.listdir() if _is_main(path)}
        if len(mains) != 1:
            return None
        content_type, stream = mains.popitem()
        _CHECKS[content_type](ole, stream)
    return content_type


def _is_main(path: list[str]) -> bool:
    return len(path) == 1 and path[0].lower() in MAIN_STREAMS


def _check_doc(ole: "OleFile", stream: str) -> None:
    (flags,) = struct.unpack_from("<H", _content(ole, stream), 10)
    if flags & _DOC_ENCRYPTED:
        raise RejectedFileError(LOCKED)


def _check_xls(ole: "OleFile", stream: str) -> None:
    for record, start, content in _records(_content(ole, stream)):
        if record == _XLS_ENCRYPTED:
            raise RejectedFileError(LOCKED)
        # Macros of Excel 4.0 are not VBA: they have sheets of their own.
        if record == _XLS_BOUNDSHEET and content[start + 5] == _XLS_MACRO_SHEET:
            raise RejectedFileError(MACROS)
        if record == _XLS_EOF:  # the end of the globals; the sheets that follow add nothing
            return


def _check_ppt(ole: "OleFile", stream: str) -> None:
    if ole.exists("Current User") and _content(ole, "Current User")[12:16] == _PPT_ENCRYPTED:
        raise RejectedFileError(LOCKED)
    if _PPT_MACROS.search(_content(ole, stream)):
        raise RejectedFileError(MACROS)


_CHECKS: Final = {
    DOC.content_type: _check_doc,
    XLS.content_type: _check_xls,
    PPT.content_type: _check_ppt,
}


def _content(ole: "OleFile", stream: str) -> bytes:
    with ole.openstream(stream) as opened:
        content: bytes = opened.read()
    return content


def _records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the records of a workbook: type, position of the data, and the whole content."""
    position = 0
    while position + 4 <= len(content):
        record, length = struct.unpack_from("<HH", content, position)
        yield record, position + 4, content
        position += 4 + length
