"""Reads new practices from a spreadsheet, and checks them by the same rules as all new practices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pydantic import ValidationError

from bp_core.practices.columns import COLUMNS_BY_HEADING, MAX_IMPORTED, CellValue, Names, from_row
from bp_core.practices.editor import checked
from bp_core.practices.schemas import ImportReport, NewPractice, SheetError
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, Invalid

MAX_IMPORTED_TEXT: Final = 5_000_000
"""The maximum number of characters of an import, each cell counted: a page of 2,500 for each of 2,000 rows. A
workbook of a few kilobytes can have a billion, because a text that all cells use is stored once."""

MAX_REPORTED: Final = 100
"""The maximum number of errors in a report."""

MAX_HEADING: Final = 100
"""How much of an unknown heading a report repeats, in characters."""


@dataclass
class ReadSpreadsheet:
    """What was found in a spreadsheet: its number of rows and characters, the practices, the first errors."""

    rows: int = 0
    characters: int = 0
    practices: list[NewPractice] = field(default_factory=list)
    errors: list[SheetError] = field(default_factory=list)
    error_count: int = 0

    def count_row(self, cells: Mapping[str, CellValue]) -> None:
        """Count a row and its texts. Raises Invalid if there are too many."""
        self.rows += 1
        self.characters += sum(len(value) for value in cells.values() if isinstance(value, str))
        _require(self.rows <= MAX_IMPORTED, f"has more than {MAX_IMPORTED} rows")
        _require(
            self.characters <= MAX_IMPORTED_TEXT,
            f"has more than {MAX_IMPORTED_TEXT} characters: import it in parts",
        )

    def add_errors(self, errors: Sequence[SheetError]) -> None:
        """Count errors, and keep the first ones for the report."""
        self.error_count += len(errors)
        self.errors += errors[: MAX_REPORTED - len(self.errors)]

    def report(self, *, dry_run: bool, created: int) -> ImportReport:
        """Return the report of an import that created this number of practices."""
        return ImportReport(
            dry_run=dry_run,
            rows=self.rows,
            created=created,
            errors=self.errors,
            error_count=self.error_count,
        )


@dataclass(frozen=True)
class Layout:
    """The positions of the imported columns in a spreadsheet, from 0, by field."""

    positions: Mapping[str, int]

    def cells(self, row: Sequence[CellValue]) -> dict[str, CellValue]:
        """Return the cells of a row by the field of their column."""
        return {
            field: row[position] if position < len(row) else None
            for field, position in self.positions.items()
        }

    def error(self, row: int, field: str, message: str) -> SheetError:
        """Return the error of one cell."""
        heading = next((one.heading for one in COLUMNS_BY_HEADING.values() if one.field == field), field)
        position = self.positions.get(field)
        cell = None if position is None else address(row, position)
        return SheetError(row=row, column=heading, cell=cell, message=message)


@dataclass(frozen=True)
class PracticeReader:
    """Reads the practices of one caller; cells can name the categories and plants in `names`."""

    caller: Caller
    names: Names
    today: date

    def read(self, rows: Iterable[Sequence[CellValue]]) -> ReadSpreadsheet:
        """Read and check every row below the headings.

        Raises Invalid if the spreadsheet has no rows, too many, or too much text.
        """
        all_rows = iter(rows)
        layout, wrong_headings = _layout(next(all_rows, ()))
        found = ReadSpreadsheet()
        found.add_errors(wrong_headings)
        if wrong_headings:
            return found
        for number, row in _filled(all_rows):
            cells = layout.cells(row)
            found.count_row(cells)
            practice, faults = self._practice(cells)
            found.add_errors([layout.error(number, field, message) for field, message in faults.items()])
            if practice is not None:
                found.practices.append(practice)
        _require(found.rows > 0, "has no rows")
        return found

    def _practice(self, cells: Mapping[str, CellValue]) -> tuple[NewPractice | None, dict[str, str]]:
        """Read a row; return its practice, None if it cannot be read, and the errors by field."""
        sent, faults = from_row(cells, self.names)
        try:
            practice = NewPractice.model_validate(sent)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_context=False):
                faults.setdefault(_column_of(fault["loc"][0]), fault["msg"].removeprefix("Value error, "))
            return None, faults
        return practice, self._broken_rules(practice) | faults

    def _broken_rules(self, practice: NewPractice) -> dict[str, str]:
        try:
            checked(self.caller, practice, self.today)
        except Invalid as error:
            return {_column_of(fault.field): fault.message for fault in error.details}
        except Forbidden as error:
            return {"plant_id": error.message}
        return {}


def _require(is_met: bool, message: str) -> None:
    if not is_met:
        raise Invalid.of("file", message)


def address(row: int, position: int) -> str:
    """Return the address of a cell: row 7, position 1 is B7."""
    letters = ""
    number = position + 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"


def _layout(headings: Sequence[CellValue]) -> tuple[Layout, list[SheetError]]:
    """Find the columns by their headings, in any order."""
    positions: dict[str, int] = {}
    errors = []
    for position, value in enumerate(headings):
        text = "" if value is None else str(value).strip()
        if not text:
            continue
        column = COLUMNS_BY_HEADING.get(text.casefold())
        if column is None or column.field in positions:
            message = "there is no column with this name" if column is None else "this column occurs twice"
            errors.append(
                SheetError(row=1, column=text[:MAX_HEADING], cell=address(1, position), message=message)
            )
        elif column.field is not None:
            positions[column.field] = position
    if "title" not in positions:
        errors.append(SheetError(row=1, column="Title", cell=None, message="this column is required"))
    return Layout(positions), errors


def _filled(rows: Iterator[Sequence[CellValue]]) -> Iterator[tuple[int, Sequence[CellValue]]]:
    """Yield the rows below the headings with their numbers, without empty rows."""
    for number, row in enumerate(rows, start=2):
        if any(value is not None and str(value).strip() for value in row):
            yield number, row


def _column_of(field: object) -> str:
    """Return the field of the column with a field: the currency is part of the amount column."""
    return "savings_amount" if field == "savings_currency" else str(field)
