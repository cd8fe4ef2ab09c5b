"""Imports over several plants, beside each other and beside reviews: nobody waits in a circle."""

from functools import partial
from typing import Any, Final

import httpx

from tests.api.test_sheets import HEADINGS, bring_in, complete_row, workbook
from tests.figures import Figures
from tests.world import Person, World, at_once, saving

ROUNDS: Final = 15
PLANTS: Final = 4


def sheet(world: World, *, backwards: bool) -> bytes:
    """Submitted practices of several plants and categories, in one order or the other."""
    plants = [row[0] for row in world.query("SELECT name FROM plants ORDER BY id LIMIT %s", PLANTS)]
    categories = [row[0] for row in world.query("SELECT name FROM categories ORDER BY id")]
    rows = [
        complete_row(world, Plant=plant, Category=category) for category in categories for plant in plants
    ]
    return workbook(HEADINGS, *(reversed(rows) if backwards else rows))


def test_imports_and_reviews_at_once_all_come_through_and_are_all_counted(world: World) -> None:
    first, second, reviewer, editor = (world.headquarters() for _ in range(4))
    sheets = [sheet(world, backwards=backwards) for backwards in (False, True)]
    plants = world.query("SELECT id FROM plants ORDER BY id LIMIT %s", PLANTS)
    moved = world.approved(editor, 0, **saving(12), submitted_date="2026-07-01")

    def review(submitted: list[dict[str, Any]]) -> list[httpx.Response]:
        return [reviewer.post(f"/best-practices/{one['id']}/approve") for one in submitted]

    def move(turn: int) -> list[httpx.Response]:
        ways = [(turn + step) % PLANTS for step in range(4)]
        changes = [{"plant_id": str(plants[way][0]), "submitted_date": f"2026-08-0{way + 1}"} for way in ways]
        return [editor.patch(f"/best-practices/{moved['id']}", each) for each in changes]

    def imported(person: Person, data: bytes) -> list[httpx.Response]:
        return [bring_in(person, data, dry_run="false")]

    for turn in range(ROUNDS):
        submitted = [
            world.practice(editor, "submitted", plant_id=str(plant), **saving(12)) for (plant,) in plants
        ]
        answers = at_once(
            partial(imported, first, sheets[turn % 2]),
            partial(imported, second, sheets[1 - turn % 2]),
            partial(review, submitted),
            partial(move, turn),
        )
        statuses = [answer.status_code for several in answers for answer in several]
        assert statuses == [201, 201] + [200] * (PLANTS + 4)
    in_two_sheets = 2 * PLANTS * len(world.categories)
    shown = first.get("/analytics/overview").json()["data"]
    assert shown["ytd_count"] == ROUNDS * (in_two_sheets + PLANTS) + 1
    figures = Figures(world, 1)
    rows = first.get("/analytics/plant-performance", period="monthly").json()["data"]
    for row, plant in zip(rows, world.plants, strict=True):
        assert row["submitted"] == figures.submitted([(2026, 8)], plant)
    assert world.query("SELECT rebuild_roll_ups()") == [(0,)]
