"""Sheets as files: XLSX and CSV. A text stays a text: no cell of ours is ever a formula."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from bp_core.practices.sheet import CellValue, Column
from bp_core.shared.errors import Invalid

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet program may take for a formula in a CSV file."""

LONGEST_CELL: Final = 32_767
"""How many UTF-16 units Excel keeps in a cell."""

LARGEST_UNPACKED: Final = 64 * 1024 * 1024
MOST_PARTS: Final = 1_000
MOST_TAGS: Final = 600_000
"""Twice what 2,000 full rows need: each element costs the library a hundred times its bytes."""

LAST_ROW: Final = 1_048_576
"""The last row that Excel has; a row may claim any number, and all before it would be made up."""
MOST_COLUMNS: Final = 60

KNOWN: Final = (str, int, float, bool, Decimal, date, type(None))

_NO_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FORMATS: Final = {"text": "@", "number": "#,##0.00", "day": "yyyy-mm-dd"}


def write_csv(columns: Sequence[Column], rows: Iterable[Sequence[CellValue]]) -> bytes:
    """Write a table as RFC 4180 has it, in UTF-8 with the mark that Excel knows it by."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([column.heading for column in columns])
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def write_xlsx(
    columns: Sequence[Column],
    rows: Iterable[Sequence[CellValue]],
    notes: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Write a table as a workbook: numbers and days typed, the heading frozen, filters on.

    `notes` become a second sheet of two columns.
    """
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("Best practices")
    for number, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    sheet.freeze_panes = "A2"
    sheet.append([_text_cell(sheet, column.heading, bold=True) for column in columns])
    count = 1
    for row in rows:
        sheet.append([_cell(sheet, column, value) for column, value in zip(columns, row, strict=True)])
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"
    if notes:
        second = book.create_sheet("Notes")
        for heading, note in notes:
            second.append([_text_cell(second, heading, bold=True), _text_cell(second, note)])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def read_xlsx(data: bytes) -> Iterator[tuple[CellValue, ...]]:
    """Read the first sheet of a workbook, row by row, from its first row on.

    Raises Invalid for what is no workbook, or one that would unpack to more than is taken.
    """
    _require_small(data)
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            for row in sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS, max_row=LAST_ROW):
                is_empty = row.count(None) == len(row)
                yield () if is_empty else tuple(v if isinstance(v, KNOWN) else str(v) for v in row)
        finally:
            book.close()
    except Exception as error:
        raise _unreadable() from error


def _require_small(data: bytes) -> None:
    """Look at the sizes that the file declares; the unpacking stops at them, whatever is packed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            is_small = len(parts) <= MOST_PARTS and sum(one.file_size for one in parts) <= LARGEST_UNPACKED
            is_small = is_small and sum(archive.read(one).count(b"<") for one in parts) <= MOST_TAGS
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise _unreadable() from error
    if not is_small:
        raise Invalid.of("file", "unpacks to more than is taken")


def _unreadable() -> Invalid:
    return Invalid.of("file", "is no XLSX workbook that can be read")


def _harmless(value: CellValue) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


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

    kept = _NO_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = kept.encode("utf-16-le")[: 2 * LONGEST_CELL].decode("utf-16-le", "ignore")
    cell = WriteOnlyCell(sheet, kept)
    cell.data_type = "s"  # also where it begins as a formula does
    if kept.startswith(FORMULA):
        cell.quotePrefix = True  # nor is it one once somebody has edited it
    if bold:
        cell.font = Font(bold=True)
    return cell
