from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from pydantic import ValidationError

from bp_core.analytics import costs, dashboard, figures
from bp_core.analytics.models import CategoryCount, PeriodQuery, SavingsMonthQuery
from bp_core.analytics.store import CountedPractice, PlantCounts, PlantName, PlantYear, Totals
from bp_core.savings import PlantMonth, SavingsRules, StarPolicy
from bp_core.shared.calendar import Month, MonthSpan
from tests.unit.bp_core.support import CHENNAI, HQ, OWNER, PUNE

CALENDAR_YEARS = SavingsRules(year_starts_in=1, star_policy="banded")
FROM_APRIL = SavingsRules(year_starts_in=4, star_policy="banded")
AUGUST = date(2025, 8, 9)

NOTHING = Totals(0, 0, 0, Decimal(0), Decimal(0))
NAMES = {PUNE: PlantName(PUNE, "Pune", "PN"), CHENNAI: PlantName(CHENNAI, "Chennai", "CH")}


class MemoryFigures:
    """Serves fixed figures, and notes for which months and plant they were asked for."""

    def __init__(self, totals: Totals = NOTHING, months: list[PlantMonth] | None = None) -> None:
        self._totals = totals
        self._months = months or []
        self.asked: list[tuple[MonthSpan, UUID | None]] = []

    def totals(self, year_so_far: MonthSpan, plant_id: UUID | None) -> Totals:
        self.asked.append((year_so_far, plant_id))
        return self._totals

    def plant_years(self, months: MonthSpan, plant_id: UUID | None) -> list[PlantYear]:
        self.asked.append((months, plant_id))
        return [
            PlantYear(
                name,
                {one.month: one for one in self._months if one.plant_id == known and one.month in months},
            )
            for known, name in NAMES.items()
            if plant_id in (None, known)
        ]

    def plant_counts(self, months: MonthSpan, plant_id: UUID | None) -> list[PlantCounts]:
        self.asked.append((months, plant_id))
        return [PlantCounts(**vars(NAMES[PUNE]), submitted=3, benchmarked=2)]

    def category_counts(self, months: MonthSpan, plant_id: UUID | None) -> list[CategoryCount]:
        self.asked.append((months, plant_id))
        return []

    def counted_practices(self, months: MonthSpan, plant_id: UUID) -> list[CountedPractice]:
        self.asked.append((months, plant_id))
        return []


def kept(month: int, annualised: str, stars: int, plant_id: UUID = PUNE) -> PlantMonth:
    return PlantMonth(plant_id, Month(2025, month), Decimal(annualised), 1, stars)


EXAMPLE = [kept(6, "12", 0), kept(7, "24", 0), kept(8, "100", 0)]
"""The worked example of the rules: 1, then 2, then 8 1/3 lakhs a month."""


def test_the_overview_shows_this_month_and_the_year_so_far_as_people_read_them() -> None:
    store = MemoryFigures(Totals(1, 6, 2, Decimal(100), Decimal(136)))

    shown = figures.overview(store, CALENDAR_YEARS, OWNER, "lakhs", AUGUST)

    assert (shown.monthly_savings, shown.ytd_savings) == ("8.33", "11.33")
    assert (shown.monthly_count, shown.ytd_count, shown.benchmarked_count) == (1, 6, 2)
    assert (shown.stars, shown.currency) == (0, "lakhs")


def test_the_overview_shows_crores_to_who_asks_for_them() -> None:
    store = MemoryFigures(Totals(1, 6, 2, Decimal(1481), Decimal(24_000)))

    shown = figures.overview(store, CALENDAR_YEARS, OWNER, "crores", AUGUST)

    assert (shown.monthly_savings, shown.ytd_savings, shown.currency) == ("1.23", "20.00", "crores")


@pytest.mark.parametrize(("policy", "stars"), [("banded", 1), ("threshold", 4)])
def test_the_overview_gives_stars_by_the_policy_of_the_installation(policy: StarPolicy, stars: int) -> None:
    store = MemoryFigures(Totals(1, 1, 0, Decimal(20 * 12), Decimal(180 * 12)))

    assert figures.overview(store, SavingsRules(1, policy), OWNER, "lakhs", AUGUST).stars == stars


def test_the_overview_is_of_the_callers_plant_and_to_headquarters_of_the_company() -> None:
    store = MemoryFigures()

    figures.overview(store, CALENDAR_YEARS, OWNER, "lakhs", AUGUST)
    figures.overview(store, CALENDAR_YEARS, HQ, "lakhs", AUGUST)

    so_far = MonthSpan(Month(2025, 1), Month(2025, 8))
    assert store.asked == [(so_far, PUNE), (so_far, None)]


def test_a_year_that_starts_in_april_reaches_back_to_april() -> None:
    store = MemoryFigures()

    figures.overview(store, FROM_APRIL, HQ, "lakhs", date(2025, 2, 1))

    assert store.asked == [(MonthSpan(Month(2024, 4), Month(2025, 2)), None)]


