from datetime import date
from uuid import uuid4

import pytest

from bp_core.leaderboard import (
    CalendarYearQuery,
    CopiedEarning,
    LeaderboardService,
    OriginatedEarning,
    PointsBreakdown,
    PointsUpdater,
)
from bp_core.shared.errors import NotFound
from tests.unit.bp_core.stores import ADDED, EARNED, MemoryLeaderboard
from tests.unit.bp_core.support import PUNE, context

ORIGINAL, COPY = uuid4(), uuid4()


def leaderboard_store() -> MemoryLeaderboard:
    return MemoryLeaderboard({COPY: ORIGINAL})


def test_the_points_of_a_change_are_added_after_it() -> None:
    store = leaderboard_store()

    with PointsUpdater(store).updated(ORIGINAL) as added:
        store.calls.append(("changed",))
        assert added == []

    assert added == ADDED
    assert store.calls == [("earned through", ORIGINAL), ("changed",), ("added difference", ORIGINAL, EARNED)]


def test_a_change_that_fails_adds_no_points() -> None:
    store = leaderboard_store()

    with pytest.raises(ZeroDivisionError), PointsUpdater(store).updated(ORIGINAL):
        raise ZeroDivisionError

    assert store.calls == [("earned through", ORIGINAL)]


def test_deleting_a_copy_updates_the_points_of_its_original_which_is_locked_first() -> None:
    store = leaderboard_store()

    with PointsUpdater(store).updated_for_copy(COPY):
        store.calls.append(("deleted",))

    assert store.calls == [
        ("locked original of", COPY),
        ("earned through", ORIGINAL),
        ("deleted",),
        ("added difference", ORIGINAL, EARNED),
    ]


def test_deleting_a_practice_that_is_no_copy_adds_no_points() -> None:
    store = leaderboard_store()

    with PointsUpdater(store).updated_for_copy(ORIGINAL):
        pass

    assert store.calls == [("locked original of", ORIGINAL)]


def test_a_breakdown_counts_and_sums_what_it_lists_under_the_names_that_clients_know() -> None:
    copied = [
        CopiedEarning(bp_title=title, bp_id=uuid4(), points=5, date=date(2025, 7, 1)) for title in "abc"
    ]
    originated = [OriginatedEarning(bp_title="d", bp_id=uuid4(), copies_count=7, points=10)]
    shown = PointsBreakdown(plant_id=PUNE, plant_name="Pune", copied=copied, originated=originated)

    sums = shown.model_dump(
        include={"copied_count", "copied_points", "originated_count", "originated_points"}
    )
    assert sums == {"copiedCount": 3, "copiedPoints": 15, "originatedCount": 1, "originatedPoints": 10}


def test_a_plant_that_is_not_there_has_no_breakdown() -> None:
    leaderboard = LeaderboardService(leaderboard_store(), context())

    assert leaderboard.breakdown(PUNE, CalendarYearQuery(year=2025)).plant_name == "Pune"
    with pytest.raises(NotFound):
        leaderboard.breakdown(uuid4(), CalendarYearQuery(year=2025))


@pytest.mark.parametrize(
    ("query", "year"), [(CalendarYearQuery(), 2025), (CalendarYearQuery(year=2024), 2024)]
)
def test_the_breakdown_is_of_this_year_if_no_year_is_named(query: CalendarYearQuery, year: int) -> None:
    store = leaderboard_store()

    LeaderboardService(store, context()).breakdown(PUNE, query)

    assert store.calls == [("breakdown", PUNE, year)]
