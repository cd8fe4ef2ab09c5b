import errno
import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from adapters.files.spreadsheets import OfficeSpreadsheets
from adapters.files.workbook_limits import MAX_CELL_LENGTH, MAX_PARTS
from bp_core.practices.columns import COLUMNS, CellValue, Notes, Rows
from bp_core.shared.errors import Invalid, Unavailable

FILES = OfficeSpreadsheets()
TITLE, AMOUNT = (column for column in COLUMNS if column.heading in ("Title", "Savings (lakhs)"))
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"]


def xlsx(rows: Rows, notes: Notes = ()) -> bytes:
    with FILES.write_xlsx([TITLE, AMOUNT], rows, notes) as file:
        return file.read()


def csv(rows: Rows) -> bytes:
    with FILES.write_csv([TITLE], rows) as file:
        return file.read()


def written(*rows: tuple[CellValue, ...]) -> Any:
    return openpyxl.load_workbook(io.BytesIO(xlsx(rows)))


def test_a_workbook_that_was_written_is_read_row_by_row() -> None:
    data = xlsx([("Shorter hoses", 12), (None, None), ("Less gas", 7)])

    assert [row[:2] for row in FILES.read_xlsx(data)] == [
        ("Title", "Savings (lakhs)"),
        ("Shorter hoses", 12),
        (),
        ("Less gas", 7),
    ]


def test_a_workbook_has_a_frozen_heading_filters_and_notes() -> None:
    data = xlsx([("Shorter hoses", 12)], notes=[("Title", "Needed.")])
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet, notes = book.worksheets

    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B2")
    assert list(notes.iter_rows(values_only=True)) == [("Title", "Needed.")]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_is_never_a_formula(text: str) -> None:
    cell = written((text, None)).worksheets[0]["A2"]

    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)
    assert csv([(text,)]).decode("utf-8-sig").splitlines()[1].strip('"') == f"'{text}"


def test_a_text_is_cut_to_what_a_cell_can_contain_and_control_characters_are_removed() -> None:
    sheet = written(("a\x00b\r\nc", None), ("x" * (MAX_CELL_LENGTH + 1), None)).worksheets[0]

    assert sheet["A2"].value == "ab\nc"
    assert len(sheet["A3"].value) == MAX_CELL_LENGTH


def test_a_csv_file_starts_with_a_byte_order_mark() -> None:
    assert csv([("Löten",), (None,)]) == b'\xef\xbb\xbfTitle\r\nL\xc3\xb6ten\r\n""\r\n'


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


def test_a_large_file_is_written_to_the_disk_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows = ((f"{number} {'x' * 5_000}", number) for number in range(1_000))

    with FILES.write_csv([TITLE, AMOUNT], rows) as file:
        assert len(file.read()) > 5_000_000

    assert list(tmp_path.iterdir()) == []


def test_a_workbook_that_cannot_be_finished_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def rows() -> Iterator[tuple[CellValue, ...]]:
        yield ("x" * 5_000, 1)
        raise Invalid.of("limit", "too much")

    with pytest.raises(Invalid), FILES.write_xlsx([TITLE, AMOUNT], rows()):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_outage() -> None:
    def rows() -> Iterator[tuple[CellValue, ...]]:
        yield ("x", 1)
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(Unavailable, match="There is no room for a file of this size"),
        FILES.write_xlsx([TITLE, AMOUNT], rows()),
    ):
        pass
