"""Headquarters moves a practice to another plant: the figures of both plants follow."""

from typing import Any
from uuid import uuid4

import httpx

from tests.world import Person, World, error_of, invalid, refusal_of, saving


def test_the_figures_of_both_plants_follow_a_moved_practice(world: World) -> None:
    hq, here, there = world.headquarters(), world.plant_user(0), world.plant_user(1)
    practice = world.approved(hq, 0, **saving(60, period="monthly"), submitted_date="2026-07-01")
    world.approved(hq, 1, **saving(6, period="monthly"), submitted_date="2026-08-01")

    def seen() -> list[tuple[object, ...]]:
        shown: list[tuple[object, ...]] = []
        for person in (here, there):
            overview = person.get("/analytics/overview").json()["data"]
            plant = person.get(f"/plants/{person.plant_id}").json()["data"]
            trend = person.get(f"/analytics/star-ratings/{person.plant_id}/monthly-trend").json()["data"]
            stars = [month["stars"] for month in trend[6:8]]
            shown.append((overview["ytd_count"], overview["ytd_savings"], plant["total_practices"], stars))
        return shown

    assert seen() == [(1, "60.00", 1, [1, 0]), (1, "6.00", 1, [0, 0])]
    response = hq.patch(f"/best-practices/{practice['id']}", {"plant_id": str(world.plants[1])})
    assert response.status_code == 200, response.text
    assert response.json()["data"]["plant_name"] == "Kanchipuram"
    assert response.headers["ETag"] != f'"{practice["version"]}"'
    assert seen() == [(0, "0.00", 0, [0, 0]), (2, "66.00", 2, [1, 2])]
    [entry] = hq.get("/audit", entity_id=practice["id"], limit=1).json()["data"]
    assert (entry["before"], entry["after"]) == (
        {"plant_id": str(world.plants[0])}, {"plant_id": str(world.plants[1])}
    )  # fmt: skip
    assert error_of(here.patch(f"/best-practices/{practice['id']}", {"title": "x"})) == (403, "FORBIDDEN")
    assert world.query("SELECT rebuild_roll_ups()") == [(0,)]


def move(person: Person, practice: dict[str, Any], plant_id: object) -> httpx.Response:
    return person.patch(f"/best-practices/{practice['id']}", {"plant_id": plant_id})


def test_only_headquarters_moves_a_practice(world: World) -> None:
    hq, author, other = world.headquarters(), world.plant_user(0), str(world.plants[2])
    draft = world.practice(author)
    assert error_of(move(author, draft, other)) == (403, "FORBIDDEN")
    moved = hq.patch(f"/best-practices/{draft['id']}", {"plant_id": other, "status": "draft"})
    assert moved.json()["data"]["plant_id"] == other


def test_a_practice_is_moved_only_to_a_plant_that_exists(world: World) -> None:
    hq = world.headquarters()
    practice = world.approved(hq, 0)
    for wrong in (str(uuid4()), None, "Supa", 7):
        assert refusal_of(move(hq, practice, wrong)) == invalid("plant_id"), wrong


def test_a_benchmarked_or_copied_practice_stays_with_its_plant(world: World) -> None:
    hq, copier, other = world.headquarters(), world.plant_user(1), str(world.plants[2])
    original = world.approved(hq, 0)
    assert hq.post(f"/benchmarking/benchmark/{original['id']}").status_code == 201
    made = copier.post("/copy/implement", {"original_practice_id": original["id"]}).json()["data"]
    copy = made["copied_practice"]
    assert error_of(move(hq, original, other)) == (409, "BENCHMARKED")
    assert hq.delete(f"/benchmarking/unbenchmark/{original['id']}").status_code == 200
    for practice, plant in ((original, world.plants[0]), (copy, world.plants[1])):
        assert error_of(move(hq, practice, other)) == (409, "COPIED")
        assert hq.get(f"/best-practices/{practice['id']}").json()["data"]["plant_id"] == str(plant)
