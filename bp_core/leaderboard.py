"""The leaderboard: the points that plants earn when practices are copied (rules 5).

Points are computed from benchmarks and copies. Their sums per plant and year are stored: every change of a
benchmark or a copy adds the difference to them in the same transaction.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal, Protocol
from uuid import UUID

from pydantic import ConfigDict, Field, computed_field
from typing_extensions import override

from bp_core.practices.ports import CopyPoints
from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.context import Context
from bp_core.shared.errors import NotFound
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery, RequestModel, ResponseModel, Year

ORIGIN_POINTS: Final = 10
"""The points of the origin plant for the first copy of a benchmarked practice."""

COPIER_POINTS: Final = 5
"""The points of a plant for each benchmarked practice that it copies."""


class CalendarYearQuery(RequestModel):
    """Selects a calendar year; each operation says what it does without one."""

    year: Year | None = None


class StandingsQuery(CalendarYearQuery, PageQuery):
    """Selects one page of the leaderboard of a calendar year."""


class Earning(ResponseModel):
    """Points of a plant for one practice, as its origin or for copying it."""

    type: Literal["Origin", "Copier"]
    points: int
    date: date
    bp_title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    bp_id: UUID


class Standing(ResponseModel):
    """The points of a plant in a year, its rank, and the single earnings, newest first."""

    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    total_points: int
    origin_points: int
    copier_points: int
    rank: int
    breakdown: list[Earning]


class CopiedEarning(ResponseModel):
    """Points of a plant for copying a practice."""

    bp_title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    bp_id: UUID
    points: int
    date: date


class OriginatedEarning(ResponseModel):
    """Points of a plant as the origin of a practice; `copies_count` is the current number of copies.

    A benchmarked practice without copies has 0 copies and 0 points, in the year of its benchmark.
    """

    bp_title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    bp_id: UUID
    copies_count: int
    points: int


class PointsBreakdown(ResponseModel):
    """The single earnings of a plant in a year, newest first."""

    model_config = ConfigDict(serialize_by_alias=True)

    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    copied: list[CopiedEarning]
    originated: list[OriginatedEarning]

    @computed_field(alias="copiedCount")
    def copied_count(self) -> int:
        """The number of practices that the plant copied."""
        return len(self.copied)

    @computed_field(alias="copiedPoints")
    def copied_points(self) -> int:
        """The points for them."""
        return sum(earned.points for earned in self.copied)

    @computed_field(alias="originatedCount")
    def originated_count(self) -> int:
        """The number of practices in `originated`, with those without copies."""
        return len(self.originated)

    @computed_field(alias="originatedPoints")
    def originated_points(self) -> int:
        """The points for them."""
        return sum(earned.points for earned in self.originated)


class LeaderboardTotals(ResponseModel):
    """Totals of the leaderboard for a year, or for all years (null).

    `total_entries` counts the entries (plant and year) with points.
    """

    year: Annotated[int | None, Field(examples=[2026])]
    total_entries: int
    origin_points_awarded: int
    copier_points_awarded: int
    total_points: int


@dataclass(frozen=True)
class PlantPoints:
    """Points of a plant in a year, or a change of them; negative if points were subtracted."""

    plant_id: UUID
    year: int
    origin_points: int
    copier_points: int


class LeaderboardStore(Protocol):
    """Stores the sums of points, and computes them from benchmarks and copies."""

    def earned_through(self, practice_id: UUID) -> list[PlantPoints]:
        """Compute the points that the copies of one original practice earn."""
        ...

    def add_difference(self, practice_id: UUID, before: list[PlantPoints]) -> list[PlantPoints]:
        """Add the difference between the points of a practice now and `before`; return what was added."""
        ...

    def lock_original_of(self, practice_id: UUID) -> UUID | None:
        """Find the practice that a practice is a copy of, and lock it until the transaction ends."""
        ...

    def recalculate(self, year: int | None) -> list[PlantPoints]:
        """Recompute the points of a year, or of all years, and correct the stored sums.

        Returns the corrections.
        """
        ...

    def totals(self, year: int | None) -> LeaderboardTotals:
        """Sum the stored points of a year, or of all years."""
        ...

    def standings(self, year: int, part: PageQuery) -> Page[Standing]:
        """List the active plants, and the inactive plants with points, by rank and name."""
        ...

    def breakdown(self, plant_id: UUID, year: int) -> PointsBreakdown | None:
        """List the single earnings of a plant; None if the plant does not exist."""
        ...


@dataclass(frozen=True)
class PointsUpdater(CopyPoints):
    """Updates the stored points when benchmarks and copies change."""

    store: LeaderboardStore

    @contextmanager
    def updated(self, practice_id: UUID) -> Iterator[list[PlantPoints]]:
        """Update the stored points after a block that changes the benchmark or the copies of a practice.

        The caller has locked the practice. Yields a list to which the changes are added after the block.
        """
        added: list[PlantPoints] = []
        before = self.store.earned_through(practice_id)
        yield added
        added += self.store.add_difference(practice_id, before)

    @override
    def updated_for_copy(self, practice_id: UUID) -> AbstractContextManager[object]:
        # The original is locked before its copy: all transactions use this order, which avoids deadlocks.
        original_id = self.store.lock_original_of(practice_id)
        return nullcontext() if original_id is None else self.updated(original_id)


@dataclass(frozen=True)
class LeaderboardService:
    """The use cases of the leaderboard."""

    store: LeaderboardStore
    context: Context

    def standings(self, query: StandingsQuery) -> Page[Standing]:
        """Return one page of the leaderboard of a calendar year, by default of the current one.

        Ranks are those of the whole leaderboard.
        """
        return self.store.standings(query.year or self.context.today.year, query)

    def breakdown(self, plant_id: UUID, query: CalendarYearQuery) -> PointsBreakdown:
        """Return the single earnings of a plant in a calendar year, by default the current one.

        Raises NotFound.
        """
        breakdown = self.store.breakdown(plant_id, query.year or self.context.today.year)
        if breakdown is None:
            raise NotFound("There is no such plant.")
        return breakdown

    def totals(self, caller: Caller, query: CalendarYearQuery) -> LeaderboardTotals:
        """Return the totals of a calendar year, by default of all, for headquarters. Raises Forbidden."""
        require_headquarters(caller)
        return self.store.totals(query.year)

    def recalculate(self, year: int | None) -> list[PlantPoints]:
        """Correct the stored points of a year, or of all years; return the corrections. Called by jobs."""
        return self.store.recalculate(year)
