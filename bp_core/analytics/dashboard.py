"""The dashboard: several lists and figures in one response, read from one snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from bp_core.analytics.ports import PlantYear, Totals
from bp_core.analytics.schemas import CategoryCount, Overview, StarRating, TrendMonth
from bp_core.benchmarking import ListedBenchmark
from bp_core.copying import Spread
from bp_core.leaderboard import Standing
from bp_core.practices.schemas import PracticeListItem, StoredListItem
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.schemas import ResponseModel

NEWEST: Final = 10
"""How many of the newest practices and of the newest benchmarks the dashboard has."""

TOP_PLANTS: Final = 10
"""How many plants of the leaderboard the dashboard has."""

MOST_COPIED: Final = 5
"""How many of the most copied practices the dashboard has."""


class Dashboard(ResponseModel):
    """The dashboard: figures of the caller's plant or of the company, and lists for all users.

    `trend` has the twelve months of the current financial year.
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
    """The stored sections of the dashboard; `annualised` has the annualised savings by month, in lakhs."""

    totals: Totals
    recent: list[StoredListItem]
    recent_benchmarked: list[ListedBenchmark]
    leaderboard: list[Standing]
    category_breakdown: list[CategoryCount]
    copy_spread: list[Spread]
    plants: list[PlantYear]
    annualised: Mapping[Month, Decimal]


class DashboardStore(Protocol):
    """Reads the sections of the dashboard."""

    def sections(self, caller: Caller, year: MonthSpan, this_month: Month) -> Sections:
        """Read all sections from one snapshot: of one plant, or of the company (None)."""
        ...
