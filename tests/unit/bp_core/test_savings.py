from collections.abc import Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core import savings
from bp_core.practices.life import PracticeState
from bp_core.savings import (
    PlantMonth,
    Rating,
    SavingsLedger,
    SavingsRules,
    StarPolicy,
    calculate_stars,
    year_to_date,
)
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.money import annualised_lakhs
from tests.unit.bp_core.support import CHENNAI, PUNE, content, practice, saving

POLICIES: list[StarPolicy] = ["banded", "threshold"]
CALENDAR_YEARS = SavingsRules(year_starts_in=1, star_policy="banded")
FROM_APRIL = SavingsRules(year_starts_in=4, star_policy="banded")
LAKHS = st.fractions(min_value=-50, max_value=400, max_denominator=1000)

BELOW, ABOVE = -Fraction(1, 10**9), Fraction(1, 10**9)


def rate(ytd: int | Fraction, monthly: int | Fraction, policy: StarPolicy) -> int:
    return calculate_stars(Fraction(monthly), Fraction(ytd), policy)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [(250, 20, 5), (175, 14, 4), (125, 10, 3), (75, 6, 2), (0, 0, 0)],
)
def test_in_the_middle_of_a_band_both_policies_agree(
    ytd: int, monthly: int, stars: int, policy: StarPolicy
) -> None:
    assert rate(ytd, monthly, policy) == stars


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("ytd", "monthly", "just_below", "at", "just_above"),
    [
        (200, 16, 4, 4, 5),
        (150, 12, 3, 4, 4),
        (100, 8, 2, 3, 3),
    ],
)
def test_where_both_sums_cross_a_boundary_together_the_stars_change_exactly_there(
    ytd: int, monthly: int, just_below: int, at: int, just_above: int, policy: StarPolicy
) -> None:
    rated = [rate(ytd + step, monthly + step, policy) for step in (BELOW, Fraction(0), ABOVE)]

    assert rated == [just_below, at, just_above]


BANDED_YTD_AT_14_MONTHLY = [
    (200 + ABOVE, 1),
    (Fraction(200), 4),
    (200 + BELOW, 4),
    (150 + ABOVE, 4),
    (Fraction(150), 4),
    (150 + BELOW, 1),
    (50 + ABOVE, 1),
    (Fraction(50), 0),
    (50 + BELOW, 0),
]
BANDED_YTD_AT_10_MONTHLY = [
    (150 + ABOVE, 1),
    (Fraction(150), 3),
    (150 + BELOW, 3),
    (100 + ABOVE, 3),
    (Fraction(100), 3),
    (100 + BELOW, 1),
]
BANDED_YTD_AT_6_MONTHLY = [
    (100 + ABOVE, 1),
    (Fraction(100), 2),
    (100 + BELOW, 2),
    (50 + ABOVE, 2),
    (Fraction(50), 2),
    (50 + BELOW, 0),
]
BANDED_YTD_AT_20_MONTHLY = [
    (200 + ABOVE, 5),
    (Fraction(200), 1),
    (200 + BELOW, 1),
    (50 + ABOVE, 1),
    (Fraction(50), 0),
]


@pytest.mark.parametrize(
    ("monthly", "ytd", "stars"),
    [
        (monthly, ytd, stars)
        for monthly, table in (
            (14, BANDED_YTD_AT_14_MONTHLY),
            (10, BANDED_YTD_AT_10_MONTHLY),
            (6, BANDED_YTD_AT_6_MONTHLY),
            (20, BANDED_YTD_AT_20_MONTHLY),
        )
        for ytd, stars in table
    ],
)
def test_banded_keeps_every_ytd_boundary_from_both_sides(monthly: int, ytd: Fraction, stars: int) -> None:
    assert rate(ytd, monthly, "banded") == stars


