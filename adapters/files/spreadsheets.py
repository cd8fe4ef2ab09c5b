"""Spreadsheet files: XLSX by openpyxl, and CSV. Text stays text: no cell that is written is a formula."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from typing_extensions import override

from bp_core.practices.columns import CellValue, Column, Notes, Rows
from bp_core.practices.ports import SpreadsheetFiles
from bp_core.shared.errors import Invalid

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet program may take a text in a CSV file for a formula if it starts with one of these."""

MAX_CELL_LENGTH: Final = 32_767
"""The longest text that Excel keeps in a cell, in UTF-16 units."""

MAX_UNPACKED: Final = 64 * 1024 * 1024
"""The largest unpacked size of a workbook, in bytes."""

MAX_PARTS: Final = 1_000
"""How many files a workbook may contain."""

MAX_TAGS: Final = 600_000
"""How many XML tags a workbook may contain: twice what 2,000 full rows need. In memory, an element
takes about a hundred times its bytes in the file."""

LAST_ROW: Final = 1_048_576
"""The last row that Excel has. A row may declare any number, and openpyxl would create all rows before it."""

MAX_COLUMNS: Final = 60
"""How many columns of a sheet are read."""

KNOWN_TYPES: Final = (str, int, float, bool, Decimal, date, type(None))
FORMATS: Final = {"text": "@", "number": "#,##0.00", "day": "yyyy-mm-dd"}

_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class OfficeSpreadsheets(SpreadsheetFiles):
    """Reads and writes spreadsheets as Excel does."""

    @override
    def write_csv(self, columns: Sequence[Column], rows: Rows) -> bytes:
        written = io.StringIO(newline="")
        writer = csv.writer(written, lineterminator="\r\n")
        writer.writerow([column.heading for column in columns])
        writer.writerows([_csv_text(value) for value in row] for row in rows)
        return written.getvalue().encode("utf-8-sig")  # Excel needs the byte order mark

    @override
    def write_xlsx(self, columns: Sequence[Column], rows: Rows, notes: Notes = ()) -> bytes:
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        _fill_sheet(book.create_sheet("Best practices"), columns, rows)
        if notes:
            sheet = book.create_sheet("Notes")
            for heading, note in notes:
                sheet.append([_text_cell(sheet, heading, bold=True), _text_cell(sheet, note)])
        written = io.BytesIO()
        book.save(written)
        return written.getvalue()

    @override
    def read_xlsx(self, data: bytes) -> Iterator[tuple[CellValue, ...]]:
        _require_small(data)
        from openpyxl import load_workbook

        try:
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            try:
                sheet = book.worksheets[0]
                sheet.reset_dimensions()
                for row in sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS, max_row=LAST_ROW):
                    yield _values(row)
            finally:
                book.close()
        except Exception as error:  # openpyxl raises almost anything for a damaged workbook
            raise _unreadable() from error


def _fill_sheet(sheet: Any, columns: Sequence[Column], rows: Rows) -> None:
    """Write a table: numbers and dates typed, the heading frozen, filters on."""
    from openpyxl.utils import get_column_letter

    for number, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    sheet.freeze_panes = "A2"
    sheet.append([_text_cell(sheet, column.heading, bold=True) for column in columns])
    count = 1
    for row in rows:
        sheet.append([_cell(sheet, column, value) for column, value in zip(columns, row, strict=True)])
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"


def _values(row: tuple[Any, ...]) -> tuple[CellValue, ...]:
    if row.count(None) == len(row):  # a sheet may have a million empty rows
        return ()
    return tuple(value if isinstance(value, KNOWN_TYPES) else str(value) for value in row)


def _require_small(data: bytes) -> None:
    """Check the declared sizes; the zip library stops unpacking there, whatever the file contains."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            is_small = len(parts) <= MAX_PARTS and sum(one.file_size for one in parts) <= MAX_UNPACKED
            is_small = is_small and sum(archive.read(one).count(b"<") for one in parts) <= MAX_TAGS
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise _unreadable() from error
    if not is_small:
        raise Invalid.of("file", "is too large after it is unpacked")


def _unreadable() -> Invalid:
    return Invalid.of("file", "is not an XLSX workbook that can be read")


def _csv_text(value: CellValue) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text


def _cell(sheet: Any, column: Column, value: CellValue) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if value is None:
        return None
    if isinstance(value, str):
        return _text_cell(sheet, value)
    cell: Any = WriteOnlyCell(sheet)
    cell.value = value
    cell.number_format = "0" if isinstance(value, int) else FORMATS[column.kind]
    return cell


def _text_cell(sheet: Any, text: str, *, bold: bool = False) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    written = _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    written = written.encode("utf-16-le")[: 2 * MAX_CELL_LENGTH].decode("utf-16-le", "ignore")
    cell = WriteOnlyCell(sheet, written)
    cell.data_type = "s"  # a string, even if it starts like a formula
    if written.startswith(FORMULA_STARTS):
        cell.quotePrefix = True  # stays a string after somebody has edited the cell
    if bold:
        cell.font = Font(bold=True)
    return cell
