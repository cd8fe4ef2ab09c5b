"""Plants and their figures."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from tests.world import World, concurrently, error_of, invalid, refusal_of, saving


def test_the_plants_are_listed_by_name(world: World) -> None:
    plants = world.plant_user(0).get("/plants").json()["data"]
    assert [plant["name"] for plant in plants] == [
        "Greater Noida (Ecotech 1)",
        "Kanchipuram",
        "Ponneri",
        "Rajpura",
        "Ranjangaon",
        "Shahjahanpur",
        "Supa",
    ]
    assert set(plants[0]) == {
        "id", "name", "short_name", "division", "is_active", "created_at", "updated_at"
    }  # fmt: skip
    assert plants[0]["short_name"] == "Greater Noida"


def test_active_and_inactive_plants_are_listed_separately(world: World) -> None:
    hq, reader = world.headquarters(), world.plant_user(0)
    world.query("UPDATE plants SET is_active = false WHERE name IN ('Supa', 'Rajpura')")
    plants = reader.get("/plants").json()["data"]
    inactive = [plant for plant in plants if plant["name"] in {"Supa", "Rajpura"}]
    active = [plant for plant in plants if plant not in inactive]
    assert (len(active), len(inactive)) == (5, 2)
    assert reader.get("/plants/active").json()["data"] == active
    assert reader.get("/plants", is_active="true").json()["data"] == active
    assert hq.get("/plants/inactive").json()["data"] == inactive
    assert reader.get("/plants", is_active="false").json()["data"] == inactive


def test_an_invalid_query_of_plants_is_refused(world: World) -> None:
    reader = world.plant_user(0)
    assert refusal_of(reader.get("/plants", is_active="perhaps")) == (400, "BAD_REQUEST", {"is_active"})
    assert refusal_of(reader.get("/plants", name="Supa")) == (422, "VALIDATION_ERROR", {"name"})
    assert refusal_of(reader.get("/plants/inactive")) == (403, "FORBIDDEN", set())


def test_a_plant_is_shown_with_the_figures_of_its_visible_practices(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(3)
    for status in ("draft", "submitted"):
        world.practice(author, status)
    last_month = (world.clock.now() - timedelta(days=31)).date().isoformat()
    best = world.approved(hq, 3, **saving("1.01", "crores"), submitted_date=last_month)
    world.approved(hq, 3, **saving("1.01", "crores"), submitted_date="2025-12-31")
    world.approved(hq, 3, **saving("1.01", "crores"))
    deleted = world.approved(hq, 3, **saving(1000, "crores", "monthly"), submitted_date=last_month)
    world.approved(hq, 4, **saving(7, "lakhs"))
    sent_back = world.approved(hq, 3, **saving(7, "lakhs"))
    hq.post(f"/best-practices/{sent_back['id']}/request-revision", {"comment": "How was it measured?"})
    world.benchmark(best)
    world.benchmark(deleted)
    world.mark_deleted(deleted)
    hq.post("/analytics/recalculate-savings")

    shown = world.plant_user(0).get(f"/plants/{world.plants[3]}").json()["data"]
    assert shown["name"] == world.query("SELECT name FROM plants WHERE id = %s", world.plants[3])[0][0]
    assert (shown["total_practices"], shown["monthly_practices"], shown["benchmarked_count"]) == (4, 2, 1)
    assert shown["total_savings"] == "25.25"
    idle = hq.get(f"/plants/{world.plants[0]}").json()["data"]
    assert (idle["total_practices"], idle["monthly_practices"], idle["benchmarked_count"]) == (0, 0, 0)
    assert idle["total_savings"] == "0.00"


NEW_PLANT = {"name": "Chennai", "short_name": "Chennai", "division": "Component"}


def plant_rows(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT * FROM plants ORDER BY id")


def test_headquarters_adds_a_plant(world: World) -> None:
    hq = world.headquarters()
    response = hq.post("/plants", {**NEW_PLANT, "name": "  Chennai "})
    plant = response.json()["data"]
    assert response.status_code == 201
    expected = {**NEW_PLANT, "is_active": True, "created_at": "2026-08-15T06:30:00Z"}
    assert {name: plant[name] for name in expected} == expected
    assert plant in hq.get("/plants/active").json()["data"]
    assert hq.get(f"/plants/{plant['id']}").json()["data"]["total_practices"] == 0


def test_a_plant_can_be_added_inactive(world: World) -> None:
    hq = world.headquarters()
    added = hq.post("/plants", {**NEW_PLANT, "is_active": False}).json()["data"]
    assert added["is_active"] is False
    assert [plant["id"] for plant in hq.get("/plants/inactive").json()["data"]] == [added["id"]]
    assert added["id"] not in [plant["id"] for plant in hq.get("/plants/active").json()["data"]]
    assert world.query("SELECT after->>'is_active' FROM audit_log WHERE action = 'plant.created'") == [
        ("false",)
    ]  # fmt: skip
    for wrong in (None, "false", 0):
        response = hq.post("/plants", {**NEW_PLANT, "name": "Pune", "is_active": wrong})
        assert refusal_of(response) == (422, "VALIDATION_ERROR", {"is_active"}), wrong


def test_headquarters_renames_a_plant_and_the_same_name_again_changes_nothing(world: World) -> None:
    hq = world.headquarters()
    plant = hq.post("/plants", NEW_PLANT).json()["data"]
    world.clock.advance(timedelta(minutes=1))
    renamed = {**plant, "short_name": "MAA", "updated_at": "2026-08-15T06:31:00Z"}
    for _ in range(2):
        assert hq.patch(f"/plants/{plant['id']}", {"short_name": "MAA"}).json()["data"] == renamed
        world.clock.advance(timedelta(minutes=1))


def test_headquarters_deactivates_a_plant_and_activates_it_again(world: World) -> None:
    hq = world.headquarters()
    plant = hq.post("/plants", NEW_PLANT).json()["data"]
    path = f"/plants/{plant['id']}"
    world.clock.advance(timedelta(minutes=2))
    inactive = {**plant, "is_active": False, "updated_at": "2026-08-15T06:32:00Z"}
    for _ in range(2):
        assert hq.patch(f"{path}/deactivate", {}).json()["data"] == inactive
    assert inactive in hq.get("/plants/inactive").json()["data"]
    assert hq.patch(f"{path}/activate", {}).json()["data"]["is_active"] is True


def test_names_of_plants_are_unique(world: World) -> None:
    hq = world.headquarters()
    joined = concurrently(*[partial(hq.post, "/plants", NEW_PLANT)] * 4)
    assert sorted(response.status_code for response in joined) == [201, 409, 409, 409]
    before = plant_rows(world)
    supa = f"/plants/{world.plants[6]}"
    for response in (hq.post("/plants", NEW_PLANT), hq.patch(supa, {"name": "Chennai"})):
        assert error_of(response) == (409, "DUPLICATE")
    assert plant_rows(world) == before


BAD_PLANTS: list[dict[str, object]] = [
    {"name": ""}, {"name": " "}, {"name": None}, {"name": 7}, {"name": "x" * 201}, {"name": "a\x00b"},
    {"short_name": "x" * 101}, {"short_name": []}, {"division": ""}, {"division": "x" * 101},
    {"is_active": None}, {"id": "x"}, {"points": 10},
]  # fmt: skip


def test_invalid_facts_of_a_plant_are_refused_with_their_field(world: World) -> None:
    hq = world.headquarters()
    before, supa = plant_rows(world), f"/plants/{world.plants[6]}"
    for body in BAD_PLANTS:
        assert refusal_of(hq.post("/plants", {**NEW_PLANT, **body})) == invalid(*body), body
        assert refusal_of(hq.patch(supa, body)) == invalid(*body), body
    assert refusal_of(hq.post("/plants", {})) == invalid(*NEW_PLANT)
    assert refusal_of(hq.patch(f"{supa}/deactivate", {"is_active": True})) == invalid("is_active")
    assert plant_rows(world) == before


def test_a_plant_that_does_not_exist_is_not_found(world: World) -> None:
    hq = world.headquarters()
    for step in ("", "/activate", "/deactivate"):
        assert error_of(hq.patch(f"/plants/{uuid4()}{step}", {})) == (404, "NOT_FOUND"), step


def test_a_plant_user_changes_no_plant(world: World) -> None:
    plant_user, supa = world.plant_user(6), f"/plants/{world.plants[6]}"
    before = plant_rows(world)
    responses = [plant_user.patch(f"{supa}{step}", {}) for step in ("", "/activate", "/deactivate")]
    for response in (plant_user.post("/plants", NEW_PLANT), *responses):
        assert error_of(response) == (403, "FORBIDDEN")
    assert plant_rows(world) == before
