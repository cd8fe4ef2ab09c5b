"""The clock port; months, financial years and working days of the business time zone (rules 2, 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

MONTHS_PER_YEAR = 12
DAYS_PER_WEEK = 7
WORKING_DAYS_PER_WEEK = 5
EARLIEST_YEAR = 2000
LATEST_YEAR = 2100
"""The years that requests can name."""

CLOCK_SKEW: Final = timedelta(minutes=2)
"""How far the clocks of two instances may differ. A later time was written by a clock that was wrong."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month of a day."""
        return cls(day.year, day.month)

    @property
    def first_day(self) -> date:
        """The first day of this month."""
        return date(self.year, self.month, 1)

    def plus(self, months: int) -> "Month":
        """Return the month that is this many months later, or earlier if `months` is negative."""
        year, index = divmod(self.year * MONTHS_PER_YEAR + self.month - 1 + months, MONTHS_PER_YEAR)
        return Month(year, index + 1)

    def __str__(self) -> str:
        """Return the month as YYYY-MM."""
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class MonthSpan:
    """The months from `first` up to and including `last`."""

    first: Month
    last: Month

    @property
    def first_day(self) -> date:
        """The first day of the span."""
        return self.first.first_day

    @property
    def end_day(self) -> date:
        """The first day after the span."""
        return self.last.plus(1).first_day

    def __iter__(self) -> Iterator[Month]:
        """Iterate over the months, earliest first."""
        month = self.first
        while month <= self.last:
            yield month
            month = month.plus(1)


def financial_year(year: int, start_month: int) -> MonthSpan:
    """Return the months of a financial year, named by the calendar year in which it starts (rules 3)."""
    first = Month(year, start_month)
    return MonthSpan(first, first.plus(MONTHS_PER_YEAR - 1))


def financial_year_of(month: Month, start_month: int) -> int:
    """Return the financial year of a month: the calendar year in which it starts (rules 3)."""
    return month.year if month.month >= start_month else month.year - 1


def plus_working_days(day: date, count: int) -> date:
    """Return the day that is `count` (at least 1) working days later; Monday to Friday are working days."""
    last = day - timedelta(max(0, day.weekday() - WORKING_DAYS_PER_WEEK + 1))  # of a weekend, its Friday
    weeks, rest = divmod(count, WORKING_DAYS_PER_WEEK)
    crosses_weekend = last.weekday() + rest >= WORKING_DAYS_PER_WEEK
    weekend = DAYS_PER_WEEK - WORKING_DAYS_PER_WEEK
    return last + timedelta(weeks * DAYS_PER_WEEK + rest + (weekend if crosses_weekend else 0))


def working_days_between(first: date, last: date) -> int:
    """Count the working days after `first`, up to and including `last`."""
    return _working_days_up_to(last) - _working_days_up_to(first)


def first_day_due_from(today: date, count: int) -> date:
    """Return the first day from which `count` working days (at least 1) end today or later."""
    day = today
    while plus_working_days(day - timedelta(1), count) >= today:
        day -= timedelta(1)
    return day


def _working_days_up_to(day: date) -> int:
    weeks, weekday = divmod(day.toordinal() - 1, DAYS_PER_WEEK)  # the first of all days is a Monday
    return weeks * WORKING_DAYS_PER_WEEK + min(weekday + 1, WORKING_DAYS_PER_WEEK)
