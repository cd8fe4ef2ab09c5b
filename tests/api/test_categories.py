"""Categories, and the number of visible practices in each."""

from functools import partial
from typing import Any
from uuid import uuid4

from tests.world import World, concurrently, error_of, invalid, refusal_of


def test_the_categories_are_listed_by_name_with_their_practices(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    cost = str(world.categories[1])
    world.practice(author, "draft", category_id=cost)
    world.practice(author, "submitted", category_id=cost)
    world.approved(hq, 3, category_id=cost)
    world.mark_deleted(world.approved(hq, 3, category_id=cost))
    world.practice(author, "submitted")

    listed = world.plant_user(1).get("/categories").json()["data"]
    assert [(category["name"], category["practice_count"]) for category in listed] == [
        ("Automation", 1),
        ("Cost", 2),
        ("Digitalisation", 0),
        ("ESG", 0),
        ("Other", 0),
        ("Productivity", 0),
        ("Quality", 0),
        ("Safety", 0),
    ]
    assert set(listed[0]) == {
        "id", "name", "slug", "color_class", "icon_name", "created_at", "practice_count"
    }  # fmt: skip
    assert [author.get(f"/categories/{category['id']}").json()["data"] for category in listed] == listed


NEW_CATEGORY = {"name": "Energy & Waste", "color_class": "bg-green-100", "icon_name": "leaf"}


def category_rows(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT * FROM categories ORDER BY id")


def test_headquarters_adds_a_category_with_a_slug_from_its_name(world: World) -> None:
    hq = world.headquarters()
    response = hq.post("/categories", NEW_CATEGORY)
    category = response.json()["data"]
    assert response.status_code == 201
    assert category == {
        **NEW_CATEGORY,
        "id": category["id"],
        "slug": "energy-waste",
        "created_at": "2026-08-15T06:30:00Z",
        "practice_count": 0,
    }
    for name, sent, slug in (
        ("Köln / Süd!", {}, "koln-sud"),
        ("Water", {"slug": "h2o-use"}, "h2o-use"),
        ("ऊर्जा", {"slug": "energy"}, "energy"),
        ("Sun", {"slug": None}, "sun"),
    ):
        made = hq.post("/categories", {**NEW_CATEGORY, "name": name, **sent})
        assert made.json()["data"]["slug"] == slug
    assert refusal_of(hq.post("/categories", {**NEW_CATEGORY, "name": "जल"})) == invalid("slug")


def test_headquarters_changes_a_category_and_its_slug_only_if_it_is_sent(world: World) -> None:
    hq = world.headquarters()
    category = hq.post("/categories", NEW_CATEGORY).json()["data"]
    path = f"/categories/{category['id']}"
    world.practice(world.plant_user(0), "submitted", category_id=category["id"])
    for body in ({"name": "Energy"}, {"slug": "power"}, {"icon_name": "bolt", "color_class": "x"}, {}):
        category = {**category, **body, "practice_count": 1}
        assert hq.patch(path, body).json()["data"] == category
        assert hq.get(path).json()["data"] == category


def test_names_and_slugs_of_categories_are_unique(world: World) -> None:
    hq = world.headquarters()
    made = concurrently(*[partial(hq.post, "/categories", NEW_CATEGORY)] * 4)
    assert sorted(response.status_code for response in made) == [201, 409, 409, 409]
    before, cost = category_rows(world), f"/categories/{world.categories[1]}"
    for response in (
        hq.post("/categories", {**NEW_CATEGORY, "slug": "another"}),
        hq.post("/categories", {**NEW_CATEGORY, "name": "Energy: waste"}),
        hq.patch(cost, {"name": NEW_CATEGORY["name"]}),
        hq.patch(cost, {"slug": "energy-waste"}),
    ):
        assert error_of(response) == (409, "DUPLICATE")
    assert category_rows(world) == before


BAD_CATEGORIES: list[dict[str, object]] = [
    {"name": " "}, {"name": None}, {"name": "x" * 101}, {"name": "a\x00b"}, {"slug": "Upper"},
    {"slug": "two words"}, {"slug": "-a"}, {"slug": "a--b"}, {"slug": ""}, {"slug": "a\n"},
    {"slug": "x" * 101}, {"slug": 7}, {"color_class": ""}, {"color_class": "x" * 201}, {"icon_name": {}},
    {"icon_name": "x" * 101}, {"practice_count": 5}, {"id": "x"},
]  # fmt: skip


def test_invalid_facts_of_a_category_are_refused_with_their_field(world: World) -> None:
    hq, plant_user = world.headquarters(), world.plant_user(0)
    before, cost = category_rows(world), f"/categories/{world.categories[1]}"
    for body in BAD_CATEGORIES:
        assert refusal_of(hq.post("/categories", {**NEW_CATEGORY, **body})) == invalid(*body), body
        assert refusal_of(hq.patch(cost, body)) == invalid(*body), body
    assert refusal_of(hq.post("/categories", {})) == invalid(*NEW_CATEGORY)
    assert refusal_of(hq.patch(cost, {"slug": None})) == invalid("slug")
    assert error_of(hq.patch(f"/categories/{uuid4()}", {})) == (404, "NOT_FOUND")
    assert error_of(plant_user.post("/categories", NEW_CATEGORY)) == (403, "FORBIDDEN")
    assert error_of(plant_user.patch(cost, {})) == (403, "FORBIDDEN")
    assert category_rows(world) == before
