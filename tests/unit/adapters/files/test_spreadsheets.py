import io
import zipfile
from typing import Any

import openpyxl
import pytest

from adapters.files.spreadsheets import OfficeSpreadsheets
from adapters.files.workbook_limits import MAX_CELL_LENGTH, MAX_PARTS
from bp_core.practices.columns import COLUMNS, CellValue, Column
from bp_core.shared.errors import Invalid

FILES = OfficeSpreadsheets()
TITLE, AMOUNT = (column for column in COLUMNS if column.heading in ("Title", "Savings (lakhs)"))
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"]


def written(*rows: tuple[CellValue, ...], columns: tuple[Column, ...] = (TITLE, AMOUNT)) -> Any:
    return openpyxl.load_workbook(io.BytesIO(FILES.write_xlsx(columns, rows)))


def test_a_workbook_that_was_written_is_read_row_by_row() -> None:
    data = FILES.write_xlsx([TITLE, AMOUNT], [("Shorter hoses", 12), (None, None), ("Less gas", 7)])

    assert [row[:2] for row in FILES.read_xlsx(data)] == [
        ("Title", "Savings (lakhs)"),
        ("Shorter hoses", 12),
        (),
        ("Less gas", 7),
    ]


def test_a_workbook_has_a_frozen_heading_filters_and_notes() -> None:
    data = FILES.write_xlsx([TITLE, AMOUNT], [("Shorter hoses", 12)], notes=[("Title", "Needed.")])
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet, notes = book.worksheets

    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B2")
    assert list(notes.iter_rows(values_only=True)) == [("Title", "Needed.")]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_is_never_a_formula(text: str) -> None:
    cell = written((text, None)).worksheets[0]["A2"]

    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)
    assert FILES.write_csv([TITLE], [(text,)]).decode("utf-8-sig").splitlines()[1].strip('"') == f"'{text}"


def test_a_text_is_cut_to_what_a_cell_can_contain_and_control_characters_are_removed() -> None:
    sheet = written(("a\x00b\r\nc", None), ("x" * (MAX_CELL_LENGTH + 1), None)).worksheets[0]

    assert sheet["A2"].value == "ab\nc"
    assert len(sheet["A3"].value) == MAX_CELL_LENGTH


def test_a_csv_file_starts_with_a_byte_order_mark() -> None:
    assert FILES.write_csv([TITLE], [("Löten",), (None,)]) == b'\xef\xbb\xbfTitle\r\nL\xc3\xb6ten\r\n""\r\n'


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Title\r\n",
        zipped({"a.txt": b"x"}),
        zipped({str(number): b"" for number in range(MAX_PARTS + 1)}),
    ],
)
def test_a_file_that_is_not_a_workbook_or_too_large_is_invalid(data: bytes) -> None:
    with pytest.raises(Invalid) as error:
        list(FILES.read_xlsx(data))

    assert [fault.field for fault in error.value.details] == ["file"]
