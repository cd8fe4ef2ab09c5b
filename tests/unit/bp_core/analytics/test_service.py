from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from bp_core.analytics.dashboard import Sections
from bp_core.analytics.ports import CountedPractice, PlantCounts, PlantName, PlantYear, Totals
from bp_core.analytics.schemas import (
    CategoryCount,
    CategoryQuery,
    CurrencyQuery,
    PeriodQuery,
    SavingsMonthQuery,
    SavingsYearQuery,
)
from bp_core.analytics.service import AnalyticsService
from bp_core.savings import PlantMonth, SavingsRules, StarPolicy
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.errors import NotFound
from tests.unit.bp_core.practices.fakes import PlainLinks
from tests.unit.bp_core.support import CHENNAI, HQ, OWNER, PUNE, context

CALENDAR_YEARS = SavingsRules(year_starts_in=1, star_policy="banded")
FROM_APRIL = SavingsRules(year_starts_in=4, star_policy="banded")
AUGUST = date(2025, 8, 9)

NOTHING = Totals(0, 0, 0, Decimal(0), Decimal(0))
NAMES = {PUNE: PlantName(PUNE, "Pune", "PN"), CHENNAI: PlantName(CHENNAI, "Chennai", "CH")}


class MemoryFigures:
    """Returns fixed figures, and records for which months and plant they were requested."""

    def __init__(self, totals: Totals = NOTHING, months: list[PlantMonth] | None = None) -> None:
        self._totals = totals
        self.annualised: Mapping[Month, Decimal] = {}
        self.practices: list[CountedPractice] = []
        self._months = months or []
        self.requested: list[tuple[MonthSpan, UUID | None]] = []

    def totals(self, year_so_far: MonthSpan, plant_id: UUID | None) -> Totals:
        self.requested.append((year_so_far, plant_id))
        return self._totals

    def plant_years(self, months: MonthSpan, plant_id: UUID | None) -> list[PlantYear]:
        self.requested.append((months, plant_id))
        return [
            PlantYear(
                name,
                {one.month: one for one in self._months if one.plant_id == known and one.month in months},
            )
            for known, name in NAMES.items()
            if plant_id in (None, known)
        ]

    def plant_counts(self, months: MonthSpan) -> list[PlantCounts]:
        self.requested.append((months, None))
        return [PlantCounts(**vars(NAMES[PUNE]), submitted=3, benchmarked=2)]

    def category_counts(self, months: MonthSpan, plant_id: UUID | None) -> list[CategoryCount]:
        self.requested.append((months, plant_id))
        return []

    def counted_practices(self, months: MonthSpan, plant_id: UUID) -> list[CountedPractice]:
        self.requested.append((months, plant_id))
        return self.practices

    def sections(self, caller: Caller, year: MonthSpan, this_month: Month) -> Sections:
        return Sections(
            totals=self._totals,
            recent=[],
            recent_benchmarked=[],
            leaderboard=[],
            category_breakdown=[],
            copy_spread=[],
            plants=self.plant_years(year, caller.plant_id),
            annualised=self.annualised,
        )


def stored(month: int, annualised: str, stars: int, plant_id: UUID = PUNE) -> PlantMonth:
    return PlantMonth(plant_id, Month(2025, month), Decimal(annualised), 1, stars)


def service(
    store: MemoryFigures, rules: SavingsRules = CALENDAR_YEARS, today: date = AUGUST
) -> AnalyticsService:
    return AnalyticsService(store, store, PlainLinks(), rules, context(today))


EXAMPLE = [stored(6, "12", 0), stored(7, "24", 0), stored(8, "100", 0)]
"""The worked example of the rules: 1, then 2, then 8 1/3 lakhs a month."""


