"""The columns of practices in spreadsheets: one declaration for export, import and its template."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from bp_core.practices.schemas import PracticeContent, Status
from bp_core.shared.money import LAKHS_PER_CRORE, LARGEST_AMOUNT, annualised_lakhs, to_lakhs

CellValue = str | int | float | bool | Decimal | date | None
"""The value of a cell: a text, a number, a date, or nothing."""

Rows = Iterable[Sequence[CellValue]]
"""The rows of a table, each with its cells in the order of the columns."""

Notes = Sequence[tuple[str, str]]
"""The notes on columns: their headings, and what belongs in them."""

CellKind = Literal["text", "number", "day"]

MAX_IMPORTED: Final = 2_000
"""The maximum number of rows of an import."""

IMPORTED_AS: Final[Mapping[str, str]] = {
    "approved": "submitted",
    "revision_required": "draft",
    "declined": "draft",
}
"""Statuses that an import replaces, because it does not review practices."""


@dataclass(frozen=True)
class SpreadsheetPractice(PracticeContent):
    """A practice as a row of a spreadsheet: its content, and what an export shows beside it."""

    category_name: str | None
    plant_name: str
    status: Status
    submitted_date: date | None
    submitted_by_name: str
    is_benchmarked: bool
    question_count: int

    @property
    def savings_lakhs(self) -> Decimal | None:
        """The saving in lakhs, per month or year as its period says."""
        if self.savings_amount is None or self.savings_currency is None:
            return None
        return to_lakhs(self.savings_amount, self.savings_currency)

    @property
    def annualised(self) -> Decimal | None:
        """The saving in lakhs per year (rules 3)."""
        if self.savings_amount is None or self.savings_currency is None or self.savings_period is None:
            return None
        return annualised_lakhs(self.savings_amount, self.savings_currency, self.savings_period)


@dataclass(frozen=True)
class Column:
    """A column: its heading, the value of its cells, and the field that an import reads from it.

    `field` is None for a column that is only exported.
    """

    heading: str
    value: Callable[[SpreadsheetPractice], CellValue]
    field: str | None
    hint: str = ""
    kind: CellKind = "text"
    width: int = 20


COLUMNS: Final = (
    Column("Title", lambda p: p.title, "title", "Required. At most 500 characters.", width=40),
    Column("Description", lambda p: p.description, "description", "Required to submit.", width=60),
    Column("Category", lambda p: p.category_name, "category_id", "Required to submit. One of: {categories}"),
    Column("Plant", lambda p: p.plant_name, "plant_id",
           "Headquarters must name one of: {plants}. For plant users it is always their own plant."),
    Column("Problem statement", lambda p: p.problem_statement, "problem_statement", "Required to submit.",
           width=60),
    Column("Solution", lambda p: p.solution, "solution", "Required to submit.", width=60),
    Column("Benefits", lambda p: "\n".join(p.benefits) or None, "benefits", "One per line.", width=40),
    Column("Metrics", lambda p: p.metrics, "metrics"),
    Column("Implementation", lambda p: p.implementation, "implementation"),
    Column("Investment", lambda p: p.investment, "investment"),
    Column("Savings (lakhs)", lambda p: p.savings_lakhs, "savings_amount",
           "The saving per period, in lakhs of rupees: a number with at most two decimals.", "number"),
    Column("Savings period", lambda p: p.savings_period, "savings_period",
           "monthly or annually. Required if there is a saving."),
    Column("Area implemented", lambda p: p.area_implemented, "area_implemented", "At most 500 characters."),
    Column("Tags", lambda p: ", ".join(p.tags) or None, "tags",
           "At most ten, separated by commas. At most 40 characters each.", width=30),
    Column("Status", lambda p: p.status, "status",
           "draft (default) or submitted. approved is imported as submitted, revision_required and declined"
           " as draft."),
    Column("Submitted date", lambda p: p.submitted_date, "submitted_date",
           "A date, for submitted practices only. Default: today.", "day"),
    Column("Savings a year (lakhs)", lambda p: p.annualised, None, kind="number"),
    Column("Submitted by", lambda p: p.submitted_by_name, None),
    Column("Benchmarked", lambda p: "yes" if p.is_benchmarked else "no", None),
    Column("Questions", lambda p: p.question_count, None, kind="number"),
)  # fmt: skip

TEMPLATE: Final = tuple(column for column in COLUMNS if column.field is not None)
"""The columns that an import reads."""

COLUMNS_BY_HEADING: Final = {column.heading.casefold(): column for column in COLUMNS}


@dataclass(frozen=True)
class Names:
    """The ids of categories and plants by name, in lower case."""

    categories: Mapping[str, UUID]
    plants: Mapping[str, UUID]


class UnknownNameError(Exception):
    """A cell names a category or plant that does not exist; the text is for users."""


def to_row(practice: SpreadsheetPractice) -> tuple[CellValue, ...]:
    """Return the row of a practice."""
    return tuple(column.value(practice) for column in COLUMNS)


def from_row(cells: Mapping[str, CellValue], names: Names) -> tuple[dict[str, object], dict[str, str]]:
    """Read the fields of a practice from its cells, by field; return them and the errors, both by field."""
    sent: dict[str, object] = {}
    errors: dict[str, str] = {}
    for field, value in cells.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            sent[field] = _READERS.get(field, _text)(value, names)
        except UnknownNameError as error:
            errors[field] = str(error)
    sent |= _saving(sent)
    if IMPORTED_AS.get(str(cells.get("status")).strip().lower()) == "draft":
        sent.pop("submitted_date", None)
    return sent, errors


def _as_text(value: CellValue) -> str:
    """Return the text of a cell as the spreadsheet shows it: the number 5.0 as "5"."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _text(value: CellValue, _: Names) -> str:
    return _as_text(value)


