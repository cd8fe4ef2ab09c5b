"""What is read of a workbook, cell by cell. What must be refused: tests/integration/test_hostile_files.py."""

import io
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from adapters.files.workbooks import read_rows
from bp_core.practices.columns import CellValue
from bp_core.shared.errors import Invalid
from tests.hostile_workbooks import (
    MAIN,
    SHEET_PART,
    STRINGS_PART,
    entities_in,
    parts,
    relationships,
    sheet,
    with_rows,
    workbook,
)

HEADING = ("Title",)
COLUMNS = {"C": 3, "A": 1, "BH": 60, "BI": 61}


def read(data: bytes) -> list[tuple[CellValue, ...]]:
    return list(read_rows(data))


def message_of(data: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        read(data)
    (detail,) = refused.value.details
    assert detail.field == "file"
    return detail.message


def written(*rows: tuple[Any, ...], epoch: datetime | None = None) -> bytes:
    """A workbook as openpyxl writes it."""
    book = openpyxl.Workbook()
    if epoch is not None:
        book.epoch = epoch
    for row in rows:
        book.worksheets[0].append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def cell(kind: str, value: str, style: int = 0) -> bytes:
    return with_rows(f'<row><c t="{kind}" s="{style}">{value}</c></row>')


def strings(*items: str) -> bytes:
    """A workbook with one column of shared strings."""
    rows = "".join(f'<row><c t="s"><v>{number}</v></c></row>' for number in range(len(items)))
    table = "".join(f"<si>{item}</si>" for item in items)
    return workbook({SHEET_PART: sheet(rows), STRINGS_PART: f'<sst xmlns="{MAIN}">{table}</sst>'})


@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_values_are_read_with_the_types_that_the_spreadsheet_shows(epoch: datetime | None) -> None:
    row = ("text", 5, -1.5, True, False, date(2026, 8, 15), datetime(2026, 8, 15, 12, 30))  # noqa: DTZ001 - a sheet has no zone
    [found] = read(written((*row, time(6, 30), timedelta(hours=30)), epoch=epoch))
    day = datetime(2026, 8, 15)  # noqa: DTZ001 - a sheet's days have no zone
    assert found == ("text", 5, -1.5, True, False, day, row[6], "06:30:00", "1 day, 6:00:00")
    assert [type(value) for value in found[1:5]] == [int, float, bool, bool]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (cell("n", "<v>5</v>"), 5),
        (cell("n", "<v>1E3</v>"), 1000.0),
        (cell("b", "<v>1</v>"), True),
        (cell("e", "<v>#N/A</v>"), "#N/A"),
        (cell("d", "<v>2026-08-15</v>"), date(2026, 8, 15)),
        (cell("str", "<f>A1&amp;1</f><v>Title1</v>"), "Title1"),
        (cell("n", "<f>2+3</f><v>5</v>"), 5),
        (cell("inlineStr", "<is><r><t>two </t></r><r><t>parts</t></r></is>"), "two parts"),
        (cell("inlineStr", "<is><t>a_x000D_b_x005F_x_xD800_</t></is>"), "a\rb_x_xD800_"),
        (cell("s", "<v>0</v>"), "Title"),
    ],
)
def test_a_cell_is_read_by_its_type(data: bytes, value: CellValue) -> None:
    assert read(data) == [HEADING, (value,)]


@pytest.mark.parametrize("empty", ["<v/>", "", "<f>A1</f>", "<is><t/></is>"])
def test_a_cell_without_a_value_is_empty(empty: str) -> None:
    assert read(cell("n", empty)) == [HEADING, ()]


def test_shared_strings_are_whole_texts_without_phonetic_readings() -> None:
    table = (
        "<t>a</t>",
        '<r><t xml:space="preserve">b </t></r><r><rPr><b/></rPr><t>c</t></r>',
        "<t>d</t><rPh sb='0' eb='1'><t>x</t></rPh>",
        "",
    )
    assert read(strings(*table)) == [("a",), ("b c",), ("d",), ()]


def test_cells_and_rows_stand_where_their_addresses_say() -> None:
    cells = "".join(f'<c r="{one}3"><v>{value}</v></c>' for one, value in COLUMNS.items())
    found = read(with_rows(f'<row r="3">{cells}</row><row><c/><c><v>2</v></c></row>'))
    assert found[:2] == [HEADING, ()]
    assert (found[2][0], found[2][2], found[2][59], len(found[2])) == (1, 3, 60, 60)
    assert found[3] == (None, 2)


def test_the_first_worksheet_is_read_whatever_stands_before_it() -> None:
    book = parts(2)["xl/workbook.xml"]
    related = relationships(
        ("r1", "chartsheet", "chartsheets/sheet1.xml"), ("r2", "worksheet", "/xl/worksheets/sheet1.xml")
    )
    assert read(workbook({"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": related}))[0] == HEADING


def test_prefixes_of_names_do_not_matter() -> None:
    rows = '<x:row><x:c t="inlineStr"><x:is><x:t>Title</x:t></x:is></x:c></x:row>'
    prefixed = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    assert read(workbook({SHEET_PART: prefixed})) == [HEADING]


def test_a_part_in_utf_16_is_read() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?>' + parts()[SHEET_PART]
    assert read(workbook({SHEET_PART: text.encode("utf-16")})) == [HEADING, ("x",)]


@pytest.mark.parametrize("part", [name for name in parts() if name != "[Content_Types].xml"])
def test_a_dtd_is_refused_in_every_part_that_is_read(part: str) -> None:
    assert (
        message_of(entities_in(part)()) == "declares XML entities or types, which no spreadsheet program does"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Title\r\nx\r\n",
        workbook()[:-30],
        workbook({SHEET_PART: sheet("<row>")}),
        workbook({"_rels/.rels": relationships()}),
        workbook({"xl/workbook.xml": f'<workbook xmlns="{MAIN}"/>'}),
        workbook({"xl/_rels/workbook.xml.rels": relationships(("r1", "worksheet", "../../etc/passwd"))}),
        cell("s", "<v>1</v>"),
        cell("s", "<v>-1</v>"),
        cell("n", "<v>five</v>"),
        cell("n", f"<v>{'9' * 65}</v>"),
        with_rows('<row r="two"/>'),
        with_rows('<row><c r="2A"/></row>'),
    ],
)
def test_a_damaged_workbook_is_refused(data: bytes) -> None:
    assert message_of(data) == "is not an XLSX workbook that can be read"


def test_rows_that_are_not_in_order_are_refused_and_not_dropped() -> None:
    assert message_of(with_rows('<row r="1"/>')) == "has a row 1 after row 1"
    assert message_of(with_rows('<row r="1048577"/>')) == "has a row 1048577 after row 1"