BANDED_MONTHLY_AT_250_YTD = [
    (16 + ABOVE, 5),
    (Fraction(16), 1),
    (16 + BELOW, 1),
    (4 + ABOVE, 1),
    (Fraction(4), 0),
    (4 + BELOW, 0),
]
BANDED_MONTHLY_AT_175_YTD = [
    (16 + ABOVE, 1),
    (Fraction(16), 4),
    (16 + BELOW, 4),
    (12 + ABOVE, 4),
    (Fraction(12), 4),
    (12 + BELOW, 1),
    (4 + ABOVE, 1),
    (Fraction(4), 0),
]
BANDED_MONTHLY_AT_125_YTD = [
    (12 + ABOVE, 1),
    (Fraction(12), 3),
    (12 + BELOW, 3),
    (8 + ABOVE, 3),
    (Fraction(8), 3),
    (8 + BELOW, 1),
]
BANDED_MONTHLY_AT_75_YTD = [
    (8 + ABOVE, 1),
    (Fraction(8), 2),
    (8 + BELOW, 2),
    (4 + ABOVE, 2),
    (Fraction(4), 2),
    (4 + BELOW, 0),
]


@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [
        (ytd, monthly, stars)
        for ytd, table in (
            (250, BANDED_MONTHLY_AT_250_YTD),
            (175, BANDED_MONTHLY_AT_175_YTD),
            (125, BANDED_MONTHLY_AT_125_YTD),
            (75, BANDED_MONTHLY_AT_75_YTD),
        )
        for monthly, stars in table
    ],
)
def test_banded_keeps_every_monthly_boundary_from_both_sides(ytd: int, monthly: Fraction, stars: int) -> None:
    assert rate(ytd, monthly, "banded") == stars


@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [
        (200, 16, 4),
        (150, 12, 4),
        (150, 8, 3),
        (100, 12, 3),
        (100, 8, 3),
        (100, 4, 2),
        (50, 8, 2),
        (50, 4, 2),
        (200, 12, 4),
        (150, 16, 4),
    ],
)
def test_where_bands_overlap_the_first_match_wins(ytd: int, monthly: int, stars: int) -> None:
    assert rate(ytd, monthly, "banded") == stars


def test_by_the_agreed_table_a_plant_can_lose_stars_by_saving_more() -> None:
    assert rate(180, 14, "banded") == 4
    assert rate(180, 20, "banded") == 1


def test_by_thresholds_a_plant_keeps_its_stars_when_it_saves_more() -> None:
    assert rate(180, 14, "threshold") == 4
    assert rate(180, 20, "threshold") == 4


@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [
        (200 + ABOVE, 16 + ABOVE, 5),
        (Fraction(200), Fraction(1000), 4),
        (Fraction(1000), Fraction(16), 4),
        (Fraction(150), Fraction(1000), 4),
        (Fraction(1000), Fraction(12), 4),
        (150 + BELOW, Fraction(1000), 3),
        (Fraction(1000), 12 + BELOW, 3),
        (Fraction(100), Fraction(1000), 3),
        (Fraction(1000), Fraction(8), 3),
        (100 + BELOW, Fraction(1000), 2),
        (Fraction(1000), 8 + BELOW, 2),
        (Fraction(50), Fraction(1000), 2),
        (Fraction(1000), Fraction(4), 2),
        (50 + BELOW, Fraction(1000), 1),
        (Fraction(1000), 4 + BELOW, 1),
        (ABOVE, ABOVE, 1),
        (Fraction(0), Fraction(1000), 0),
        (Fraction(1000), Fraction(0), 0),
        (BELOW, Fraction(1000), 0),
        (Fraction(1000), BELOW, 0),
    ],
)
def test_threshold_keeps_every_boundary_from_both_sides(ytd: Fraction, monthly: Fraction, stars: int) -> None:
    assert rate(ytd, monthly, "threshold") == stars


