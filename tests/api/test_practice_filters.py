"""Filters of the list of practices beyond those in test_practice_list.py: wrong values, copies, and files."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.api.test_sheets import rows_of
from tests.world import Person, World, invalid, refusal_of, saving

LISTS: Final = ("/best-practices", "/best-practices/my-practices", "/best-practices/export")

WRONG: Final[list[dict[str, str]]] = [
    {"status": "gone"},
    {"status": "draft,gone"},
    {"status": "draft,"},
    {"status": ",".join(["draft"] * 11)},
    {"status": "Draft"},
    {"tag": ","},
    {"tag": "x" * 41},
    {"tag": "gas,=1"},
    {"tag": ",".join(str(number) for number in range(11))},
    {"tag": "a\0b"},
    {"area": " "},
    {"area": "x" * 201},
    {"area": "a\0b"},
    {"min_savings_lakhs": "-0.01"},
    {"min_savings_lakhs": "0.001"},
    {"min_savings_lakhs": "11999999999988.01"},
    {"min_savings_lakhs": "NaN"},
    {"min_savings_lakhs": "Infinity"},
]

UNREADABLE: Final[list[dict[str, str]]] = [
    {"min_savings_lakhs": "many"},
    {"min_savings_lakhs": "1,2"},
    {"has_images": "perhaps"},
]


def titles(reader: Person, path: str = "/best-practices", **query: object) -> list[str]:
    """The titles of a list, in the order of the alphabet."""
    response = reader.get(path, **query, sort_by="title", sort_order="asc")
    assert response.status_code == 200, response.text
    return [item["title"] for item in response.json()["data"]]


@pytest.mark.parametrize("query", WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_a_wrong_value_of_a_filter_is_refused_by_its_name(world: World, query: Mapping[str, str]) -> None:
    reader = world.plant_user()
    for path in LISTS:
        assert refusal_of(reader.get(path, **query)) == invalid(*query)


def test_a_value_that_cannot_be_read_is_a_bad_request(world: World) -> None:
    reader = world.plant_user()
    for query in UNREADABLE:
        for path in LISTS:
            assert refusal_of(reader.get(path, **query)) == (400, "BAD_REQUEST", set(query))
    for path in ("/best-practices", "/best-practices/export"):
        assert refusal_of(reader.get(path, not_copied_by_us="x")) == (
            400,
            "BAD_REQUEST",
            {"not_copied_by_us"},
        )


def test_repeated_values_are_the_same_as_values_with_commas(world: World) -> None:
    author = world.plant_user()
    world.practice(author, title="A", tags=["gas", "heat"])
    world.practice(author, "submitted", title="B", tags=["gas"])
    world.approved(world.headquarters(), title="C")
    for query in ("status=draft,submitted", "status=draft&status=submitted", "status=submitted,draft,draft"):
        response = author.http.get(f"/api/v1/best-practices?{query}&sort_by=title&sort_order=asc")
        assert [item["title"] for item in response.json()["data"]] == ["A", "B"]
    for query in ("tag=gas,heat", "tag=heat&tag=gas"):
        response = author.http.get(f"/api/v1/best-practices?{query}")
        assert [item["title"] for item in response.json()["data"]] == ["A"]


def test_the_least_saving_is_annual_and_exact(world: World) -> None:
    author = world.plant_user()
    world.practice(author, title="A", **saving("8.33", "lakhs", "monthly"))  # 99.96 a year
    world.practice(author, title="B", **saving("1.00", "crores"))
    world.practice(author, title="C", **saving("8.34", "lakhs", "monthly"))  # 100.08 a year
    world.practice(author, title="D", **saving("9999999999.99", "crores", "monthly"))
    world.practice(author, title="E")
    for least, found in (
        ("0", ["A", "B", "C", "D", "E"]),
        ("99.96", ["A", "B", "C", "D"]),
        ("99.97", ["B", "C", "D"]),
        ("100", ["B", "C", "D"]),
        ("100.01", ["C", "D"]),
        ("11999999999988", ["D"]),
    ):
        assert titles(author, min_savings_lakhs=least) == found


def test_not_copied_by_us_are_the_benchmarked_practices_that_a_plant_can_still_copy(world: World) -> None:
    hq, first, second = world.headquarters(), world.plant_user(0), world.plant_user(1)
    practices: dict[str, dict[str, Any]] = {}
    for title, plant in (("A", 0), ("B", 0), ("C", 1), ("D", 2)):
        practices[title] = world.approved(hq, plant, title=title)
        world.benchmark(practices[title])
    world.approved(hq, 2, title="Not benchmarked")
    assert titles(second, not_copied_by_us="true") == ["A", "B", "D"]
    copy = {"original_practice_id": practices["A"]["id"], "customized_title": "Copy of A"}
    made = second.post("/copy/implement", copy).json()["data"]["copied_practice"]
    assert titles(second, not_copied_by_us="true") == ["B", "D"]
    assert titles(world.plant_user(1), not_copied_by_us="true") == ["B", "D"]  # a colleague
    assert titles(first, not_copied_by_us="true") == ["C", "D"]
    assert titles(world.plant_user(3), not_copied_by_us="true", plant_id=str(world.plants[0])) == ["A", "B"]
    assert [row["Title"] for row in rows_of(second.get("/best-practices/export", not_copied_by_us="true"))]
    assert len(titles(second, not_copied_by_us="false")) == 6
    assert second.delete(f"/best-practices/{made['id']}").status_code == 200
    assert titles(second, not_copied_by_us="true") == ["A", "B", "D"]


def test_headquarters_and_the_own_list_have_no_filter_for_copies(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user()
    for path in ("/best-practices", "/best-practices/export"):
        assert refusal_of(hq.get(path, not_copied_by_us="true")) == invalid("not_copied_by_us")
        assert hq.get(path, not_copied_by_us="false").status_code == 200
    response = author.get("/best-practices/my-practices", not_copied_by_us="true")
    assert refusal_of(response) == invalid("not_copied_by_us")


def test_an_export_has_the_practices_of_every_filter(world: World) -> None:
    author = world.plant_user()
    world.practice(author, title="A", tags=["gas"], area_implemented="Line 1", **saving("5"))
    world.practice(author, title="B", tags=["heat"], area_implemented="Line 2", **saving("6"))
    for query in ({"tag": "heat"}, {"area": "line 2"}, {"min_savings_lakhs": "6"}):
        assert titles(author, **query) == titles(author, LISTS[1], **query) == ["B"]
        assert [row["Title"] for row in rows_of(author.get(LISTS[2], **query))] == ["B"]
    assert [row["Title"] for row in rows_of(author.get(LISTS[2], has_images="true"))] == []


def test_a_cursor_stays_good_when_a_filter_changes(world: World) -> None:
    author = world.plant_user()
    for title, tags in (("A", ["gas"]), ("B", []), ("C", ["gas"]), ("D", [])):
        world.practice(author, title=title, tags=tags)
    query = {"sort_by": "title", "sort_order": "asc"}
    first = author.get("/best-practices", **query, limit=1, tag="gas").json()
    cursor = first["pagination"]["next_cursor"]
    for tag, found in (({"tag": "gas"}, ["C"]), ({}, ["B", "C", "D"])):
        page = author.get("/best-practices", **query, **tag, cursor=cursor).json()
        assert [item["title"] for item in page["data"]] == found
