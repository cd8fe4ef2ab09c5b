"""Giving a practice to another plant: both sides are right at once."""

from uuid import uuid4

from tests.world import World, error_of, invalid, refusal_of, saving


def test_what_a_practice_counts_moves_along(world: World) -> None:
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
    answer = hq.patch(f"/best-practices/{practice['id']}", {"plant_id": str(world.plants[1])})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["plant_name"] == "Kanchipuram"
    assert answer.headers["ETag"] != f'"{practice["version"]}"'
    assert seen() == [(0, "0.00", 0, [0, 0]), (2, "66.00", 2, [1, 2])]
    [entry] = hq.get("/audit", entity_id=practice["id"], limit=1).json()["data"]
    assert (entry["before"], entry["after"]) == (
        {"plant_id": str(world.plants[0])}, {"plant_id": str(world.plants[1])}
    )  # fmt: skip
    assert error_of(here.patch(f"/best-practices/{practice['id']}", {"title": "x"})) == (403, "FORBIDDEN")
    assert world.query("SELECT rebuild_roll_ups()") == [(0,)]


def test_who_may_not_give_it_and_what_may_not_be_given(world: World) -> None:
    hq, author, copier = world.headquarters(), world.plant_user(0), world.plant_user(1)
    draft = world.practice(author)
    original = world.approved(hq, 0)
    other = {"plant_id": str(world.plants[2])}
    path = f"/best-practices/{original['id']}"
    assert error_of(author.patch(f"/best-practices/{draft['id']}", other)) == (403, "FORBIDDEN")
    assert refusal_of(hq.patch(path, {"plant_id": str(uuid4())})) == invalid("plant_id")
    for wrong in (None, "Supa", 7):
        assert refusal_of(hq.patch(path, {"plant_id": wrong})) == invalid("plant_id")
    assert hq.post(f"/benchmarking/benchmark/{original['id']}").status_code == 201
    made = copier.post("/copy/implement", {"original_practice_id": original["id"]}).json()["data"]
    assert error_of(hq.patch(path, other)) == (409, "BENCHMARKED")
    assert hq.delete(f"/benchmarking/unbenchmark/{original['id']}").status_code == 200
    copy = f"/best-practices/{made['copied_practice']['id']}"
    for shared in (path, copy):
        assert error_of(hq.patch(shared, other)) == (409, "COPIED")
    kept = hq.get(path).json()["data"]["plant_id"], hq.get(copy).json()["data"]["plant_id"]
    assert kept == (str(world.plants[0]), str(world.plants[1]))
    moved = hq.patch(f"/best-practices/{draft['id']}", {**other, "status": "draft"})
    assert moved.json()["data"]["plant_id"] == str(world.plants[2])