@given(LAKHS, LAKHS, st.fractions(min_value=0, max_value=300), st.fractions(min_value=0, max_value=300))
def test_by_thresholds_nobody_ever_loses_a_star_by_saving_more(
    ytd: Fraction, monthly: Fraction, more_in_the_year: Fraction, more_in_the_month: Fraction
) -> None:
    assert rate(ytd + more_in_the_year, monthly + more_in_the_month, "threshold") >= rate(
        ytd, monthly, "threshold"
    )


@pytest.mark.parametrize("policy", POLICIES)
@given(ytd=st.fractions(min_value=0, max_value=10_000))
def test_a_month_without_savings_never_earns_a_star(policy: StarPolicy, ytd: Fraction) -> None:
    assert rate(ytd, 0, policy) == 0


@given(LAKHS, LAKHS)
def test_banded_never_gives_more_stars_than_threshold(ytd: Fraction, monthly: Fraction) -> None:
    assert rate(ytd, monthly, "banded") <= rate(ytd, monthly, "threshold")


def test_banded_is_the_policy_where_none_is_named() -> None:
    assert calculate_stars(Fraction(20), Fraction(180)) == 1


def test_stars_are_given_for_exact_sums_not_for_what_is_read() -> None:
    assert calculate_stars(Decimal("11.999"), Decimal(160)) == 1
    assert calculate_stars(Fraction(36, 3), Decimal(160)) == 4


def kept(month: Month, annualised: str, *, plant_id: UUID = PUNE, stars: int = 0) -> PlantMonth:
    return PlantMonth(plant_id, month, Decimal(annualised), practice_count=1, stars=stars)


def test_ytd_of_the_worked_example_is_1_then_3_then_11_and_a_third() -> None:
    months = [kept(Month(2025, 6), "12"), kept(Month(2025, 7), "24"), kept(Month(2025, 8), "100")]

    assert list(year_to_date(months, CALENDAR_YEARS).values()) == [1, 3, Fraction(34, 3)]


def test_ytd_starts_from_zero_with_every_financial_year() -> None:
    months = [kept(Month(2025, 3), "12"), kept(Month(2025, 4), "24"), kept(Month(2026, 1), "36")]

    assert list(year_to_date(months, FROM_APRIL).values()) == [1, 2, 5]
    assert list(year_to_date(months, CALENDAR_YEARS).values()) == [1, 3, 3]


def test_ytd_keeps_the_plants_apart() -> None:
    months = [kept(Month(2025, 1), "12"), kept(Month(2025, 1), "120", plant_id=CHENNAI)]

    assert year_to_date(months, CALENDAR_YEARS) == {
        (PUNE, Month(2025, 1)): 1,
        (CHENNAI, Month(2025, 1)): 10,
    }


def test_plants_may_still_date_a_submission_into_the_previous_and_this_month() -> None:
    assert list(savings.open_months(Month(2025, 1))) == [Month(2024, 12), Month(2025, 1)]


def test_a_span_is_widened_to_the_financial_years_that_it_touches() -> None:
    span = MonthSpan(Month(2025, 3), Month(2025, 4))

    assert savings.whole_years(span, FROM_APRIL) == MonthSpan(Month(2024, 4), Month(2026, 3))
    assert savings.whole_years(span, CALENDAR_YEARS) == MonthSpan(Month(2025, 1), Month(2025, 12))


