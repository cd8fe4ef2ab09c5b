"""Tags of practices: writing, copying, the audit trail, spreadsheets and the search."""

import io
from typing import Final

import openpyxl
import psycopg
import pytest

from tests.api.test_sheets import HEADINGS, complete_row, import_practices, report, workbook
from tests.world import World, invalid, refusal_of

TAGS: Final = ["brazing", "leak test", "ब्रेज\u093cिंग"]


def test_tags_are_shown_in_lower_case_and_in_their_order(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author, tags=["Brazing", " Leak   TEST ", "ब्रेज़िंग", "brazing", "LEAK test"])
    assert practice["tags"] == TAGS
    assert author.get(f"/best-practices/{practice['id']}").json()["data"]["tags"] == TAGS
    for path in ("/best-practices", "/best-practices/my-practices"):
        [item] = author.get(path).json()["data"]
        assert item["tags"] == TAGS


def test_tags_are_changed_emptied_and_left_alone(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author, tags=TAGS)
    assert author.edit(practice, title="Another")["tags"] == TAGS
    assert author.edit(practice, tags=["Gas"])["tags"] == ["gas"]
    version = author.edit(practice, tags=["GAS "])["version"]
    assert version == practice["version"] + 2  # the last change was none
    assert author.edit(practice, tags=[])["tags"] == []
    assert world.practice(author)["tags"] == []


BAD_TAGS: Final[list[tuple[object, str]]] = [
    ([f"tag {number}" for number in range(11)], "tags"),
    (["same"] * 11, "tags"),
    ("brazing", "tags"),
    ({"brazing": True}, "tags"),
    (5, "tags"),
    (["x" * 41], "tags.0"),
    (["ok", "a\0b"], "tags.1"),
    (["a,b"], "tags.0"),
    ([""], "tags.0"),
    ([" "], "tags.0"),
    ([7], "tags.0"),
    ([None], "tags.0"),
    ([["a"]], "tags.0"),
    (["=1+1"], "tags.0"),
    (["\u0301" * 400_000], "tags.0"),
    (["x"] * 1_000, "tags"),
]


@pytest.mark.parametrize(("tags", "field"), BAD_TAGS, ids=[str(number) for number in range(len(BAD_TAGS))])
def test_what_are_no_tags_is_refused_and_nothing_is_written(world: World, tags: object, field: str) -> None:
    author = world.plant_user()
    practice = world.practice(author, tags=["kept"])
    before = world.snapshot()
    for response in (
        author.post("/best-practices", {"title": "x", "tags": tags}),
        author.patch(f"/best-practices/{practice['id']}", {"tags": tags}),
    ):
        assert refusal_of(response) == invalid(field)
    assert world.snapshot() == before


def test_ten_megabytes_of_tags_are_too_large(world: World) -> None:
    response = world.plant_user().post("/best-practices", {"title": "x", "tags": ["x" * 10_000_000]})
    assert response.status_code == 413


def test_the_audit_trail_shows_the_tags_before_and_after(world: World) -> None:
    author, hq = world.plant_user(), world.headquarters()
    practice = world.practice(author, tags=["gas"])
    author.edit(practice, tags=["gas", "leak"])
    changed, created = hq.get("/audit", entity_id=practice["id"]).json()["data"]
    assert (changed["before"], changed["after"]) == ({"tags": ["gas"]}, {"tags": ["gas", "leak"]})
    assert created["after"]["tags"] == ["gas"]


def test_tags_are_exported_and_imported_in_one_column(world: World) -> None:
    author = world.plant_user()
    world.practice(author, tags=TAGS)
    exported = author.get("/best-practices/export").content
    heading, row = openpyxl.load_workbook(io.BytesIO(exported)).worksheets[0].iter_rows(values_only=True)
    assert dict(zip(heading, row, strict=True))["Tags"] == ", ".join(TAGS)
    headings = (*HEADINGS, "Tags")
    for cell, tags in (
        ("Gas; leak TEST,gas\n5S", ["gas", "leak test", "5s"]),
        (" ; ,", []),
        (5.0, ["5"]),
    ):
        data = workbook(headings, (*complete_row(world, Title=f"Imported {cell}"), cell))
        assert report(import_practices(author, data, dry_run="false"), 201)["created"] == 1
        [item] = author.get("/best-practices", search="imported", sort_by="created_at", limit=1).json()[
            "data"
        ]
        assert item["tags"] == tags
        author.delete(f"/best-practices/{item['id']}")


def test_wrong_tags_of_a_row_are_reported_by_cell(world: World) -> None:
    author = world.plant_user()
    headings = (*HEADINGS, "Tags")
    for cell, message in (
        (",".join(str(number) for number in range(11)), "at most 10 items"),
        ("ok, " + "x" * 41, "must have at most 40 characters"),
        ("=1", "must begin with a letter or digit"),
        ("x" * 32_000, "must have at most 40 characters"),
    ):
        data = workbook(headings, (*complete_row(world), f" {cell}"))
        [error] = report(import_practices(author, data))["errors"]
        assert (error["row"], error["column"], error["cell"]) == (2, "Tags", "H2")
        assert message in error["message"]


def test_the_database_refuses_what_are_no_tags(world: World) -> None:
    practice = world.practice(world.plant_user(), tags=["gas"])
    for tags in (["a"] * 2, ["x" * 41], [""], ["A"], ["a,b"], [None], [str(number) for number in range(11)]):
        with pytest.raises(psycopg.errors.CheckViolation):
            world.query("UPDATE best_practices SET tags = %s WHERE id = %s", tags, practice["id"])
