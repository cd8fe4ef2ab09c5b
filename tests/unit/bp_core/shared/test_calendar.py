from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.shared.calendar import (
    Month,
    MonthSpan,
    financial_year,
    financial_year_of,
    first_day_due_from,
    plus_working_days,
    working_days_between,
)

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


days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
counts = st.integers(1, 60)


@pytest.mark.parametrize(
    ("day", "count", "due"),
    [
        (date(2026, 8, 10), 5, date(2026, 8, 17)),  # Monday to Monday
        (date(2026, 8, 14), 5, date(2026, 8, 21)),  # Friday to Friday
        (date(2026, 8, 15), 5, date(2026, 8, 21)),  # Saturday
        (date(2026, 8, 16), 5, date(2026, 8, 21)),  # Sunday
        (date(2026, 8, 13), 1, date(2026, 8, 14)),
        (date(2026, 8, 14), 1, date(2026, 8, 17)),
        (date(2026, 8, 16), 1, date(2026, 8, 17)),
        (date(2026, 8, 12), 3, date(2026, 8, 17)),
    ],
)
def test_working_days_are_monday_to_friday(day: date, count: int, due: date) -> None:
    assert plus_working_days(day, count) == due


@given(day=days, count=counts)
def test_adding_working_days_is_the_same_as_counting_them_one_by_one(day: date, count: int) -> None:
    due, left = day, count
    while left:
        due += timedelta(1)
        left -= due.weekday() < 5

    assert plus_working_days(day, count) == due
    assert working_days_between(day, due) == count


@given(first=days, length=st.integers(0, 400))
def test_working_days_between_two_days_are_those_after_the_first(first: date, length: int) -> None:
    counted = sum((first + timedelta(n)).weekday() < 5 for n in range(1, length + 1))

    assert working_days_between(first, first + timedelta(length)) == counted


@given(day=days, count=counts)
def test_a_later_day_is_never_due_earlier(day: date, count: int) -> None:
    assert plus_working_days(day, count) <= plus_working_days(day + timedelta(1), count)


@given(today=days, count=counts)
def test_the_first_day_that_is_not_overdue_divides_the_days(today: date, count: int) -> None:
    first = first_day_due_from(today, count)

    assert plus_working_days(first, count) >= today
    assert plus_working_days(first - timedelta(1), count) < today
