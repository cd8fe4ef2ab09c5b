"""All that a dashboard shows, at one moment and in one call."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from bp_core.analytics.figures import show_rating, show_totals, year_of, year_so_far
from bp_core.analytics.models import CategoryCount, Overview, StarRating, TrendMonth
from bp_core.analytics.store import PlantYear, Totals
from bp_core.benchmarking import ListedBenchmark
from bp_core.copying import Spread
from bp_core.leaderboard import Standing
from bp_core.practices import reading
from bp_core.practices.models import PracticeListItem, StoredListItem
from bp_core.practices.store import Links
from bp_core.savings import SavingsRules, calculate_stars
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Moment, Month, MonthSpan
from bp_core.shared.model import Currency, Shown
from bp_core.shared.money import format_currency, monthly_lakhs

PLANTS_LED: Final = 10
"""How many plants of the leaderboard a dashboard shows."""

MOST_COPIED: Final = 5
"""How many of the most copied practices a dashboard shows."""


class Dashboard(Shown):
    """All that a dashboard shows: figures of the caller's plant or of the company, and what concerns all.

    `trend` is the twelve months of this financial year.
    """

    overview: Overview
    recent: list[PracticeListItem]
    recent_benchmarked: list[ListedBenchmark]
    leaderboard: list[Standing]
    category_breakdown: list[CategoryCount]
    copy_spread: list[Spread]
    star_ratings: list[StarRating]
    trend: list[TrendMonth]


@dataclass(frozen=True)
class Sections:
    """The sections of a dashboard as they are kept; `annualised` are the sums of the months, in lakhs."""

    totals: Totals
    recent: list[StoredListItem]
    recent_benchmarked: list[ListedBenchmark]
    leaderboard: list[Standing]
    category_breakdown: list[CategoryCount]
    copy_spread: list[Spread]
    plants: list[PlantYear]
    annualised: Mapping[Month, Decimal]


class DashboardStore(Protocol):
    """Where the sections come from."""

    def sections(self, year: MonthSpan, this_month: Month, plant_id: UUID | None) -> Sections:
        """Find all sections at once: of one plant, or for None of the company."""
        ...


def show(
    store: DashboardStore,
    links: Links,
    rules: SavingsRules,
    caller: Caller,
    currency: Currency,
    moment: Moment,
) -> Dashboard:
    """Show the caller's plant, or the company to headquarters, this month and this financial year."""
    year, this_month = year_of(None, rules, moment.day), Month.of(moment.day)
    found = store.sections(year, this_month, caller.plant_id)
    so_far = year_so_far(this_month, rules)
    return Dashboard(
        overview=show_totals(found.totals, rules, currency),
        recent=reading.show_items(links, found.recent, moment.at),
        recent_benchmarked=found.recent_benchmarked,
        leaderboard=found.leaderboard,
        category_breakdown=found.category_breakdown,
        copy_spread=found.copy_spread,
        star_ratings=[show_rating(plant, so_far, currency) for plant in found.plants],
        trend=trend(found.annualised, year, rules, currency),
    )


def trend(
    annualised: Mapping[Month, Decimal], year: MonthSpan, rules: SavingsRules, currency: Currency
) -> list[TrendMonth]:
    """Show the months of a financial year, each with the stars that its sum would earn a plant."""
    so_far = Decimal(0)
    months = []
    for month in year:
        saved = annualised.get(month, Decimal(0))
        so_far += saved
        stars = calculate_stars(monthly_lakhs(saved), monthly_lakhs(so_far), rules.star_policy)
        savings = format_currency(monthly_lakhs(saved), currency)
        months.append(TrendMonth(month=str(month), savings=savings, stars=stars))
    return months
