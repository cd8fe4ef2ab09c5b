"""Days and months of the business, which lives in one time zone, and its years (rules 2, 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

MONTHS_PER_YEAR = 12
EARLIEST_YEAR = 2000
LATEST_YEAR = 2100
"""The years that the portal reckons with."""


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Tell the present moment, in UTC."""
        ...


@dataclass(frozen=True)
class Moment:
    """A moment: `at` in UTC, and the `day` that it falls on where the business is."""

    at: datetime
    day: date

    @classmethod
    def of(cls, at: datetime, zone: ZoneInfo) -> "Moment":
        """Tell what day it is in the business time zone at a moment."""
        return cls(at, at.astimezone(zone).date())


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Tell the month that a day lies in."""
        return cls(day.year, day.month)

    @property
    def first_day(self) -> date:
        """The first day of this month."""
        return date(self.year, self.month, 1)

    def plus(self, months: int) -> "Month":
        """Tell the month that lies so many months later (or earlier, if negative)."""
        year, index = divmod(self.year * MONTHS_PER_YEAR + self.month - 1 + months, MONTHS_PER_YEAR)
        return Month(year, index + 1)

    def __str__(self) -> str:
        """Write the month as YYYY-MM."""
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class MonthSpan:
    """The months from `first` up to and including `last`."""

    first: Month
    last: Month

    @property
    def first_day(self) -> date:
        """The first day that belongs to the span."""
        return self.first.first_day

    @property
    def end_day(self) -> date:
        """The first day after the span."""
        return self.last.plus(1).first_day

    def __iter__(self) -> Iterator[Month]:
        """Walk the months, earliest first."""
        month = self.first
        while month <= self.last:
            yield month
            month = month.plus(1)


def financial_year(year: int, start_month: int) -> MonthSpan:
    """Tell the months of a financial year, which is named by the calendar year it starts in (rules 3)."""
    first = Month(year, start_month)
    return MonthSpan(first, first.plus(MONTHS_PER_YEAR - 1))


def financial_year_of(month: Month, start_month: int) -> int:
    """Name the financial year that a month belongs to."""
    return month.year if month.month >= start_month else month.year - 1
