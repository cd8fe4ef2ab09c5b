"""Practices as rows of a sheet: the one description of columns that export, template and import share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, Literal
from uuid import UUID

from bp_core.practices.models import Status
from bp_core.shared.model import Currency
from bp_core.shared.money import LAKHS_PER_CRORE, LARGEST_AMOUNT, Period, annualised_lakhs, to_lakhs

CellValue = str | int | float | bool | Decimal | date | None
"""What a cell of a sheet holds: a text, a number, a day, or nothing."""

CellKind = Literal["text", "number", "day"]

MOST_EXPORTED: Final = 10_000
MOST_IMPORTED: Final = 2_000

IMPORTED_AS: Final[Mapping[str, str]] = {"approved": "submitted", "revision_required": "draft"}
"""An import decides nothing: what was approved is submitted, what was sent back is a draft once more."""


@dataclass(frozen=True)
class SheetPractice:
    """A practice as a sheet tells it."""

    title: str
    description: str | None
    category_name: str | None
    plant_name: str
    problem_statement: str | None
    solution: str | None
    benefits: list[str]
    metrics: str | None
    implementation: str | None
    investment: str | None
    savings_amount: Decimal | None
    savings_currency: Currency | None
    savings_period: Period | None
    area_implemented: str | None
    status: Status
    submitted_date: date | None
    submitted_by_name: str
    is_benchmarked: bool
    question_count: int

    @property
    def savings_lakhs(self) -> Decimal | None:
        """The saving in lakhs, as often as its period says."""
        if self.savings_amount is None or self.savings_currency is None:
            return None
        return to_lakhs(self.savings_amount, self.savings_currency)

    @property
    def annualised(self) -> Decimal | None:
        """The saving in lakhs a year (rules 3)."""
        if self.savings_amount is None or self.savings_currency is None or self.savings_period is None:
            return None
        return annualised_lakhs(self.savings_amount, self.savings_currency, self.savings_period)


@dataclass(frozen=True)
class Column:
    """A column: its heading, what its cells hold, what an import takes it for (None: it only shows)."""

    heading: str
    value: Callable[[SheetPractice], CellValue]
    field: str | None
    hint: str = ""
    kind: CellKind = "text"
    width: int = 20


COLUMNS: Final = (
    Column("Title", lambda p: p.title, "title", "Needed. At most 500 characters.", width=40),
    Column("Description", lambda p: p.description, "description", "Needed to submit.", width=60),
    Column("Category", lambda p: p.category_name, "category_id", "Needed to submit. One of: {categories}"),
    Column("Plant", lambda p: p.plant_name, "plant_id",
           "Headquarters name one of: {plants}. A plant user writes for the own plant, named or not."),
    Column("Problem statement", lambda p: p.problem_statement, "problem_statement", "Needed to submit.",
           width=60),
    Column("Solution", lambda p: p.solution, "solution", "Needed to submit.", width=60),
    Column("Benefits", lambda p: "\n".join(p.benefits) or None, "benefits", "One in a line.", width=40),
    Column("Metrics", lambda p: p.metrics, "metrics"),
    Column("Implementation", lambda p: p.implementation, "implementation"),
    Column("Investment", lambda p: p.investment, "investment"),
    Column("Savings (lakhs)", lambda p: p.savings_lakhs, "savings_amount",
           "A number with two decimals at most: what is saved in each period, in lakhs of rupees.", "number"),
    Column("Savings period", lambda p: p.savings_period, "savings_period",
           "monthly or annually; needed where a saving is stated."),
    Column("Area implemented", lambda p: p.area_implemented, "area_implemented", "At most 500 characters."),
    Column("Status", lambda p: p.status, "status",
           "draft (where nothing is said) or submitted. Approved is taken for submitted, revision_required"
           " for draft."),
    Column("Submitted date", lambda p: p.submitted_date, "submitted_date",
           "A date, for submitted practices only; today where nothing is said.", "day"),
    Column("Savings a year (lakhs)", lambda p: p.annualised, None, kind="number"),
    Column("Submitted by", lambda p: p.submitted_by_name, None),
    Column("Benchmarked", lambda p: "yes" if p.is_benchmarked else "no", None),
    Column("Questions", lambda p: p.question_count, None, kind="number"),
)  # fmt: skip

TEMPLATE: Final = tuple(column for column in COLUMNS if column.field is not None)
"""The columns that an import takes."""

BY_HEADING: Final = {column.heading.casefold(): column for column in COLUMNS}


@dataclass(frozen=True)
class Names:
    """What categories and plants are called, in lower case."""

    categories: Mapping[str, UUID]
    plants: Mapping[str, UUID]


class UnknownNameError(Exception):
    """A cell names a category or plant that there is none of; the text tells people so."""


def to_row(practice: SheetPractice) -> tuple[CellValue, ...]:
    """Write a practice as a row."""
    return tuple(column.value(practice) for column in COLUMNS)


def from_row(cells: Mapping[str, CellValue], names: Names) -> tuple[dict[str, object], dict[str, str]]:
    """Read the fields of a practice from cells, by the field of their column; and what is wrong, by field."""
    sent: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for field, value in cells.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            sent[field] = _READERS.get(field, _text)(value, names)
        except UnknownNameError as error:
            wrong[field] = str(error)
    sent |= _saving(sent)
    if str(cells.get("status")).strip().lower() == "revision_required":
        sent.pop("submitted_date", None)
    return sent, wrong


def _as_text(value: CellValue) -> str:
    """Take a cell for a text, as people see it: 5S may come as a text, 5 as a number."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _text(value: CellValue, _: Names) -> str:
    return _as_text(value)


def _benefits(value: CellValue, _: Names) -> list[str]:
    return [line for line in _as_text(value).splitlines() if line.strip()]


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
    """State a saving's currency: lakhs, as the heading says, or crores if it is too large for them."""
    if "savings_amount" not in sent:
        return {}
    try:
        lakhs = Decimal(str(sent["savings_amount"]))
    except InvalidOperation:
        return {"savings_currency": "lakhs"}
    if lakhs.is_finite() and lakhs > LARGEST_AMOUNT:
        return {"savings_amount": str(lakhs / LAKHS_PER_CRORE), "savings_currency": "crores"}
    return {"savings_currency": "lakhs"}


_READERS: Final[Mapping[str, Callable[[CellValue, Names], object]]] = {
    "benefits": _benefits,
    "category_id": _category,
    "plant_id": _plant,
    "savings_amount": _amount,
    "savings_period": _period,
    "status": _status,
    "submitted_date": _day,
}
