"""Spreadsheet files: XLSX and CSV, written in constant memory. Text stays text: no cell is a formula."""

import csv
import errno
import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from typing_extensions import override

from adapters.files.workbook_limits import MAX_CELL_LENGTH
from adapters.files.workbooks import read_rows
from bp_core.practices.columns import CellValue, Column, Notes, Rows
from bp_core.practices.ports import SpreadsheetFiles
from bp_core.shared.errors import Unavailable

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet program may take a text in a CSV file for a formula if it starts with one of these."""

FORMATS: Final = {"text": "@", "number": "#,##0.00", "day": "yyyy-mm-dd"}

MAX_IN_MEMORY: Final = 4 * 1024 * 1024
"""The largest file that is kept in memory while it is written, in bytes; a larger one is on the disk."""

WRITER_OPTIONS: Final = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}

_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class OfficeSpreadsheets(SpreadsheetFiles):
    """Reads and writes spreadsheets as Excel does."""

    @override
    @contextmanager
    def write_csv(self, columns: Sequence[Column], rows: Rows) -> Iterator[BinaryIO]:
        with _temporary_file() as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")  # Excel needs the byte order mark
            with _disk_errors():
                writer = csv.writer(text, lineterminator="\r\n")
                writer.writerow([column.heading for column in columns])
                writer.writerows([_csv_text(value) for value in row] for row in rows)
                text.detach()
                file.seek(0)
            yield file

    @override
    @contextmanager
    def write_xlsx(self, columns: Sequence[Column], rows: Rows, notes: Notes = ()) -> Iterator[BinaryIO]:
        from xlsxwriter import Workbook

        with _temporary_file() as file:
            with _disk_errors(), tempfile.TemporaryDirectory() as directory:
                with _finished(Workbook(file, {**WRITER_OPTIONS, "tmpdir": directory})) as book:
                    _Sheet(book, "Best practices").write_table(columns, rows)
                    if notes:
                        _Sheet(book, "Notes").write_notes(notes)
                file.seek(0)
            yield file

    @override
    def read_xlsx(self, data: bytes) -> Iterator[tuple[CellValue, ...]]:
        return read_rows(data)


class _Sheet:
    """A worksheet, whose rows are written one after the other."""

    def __init__(self, book: "Workbook", name: str) -> None:
        self._sheet: Worksheet = book.add_worksheet(name)
        self._book = book
        self._formats: dict[tuple[str, bool, bool], Format] = {}

    def write_table(self, columns: Sequence[Column], rows: Rows) -> None:
        """Write a table: numbers and dates typed, the heading frozen, filters on."""
        for place, column in enumerate(columns):
            self._sheet.set_column(place, place, column.width)
            self._write_text(0, place, column.heading, bold=True)
        self._sheet.freeze_panes(1, 0)
        last = 0
        for last, row in enumerate(rows, start=1):
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                self._write(last, place, column, value)
        self._sheet.autofilter(0, 0, last, len(columns) - 1)

    def write_notes(self, notes: Notes) -> None:
        """Write two columns of texts."""
        for row, (heading, note) in enumerate(notes):
            self._write_text(row, 0, heading, bold=True)
            self._write_text(row, 1, note)

    def _write(self, row: int, place: int, column: Column, value: CellValue) -> None:
        if value is None:
            return
        if isinstance(value, str):
            self._write_text(row, place, value)
        elif isinstance(value, date):
            day = datetime.combine(value, time())
            self._sheet.write_datetime(row, place, day, self._format(FORMATS[column.kind]))
        else:
            code = "0" if isinstance(value, int) else FORMATS[column.kind]
            self._sheet.write_number(row, place, float(value), self._format(code))

    def _write_text(self, row: int, place: int, text: str, *, bold: bool = False) -> None:
        written = _cell_text(text)
        # The prefix keeps it a text after somebody has edited the cell.
        is_quoted = written.startswith(FORMULA_STARTS)
        self._sheet.write_string(row, place, written, self._format("General", bold=bold, is_quoted=is_quoted))

    def _format(self, code: str, *, bold: bool = False, is_quoted: bool = False) -> "Format":
        key = (code, bold, is_quoted)
        if key not in self._formats:
            options = {"num_format": code, "bold": bold, "quote_prefix": is_quoted}
            self._formats[key] = self._book.add_format(options)
        return self._formats[key]


@contextmanager
def _temporary_file() -> Iterator[BinaryIO]:
    with tempfile.SpooledTemporaryFile(max_size=MAX_IN_MEMORY) as file:
        yield cast(BinaryIO, file)


@contextmanager
def _finished(book: "Workbook") -> Iterator["Workbook"]:
    """Finish a workbook after the block; after an error, only close its temporary files."""
    try:
        yield book
    except BaseException:
        for sheet in book.worksheets():
            sheet.row_data_fh.close()  # type: ignore[attr-defined]  # set for constant memory
        raise
    book.close()


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Raise Unavailable if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Unavailable("There is no room for a file of this size. Try again later.") from error


def _csv_text(value: CellValue) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text


def _cell_text(text: str) -> str:
    """Return what a cell can contain of a text."""
    written = _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return written.encode("utf-16-le")[: 2 * MAX_CELL_LENGTH].decode("utf-16-le", "ignore")
