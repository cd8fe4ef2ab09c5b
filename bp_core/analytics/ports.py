"""The port of analytics, and the stored figures that it returns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol
from uuid import UUID

from bp_core.analytics.schemas import CategoryCount
from bp_core.savings import PlantMonth
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.money import monthly_lakhs


@dataclass(frozen=True)
class Totals:
    """Counts and annualised savings (lakhs) of a month and of its year to date."""

    monthly_count: int
    ytd_count: int
    benchmarked_count: int
    monthly_annualised: Decimal
    ytd_annualised: Decimal


@dataclass(frozen=True)
class PlantName:
    """A plant with its names."""

    plant_id: UUID
    plant_name: str
    short_name: str


@dataclass(frozen=True)
class PlantCounts(PlantName):
    """The numbers of submitted and of benchmarked practices of a plant."""

    submitted: int
    benchmarked: int


@dataclass(frozen=True)
class PlantYear:
    """A plant with the requested months; a month without approved practices is missing."""

    plant: PlantName
    months: Mapping[Month, PlantMonth]

    def saved(self, months: Iterable[Month]) -> Fraction:
        """Return the sum of the savings of some of the months, in lakhs, exact (rules 3)."""
        stored = (self.months[month].annualised for month in months if month in self.months)
        return monthly_lakhs(sum(stored, Decimal(0)))

    def stars(self, month: Month) -> int:
        """Return the stars of a month; 0 if it has no approved practices (rules 4)."""
        return self.months[month].stars if month in self.months else 0


@dataclass(frozen=True)
class CountedPractice:
    """An approved practice with its annualised saving (lakhs)."""

    practice_id: UUID
    title: str
    submitted_date: date
    benchmarked: bool
    annualised: Decimal


class AnalyticsStore(Protocol):
    """Reads figures of one plant; without a plant (None), of all active plants or of the company."""

    def totals(self, year_so_far: MonthSpan, plant_id: UUID | None) -> Totals:
        """Read the totals of the last month and of all months of a year to date."""
        ...

    def plant_counts(self, months: MonthSpan) -> list[PlantCounts]:
        """Count the practices of each active plant that were submitted and benchmarked, by plant name."""
        ...

    def category_counts(self, months: MonthSpan, plant_id: UUID | None) -> list[CategoryCount]:
        """Count the practices that were submitted in these months, by category name."""
        ...

    def plant_years(self, months: MonthSpan, plant_id: UUID | None) -> list[PlantYear]:
        """List the active plants by name, or the given plant, with these months."""
        ...

    def counted_practices(self, months: MonthSpan, plant_id: UUID) -> list[CountedPractice]:
        """List the approved practices of a plant in these months, in chronological order."""
        ...
