"""The points that plants earn when practices are copied, and how the plants stand by them (rules 5).

Points are a function of what is recorded. They are kept as sums for reading; whatever changes what is
recorded settles the difference in its own transaction, so that both are true together or not at all.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, Protocol
from uuid import UUID

from pydantic import ConfigDict, computed_field

from bp_core.shared.errors import NotFound
from bp_core.shared.model import Sent, Shown, Year

ORIGIN_POINTS: Final = 10
"""What the origin plant earns, once per benchmarked practice, when it is copied first."""

COPIER_POINTS: Final = 5
"""What each plant earns that copies a benchmarked practice."""


class CalendarYearQuery(Sent):
    """Which calendar year is meant; what none means is the call's to say. Financial years give no points."""

    year: Year | None = None


class Earning(Shown):
    """Points that a plant earned through one practice: as its origin, or by copying it."""

    type: Literal["Origin", "Copier"]
    points: int
    date: date
    bp_title: str
    bp_id: UUID


class Standing(Shown):
    """How a plant stands in a year: its points, its rank, and what they were earned with, newest first."""

    plant_id: UUID
    plant_name: str
    total_points: int
    origin_points: int
    copier_points: int
    rank: int
    breakdown: list[Earning]


class CopiedEarning(Shown):
    """What a plant earned by copying a practice."""

    bp_title: str
    bp_id: UUID
    points: int
    date: date


class OriginatedEarning(Shown):
    """What a plant earned as the origin of a practice, which has been copied so many times by now."""

    bp_title: str
    bp_id: UUID
    copies_count: int
    points: int


class PointsBreakdown(Shown):
    """What a plant's points of a year were earned with, newest first."""

    model_config = ConfigDict(serialize_by_alias=True)

    plant_id: UUID
    plant_name: str
    copied: list[CopiedEarning]
    originated: list[OriginatedEarning]

    @computed_field(alias="copiedCount")
    def copied_count(self) -> int:
        """How many practices the plant copied."""
        return len(self.copied)

    @computed_field(alias="copiedPoints")
    def copied_points(self) -> int:
        """What it earned by that."""
        return sum(earned.points for earned in self.copied)

    @computed_field(alias="originatedCount")
    def originated_count(self) -> int:
        """How many of the plant's practices were copied for the first time."""
        return len(self.originated)

    @computed_field(alias="originatedPoints")
    def originated_points(self) -> int:
        """What it earned by that."""
        return sum(earned.points for earned in self.originated)


class LeaderboardTotals(Shown):
    """What the leaderboard of a year comes to, or of all (null); entries without points do not count."""

    year: int | None
    total_entries: int
    origin_points_awarded: int
    copier_points_awarded: int
    total_points: int


@dataclass(frozen=True)
class PlantPoints:
    """Points of one plant in one year: earned, or added to what is kept (negative: taken away)."""

    plant_id: UUID
    year: int
    origin_points: int
    copier_points: int


class LeaderboardStore(Protocol):
    """Where the points are kept, and what they are earned with."""

    def earned_through(self, practice_id: UUID) -> list[PlantPoints]:
        """Tell the points that are earned through one original practice, as it is recorded now."""
        ...

    def settle(self, practice_id: UUID, before: list[PlantPoints]) -> list[PlantPoints]:
        """Add to what is kept what is earned through a practice now and was not before; tell what that is."""
        ...

    def hold_original_of(self, practice_id: UUID) -> UUID | None:
        """Find the practice that a practice is a copy of, and hold it until the transaction ends."""
        ...

    def recalculate(self, year: int | None) -> list[PlantPoints]:
        """Make what is kept of a year, or of all, what is recorded; tell what had to be added where."""
        ...

    def totals(self, year: int | None) -> LeaderboardTotals:
        """Sum what is kept of a year, or of all."""
        ...

    def standings(self, year: int) -> list[Standing]:
        """List the active plants, and all others with points, by rank and name."""
        ...

    def breakdown(self, plant_id: UUID, year: int) -> PointsBreakdown | None:
        """Tell what a plant's points were earned with; None if there is no such plant."""
        ...


@dataclass(frozen=True)
class Points:
    """Keeps the points true while what they are earned with changes."""

    store: LeaderboardStore

    @contextmanager
    def settled(self, practice_id: UUID) -> Iterator[list[PlantPoints]]:
        """Add, when the block ends, what it gave or took through an original practice that the caller holds.

        Yields a list that is empty until then, and tells afterwards what was added.
        """
        added: list[PlantPoints] = []
        before = self.store.earned_through(practice_id)
        yield added
        added += self.store.settle(practice_id, before)

    def settled_without(self, practice_id: UUID) -> AbstractContextManager[object]:
        """Take away, when the block ends, what was earned by a copy that goes in it (rules 5).

        Holds the original from now on: whoever deletes a copy holds the older practice first.
        """
        original_id = self.store.hold_original_of(practice_id)
        return nullcontext() if original_id is None else self.settled(original_id)


def show_breakdown(store: LeaderboardStore, plant_id: UUID, year: int) -> PointsBreakdown:
    """Show what a plant's points of a year were earned with.

    Raises NotFound.
    """
    breakdown = store.breakdown(plant_id, year)
    if breakdown is None:
        raise NotFound("There is no such plant.")
    return breakdown
