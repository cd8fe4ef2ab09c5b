"""Reads the first worksheet of an XLSX workbook, row by row, in bounded memory and time.

Only the parts that lead to its rows are unpacked. They are parsed as streams, without DTDs and entities
(defusedxml), within the limits of `workbook_limits`.
"""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final
from xml.sax import SAXException

from adapters.files.workbook_limits import MAX_PARTS, MAX_TOKEN, Part, Usage, require
from adapters.files.workbook_parts import (
    BookPart,
    CellValues,
    FormatsPart,
    Relationship,
    RelationshipsPart,
    SheetPart,
    StringsPart,
)
from adapters.files.zips import most_entries
from bp_core.practices.columns import CellValue
from bp_core.shared.errors import Invalid

CHUNK: Final = 64 * 1024
"""How much of a part is unpacked at a time, in bytes."""

UNREADABLE: Final = "is not an XLSX workbook that can be read"

HAS_DTD: Final = "declares XML entities or types, which no spreadsheet program does"

TOO_LONG_A_TOKEN: Final = f"has a tag or comment of more than {MAX_TOKEN} bytes"

_DAMAGED: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    SAXException,
    EOFError,
    LookupError,  # a part, a shared string or a format that does not exist
    NotImplementedError,  # a zip feature that the library does not know
    OSError,
    RuntimeError,  # a password
    ValueError,  # not a number, or XML that is refused
)


def read_rows(data: bytes) -> Iterator[tuple[CellValue, ...]]:
    """Read the rows of the first worksheet from row 1 on; an empty row is an empty tuple.

    Raises Invalid if the file is not a workbook, or too large.
    """
    try:
        with _open(data) as archive:
            yield from _Workbook(archive).rows()
    except _DAMAGED as error:
        raise Invalid.of("file", _reason(error)) from error


def _reason(error: Exception) -> str:
    from defusedxml.common import DefusedXmlException

    return HAS_DTD if isinstance(error, DefusedXmlException) else UNREADABLE


def _open(data: bytes) -> zipfile.ZipFile:
    require(most_entries(data) <= MAX_PARTS, f"has more than {MAX_PARTS} parts")
    return zipfile.ZipFile(io.BytesIO(data))


class _Workbook:
    """A workbook whose parts are read one after the other."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self._usage = Usage()

    def rows(self) -> Iterator[tuple[CellValue, ...]]:
        """Read the rows of the first worksheet."""
        roots = self._relationships("").values()
        (main, *_) = (one.target for one in roots if one.kind == "officeDocument")
        book = BookPart(self._usage)
        self._read(main, book)
        related = self._relationships(main)
        others = {one.kind: one.target for one in related.values()}
        strings, formats = StringsPart(self._usage), FormatsPart(self._usage)
        for kind, part in (("sharedStrings", strings), ("styles", formats)):
            if others.get(kind) in self._names:
                self._read(others[kind], part)
        sheets = [related[one].target for one in book.sheets if related[one].kind == "worksheet"]
        values = CellValues(strings.texts, formats.dates(), book.starts_1904)
        yield from self._sheet_rows(sheets[0], SheetPart(self._usage, values))

    def _sheet_rows(self, name: str, sheet: SheetPart) -> Iterator[tuple[CellValue, ...]]:
        last = 0
        for _ in self._chunks(name, sheet):
            for number, row in sheet.take_rows():
                for _ in range(last + 1, number):  # rows that the file leaves out
                    yield ()
                yield row
                last = number

    def _relationships(self, name: str) -> dict[str, Relationship]:
        """Read what a part, or the package (""), is related to, by id."""
        folder, _, own = name.rpartition("/")
        part = RelationshipsPart(self._usage, folder)
        self._read(posixpath.join(folder, "_rels", f"{own}.rels"), part)
        return part.found

    def _read(self, name: str, part: Part) -> None:
        for _ in self._chunks(name, part):
            pass

    def _chunks(self, name: str, part: Part) -> Iterator[None]:
        """Parse a part; pause after each chunk."""
        from defusedxml.sax import make_parser

        parser = make_parser()
        parser.forbid_dtd = True
        parser.setContentHandler(part)
        entry = self._archive.getinfo(name)
        # Other methods unpack without a limit on the size of a chunk.
        require(entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), UNREADABLE)
        pending = 0
        with self._archive.open(entry) as stream:
            while chunk := stream.read(CHUNK):
                self._usage.unpack(len(chunk))
                part.is_silent = True
                parser.feed(chunk)
                pending = pending + len(chunk) if part.is_silent else 0
                require(pending <= MAX_TOKEN, TOO_LONG_A_TOKEN)
                yield
        parser.close()
        yield