def test_the_overview_shows_this_month_and_the_year_so_far_as_people_read_them() -> None:
    store = MemoryFigures(Totals(1, 6, 2, Decimal(100), Decimal(136)))

    shown = service(store).overview(OWNER, CurrencyQuery(currency="lakhs"))

    assert (shown.monthly_savings, shown.ytd_savings) == ("8.33", "11.33")
    assert (shown.monthly_count, shown.ytd_count, shown.benchmarked_count) == (1, 6, 2)
    assert (shown.stars, shown.currency) == (0, "lakhs")


def test_the_overview_shows_crores_on_request() -> None:
    store = MemoryFigures(Totals(1, 6, 2, Decimal(1481), Decimal(24_000)))

    shown = service(store).overview(OWNER, CurrencyQuery(currency="crores"))

    assert (shown.monthly_savings, shown.ytd_savings, shown.currency) == ("1.23", "20.00", "crores")


@pytest.mark.parametrize(("policy", "stars"), [("banded", 1), ("threshold", 4)])
def test_the_overview_gives_stars_by_the_policy_of_the_installation(policy: StarPolicy, stars: int) -> None:
    store = MemoryFigures(Totals(1, 1, 0, Decimal(20 * 12), Decimal(180 * 12)))

    assert service(store, SavingsRules(1, policy)).overview(OWNER, CurrencyQuery()).stars == stars


def test_the_overview_is_of_the_callers_plant_and_to_headquarters_of_the_company() -> None:
    store = MemoryFigures()

    service(store).overview(OWNER, CurrencyQuery(currency="lakhs"))
    service(store).overview(HQ, CurrencyQuery(currency="lakhs"))

    so_far = MonthSpan(Month(2025, 1), Month(2025, 8))
    assert store.requested == [(so_far, PUNE), (so_far, None)]


def test_a_year_that_starts_in_april_reaches_back_to_april() -> None:
    store = MemoryFigures()

    service(store, FROM_APRIL, date(2025, 2, 1)).overview(HQ, CurrencyQuery())

    assert store.requested == [(MonthSpan(Month(2024, 4), Month(2025, 2)), None)]


def test_star_ratings_show_a_month_and_the_year_up_to_it() -> None:
    store = MemoryFigures(months=[stored(6, "720", 1), stored(7, "72", 2)])

    pune, chennai = service(store).star_ratings(SavingsMonthQuery(year=2025, month=7)).items

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
    pune, _ = service(MemoryFigures(months=EXAMPLE)).star_ratings(SavingsMonthQuery()).items

    assert (pune.monthly_savings, pune.ytd_savings) == ("8.33", "11.33")


def test_a_month_without_savings_shows_the_year_so_far_and_no_star() -> None:
    store = MemoryFigures(months=[stored(6, "720", 1), stored(7, "72", 2)])

    pune, _ = service(store).star_ratings(SavingsMonthQuery()).items

    assert (pune.monthly_savings, pune.ytd_savings, pune.stars) == ("0.00", "66.00", 0)


@pytest.mark.parametrize(
    ("query", "requested"),
    [
        (SavingsMonthQuery(), MonthSpan(Month(2025, 1), Month(2025, 8))),
        (SavingsMonthQuery(month=3), MonthSpan(Month(2025, 1), Month(2025, 3))),
        (SavingsMonthQuery(year=2024), MonthSpan(Month(2024, 1), Month(2024, 8))),
        (SavingsMonthQuery(year=2024, month=12), MonthSpan(Month(2024, 1), Month(2024, 12))),
    ],
)
def test_a_month_that_is_not_named_is_this_one(query: SavingsMonthQuery, requested: MonthSpan) -> None:
    store = MemoryFigures()

    service(store).star_ratings(query)

    assert store.requested == [(requested, None)]


def test_the_month_before_may_lie_in_the_financial_year_before() -> None:
    store = MemoryFigures(months=[stored(3, "12", 0), stored(4, "24", 0)])

    april = service(store, FROM_APRIL).cost_analysis(SavingsMonthQuery(year=2025, month=4))

    pune, _ = april.plants.items
    assert (pune.last_month, pune.current_month, pune.percent_change) == ("1.00", "2.00", Decimal(100))
    assert (pune.ytd_till_last_month, pune.ytd_total) == ("0.00", "2.00")
    assert [trend.month for trend in april.breakdowns.monthly_trends] == ["2025-04"] * 2


