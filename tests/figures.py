"""The expected value of every figure, calculated from practices and benchmarks only (rules 3, 4, 7)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from tests.world import World

MonthKey = tuple[int, int]

BANDS: Final = {4: ((150, 200), (12, 16)), 3: ((100, 150), (8, 12)), 2: ((50, 100), (4, 8))}


@dataclass(frozen=True)
class Counted:
    """A practice that is visible to everybody and not deleted."""

    id: UUID
    title: str
    plant: UUID
    category: UUID | None
    day: date
    is_approved: bool
    a_month: Fraction
    benchmarked: date | None


class Figures:
    """The figures of a portal whose financial years start in a month."""

    def __init__(self, world: World, starts_in: int) -> None:
        self.starts_in = starts_in
        self.plants = {row[0]: row[1:] for row in world.query("SELECT id, name, short_name FROM plants")}
        self.categories = {row[0]: row[1:] for row in world.query("SELECT id, slug FROM categories")}
        rows = world.query(
            "SELECT p.id, title, plant_id, category_id, submitted_date, status = 'approved', savings_amount,"
            " savings_currency, savings_period, benchmarked_date FROM best_practices p"
            " LEFT JOIN benchmarked_practices b ON b.practice_id = p.id"
            " WHERE NOT is_deleted AND status IN ('submitted', 'approved')"
        )
        self.practices = [
            Counted(practice, title, plant, category, day, is_approved, a_month(*stated), benchmarked)
            for practice, title, plant, category, day, is_approved, *stated, benchmarked in rows
        ]

    def year_so_far(self, month: MonthKey) -> list[MonthKey]:
        """The months of a month's financial year up to it."""
        year = month[0] if month[1] >= self.starts_in else month[0] - 1
        return [one for one in self.year(year) if one <= month]

    def year(self, year: int) -> list[MonthKey]:
        """The twelve months of a financial year."""
        months = range(self.starts_in - 1, self.starts_in + 11)
        return [(year + month // 12, month % 12 + 1) for month in months]

    def saved(self, months: Iterable[MonthKey], plant: UUID | None) -> Fraction:
        """The savings of a plant or the company in some months, in lakhs."""
        months = set(months)
        return sum(
            (one.a_month for one in self._of(plant) if one.is_approved and month_of(one.day) in months),
            Fraction(0),
        )

    def submitted(self, months: Iterable[MonthKey], plant: UUID | None) -> int:
        """How many practices a plant or the company submitted in some months."""
        months = set(months)
        return sum(month_of(one.day) in months for one in self._of(plant))

    def benchmarked(self, plant: UUID | None, month: MonthKey | None = None) -> int:
        """How many practices of a plant or the company were benchmarked, ever or in a month."""
        days = [one.benchmarked for one in self._of(plant) if one.benchmarked]
        return sum(month in (None, month_of(day)) for day in days)

    def by_category(self, months: Iterable[MonthKey], plant: UUID | None) -> dict[str, int]:
        """How many practices were submitted in each category."""
        months = set(months)
        counts = Counter(one.category for one in self._of(plant) if month_of(one.day) in months)
        return {str(category): counts[category] for category in self.categories}

    def stars(self, month: MonthKey, plant: UUID | None) -> int:
        """The stars of a month, by the agreed table."""
        return banded(self.saved([month], plant), self.saved(self.year_so_far(month), plant))

    def approved_in(self, month: MonthKey, plant: UUID) -> list[Counted]:
        """The practices that count in a plant's month."""
        return [one for one in self._of(plant) if one.is_approved and month_of(one.day) == month]

    def _of(self, plant: UUID | None) -> list[Counted]:
        return [one for one in self.practices if plant in (None, one.plant)]


def a_month(amount: Decimal | None, currency: str | None, period: str | None) -> Fraction:
    """The monthly value of a saving, in lakhs."""
    lakhs = Fraction(amount or 0) * (100 if currency == "crores" else 1)
    return lakhs if period == "monthly" else lakhs / 12


def month_of(day: date) -> MonthKey:
    """The month of a day."""
    return day.year, day.month


def months_before(month: MonthKey, months: int) -> MonthKey:
    """The month that is `months` before another."""
    index = month[0] * 12 + month[1] - 1 - months
    return index // 12, index % 12 + 1


def banded(monthly: Fraction, ytd: Fraction) -> int:
    """Stars by the agreed table: the first line that matches."""
    if ytd > 200 and monthly > 16:
        return 5
    for stars, ((ytd_from, ytd_to), (month_from, month_to)) in BANDS.items():
        if ytd_from <= ytd <= ytd_to and month_from <= monthly <= month_to:
            return stars
    return 1 if ytd > 50 and monthly > 4 else 0


def as_read(lakhs: Fraction, currency: str) -> str:
    """An amount as responses show it: truncated, never rounded."""
    if currency == "crores":
        cut = int(lakhs)  # hundredths of a crore are lakhs
    elif abs(lakhs) >= 100:
        tenths = abs(int(lakhs * 10))
        return f"{'-' if lakhs < 0 else ''}{tenths // 10}.{tenths % 10}"
    else:
        cut = int(lakhs * 100)
    return f"{'-' if cut < 0 else ''}{abs(cut) // 100}.{abs(cut) % 100:02}"


def written(month: MonthKey) -> str:
    """A month as responses show it."""
    return f"{month[0]}-{month[1]:02}"


def change(before: Fraction, now: Fraction) -> Any:
    """The change in per cent, truncated to two decimals; None if there was nothing before."""
    return None if before == 0 else int((now - before) * 10_000 / before) / 100
