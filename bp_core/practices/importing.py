"""Bringing practices in from a sheet: all or nothing, by the rules that every practice is written by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from bp_core.practices import writing
from bp_core.practices.models import NewPractice
from bp_core.practices.sheet import BY_HEADING, MOST_IMPORTED, CellValue, Column, Names, from_row
from bp_core.practices.store import Ledger, PracticeStore
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Moment
from bp_core.shared.errors import Forbidden, Invalid
from bp_core.shared.model import Shown


class SheetError(Shown):
    """What is wrong with one cell; `cell` is null where the sheet has no such column."""

    row: int
    column: str
    cell: str | None
    message: str


class ImportReport(Shown):
    """What became of a sheet: how many rows it has, how many practices were written, what is wrong."""

    dry_run: bool
    rows: int
    created: int
    errors: list[SheetError]


@dataclass(frozen=True)
class Layout:
    """Where in a sheet the columns are that an import takes, by the field of each: counted from 0."""

    places: Mapping[str, int]

    def error(self, row: int, field: str, message: str) -> SheetError:
        """Say what is wrong with a row's field, at its cell."""
        heading = next((one.heading for one in BY_HEADING.values() if one.field == field), field)
        place = self.places.get(field)
        cell = None if place is None else address(row, place)
        return SheetError(row=row, column=heading, cell=cell, message=message)


def bring_in(
    store: PracticeStore,
    ledger: Ledger,
    caller: Caller,
    sheet: Iterable[Sequence[CellValue]],
    names: Names,
    *,
    dry_run: bool,
    moment: Moment,
) -> ImportReport:
    """Write the practices of a sheet, unless anything is wrong with any of them, or it is only a trial.

    Raises Invalid for a sheet that has no rows or too many.
    """
    rows = iter(sheet)
    heading = next(rows, ())
    layout, errors = _layout(heading)
    if errors:
        return ImportReport(dry_run=dry_run, rows=0, created=0, errors=errors)
    count = 0
    practices: list[NewPractice] = []
    for row, cells in _filled(rows):
        count += 1
        if count > MOST_IMPORTED:
            raise Invalid.of("file", f"has more than {MOST_IMPORTED} rows")
        practice, faults = _checked(row, cells, layout, names, caller, moment)
        errors += faults
        if practice is not None:
            practices.append(practice)
    if count == 0:
        raise Invalid.of("file", "has no rows")
    if errors or dry_run:
        return ImportReport(dry_run=dry_run, rows=count, created=0, errors=errors)
    # The plants that practices count for are held one after the other: in one order, or imports would wait in
    # a circle.
    for practice in sorted(practices, key=lambda one: str(one.plant_id)):
        writing.create(store, ledger, caller, practice, moment=moment)
    return ImportReport(dry_run=dry_run, rows=count, created=count, errors=[])


def address(row: int, place: int) -> str:
    """Name a cell as spreadsheets do: row 7, place 1 is B7."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"


def _layout(heading: Sequence[CellValue]) -> tuple[Layout, list[SheetError]]:
    """Find the columns by their headings, in whatever order they stand."""
    places: dict[str, int] = {}
    errors = []
    for place, value in enumerate(heading):
        text = "" if value is None else str(value).strip()
        column: Column | None = BY_HEADING.get(text.casefold())
        if not text:
            continue
        if column is None or column.field in places:
            message = "no column is called so" if column is None else "stands here twice"
            errors.append(SheetError(row=1, column=text, cell=address(1, place), message=message))
        elif column.field is not None:
            places[column.field] = place
    if "title" not in places:
        errors.append(SheetError(row=1, column="Title", cell=None, message="this column is needed"))
    return Layout(places), errors


def _filled(rows: Iterator[Sequence[CellValue]]) -> Iterator[tuple[int, Sequence[CellValue]]]:
    """Number the rows below the heading, and leave out those in which nothing stands."""
    for number, cells in enumerate(rows, start=2):
        if any(value is not None and str(value).strip() for value in cells):
            yield number, cells


def _checked(
    row: int, cells: Sequence[CellValue], layout: Layout, names: Names, caller: Caller, moment: Moment
) -> tuple[NewPractice | None, list[SheetError]]:
    """Read a row, and hold its practice against the rules of writing one."""
    by_field = {field: cells[place] if place < len(cells) else None for field, place in layout.places.items()}
    sent, wrong = from_row(by_field, names)
    try:
        practice = NewPractice.model_validate(sent)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            wrong.setdefault(_column_of(fault["loc"][0]), fault["msg"].removeprefix("Value error, "))
        return None, [layout.error(row, field, message) for field, message in wrong.items()]
    wrong = _against_rules(practice, caller, moment) | wrong
    return practice, [layout.error(row, field, message) for field, message in wrong.items()]


def _against_rules(practice: NewPractice, caller: Caller, moment: Moment) -> dict[str, str]:
    try:
        writing.require_writable(caller, practice, moment.day)
    except Invalid as refusal:
        return {_column_of(fault.field): fault.message for fault in refusal.details}
    except Forbidden as refusal:
        return {"plant_id": refusal.message}
    return {}


def _column_of(field: object) -> str:
    """Tell in which column a field stands; the currency stands in the heading of the amount."""
    return "savings_amount" if field == "savings_currency" else str(field)
