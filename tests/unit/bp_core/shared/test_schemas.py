from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from threading import Barrier

import pytest
from pydantic import ValidationError

from bp_core.shared.schemas import Day, Line, Number, PageQuery, RequestModel, ResponseModel, Text, Timestamp


class Note(RequestModel):
    text: Text
    line: Line = "something"


class Diary(RequestModel):
    day: Day


class Entry(ResponseModel):
    at: Timestamp
    amount: Number


def test_an_unknown_field_is_an_error() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Note.model_validate({"text": "", "colour": "red"})


@pytest.mark.parametrize("field", ["text", "line"])
def test_a_nul_character_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match="must not contain NUL"):
        Note.model_validate({"text": "", field: "a\x00b"})


def test_a_text_is_not_changed() -> None:
    assert Note(text="  two words\n").text == "  two words\n"


def test_white_space_around_a_line_is_removed() -> None:
    assert Note(text="", line="  two words\n").line == "two words"


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_line_is_not_blank(blank: str) -> None:
    with pytest.raises(ValidationError):
        Note(text="", line=blank)


def test_a_day_is_written_as_year_month_and_day() -> None:
    assert Diary.model_validate_json('{"day": "2025-07-15"}').day == date(2025, 7, 15)


@pytest.mark.parametrize(
    "sent",
    [
        "20250715",
        '"20250715"',
        '"2025-7-15"',
        '"2025-07-15T00:00:00"',
        '"15.07.2025"',
        '"2025-02-30"',
        "null",
        "true",
    ],
)
def test_no_other_notation_is_accepted_as_a_day(sent: str) -> None:
    with pytest.raises(ValidationError):
        Diary.model_validate_json(f'{{"day": {sent}}}')


def test_a_time_is_shown_in_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    shown = Entry(at=datetime(2025, 4, 1, 0, 0, tzinfo=india), amount=Decimal(1))

    assert shown.model_dump(mode="json")["at"] == "2025-03-31T18:30:00Z"


def test_the_largest_amount_is_shown_with_every_digit() -> None:
    shown = Entry(at=datetime(2025, 4, 1, tzinfo=UTC), amount=Decimal("9999999999.99"))

    assert '"amount":9999999999.99' in shown.model_dump_json()


@pytest.mark.parametrize("sent", [{"limit": 0}, {"limit": 101}, {"offset": -1}])
def test_a_page_has_1_to_100_items_and_starts_at_0_or_later(sent: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        PageQuery.model_validate(sent)


def test_the_default_page_is_the_first_twenty_items() -> None:
    assert PageQuery() == PageQuery(limit=20, offset=0)


def test_threads_that_use_a_model_first_at_the_same_time_all_succeed() -> None:
    """Models are built at their first use (docs/adr/0009), which several requests may be at the same time."""

    class Part(ResponseModel):
        name: str

    class Whole(ResponseModel):
        parts: list[Part]

    start = Barrier(8)

    def first_use() -> bytes:
        start.wait()
        return Whole.model_validate({"parts": [{"name": "hose"}]}).model_dump_json().encode()

    with ThreadPoolExecutor(8) as threads:
        results = [threads.submit(first_use) for _ in range(8)]
    assert {result.result() for result in results} == {b'{"parts":[{"name":"hose"}]}'}
