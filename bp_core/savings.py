"""Monthly savings of the plants, and their star ratings (rules 3, 4)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, Protocol
from uuid import UUID

from typing_extensions import override

from bp_core.practices.ports import PracticeListener
from bp_core.practices.workflow import PracticeState
from bp_core.shared.calendar import Month, MonthSpan, financial_year, financial_year_of
from bp_core.shared.context import Context
from bp_core.shared.money import monthly_lakhs

StarPolicy = Literal["banded", "threshold"]
"""How savings are rated with stars: by bands, or by their lower bounds only (rules 4)."""

MOST_STARS = 5

LOWER_BOUNDS: Final[Mapping[int, tuple[int, int]]] = {5: (200, 16), 4: (150, 12), 3: (100, 8), 2: (50, 4)}
"""By stars, the lower bounds of YTD and monthly savings in lakhs; five stars need more than theirs."""


def calculate_stars(
    monthly: Fraction | Decimal, ytd: Fraction | Decimal, policy: StarPolicy = "banded"
) -> int:
    """Return 0 to 5 stars for monthly and year-to-date savings in lakhs (rules 4)."""
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
    """The settings of savings: the first month (1 to 12) of the financial year, and the star policy."""

    year_starts_in: int
    star_policy: StarPolicy


@dataclass(frozen=True)
class PlantMonth:
    """The stored savings of a plant in a month: the annualised sum in lakhs, exact, and the stars."""

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
    """The stars of a plant in a month."""

    plant_id: UUID
    month: Month
    stars: int


class SavingsStore(Protocol):
    """Stores the monthly savings of the plants; a month without approved practices has no row."""

    def lock(self, plant_ids: Collection[UUID] | None) -> None:
        """Lock the monthly savings of these plants (None: of all plants) until the transaction ends.

        Later statements also see what the transaction that held the lock before has committed.
        """
        ...

    def aggregate(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        """Recalculate the sums of these months from the approved practices; return how many rows changed."""
        ...

    def rebuild(self) -> int:
        """Recalculate all stored counts and sums; return how many were wrong."""
        ...

    def plant_months(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> list[PlantMonth]:
        """List the stored months, for each plant in chronological order."""
        ...

    def rate(self, ratings: Collection[Rating]) -> int:
        """Update stars; return how many rows changed."""
        ...


@dataclass(frozen=True)
class SavingsService:
    """Recalculates monthly savings and stars. Called by jobs and listeners, so without a caller."""

    store: SavingsStore
    rules: SavingsRules
    context: Context

    def aggregate_open_months(self) -> int:
        """Recalculate the sums of the open months of all plants; return how many were wrong."""
        return self.aggregate(self._open_months())

    def rate_open_months(self) -> int:
        """Recalculate the stars in the financial years of the open months; return how many were wrong."""
        return self.rate(self._open_months())

    def recalculate_year(self, year: int | None) -> int:
        """Recalculate sums and stars of a financial year, by default the current one.

        Returns how many were wrong.
        """
        starts_in = self.rules.year_starts_in
        named = financial_year_of(Month.of(self.context.today), starts_in) if year is None else year
        return self.recalculate(financial_year(named, starts_in))

    def rebuild_roll_ups(self) -> int:
        """Recalculate all stored counts and sums; return how many were wrong."""
        return self.store.rebuild()

    def aggregate(self, months: MonthSpan, plant_ids: Collection[UUID] | None = None) -> int:
        """Recalculate the sums of these months; return how many were wrong."""
        self.store.lock(plant_ids)
        return self.store.aggregate(months, plant_ids)

    def rate(self, months: MonthSpan, plant_ids: Collection[UUID] | None = None) -> int:
        """Recalculate the stars in the financial years of these months; return how many were wrong."""
        self.store.lock(plant_ids)
        stored = self.store.plant_months(whole_years(months, self.rules), plant_ids)
        sums = year_to_date(stored, self.rules)
        ratings = []
        for month in stored:
            ytd = sums[month.plant_id, month.month]
            stars = calculate_stars(month.monthly, ytd, self.rules.star_policy)
            if stars != month.stars:
                ratings.append(Rating(month.plant_id, month.month, stars))
        return self.store.rate(ratings) if ratings else 0

    def recalculate(self, months: MonthSpan, plant_ids: Collection[UUID] | None = None) -> int:
        """Recalculate the sums of these months and the stars of their financial years.

        Returns how many sums and stars were wrong.
        """
        return self.aggregate(months, plant_ids) + self.rate(months, plant_ids)

    def _open_months(self) -> MonthSpan:
        return open_months(Month.of(self.context.today))


def open_months(this_month: Month) -> MonthSpan:
    """Return the months in which a plant can still date a submission: the previous and this one (rules 2)."""
    return MonthSpan(this_month.plus(-1), this_month)


def year_to_date(months: Iterable[PlantMonth], rules: SavingsRules) -> dict[tuple[UUID, Month], Fraction]:
    """Return the year-to-date savings in lakhs of every plant and month (rules 3).

    The months must be complete financial years in chronological order.
    """
    annualised: dict[tuple[UUID, int], Decimal] = {}
    sums = {}
    for one in months:
        year = (one.plant_id, financial_year_of(one.month, rules.year_starts_in))
        annualised[year] = annualised.get(year, Decimal(0)) + one.annualised
        sums[one.plant_id, one.month] = monthly_lakhs(annualised[year])
    return sums


def whole_years(months: MonthSpan, rules: SavingsRules) -> MonthSpan:
    """Return the complete financial years that contain a span of months."""
    first = financial_year(financial_year_of(months.first, rules.year_starts_in), rules.year_starts_in)
    last = financial_year(financial_year_of(months.last, rules.year_starts_in), rules.year_starts_in)
    return MonthSpan(first.first, last.last)


@dataclass(frozen=True)
class StarRatingListener(PracticeListener):
    """Updates the stars of a plant when one of its practices changes; database triggers update the sums."""

    savings: SavingsService

    @override
    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        counted = {
            (practice.plant_id, practice.counted_month)
            for practice in (before, after)
            if practice is not None and practice.counted_month is not None
        }
        # Always in the same order of plants, so that two transactions cannot deadlock.
        for plant_id, month in sorted(counted, key=lambda one: (str(one[0]), one[1])):
            self.savings.rate(MonthSpan(month, month), [plant_id])
