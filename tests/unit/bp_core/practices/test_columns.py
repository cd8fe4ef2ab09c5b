from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.practices.columns import COLUMNS, TEMPLATE, Names, SpreadsheetPractice, from_row, to_row
from bp_core.practices.schemas import NewPractice
from bp_core.shared.money import LARGEST_AMOUNT, to_lakhs
from tests.unit.bp_core.support import CATEGORY, PUNE

NAMES = Names({"quality": CATEGORY}, {"pune works": PUNE})


def exported(**changes: Any) -> SpreadsheetPractice:
    """Make a submitted practice of Pune as a row of a spreadsheet."""
    values: dict[str, Any] = {
        "title": "Shorter hoses", "description": "Too long.", "category_id": CATEGORY,
        "category_name": "Quality",
        "plant_name": "Pune Works", "problem_statement": "Pressure is lost.", "solution": "Cut to length.",
        "benefits": ("Less air", "Less noise"), "metrics": None, "implementation": None, "investment": None,
        "savings_amount": None, "savings_currency": None, "savings_period": None, "area_implemented": None,
        "status": "submitted", "submitted_date": date(2025, 6, 20), "submitted_by_name": "Asha",
        "is_benchmarked": False, "question_count": 0, "tags": ("air", "ब्रेज़िंग", "5s"),
    }  # fmt: skip
    return SpreadsheetPractice(**(values | changes))


def read_back(practice: SpreadsheetPractice) -> NewPractice:
    cells = {
        column.field: value
        for column, value in zip(COLUMNS, to_row(practice), strict=True)
        if column.field is not None
    }
    sent, wrong = from_row(cells, NAMES)
    assert wrong == {}
    return NewPractice.model_validate(sent)


def test_a_row_is_read_back_as_it_was_written() -> None:
    read = read_back(exported())

    assert (read.title, read.category_id, read.plant_id) == ("Shorter hoses", CATEGORY, PUNE)
    assert (read.benefits, read.metrics) == (["Less air", "Less noise"], None)
    assert read.tags == ["air", "ब्रेज़िंग", "5s"]
    assert (read.status, read.submitted_date) == ("submitted", date(2025, 6, 20))


@given(
    amount=st.decimals(0, LARGEST_AMOUNT, places=2),
    currency=st.sampled_from(["lakhs", "crores"]),
    period=st.sampled_from(["monthly", "annually"]),
)
def test_a_saving_is_worth_the_same_when_it_is_read_back(amount: Decimal, currency: Any, period: Any) -> None:
    read = read_back(exported(savings_amount=amount, savings_currency=currency, savings_period=period))

    assert read.savings_amount is not None
    assert read.savings_currency is not None
    assert to_lakhs(read.savings_amount, read.savings_currency) == to_lakhs(amount, currency)
    assert read.savings_period == period


@pytest.mark.parametrize(
    ("status", "read_as"), [("approved", "submitted"), ("revision_required", "draft"), ("Draft ", "draft")]
)
def test_an_import_approves_nothing_and_sends_nothing_back(status: Any, read_as: str) -> None:
    read = read_back(exported(status=status, submitted_date=None))

    assert read.status == read_as


def test_a_practice_under_revision_is_imported_as_a_draft_without_a_date() -> None:
    read = read_back(exported(status="revision_required"))

    assert (read.status, read.submitted_date) == ("draft", None)


def test_an_unknown_name_is_reported_by_its_field() -> None:
    sent, wrong = from_row({"title": "x", "category_id": "Cooking", "plant_id": str(uuid4())}, NAMES)

    assert sent == {"title": "x"}
    assert wrong == {"category_id": "there is no such category", "plant_id": "there is no such plant"}


def test_a_number_in_a_column_of_text_is_read_as_people_see_it() -> None:
    sent, _ = from_row({"title": 2024.0, "metrics": 1.5, "solution": date(2025, 1, 2)}, NAMES)

    assert sent == {"title": "2024", "metrics": "1.5", "solution": "2025-01-02"}


def test_every_field_of_a_new_practice_has_a_column_but_the_currency() -> None:
    assert {column.field for column in TEMPLATE} == NewPractice.model_fields.keys() - {"savings_currency"}
