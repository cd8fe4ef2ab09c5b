"""Points are settled around what moves them, and broken down so that it adds up."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from bp_core.leaderboard import (
    CopiedEarning,
    LeaderboardTotals,
    OriginatedEarning,
    PlantPoints,
    Points,
    PointsBreakdown,
    Standing,
    show_breakdown,
)
from bp_core.shared.errors import NotFound
from tests.unit.bp_core.support import PUNE

ORIGINAL, COPY = uuid4(), uuid4()
BEFORE = [PlantPoints(PUNE, 2025, 10, 0)]
ADDED = [PlantPoints(PUNE, 2025, -10, 0)]


class NotedLeaderboard:
    """A leaderboard that notes in what order it is asked; `COPY` is a copy of `ORIGINAL`."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def earned_through(self, practice_id: UUID) -> list[PlantPoints]:
        self.asked.append(("earned", practice_id))
        return BEFORE

    def settle(self, practice_id: UUID, before: list[PlantPoints]) -> list[PlantPoints]:
        self.asked.append(("settled", practice_id, before))
        return ADDED

    def hold_original_of(self, practice_id: UUID) -> UUID | None:
        self.asked.append(("held original of", practice_id))
        return ORIGINAL if practice_id == COPY else None

    def recalculate(self, year: int | None) -> list[PlantPoints]:
        raise NotImplementedError("no use case of these tests recalculates")

    def totals(self, year: int | None) -> LeaderboardTotals:
        raise NotImplementedError("no use case of these tests sums")

    def standings(self, year: int) -> list[Standing]:
        raise NotImplementedError("no use case of these tests ranks")

    def breakdown(self, plant_id: UUID, year: int) -> PointsBreakdown | None:
        if plant_id != PUNE:
            return None
        return PointsBreakdown(plant_id=PUNE, plant_name="Pune", copied=[], originated=[])


def test_what_a_change_moves_is_added_after_it_and_told() -> None:
    store = NotedLeaderboard()

    with Points(store).settled(ORIGINAL) as added:
        store.asked.append(("changed",))
        assert added == []

    assert added == ADDED
    assert store.asked == [("earned", ORIGINAL), ("changed",), ("settled", ORIGINAL, BEFORE)]


def test_a_change_that_fails_moves_no_points() -> None:
    store = NotedLeaderboard()

    with pytest.raises(ZeroDivisionError), Points(store).settled(ORIGINAL):
        raise ZeroDivisionError

    assert store.asked == [("earned", ORIGINAL)]


def test_deleting_a_copy_settles_its_original_which_is_held_before() -> None:
    store = NotedLeaderboard()

    with Points(store).settled_without(COPY):
        store.asked.append(("deleted",))

    assert store.asked == [
        ("held original of", COPY),
        ("earned", ORIGINAL),
        ("deleted",),
        ("settled", ORIGINAL, BEFORE),
    ]


def test_deleting_what_is_no_copy_moves_no_points() -> None:
    store = NotedLeaderboard()

    with Points(store).settled_without(ORIGINAL):
        pass

    assert store.asked == [("held original of", ORIGINAL)]


def test_a_breakdown_counts_and_sums_what_it_lists_under_the_names_that_clients_know() -> None:
    copied = [
        CopiedEarning(bp_title=title, bp_id=uuid4(), points=5, date=date(2025, 7, 1)) for title in "abc"
    ]
    originated = [OriginatedEarning(bp_title="d", bp_id=uuid4(), copies_count=7, points=10)]
    shown = PointsBreakdown(plant_id=PUNE, plant_name="Pune", copied=copied, originated=originated)

    told = shown.model_dump(
        include={"copied_count", "copied_points", "originated_count", "originated_points"}
    )
    assert told == {"copiedCount": 3, "copiedPoints": 15, "originatedCount": 1, "originatedPoints": 10}


def test_a_plant_that_is_not_there_has_no_breakdown() -> None:
    assert show_breakdown(NotedLeaderboard(), PUNE, 2025).plant_name == "Pune"
    with pytest.raises(NotFound):
        show_breakdown(NotedLeaderboard(), uuid4(), 2025)