def test_star_ratings_show_a_month_and_the_year_up_to_it() -> None:
    store = MemoryFigures(months=[kept(6, "720", 1), kept(7, "72", 2)])

    pune, chennai = figures.star_ratings(
        store, CALENDAR_YEARS, HQ, SavingsMonthQuery(year=2025, month=7), AUGUST
    )

    assert (pune.plant_name, pune.monthly_savings, pune.ytd_savings, pune.stars) == (
        "Pune",
        "6.00",
        "66.00",
        2,
    )
    assert (chennai.plant_name, chennai.monthly_savings, chennai.ytd_savings, chennai.stars) == (
        "Chennai",
        "0.00",
        "0.00",
        0,
    )


def test_star_ratings_of_the_worked_example_read_8_33_and_11_33() -> None:
    pune, _ = figures.star_ratings(
        MemoryFigures(months=EXAMPLE), CALENDAR_YEARS, HQ, SavingsMonthQuery(), AUGUST
    )

    assert (pune.monthly_savings, pune.ytd_savings) == ("8.33", "11.33")


def test_a_month_without_savings_shows_the_year_so_far_and_no_star() -> None:
    store = MemoryFigures(months=[kept(6, "720", 1), kept(7, "72", 2)])

    pune, _ = figures.star_ratings(store, CALENDAR_YEARS, HQ, SavingsMonthQuery(), AUGUST)

    assert (pune.monthly_savings, pune.ytd_savings, pune.stars) == ("0.00", "66.00", 0)


def test_a_plant_user_sees_the_stars_of_the_own_plant_only() -> None:
    store = MemoryFigures(months=EXAMPLE)

    ratings = figures.star_ratings(store, CALENDAR_YEARS, OWNER, SavingsMonthQuery(), AUGUST)

    assert [rating.plant_id for rating in ratings] == [PUNE]


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (SavingsMonthQuery(), MonthSpan(Month(2025, 1), Month(2025, 8))),
        (SavingsMonthQuery(month=3), MonthSpan(Month(2025, 1), Month(2025, 3))),
        (SavingsMonthQuery(year=2024), MonthSpan(Month(2024, 1), Month(2024, 8))),
        (SavingsMonthQuery(year=2024, month=12), MonthSpan(Month(2024, 1), Month(2024, 12))),
    ],
)
def test_a_month_that_is_not_named_is_this_one(query: SavingsMonthQuery, asked: MonthSpan) -> None:
    store = MemoryFigures()

    figures.star_ratings(store, CALENDAR_YEARS, HQ, query, AUGUST)

    assert store.asked == [(asked, None)]


@pytest.mark.parametrize(
    "sent", [{"month": 0}, {"month": 13}, {"year": 1999}, {"year": 2101}, {"currency": "dollars"}]
)
def test_months_years_and_currencies_that_are_none_are_refused(sent: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SavingsMonthQuery.model_validate(sent)


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (3, 4, "33.33"),
        (3, 2, "-33.33"),
        (3, 5, "66.66"),
        (1, 1, "0"),
        (1, 0, "-100"),
        (Fraction(1, 3), 1, "200"),
        (-1, 1, "-200"),
    ],
)
def test_a_change_in_per_cent_is_cut_off_after_two_decimals(
    before: Fraction, now: Fraction, change: str
) -> None:
    assert costs.percent_change(Fraction(before), Fraction(now)) == Decimal(change)


def test_from_nothing_there_is_no_change_in_per_cent() -> None:
    assert costs.percent_change(Fraction(0), Fraction(7)) is None


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        (PeriodQuery(), Month(2025, 4), Month(2026, 3)),
        (PeriodQuery(year=2024, month=2), Month(2024, 4), Month(2025, 3)),
        (PeriodQuery(period="monthly"), Month(2025, 8), Month(2025, 8)),
        (PeriodQuery(period="monthly", year=2024, month=2), Month(2024, 2), Month(2024, 2)),
    ],
)
def test_a_year_is_a_financial_year_and_with_a_month_a_calendar_year(
    query: PeriodQuery, first: Month, last: Month
) -> None:
    assert figures.period(query, FROM_APRIL, AUGUST) == MonthSpan(first, last)


def test_the_month_before_may_lie_in_the_financial_year_before() -> None:
    store = MemoryFigures(months=[kept(3, "12", 0), kept(4, "24", 0)])

    april = costs.cost_analysis(store, FROM_APRIL, OWNER, SavingsMonthQuery(year=2025, month=4), AUGUST)

    [pune] = april.plants
    assert (pune.last_month, pune.current_month, pune.percent_change) == ("1.00", "2.00", Decimal(100))
    assert (pune.ytd_till_last_month, pune.ytd_total) == ("0.00", "2.00")
    assert [trend.month for trend in april.breakdowns.monthly_trends] == ["2025-04"]


def test_the_trend_of_a_company_has_the_stars_that_its_sums_would_earn() -> None:
    sums = {Month(2025, 4): Decimal(60 * 12), Month(2025, 5): Decimal(8 * 12)}

    months = dashboard.trend(sums, MonthSpan(Month(2025, 4), Month(2026, 3)), FROM_APRIL, "crores")

    assert [(one.month, one.savings, one.stars) for one in months[:3]] == [
        ("2025-04", "0.60", 1), ("2025-05", "0.08", 2), ("2025-06", "0.00", 0)
    ]  # fmt: skip
    assert len(months) == 12
