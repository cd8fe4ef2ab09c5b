"""Spreadsheet files: XLSX by openpyxl, and CSV. Text stays text: no cell that is written is a formula."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from typing_extensions import override

from adapters.files.workbook_limits import MAX_CELL_LENGTH
from adapters.files.workbooks import read_rows
from bp_core.practices.columns import CellValue, Column, Notes, Rows
from bp_core.practices.ports import SpreadsheetFiles

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet program may take a text in a CSV file for a formula if it starts with one of these."""

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
        return read_rows(data)


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
