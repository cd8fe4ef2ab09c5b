from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.shared.calendar import Month, MonthSpan, financial_year, financial_year_of

MONTHS = st.builds(Month, st.integers(2000, 2100), st.integers(1, 12))


def test_a_day_belongs_to_its_month() -> None:
    assert Month.of(date(2024, 2, 29)) == Month(2024, 2)
    assert Month(2024, 2).first_day == date(2024, 2, 1)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (Month(2025, 1), 0, Month(2025, 1)),
        (Month(2025, 1), -1, Month(2024, 12)),
        (Month(2024, 12), 1, Month(2025, 1)),
        (Month(2025, 12), 12, Month(2026, 12)),
        (Month(2025, 6), -18, Month(2023, 12)),
        (Month(2025, 6), 19, Month(2027, 1)),
    ],
)
def test_months_are_counted_across_years(start: Month, months: int, end: Month) -> None:
    assert start.plus(months) == end


@given(MONTHS, st.integers(-500, 500))
def test_adding_months_and_subtracting_them_again_gives_the_same_month(month: Month, months: int) -> None:
    assert month.plus(months).plus(-months) == month


@given(MONTHS, st.integers(1, 500))
def test_a_later_month_is_greater(month: Month, months: int) -> None:
    assert month < month.plus(months)


def test_a_month_is_written_as_year_and_month() -> None:
    assert str(Month(2025, 7)) == "2025-07"


def test_a_span_includes_its_last_month_and_ends_on_the_day_after() -> None:
    span = MonthSpan(Month(2025, 11), Month(2026, 2))

    assert list(span) == [Month(2025, 11), Month(2025, 12), Month(2026, 1), Month(2026, 2)]
    assert (span.first_day, span.end_day) == (date(2025, 11, 1), date(2026, 3, 1))


def test_a_span_of_one_month_is_that_month() -> None:
    assert list(MonthSpan(Month(2025, 12), Month(2025, 12))) == [Month(2025, 12)]


def test_a_financial_year_that_starts_in_january_is_the_calendar_year() -> None:
    assert financial_year(2025, 1) == MonthSpan(Month(2025, 1), Month(2025, 12))


def test_a_financial_year_that_starts_in_april_ends_in_march() -> None:
    assert financial_year(2025, 4) == MonthSpan(Month(2025, 4), Month(2026, 3))


@pytest.mark.parametrize(
    ("month", "starts_in", "year"),
    [
        (Month(2025, 1), 1, 2025),
        (Month(2025, 12), 1, 2025),
        (Month(2025, 3), 4, 2024),
        (Month(2025, 4), 4, 2025),
        (Month(2026, 3), 4, 2025),
        (Month(2025, 11), 12, 2024),
        (Month(2025, 12), 12, 2025),
    ],
)
def test_a_financial_year_is_named_by_the_calendar_year_it_starts_in(
    month: Month, starts_in: int, year: int
) -> None:
    assert financial_year_of(month, starts_in) == year


@given(MONTHS, st.integers(1, 12))
def test_every_month_belongs_to_the_financial_year_that_is_named_for_it(month: Month, starts_in: int) -> None:
    year = list(financial_year(financial_year_of(month, starts_in), starts_in))

    assert month in year
    assert len(year) == 12
