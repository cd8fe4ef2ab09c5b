from decimal import Decimal

import pytest
from pydantic import ValidationError

from bp_core.practices.queries import PracticeQuery
from bp_core.practices.schemas import NewPractice, PracticeChanges
from bp_core.reviews.schemas import RevisionRequest


def faults(json: str) -> list[str]:
    """The fields that are refused in a body."""
    with pytest.raises(ValidationError) as refusal:
        NewPractice.model_validate_json(json)
    return [str(fault["loc"][0]) if fault["loc"] else "body" for fault in refusal.value.errors()]


def amount(json: str) -> Decimal | None:
    body = f'{{"title": "Hoses", "savings_amount": {json}}}'
    return NewPractice.model_validate_json(body).savings_amount


@pytest.mark.parametrize(
    ("json", "exact"),
    [
        ("0", "0"),
        ("0.1", "0.1"),
        ("1.01", "1.01"),
        ('"1.01"', "1.01"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_an_amount_is_read_exactly(json: str, exact: str) -> None:
    assert amount(json) == Decimal(exact)


@pytest.mark.parametrize(
    "json",
    [
        "-1",
        "-0.01",
        "10000000000",
        "1e12",
        "12.345",
        '"12.345"',
        '"NaN"',
        '"Infinity"',
        '"a lot"',
        "true",
        "[]",
    ],
)
def test_an_amount_is_at_least_0_at_most_9999999999_99_and_has_two_decimals(json: str) -> None:
    assert faults(f'{{"title": "Hoses", "savings_amount": {json}}}') == ["savings_amount"]


@pytest.mark.parametrize(
    ("json", "field"),
    [
        ("[]", "body"),
        ('"Hoses"', "body"),
        ("{}", "title"),
        ('{"title": null}', "title"),
        ('{"title": "  "}', "title"),
        ('{"title": 7}', "title"),
        ('{"title": "a\\u0000b"}', "title"),
        ('{"title": "Hoses", "stars": 5}', "stars"),
        ('{"title": "Hoses", "status": "approved"}', "status"),
        ('{"title": "Hoses", "savings_currency": "dollars"}', "savings_currency"),
        ('{"title": "Hoses", "savings_period": "weekly"}', "savings_period"),
        ('{"title": "Hoses", "category_id": "quality"}', "category_id"),
        ('{"title": "Hoses", "submitted_date": "2025-02-30"}', "submitted_date"),
        ('{"title": "Hoses", "solution": "a\\u0000b"}', "solution"),
        ('{"title": "Hoses", "benefits": ["Less air", " "]}', "benefits"),
    ],
)
def test_an_invalid_new_practice_is_refused_by_field(json: str, field: str) -> None:
    assert faults(json) == [field]


def test_a_title_has_1_to_500_characters() -> None:
    assert NewPractice(title="t" * 500).title == "t" * 500
    assert faults(f'{{"title": "{"t" * 501}"}}') == ["title"]


def test_a_title_cannot_be_emptied() -> None:
    with pytest.raises(ValidationError):
        PracticeChanges.model_validate({"title": None})


@pytest.mark.parametrize("comment", ["", "  ", "c" * 2001, None])
def test_a_revision_needs_a_comment_of_1_to_2000_characters(comment: str | None) -> None:
    with pytest.raises(ValidationError):
        RevisionRequest.model_validate({"comment": comment})


def test_a_comment_of_2000_characters_is_accepted() -> None:
    assert len(RevisionRequest(comment="c" * 2000).comment) == 2000


@pytest.mark.parametrize("sent", [{"sort_by": "price"}, {"sort_order": "up"}, {"status": "lost"}])
def test_an_unknown_value_in_the_query_of_a_list_is_refused(sent: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        PracticeQuery.model_validate(sent)
