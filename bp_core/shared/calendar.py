"""The clock port, and months and financial years of the business time zone (rules 2, 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

MONTHS_PER_YEAR = 12
EARLIEST_YEAR = 2000
LATEST_YEAR = 2100
"""The years that requests can name."""


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