class MemorySavings:
    """Practices and the plants' months, in memory; like the real one it keeps no empty month."""

    def __init__(self, *practices: PracticeState) -> None:
        self.practices = {one.id: one for one in practices}
        self.months: dict[tuple[UUID, Month], PlantMonth] = {}
        self.held: list[Collection[UUID] | None] = []

    def hold(self, plant_ids: Collection[UUID] | None) -> None:
        self.held.append(plant_ids)

    def aggregate(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        assert self.held, "the plants' months must be held before they are summed"
        return self.keep_sums(months, plant_ids)

    def keep_sums(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        """Sum as the database does by itself with every change of a practice."""
        before = dict(self.months)
        summed = self._summed()
        for key in before.keys() | summed.keys():
            if months.first <= key[1] <= months.last and (plant_ids is None or key[0] in plant_ids):
                self._replace(key, summed.get(key))
        return sum(before.get(key) != self.months.get(key) for key in before.keys() | self.months.keys())

    def kept(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> list[PlantMonth]:
        chosen = [
            one
            for one in self.months.values()
            if months.first <= one.month <= months.last and (plant_ids is None or one.plant_id in plant_ids)
        ]
        return sorted(chosen, key=lambda one: (str(one.plant_id), one.month))

    def rate(self, ratings: Collection[Rating]) -> int:
        for rating in ratings:
            key = (rating.plant_id, rating.month)
            self.months[key] = replace(self.months[key], stars=rating.stars)
        return len(ratings)

    def stars(self, plant_id: UUID = PUNE) -> dict[int, int]:
        """The stars of a plant by the number of the month."""
        return {one.month.month: one.stars for one in self.months.values() if one.plant_id == plant_id}

    def _replace(self, key: tuple[UUID, Month], summed: tuple[Decimal, int] | None) -> None:
        if summed is None:
            self.months.pop(key, None)
        else:
            stars = self.months[key].stars if key in self.months else 0
            self.months[key] = PlantMonth(*key, *summed, stars)

    def _summed(self) -> dict[tuple[UUID, Month], tuple[Decimal, int]]:
        sums: dict[tuple[UUID, Month], tuple[Decimal, int]] = {}
        for one in self.practices.values():
            if one.counted_month is not None:
                key = (one.plant_id, one.counted_month)
                annualised, count = sums.get(key, (Decimal(0), 0))
                sums[key] = (annualised + annualised_saving(one), count + 1)
        return sums


def annualised_saving(one: PracticeState) -> Decimal:
    said = one.content
    if said.savings_amount is None or said.savings_currency is None or said.savings_period is None:
        return Decimal(0)
    return annualised_lakhs(said.savings_amount, said.savings_currency, said.savings_period)


def saving_of(lakhs_a_month: str, day: date, *, plant_id: UUID = PUNE) -> PracticeState:
    """An approved practice that saves so many lakhs a month."""
    return practice(
        "approved", plant_id=plant_id, submitted_date=day, content=content(**saving(lakhs_a_month))
    )


YEAR = MonthSpan(Month(2025, 1), Month(2025, 12))


def test_recalculating_sums_every_month_and_rates_it() -> None:
    store = MemorySavings(
        saving_of("60", date(2025, 1, 10)),
        saving_of("6", date(2025, 2, 28)),
        saving_of("150", date(2025, 2, 1), plant_id=CHENNAI),
    )

    changed = savings.recalculate(store, CALENDAR_YEARS, YEAR)

    assert store.stars(PUNE) == {1: 1, 2: 2}
    assert store.stars(CHENNAI) == {2: 1}
    assert changed == 6, "three months were not kept, and none of them was rated"


def test_recalculating_twice_finds_nothing_to_change() -> None:
    store = MemorySavings(saving_of("60", date(2025, 1, 10)), saving_of("6", date(2025, 2, 28)))
    savings.recalculate(store, CALENDAR_YEARS, YEAR)

    assert savings.recalculate(store, CALENDAR_YEARS, YEAR) == 0


def test_summing_a_month_corrects_the_stars_of_the_later_months_of_its_year() -> None:
    store = MemorySavings(saving_of("6", date(2025, 3, 1)), saving_of("6", date(2025, 12, 1)))
    savings.recalculate(store, CALENDAR_YEARS, YEAR)
    assert store.stars() == {3: 0, 12: 0}

    late = saving_of("60", date(2025, 2, 10))
    store.practices[late.id] = late
    february = MonthSpan(Month(2025, 2), Month(2025, 2))
    savings.recalculate(store, CALENDAR_YEARS, february)

    assert store.stars() == {2: 1, 3: 2, 12: 2}


def test_a_month_of_the_year_before_is_rated_with_its_own_year() -> None:
    store = MemorySavings(saving_of("60", date(2025, 3, 1)), saving_of("6", date(2025, 4, 1)))

    savings.recalculate(store, FROM_APRIL, MonthSpan(Month(2025, 3), Month(2025, 4)))

    assert store.stars() == {3: 1, 4: 0}


def test_recalculating_one_plant_leaves_the_others_alone() -> None:
    store = MemorySavings(
        saving_of("60", date(2025, 1, 10)), saving_of("60", date(2025, 1, 10), plant_id=CHENNAI)
    )

    savings.recalculate(store, CALENDAR_YEARS, YEAR, [CHENNAI])

    assert store.stars(PUNE) == {}
    assert store.stars(CHENNAI) == {1: 1}


def test_the_plants_are_held_before_anything_is_summed_or_rated() -> None:
    store = MemorySavings()

    savings.aggregate_months(store, YEAR, [PUNE])
    savings.rate_months(store, CALENDAR_YEARS, YEAR)

    assert store.held == [[PUNE], None]


def changed(store: MemorySavings, before: PracticeState | None, after: PracticeState | None) -> None:
    """Change what is stored, and tell the ledger."""
    if before is not None:
        store.practices.pop(before.id, None)
    if after is not None:
        store.practices[after.id] = after
    store.keep_sums(YEAR, None)
    SavingsLedger(store, CALENDAR_YEARS).practice_changed(before, after)


def sums(store: MemorySavings) -> dict[tuple[UUID, int], Fraction]:
    return {(plant_id, month.month): one.monthly for (plant_id, month), one in store.months.items()}


def test_an_approval_counts_at_once_in_the_month_of_its_date() -> None:
    store = MemorySavings()
    approved = saving_of("60", date(2025, 6, 20))

    changed(store, replace(approved, status="submitted"), approved)

    assert sums(store) == {(PUNE, 6): 60}
    assert store.stars() == {6: 1}


def test_an_approved_practice_that_is_sent_back_counts_no_more() -> None:
    store = MemorySavings()
    approved = saving_of("60", date(2025, 6, 20))
    changed(store, None, approved)

    changed(store, approved, replace(approved, status="revision_required"))

    assert store.months == {}


def test_an_approved_practice_that_is_deleted_counts_no_more() -> None:
    store = MemorySavings()
    approved = saving_of("60", date(2025, 6, 20))
    changed(store, None, approved)

    changed(store, approved, None)

    assert store.months == {}


def test_an_approved_practice_that_gets_another_date_moves_from_one_month_to_the_other() -> None:
    store = MemorySavings()
    approved = saving_of("60", date(2025, 6, 20))
    changed(store, None, approved)

    changed(store, approved, replace(approved, submitted_date=date(2025, 5, 2)))

    assert sums(store) == {(PUNE, 5): 60}


def test_an_edited_saving_is_summed_anew_and_the_rest_of_the_year_rated() -> None:
    store = MemorySavings(saving_of("6", date(2025, 8, 1)))
    approved = saving_of("10", date(2025, 6, 20))
    changed(store, None, approved)
    savings.recalculate(store, CALENDAR_YEARS, YEAR)
    assert store.stars() == {6: 0, 8: 0}

    changed(store, approved, replace(approved, content=content(**saving("90"))))

    assert store.stars() == {6: 1, 8: 2}


def test_a_practice_that_counts_neither_before_nor_after_touches_no_month() -> None:
    store = MemorySavings()
    draft = practice("draft", content=content(**saving("60")))

    changed(store, None, draft)
    changed(store, draft, replace(draft, status="submitted", submitted_date=date(2025, 6, 1)))

    assert store.held == []


def test_a_practice_without_a_saving_counts_as_a_practice() -> None:
    store = MemorySavings()

    changed(store, None, practice("approved", submitted_date=date(2025, 6, 1)))

    (june,) = store.months.values()
    assert (june.practice_count, june.annualised, june.stars) == (1, Decimal(0), 0)