def _benefits(value: CellValue, _: Names) -> list[str]:
    return [line for line in _as_text(value).splitlines() if line.strip()]


def _tags(value: CellValue, _: Names) -> list[str]:
    return [tag for tag in re.split(r"[,;\n]", _as_text(value)) if tag.strip()]


def _amount(value: CellValue, _: Names) -> object:
    return value if isinstance(value, bool | date) else str(value)


def _status(value: CellValue, _: Names) -> str:
    text = _as_text(value).strip().lower()
    return IMPORTED_AS.get(text, text)


def _day(value: CellValue, _: Names) -> CellValue:
    if isinstance(value, datetime):
        return value.date()
    return value.strip() if isinstance(value, str) else value


def _period(value: CellValue, _: Names) -> str:
    return _as_text(value).strip().lower()


def _category(value: CellValue, names: Names) -> UUID:
    return _named(value, names.categories, "category")


def _plant(value: CellValue, names: Names) -> UUID:
    return _named(value, names.plants, "plant")


def _named(value: CellValue, known: Mapping[str, UUID], what: str) -> UUID:
    found = known.get(_as_text(value).strip().casefold())
    if found is None:
        raise UnknownNameError(f"there is no such {what}")
    return found


def _saving(sent: Mapping[str, object]) -> dict[str, object]:
    """Return the currency of a saving: lakhs as in the heading, or crores if the amount is too large."""
    if "savings_amount" not in sent:
        return {}
    try:
        lakhs = Decimal(str(sent["savings_amount"]))
        if lakhs.is_finite() and lakhs > LARGEST_AMOUNT:
            return {"savings_amount": str(lakhs / LAKHS_PER_CRORE), "savings_currency": "crores"}
    except ArithmeticError:  # no number, or one that is too large to be divided
        pass
    return {"savings_currency": "lakhs"}


_READERS: Final[Mapping[str, Callable[[CellValue, Names], object]]] = {
    "benefits": _benefits,
    "category_id": _category,
    "plant_id": _plant,
    "savings_amount": _amount,
    "savings_period": _period,
    "status": _status,
    "submitted_date": _day,
    "tags": _tags,
}