def test_a_dashboard_shows_the_trend_and_the_stars_of_this_year() -> None:
    store = MemoryFigures(Totals(1, 6, 2, Decimal(100), Decimal(136)), EXAMPLE)
    store.annualised = {Month(2025, 8): Decimal(100)}

    dashboard = service(store).dashboard(OWNER, CurrencyQuery())

    assert (dashboard.overview.ytd_savings, dashboard.overview.benchmarked_count) == ("11.33", 2)
    assert [(one.plant_id, one.ytd_savings) for one in dashboard.star_ratings] == [(PUNE, "11.33")]
    assert [one.savings for one in dashboard.trend[6:9]] == ["0.00", "8.33", "0.00"]


def test_the_trend_of_a_plant_has_its_stored_stars() -> None:
    store = MemoryFigures(months=[stored(6, "720", 3), stored(7, "72", 2)])

    trend = service(store).monthly_trend(PUNE, SavingsYearQuery()).items

    assert [(one.month, one.savings, one.stars) for one in trend[5:8]] == [
        ("2025-06", "60.00", 3),
        ("2025-07", "6.00", 2),
        ("2025-08", "0.00", 0),
    ]
    assert len(trend) == 12


def test_a_month_lists_the_practices_that_count_in_it() -> None:
    store = MemoryFigures(months=EXAMPLE)
    hoses = CountedPractice(
        PUNE, "Shorter hoses", date(2025, 8, 1), benchmarked=True, annualised=Decimal(100)
    )
    store.practices = [hoses]

    months = service(store).monthly_costs(PUNE, SavingsYearQuery()).items

    assert [(one.month, one.total_savings, len(one.practices)) for one in months[6:9]] == [
        ("2025-07", "2.00", 0),
        ("2025-08", "8.33", 1),
        ("2025-09", "0.00", 0),
    ]
    [shown] = months[7].practices
    assert (shown.title, shown.savings, shown.benchmarked) == ("Shorter hoses", "8.33", True)


def test_a_plant_that_is_not_there_is_not_found() -> None:
    nowhere = UUID(int=0)

    with pytest.raises(NotFound):
        service(MemoryFigures()).monthly_trend(nowhere, SavingsYearQuery())
    with pytest.raises(NotFound):
        service(MemoryFigures()).monthly_costs(nowhere, SavingsYearQuery())


@pytest.mark.parametrize("plant_id", [None, CHENNAI])
def test_categories_are_counted_for_the_plant_that_is_named_or_for_the_company(
    plant_id: UUID | None,
) -> None:
    store = MemoryFigures()

    service(store).category_breakdown(CategoryQuery(plant_id=plant_id))

    assert store.requested == [(MonthSpan(Month(2025, 1), Month(2025, 12)), plant_id)]


def test_counts_of_the_plants_are_read_for_a_month() -> None:
    store = MemoryFigures()

    [performance] = service(store).plant_performance(PeriodQuery(period="monthly")).items
    [benchmarks] = service(store).benchmark_stats(PeriodQuery()).items

    assert (performance.submitted, benchmarks.benchmarked_count) == (3, 2)
    assert store.requested == [(MonthSpan(Month(2025, 8), Month(2025, 8)), None)] * 2


def test_a_page_of_the_cost_analysis_cuts_the_plants_and_leaves_the_breakdowns_whole() -> None:
    store = MemoryFigures(months=EXAMPLE)

    second = service(store).cost_analysis(SavingsMonthQuery(limit=1, offset=1))

    assert [one.plant_name for one in second.plants.items] == ["Chennai"]
    assert (second.plants.total, second.plants.has_more) == (2, False)
    assert [one.plant_name for one in second.breakdowns.ytd_breakdown] == ["Pune", "Chennai"]
