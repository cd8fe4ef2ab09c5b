"""What the plants save month by month, and the stars they earn with it (rules 3, 4)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, Protocol
from uuid import UUID

from bp_core.practices.life import PracticeState
from bp_core.shared.calendar import Month, MonthSpan, financial_year, financial_year_of
from bp_core.shared.money import monthly_lakhs

StarPolicy = Literal["banded", "threshold"]
"""How savings become stars: by the portal's own table, or by the lower bounds alone (rules 4)."""

MOST_STARS = 5

LOWER_BOUNDS: Final[Mapping[int, tuple[int, int]]] = {5: (200, 16), 4: (150, 12), 3: (100, 8), 2: (50, 4)}
"""For each number of stars the bounds of YTD and monthly savings in lakhs; five stars lie strictly above."""


def calculate_stars(
    monthly: Fraction | Decimal, ytd: Fraction | Decimal, policy: StarPolicy = "banded"
) -> int:
    """Rate a month's and the year-to-date savings, both in lakhs, with 0 to 5 stars (rules 4)."""
    return _POLICIES[policy](monthly, ytd)


def _banded(monthly: Fraction | Decimal, ytd: Fraction | Decimal) -> int:
    if _above(LOWER_BOUNDS[MOST_STARS], monthly, ytd):
        return MOST_STARS
    for stars in (4, 3, 2):
        (ytd_from, monthly_from), (ytd_to, monthly_to) = LOWER_BOUNDS[stars], LOWER_BOUNDS[stars + 1]
        if ytd_from <= ytd <= ytd_to and monthly_from <= monthly <= monthly_to:
            return stars
    return 1 if _above(LOWER_BOUNDS[2], monthly, ytd) else 0


def _threshold(monthly: Fraction | Decimal, ytd: Fraction | Decimal) -> int:
    if _above(LOWER_BOUNDS[MOST_STARS], monthly, ytd):
        return MOST_STARS
    for stars in (4, 3, 2):
        ytd_from, monthly_from = LOWER_BOUNDS[stars]
        if ytd >= ytd_from and monthly >= monthly_from:
            return stars
    return 1 if _above((0, 0), monthly, ytd) else 0


def _above(bounds: tuple[int, int], monthly: Fraction | Decimal, ytd: Fraction | Decimal) -> bool:
    ytd_bound, monthly_bound = bounds
    return ytd > ytd_bound and monthly > monthly_bound


_POLICIES: Final[Mapping[StarPolicy, Callable[[Fraction | Decimal, Fraction | Decimal], int]]] = {
    "banded": _banded,
    "threshold": _threshold,
}


@dataclass(frozen=True)
class SavingsRules:
    """What an installation chooses: the month its financial year starts in, and how it gives stars."""

    year_starts_in: int
    star_policy: StarPolicy


@dataclass(frozen=True)
class PlantMonth:
    """What is kept of one plant's month: the annualised sum in lakhs, exact, and the stars."""

    plant_id: UUID
    month: Month
    annualised: Decimal
    practice_count: int
    stars: int

    @property
    def monthly(self) -> Fraction:
        """The monthly savings in lakhs, exact (rules 3)."""
        return monthly_lakhs(self.annualised)


@dataclass(frozen=True)
class Rating:
    """The stars of one plant's month."""

    plant_id: UUID
    month: Month
    stars: int


class SavingsStore(Protocol):
    """Where the plants' months are kept; a month without a counted practice is not kept at all."""

    def hold(self, plant_ids: Collection[UUID] | None) -> None:
        """Keep others from changing these plants' months (all plants' for None) until the transaction ends.

        Whoever changed a practice before waits here for its rivals, and then sums what they changed, too.
        """
        ...

    def aggregate(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        """Sum the approved practices of these months anew; tell how many plants' months were changed."""
        ...

    def kept(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> list[PlantMonth]:
        """List the months as they are kept, each plant's in order of time."""
        ...

    def rate(self, ratings: Collection[Rating]) -> int:
        """Keep stars; tell how many were changed."""
        ...


def open_months(this_month: Month) -> MonthSpan:
    """Tell the months into which plants may still date a submission: the previous and this one (rules 2)."""
    return MonthSpan(this_month.plus(-1), this_month)


def year_to_date(months: Iterable[PlantMonth], rules: SavingsRules) -> dict[tuple[UUID, Month], Fraction]:
    """Sum, for each plant's month, the lakhs of its financial year up to and including it (rules 3).

    The months must be in order of time, and whole financial years, or the sums start in the middle.
    """
    annualised: dict[tuple[UUID, int], Decimal] = {}
    sums = {}
    for kept in months:
        year = (kept.plant_id, financial_year_of(kept.month, rules.year_starts_in))
        annualised[year] = annualised.get(year, Decimal(0)) + kept.annualised
        sums[kept.plant_id, kept.month] = monthly_lakhs(annualised[year])
    return sums


def aggregate_months(
    store: SavingsStore, months: MonthSpan, plant_ids: Collection[UUID] | None = None
) -> int:
    """Sum these months anew; tell how many plants' months were not as they should be."""
    store.hold(plant_ids)
    return store.aggregate(months, plant_ids)


def rate_months(
    store: SavingsStore, rules: SavingsRules, months: MonthSpan, plant_ids: Collection[UUID] | None = None
) -> int:
    """Rate every month of the financial years that these months lie in; tell how many stars were wrong."""
    store.hold(plant_ids)
    kept = store.kept(whole_years(months, rules), plant_ids)
    sums = year_to_date(kept, rules)
    ratings = []
    for month in kept:
        stars = calculate_stars(month.monthly, sums[month.plant_id, month.month], rules.star_policy)
        if stars != month.stars:
            ratings.append(Rating(month.plant_id, month.month, stars))
    return store.rate(ratings) if ratings else 0


def recalculate(
    store: SavingsStore, rules: SavingsRules, months: MonthSpan, plant_ids: Collection[UUID] | None = None
) -> int:
    """Sum these months anew and rate their years; tell how many sums and stars were not as they should be."""
    return aggregate_months(store, months, plant_ids) + rate_months(store, rules, months, plant_ids)


def whole_years(months: MonthSpan, rules: SavingsRules) -> MonthSpan:
    """Widen a span of months to the whole financial years that it touches."""
    first = financial_year(financial_year_of(months.first, rules.year_starts_in), rules.year_starts_in)
    last = financial_year(financial_year_of(months.last, rules.year_starts_in), rules.year_starts_in)
    return MonthSpan(first.first, last.last)


@dataclass(frozen=True)
class SavingsLedger:
    """Keeps the plants' stars true whenever a practice changes; the sums of their months keep themselves."""

    store: SavingsStore
    rules: SavingsRules

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        """Rate the years of the months that the practice counted in and counts in now."""
        touched = sorted(
            {
                (practice.plant_id, practice.counted_month)
                for practice in (before, after)
                if practice is not None and practice.counted_month is not None
            },
            key=lambda plant_month: (str(plant_month[0]), plant_month[1]),
        )
        for plant_id, month in touched:
            rate_months(self.store, self.rules, MonthSpan(month, month), [plant_id])
