from collections.abc import Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest

from bp_core.practices.workflow import PracticeState
from bp_core.savings import (
    PlantMonth,
    Rating,
    SavingsRules,
    SavingsService,
    StarRatingListener,
    open_months,
    whole_years,
    year_to_date,
)
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.money import annualised_lakhs
from tests.unit.bp_core.support import CHENNAI, PUNE, content, context, practice, saving

CALENDAR_YEARS = SavingsRules(year_starts_in=1, star_policy="banded")
FROM_APRIL = SavingsRules(year_starts_in=4, star_policy="banded")


def stored(month: Month, annualised: str, *, plant_id: UUID = PUNE, stars: int = 0) -> PlantMonth:
    return PlantMonth(plant_id, month, Decimal(annualised), practice_count=1, stars=stars)


def test_ytd_of_the_worked_example_is_1_then_3_then_11_and_a_third() -> None:
    months = [stored(Month(2025, 6), "12"), stored(Month(2025, 7), "24"), stored(Month(2025, 8), "100")]

    assert list(year_to_date(months, CALENDAR_YEARS).values()) == [1, 3, Fraction(34, 3)]


def test_ytd_starts_from_zero_with_every_financial_year() -> None:
    months = [stored(Month(2025, 3), "12"), stored(Month(2025, 4), "24"), stored(Month(2026, 1), "36")]

    assert list(year_to_date(months, FROM_APRIL).values()) == [1, 2, 5]
    assert list(year_to_date(months, CALENDAR_YEARS).values()) == [1, 3, 3]


def test_ytd_is_summed_for_each_plant() -> None:
    months = [stored(Month(2025, 1), "12"), stored(Month(2025, 1), "120", plant_id=CHENNAI)]

    assert year_to_date(months, CALENDAR_YEARS) == {
        (PUNE, Month(2025, 1)): 1,
        (CHENNAI, Month(2025, 1)): 10,
    }


def test_plants_may_still_date_a_submission_into_the_previous_and_this_month() -> None:
    assert list(open_months(Month(2025, 1))) == [Month(2024, 12), Month(2025, 1)]


def test_a_span_is_widened_to_the_financial_years_that_it_touches() -> None:
    span = MonthSpan(Month(2025, 3), Month(2025, 4))

    assert whole_years(span, FROM_APRIL) == MonthSpan(Month(2024, 4), Month(2026, 3))
    assert whole_years(span, CALENDAR_YEARS) == MonthSpan(Month(2025, 1), Month(2025, 12))


