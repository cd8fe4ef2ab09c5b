"""Where the figures come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol
from uuid import UUID

from bp_core.analytics.models import CategoryCount
from bp_core.savings import PlantMonth
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.money import monthly_lakhs


@dataclass(frozen=True)
class Totals:
    """Counts and annualised savings in lakhs of a month and of the year up to it."""

    monthly_count: int
    ytd_count: int
    benchmarked_count: int
    monthly_annualised: Decimal
    ytd_annualised: Decimal


@dataclass(frozen=True)
class PlantName:
    """A plant and what it is called."""

    plant_id: UUID
    plant_name: str
    short_name: str


@dataclass(frozen=True)
class PlantCounts(PlantName):
    """How many practices of a plant were submitted, and how many benchmarked."""

    submitted: int
    benchmarked: int


@dataclass(frozen=True)
class PlantYear:
    """A plant with its months that were asked for; one in which nothing counts is not there."""

    plant: PlantName
    months: Mapping[Month, PlantMonth]

    def saved(self, months: Iterable[Month]) -> Fraction:
        """Sum the savings of some of the months, in lakhs, exact (rules 3)."""
        kept = (self.months[month].annualised for month in months if month in self.months)
        return monthly_lakhs(sum(kept, Decimal(0)))

    def stars(self, month: Month) -> int:
        """Tell the stars of a month; where nothing counts there are none (rules 4)."""
        return self.months[month].stars if month in self.months else 0


@dataclass(frozen=True)
class CountedPractice:
    """An approved practice with its annualised saving in lakhs."""

    practice_id: UUID
    title: str
    submitted_date: date
    benchmarked: bool
    annualised: Decimal


class AnalyticsStore(Protocol):
    """Where the figures come from: of one plant, or for None of all active plants or the whole company."""

    def totals(self, year_so_far: MonthSpan, plant_id: UUID | None) -> Totals:
        """Count and sum the last month of a span and the whole of it, for one plant or the company."""
        ...

    def plant_counts(self, months: MonthSpan, plant_id: UUID | None) -> list[PlantCounts]:
        """Count what was submitted and benchmarked in these months, plant by plant, by name."""
        ...

    def category_counts(self, months: MonthSpan, plant_id: UUID | None) -> list[CategoryCount]:
        """Count what one plant or the company submitted in these months, category by category, by name."""
        ...

    def plant_years(self, months: MonthSpan, plant_id: UUID | None) -> list[PlantYear]:
        """List the active plants by name, or the one asked for, each with these months."""
        ...

    def counted_practices(self, months: MonthSpan, plant_id: UUID) -> list[CountedPractice]:
        """List the approved practices of a plant that count in these months, in order of time."""
        ...
