from datetime import date
from uuid import UUID

import pytest

from bp_core.practices.columns import MAX_IMPORTED, CellValue, Names
from bp_core.practices.importing import PracticeReader, ReadSpreadsheet, address
from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid
from tests.unit.bp_core.support import CATEGORY, CHENNAI, HQ, OWNER, PUNE, TODAY

NAMES = Names({"quality": CATEGORY}, {"pune works": PUNE, "chennai": CHENNAI})
HEADINGS = ("Plant", " title ", "", "STATUS", "Submitted date", "Savings (lakhs)")


def read(*rows: tuple[CellValue, ...], caller: Caller = OWNER) -> ReadSpreadsheet:
    return PracticeReader(caller, NAMES, TODAY).read(rows)


@pytest.mark.parametrize(
    ("position", "cell"), [(0, "A7"), (25, "Z7"), (26, "AA7"), (51, "AZ7"), (702, "AAA7")]
)
def test_a_cell_is_named_as_spreadsheets_name_it(position: int, cell: str) -> None:
    assert address(7, position) == cell


def test_columns_are_found_by_their_headings_in_any_order() -> None:
    found = read(
        HEADINGS, ("Pune Works", "Shorter hoses", "ignored"), (None, "  ", ""), (None, "Shorter belts")
    )

    assert (found.rows, found.errors) == (2, [])
    assert [(one.title, one.plant_id) for one in found.practices] == [
        ("Shorter hoses", PUNE),
        ("Shorter belts", None),
    ]


@pytest.mark.parametrize(
    ("headings", "errors"),
    [
        ((), [("Title", None, "this column is required")]),
        (("Title", "Colour"), [("Colour", "B1", "there is no column with this name")]),
        (("Title", "title"), [("title", "B1", "this column occurs twice")]),
    ],
)
def test_headings_that_cannot_be_used_are_reported(
    headings: tuple[CellValue, ...], errors: list[tuple[str, str | None, str]]
) -> None:
    found = read(headings, ("Shorter hoses",))

    assert [(one.column, one.cell, one.message) for one in found.errors] == errors
    assert (found.rows, found.practices) == (0, [])


@pytest.mark.parametrize(
    ("row", "column", "cell"),
    [
        (("Pune Works", None), "Title", "B2"),
        (("Moon Base", "Shorter hoses"), "Plant", "A2"),
        ((None, "Shorter hoses", None, "lost"), "Status", "D2"),
        ((None, "Shorter hoses", None, "draft", date(2025, 6, 20)), "Submitted date", "E2"),
        ((None, "Shorter hoses", None, None, None, -1), "Savings (lakhs)", "F2"),
        ((None, "Shorter hoses", None, None, None, 1), "Savings period", None),
    ],
)
def test_every_fault_is_reported_with_its_cell(
    row: tuple[CellValue, ...], column: str, cell: str | None
) -> None:
    (error,) = read(HEADINGS, row).errors

    assert (error.row, error.column, error.cell) == (2, column, cell)


@pytest.mark.parametrize(
    ("caller", "plant", "message"),
    [
        (OWNER, "Chennai", "Plant users can create practices for their own plant only."),
        (HQ, None, "Headquarters must name the plant of the practice."),
    ],
)
def test_the_plant_of_a_row_is_checked_as_for_every_practice(
    caller: Caller, plant: str | None, message: str
) -> None:
    (error,) = read(HEADINGS, (plant, "Shorter hoses"), caller=caller).errors

    assert (error.column, error.cell, error.message) == ("Plant", "A2", message)


@pytest.mark.parametrize(("caller", "plant", "plant_id"), [(OWNER, None, None), (HQ, "chennai", CHENNAI)])
def test_a_row_may_name_a_plant_that_the_caller_writes_for(
    caller: Caller, plant: str | None, plant_id: UUID | None
) -> None:
    found = read(HEADINGS, (plant, "Shorter hoses"), caller=caller)

    assert ([one.plant_id for one in found.practices], found.errors) == ([plant_id], [])


@pytest.mark.parametrize("rows", [0, MAX_IMPORTED + 1])
def test_a_spreadsheet_without_rows_or_with_too_many_is_refused(rows: int) -> None:
    with pytest.raises(Invalid) as refusal:
        read(HEADINGS, *[("Pune Works", "Shorter hoses")] * rows)

    assert [fault.field for fault in refusal.value.details] == ["file"]


def test_five_million_characters_are_imported_and_one_more_is_refused() -> None:
    rows = [("Shorter hoses", "x" * 19_900)] * 251 + [("Shorter hoses", "x" * 1_824)]
    assert sum(len(title) + len(text) for title, text in rows) == 5_000_000

    assert read(("Title", "Solution", "Investment"), *rows).error_count == 0
    with pytest.raises(Invalid) as refusal:
        read(("Title", "Solution", "Investment"), *rows[:-1], (*rows[-1], "x"))

    assert [fault.message for fault in refusal.value.details] == [
        "has more than 5000000 characters: import it in parts"
    ]


def test_a_hundred_errors_are_reported_and_all_are_counted() -> None:
    found = read(("Title", "Status"), *[(None, "lost")] * 60)

    assert (found.rows, found.error_count, len(found.errors)) == (60, 120, 100)
    assert (found.errors[0].row, found.errors[-1].row) == (2, 51)
    assert read(tuple(f"Heading {one}" for one in range(101))).error_count == 102  # no title


def test_a_long_heading_is_repeated_in_part() -> None:
    (error,) = read(("Title", "x" * 30_000)).errors

    assert error.column == "x" * 100


@pytest.mark.parametrize("amount", ["9e999999999", "9" * 30_000, "1e9999999999999999999"])
def test_an_amount_of_any_size_is_an_error_of_its_cell(amount: str) -> None:
    (error,) = read(("Title", "Savings (lakhs)", "Savings period"), ("x", amount, "monthly")).errors

    assert (error.column, error.cell) == ("Savings (lakhs)", "B2")
