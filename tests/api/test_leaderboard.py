"""Points, ranks, the practices that earned them, and their recalculation (rules 5)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.test_copying import benchmarked, copied
from tests.world import Person, World, error_of, refusal_of

YEARS_END = datetime(2026, 12, 31, 18, 29, tzinfo=UTC)
"""The last minute of 2026 in India."""


@pytest.fixture
def hq(world: World) -> Person:
    return world.headquarters()


def standings(reader: Person, **query: object) -> list[tuple[str, int, int, int, int]]:
    """The leaderboard: name, rank, points in all, as origin and as copier."""
    response = reader.get("/leaderboard/current", **query)
    assert response.status_code == 200, response.text
    fields = ("plant_name", "rank", "total_points", "origin_points", "copier_points")
    return [tuple(row[field] for field in fields) for row in response.json()["data"]]


def names(world: World) -> list[str]:
    return [row[0] for row in world.query("SELECT name FROM plants ORDER BY name")]


def entries(world: World) -> list[tuple[Any, ...]]:
    return world.query(
        "SELECT plant_id, year, origin_points, copier_points FROM leaderboard_entries"
        " WHERE total_points <> 0 ORDER BY year, plant_id"
    )


def test_ranks_are_competition_ranks_and_plants_without_points_come_last(world: World, hq: Person) -> None:
    a, b, c, d, e, f, g = names(world)
    assert standings(hq) == [(name, 1, 0, 0, 0) for name in (a, b, c, d, e, f, g)]
    copiers = {plant: world.plant_user(plant) for plant in (1, 2, 3)}
    for plants in ((1, 2, 3), (2, 1)):
        original = benchmarked(world, hq, 0)
        for plant in plants:
            copied(copiers[plant], original)
    copied(copiers[1], benchmarked(world, hq, 4))
    copied(copiers[2], benchmarked(world, hq, 4))
    assert standings(hq) == [
        (a, 1, 20, 20, 0),
        (e, 1, 20, 20, 0),
        (b, 3, 15, 0, 15),
        (c, 3, 15, 0, 15),
        (d, 5, 5, 0, 5),
        (f, 6, 0, 0, 0),
        (g, 6, 0, 0, 0),
    ]


def test_an_inactive_plant_is_shown_as_long_as_it_has_points(world: World, hq: Person) -> None:
    original = benchmarked(world, hq, 0)
    copied(world.plant_user(1), original)
    for plant in (1, 2):
        hq.patch(f"/plants/{world.plants[plant]}/deactivate", {})
    every = names(world)
    assert [row[0] for row in standings(hq)] == [*every[:2], *every[3:]]
    hq.delete(f"/benchmarking/unbenchmark/{original['id']}")
    assert [row[0] for row in standings(hq)] == [every[0], *every[3:]]


def test_points_belong_to_the_calendar_year_of_the_copy_in_india_whatever_the_financial_year(
    world: World, hq: Person
) -> None:
    original = benchmarked(world, hq)
    world.clock.at = YEARS_END
    copied(world.plant_user(1), original)
    world.clock.advance(timedelta(minutes=1))
    copied(world.plant_user(2), original)
    hq.sign_in()
    a, b, c, *_ = names(world)
    assert standings(hq, year=2026)[:2] == [(a, 1, 10, 10, 0), (b, 2, 5, 0, 5)]
    assert standings(hq)[0] == standings(hq, year=2027)[0] == (c, 1, 5, 0, 5)
    assert standings(hq, year=2025)[0] == (a, 1, 0, 0, 0)


def test_the_points_of_the_origin_are_dated_by_the_first_copy_that_is_not_deleted(
    world: World, hq: Person
) -> None:
    original = benchmarked(world, hq)
    world.clock.at = YEARS_END
    first, second = world.plant_user(1), world.plant_user(2)
    one = copied(first, original)["copied_practice"]
    world.clock.advance(timedelta(minutes=1))
    other = copied(second.sign_in(), original)["copied_practice"]
    a, b, c, *_ = world.plants
    assert sorted(entries(world)) == sorted([(a, 2026, 10, 0), (b, 2026, 0, 5), (c, 2027, 0, 5)])
    assert first.sign_in().delete(f"/best-practices/{one['id']}").status_code == 200
    assert sorted(entries(world)) == sorted([(a, 2027, 10, 0), (c, 2027, 0, 5)])
    assert second.delete(f"/best-practices/{other['id']}").status_code == 200
    assert entries(world) == []


def test_points_are_removed_and_restored_with_the_benchmark(world: World, hq: Person) -> None:
    original = benchmarked(world, hq)
    copied(world.plant_user(1), original)
    before = entries(world)
    assert len(before) == 2
    world.clock.at = YEARS_END + timedelta(days=1)
    hq.sign_in()
    hq.delete(f"/benchmarking/unbenchmark/{original['id']}")
    assert entries(world) == []
    assert hq.get("/leaderboard/current", year=2026).json()["data"][0]["breakdown"] == []
    hq.post(f"/benchmarking/benchmark/{original['id']}")
    assert entries(world) == before  # those of 2026


def test_a_refused_deletion_changes_no_points(world: World, hq: Person) -> None:
    original = benchmarked(world, hq)
    copier = world.plant_user(1)
    copy = copied(copier, original)["copied_practice"]
    assert hq.post(f"/benchmarking/benchmark/{copy['id']}").status_code == 201
    before = entries(world)
    assert error_of(copier.delete(f"/best-practices/{copy['id']}")) == (409, "BENCHMARKED")
    assert entries(world) == before


def test_a_benchmarked_practice_without_copies_is_originated_with_0_in_the_year_of_its_benchmark(
    world: World, hq: Person
) -> None:
    def originated(year: int) -> tuple[list[tuple[str, int, int]], int, int]:
        path = f"/leaderboard/{world.plants[0]}/breakdown"
        shown = hq.get(path, year=year).json()["data"]
        listed = [(one["bp_title"], one["copies_count"], one["points"]) for one in shown["originated"]]
        return listed, shown["originatedCount"], shown["originatedPoints"]

    copied_one, deleted_copy, uncopied = (
        benchmarked(world, hq, 0, title=title) for title in ("Copied", "Copy deleted", "Not copied")
    )
    benchmarked(world, hq, 1, title="Of another plant")
    world.query(
        "UPDATE benchmarked_practices SET benchmarked_date = '2025-12-31'"
        " WHERE practice_id = ANY (%s::uuid[])",
        [copied_one["id"], uncopied["id"]],
    )
    copier = world.plant_user(1)
    world.clock.advance(timedelta(minutes=1))
    copied(copier, copied_one)
    world.clock.advance(timedelta(minutes=1))
    copy = copied(copier, deleted_copy)["copied_practice"]
    assert originated(2026) == ([("Copy deleted", 1, 10), ("Copied", 1, 10)], 2, 20)
    assert copier.delete(f"/best-practices/{copy['id']}").status_code == 200
    assert originated(2026) == ([("Copied", 1, 10), ("Copy deleted", 0, 0)], 2, 10)
    assert originated(2025) == ([("Not copied", 0, 0)], 1, 0)
    assert hq.delete(f"/benchmarking/unbenchmark/{uncopied['id']}").status_code == 200
    assert originated(2025) == ([], 0, 0)


def test_points_are_shown_with_the_practices_that_earned_them(world: World, hq: Person) -> None:
    author, copier = world.plant_user(0), world.plant_user(1)
    older, newer = (benchmarked(world, hq, 0, title=title) for title in ("Older", "Newer"))
    theirs = benchmarked(world, hq, 1, title="Theirs")
    copied(copier, older, customized_title="Another title")
    world.clock.advance(timedelta(days=1))
    author.sign_in()
    copier.sign_in()
    copied(copier, newer)
    copied(world.plant_user(2), newer)
    copied(author, theirs)
    plants = [str(plant) for plant in world.plants]
    first = author.get("/leaderboard/current").json()["data"][0]

    def earned(kind: str, points: int, day: str, practice: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": kind,
            "points": points,
            "date": day,
            "bp_title": practice["title"],
            "bp_id": practice["id"],
        }

    assert (first["plant_id"], first["total_points"]) == (plants[0], 25)
    assert first["breakdown"][2] == earned("Origin", 10, "2026-08-15", older)
    newest = [earned("Origin", 10, "2026-08-16", newer), earned("Copier", 5, "2026-08-16", theirs)]
    assert sorted(first["breakdown"][:2], key=str) == sorted(newest, key=str)
    assert author.get(f"/leaderboard/{plants[1]}/breakdown").json()["data"] == {
        "plant_id": plants[1],
        "plant_name": names(world)[1],
        "copied": [
            {"bp_title": "Newer", "bp_id": newer["id"], "points": 5, "date": "2026-08-16"},
            {"bp_title": "Older", "bp_id": older["id"], "points": 5, "date": "2026-08-15"},
        ],
        "copiedCount": 2,
        "copiedPoints": 10,
        "originated": [{"bp_title": "Theirs", "bp_id": theirs["id"], "copies_count": 1, "points": 10}],
        "originatedCount": 1,
        "originatedPoints": 10,
    }
    of_origin = author.get(f"/leaderboard/{plants[0]}/breakdown", year=2026).json()["data"]
    assert [(one["bp_title"], one["copies_count"]) for one in of_origin["originated"]] == [
        ("Newer", 2), ("Older", 1)
    ]  # fmt: skip
    nothing = author.get(f"/leaderboard/{plants[0]}/breakdown", year=2025).json()["data"]
    assert (nothing["copied"], nothing["originated"], nothing["copiedPoints"]) == ([], [], 0)
    assert error_of(author.get(f"/leaderboard/{uuid4()}/breakdown")) == (404, "NOT_FOUND")


def test_an_invalid_year_is_refused(world: World, hq: Person) -> None:
    for path in ("/leaderboard/current", f"/leaderboard/{world.plants[0]}/breakdown"):
        for query, expected in (
            ({"year": 1999}, (422, "VALIDATION_ERROR", {"year"})),
            ({"year": 2101}, (422, "VALIDATION_ERROR", {"year"})),
            ({"year": "next"}, (400, "BAD_REQUEST", {"year"})),
            ({"month": 1}, (422, "VALIDATION_ERROR", {"month"})),
        ):
            assert refusal_of(hq.get(path, **query)) == expected
    assert refusal_of(hq.post("/leaderboard/recalculate?year=1999"))[0] == 422
    assert refusal_of(hq.post("/leaderboard/recalculate?plant_id=x"))[2] == {"plant_id"}
    assert error_of(world.plant_user(0).post("/leaderboard/recalculate")) == (403, "FORBIDDEN")


# --- recalculating and verifying


@pytest.fixture
def two_years(world: World, hq: Person) -> list[tuple[Any, ...]]:
    """The correct entries: a practice copied in 2026 and again in 2027."""
    original = benchmarked(world, hq)
    copied(world.plant_user(1), original)
    world.clock.at = YEARS_END + timedelta(days=1)
    copied(world.plant_user(2), original)
    hq.sign_in()
    return entries(world)


DAMAGE = """
UPDATE leaderboard_entries SET origin_points = origin_points + 3, total_points = total_points + 3;
INSERT INTO leaderboard_entries (plant_id, year, origin_points, total_points)
SELECT id, 2026, 10, 10 FROM plants ORDER BY name DESC LIMIT 1;
"""


def test_a_year_is_recalculated_and_no_other(
    world: World, hq: Person, two_years: list[tuple[Any, ...]]
) -> None:
    world.query(DAMAGE)
    response = hq.post("/leaderboard/recalculate?year=2026")
    assert response.json()["data"] == {
        "year": 2026,
        "total_entries": 2,
        "origin_points_awarded": 10,
        "copier_points_awarded": 5,
        "total_points": 15,
    }
    assert [row for row in entries(world) if row[1] == 2026] == [row for row in two_years if row[1] == 2026]
    assert [row[2:] for row in entries(world) if row[1] == 2027] == [(3, 5)]
    [run] = hq.get("/jobs").json()["data"]
    assert (run["name"], run["trigger"], run["state"], run["rows"]) == (
        "recalculate_leaderboard", "manual", "completed", 3
    )  # fmt: skip
    everything = hq.post("/leaderboard/recalculate").json()["data"]
    assert everything == {
        "year": None,
        "total_entries": 3,
        "origin_points_awarded": 10,
        "copier_points_awarded": 10,
        "total_points": 20,
    }
    assert entries(world) == two_years


def test_deleted_entries_are_restored(world: World, hq: Person, two_years: list[tuple[Any, ...]]) -> None:
    world.query("DELETE FROM leaderboard_entries")
    assert hq.post("/leaderboard/recalculate").json()["data"]["total_points"] == 20
    assert entries(world) == two_years


def test_the_nightly_check_of_a_correct_leaderboard_finds_nothing(
    world: World, hq: Person, two_years: list[tuple[Any, ...]]
) -> None:
    world.run_timer("verify_leaderboard")
    [run] = hq.get("/jobs").json()["data"]
    assert (run["name"], run["trigger"], run["state"], run["rows"], run["error"]) == (
        "verify_leaderboard", "timer", "completed", 0, None
    )  # fmt: skip
    assert entries(world) == two_years


def test_the_nightly_check_corrects_differences_and_fails(
    world: World, hq: Person, two_years: list[tuple[Any, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    world.query(DAMAGE)
    world.run_timer("verify_leaderboard")
    assert entries(world) == two_years
    [run] = hq.get("/jobs").json()["data"]
    assert (run["state"], run["rows"], run["error"]) == (
        "failed", 4, "4 leaderboard entries were wrong and have been corrected"
    )  # fmt: skip
    assert caplog.text.count('"event": "leaderboard_corrected"') == 4
    world.clock.advance(timedelta(seconds=1))
    world.run_timer("verify_leaderboard")
    assert hq.get("/jobs").json()["data"][0]["state"] == "completed"