class MemorySavings:
    """Stores practices and the plants' months; like the database it has no row for an empty month."""

    def __init__(self, *practices: PracticeState) -> None:
        self.practices = {one.id: one for one in practices}
        self.months: dict[tuple[UUID, Month], PlantMonth] = {}
        self.locked: list[Collection[UUID] | None] = []

    def lock(self, plant_ids: Collection[UUID] | None) -> None:
        self.locked.append(plant_ids)

    def aggregate(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        assert self.locked, "the plants' months must be locked before they are summed"
        return self.update_sums(months, plant_ids)

    def update_sums(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> int:
        """Sum as the triggers of the database do with every change of a practice."""
        before = dict(self.months)
        summed = self._summed()
        for key in before.keys() | summed.keys():
            if months.first <= key[1] <= months.last and (plant_ids is None or key[0] in plant_ids):
                self._replace(key, summed.get(key))
        return sum(before.get(key) != self.months.get(key) for key in before.keys() | self.months.keys())

    def plant_months(self, months: MonthSpan, plant_ids: Collection[UUID] | None) -> list[PlantMonth]:
        chosen = [
            one
            for one in self.months.values()
            if months.first <= one.month <= months.last and (plant_ids is None or one.plant_id in plant_ids)
        ]
        return sorted(chosen, key=lambda one: (str(one.plant_id), one.month))

    def rebuild(self) -> int:
        raise NotImplementedError("no unit test rebuilds the stored sums")

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


def service(store: MemorySavings, rules: SavingsRules = CALENDAR_YEARS) -> SavingsService:
    return SavingsService(store, rules, context())


def test_recalculating_sums_every_month_and_rates_it() -> None:
    store = MemorySavings(
        saving_of("60", date(2025, 1, 10)),
        saving_of("6", date(2025, 2, 28)),
        saving_of("150", date(2025, 2, 1), plant_id=CHENNAI),
    )

    changed = service(store).recalculate(YEAR)

    assert store.stars(PUNE) == {1: 1, 2: 2}
    assert store.stars(CHENNAI) == {2: 1}
    assert changed == 6, "three months were not stored, and none of them was rated"


def test_recalculating_twice_finds_nothing_to_change() -> None:
    store = MemorySavings(saving_of("60", date(2025, 1, 10)), saving_of("6", date(2025, 2, 28)))
    service(store).recalculate(YEAR)

    assert service(store).recalculate(YEAR) == 0


def test_summing_a_month_corrects_the_stars_of_the_later_months_of_its_year() -> None:
    store = MemorySavings(saving_of("6", date(2025, 3, 1)), saving_of("6", date(2025, 12, 1)))
    service(store).recalculate(YEAR)
    assert store.stars() == {3: 0, 12: 0}

    late = saving_of("60", date(2025, 2, 10))
    store.practices[late.id] = late
    february = MonthSpan(Month(2025, 2), Month(2025, 2))
    service(store).recalculate(february)

    assert store.stars() == {2: 1, 3: 2, 12: 2}


def test_a_month_of_the_year_before_is_rated_with_its_own_year() -> None:
    store = MemorySavings(saving_of("60", date(2025, 3, 1)), saving_of("6", date(2025, 4, 1)))

    service(store, FROM_APRIL).recalculate(MonthSpan(Month(2025, 3), Month(2025, 4)))

    assert store.stars() == {3: 1, 4: 0}


def test_recalculating_one_plant_does_not_change_the_others() -> None:
    store = MemorySavings(
        saving_of("60", date(2025, 1, 10)), saving_of("60", date(2025, 1, 10), plant_id=CHENNAI)
    )

    service(store).recalculate(YEAR, [CHENNAI])

    assert store.stars(PUNE) == {}
    assert store.stars(CHENNAI) == {1: 1}


def test_the_plants_are_locked_before_anything_is_summed_or_rated() -> None:
    store = MemorySavings()

    service(store).aggregate(YEAR, [PUNE])
    service(store).rate(YEAR)

    assert store.locked == [[PUNE], None]


def changed(store: MemorySavings, before: PracticeState | None, after: PracticeState | None) -> None:
    """Change what is stored, and tell the listener."""
    if before is not None:
        store.practices.pop(before.id, None)
    if after is not None:
        store.practices[after.id] = after
    store.update_sums(YEAR, None)
    StarRatingListener(service(store)).practice_changed(before, after)


def sums(store: MemorySavings) -> dict[tuple[UUID, int], Fraction]:
    return {(plant_id, month.month): one.monthly for (plant_id, month), one in store.months.items()}


def test_an_approval_counts_immediately_in_the_month_of_its_date() -> None:
    store = MemorySavings()
    approved = saving_of("60", date(2025, 6, 20))

    changed(store, replace(approved, status="submitted"), approved)

    assert sums(store) == {(PUNE, 6): 60}
    assert store.stars() == {6: 1}


def test_an_approved_practice_that_is_sent_back_no_longer_counts() -> None:
    store = MemorySavings()
    approved = saving_of("60", date(2025, 6, 20))
    changed(store, None, approved)

    changed(store, approved, replace(approved, status="revision_required"))

    assert store.months == {}


def test_an_approved_practice_that_is_deleted_no_longer_counts() -> None:
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


def test_an_edited_saving_is_summed_again_and_the_rest_of_the_year_rated() -> None:
    store = MemorySavings(saving_of("6", date(2025, 8, 1)))
    approved = saving_of("10", date(2025, 6, 20))
    changed(store, None, approved)
    service(store).recalculate(YEAR)
    assert store.stars() == {6: 0, 8: 0}

    changed(store, approved, replace(approved, content=content(**saving("90"))))

    assert store.stars() == {6: 1, 8: 2}


def test_a_practice_that_counts_neither_before_nor_after_changes_no_month() -> None:
    store = MemorySavings()
    draft = practice("draft", content=content(**saving("60")))

    changed(store, None, draft)
    changed(store, draft, replace(draft, status="submitted", submitted_date=date(2025, 6, 1)))

    assert store.locked == []


def test_a_practice_without_a_saving_counts_as_a_practice() -> None:
    store = MemorySavings()

    changed(store, None, practice("approved", submitted_date=date(2025, 6, 1)))

    (june,) = store.months.values()
    assert (june.practice_count, june.annualised, june.stars) == (1, Decimal(0), 0)


@pytest.mark.parametrize(
    ("rules", "year", "stars"),
    [
        (CALENDAR_YEARS, None, {2: 1, 4: 1}),
        (CALENDAR_YEARS, 2024, {}),
        (FROM_APRIL, None, {4: 1}),
        (FROM_APRIL, 2024, {2: 1}),
    ],
)
def test_a_financial_year_is_recalculated_this_one_if_none_is_named(
    rules: SavingsRules, year: int | None, stars: dict[int, int]
) -> None:
    store = MemorySavings(saving_of("60", date(2025, 2, 10)), saving_of("60", date(2025, 4, 10)))

    assert service(store, rules).recalculate_year(year) == 2 * len(stars)
    assert store.stars() == stars


def test_the_jobs_sum_and_rate_the_months_in_which_plants_may_still_date_a_submission() -> None:
    store = MemorySavings(*(saving_of("60", date(2025, month, 10)) for month in (5, 6, 7)))
    jobs = service(store)

    assert (jobs.aggregate_open_months(), jobs.rate_open_months()) == (2, 2)
    assert store.stars() == {6: 1, 7: 1}
