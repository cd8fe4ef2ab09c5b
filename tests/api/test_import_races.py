"""Imports for several plants at the same time as each other and as reviews: no deadlock, no lost count."""

from functools import partial
from typing import Any, Final

import httpx

from tests.api.test_sheets import HEADINGS, complete_row, import_practices, workbook
from tests.figures import Figures
from tests.world import Person, World, concurrently, saving

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


class Round:
    """What four people at headquarters do at the same time: two import, one reviews, one moves a practice."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.first, self.second, self.reviewer, self.editor = (world.headquarters() for _ in range(4))
        self.sheets = [sheet(world, backwards=backwards) for backwards in (False, True)]
        self.plants = world.query("SELECT id FROM plants ORDER BY id LIMIT %s", PLANTS)
        self.moved = world.approved(self.editor, 0, **saving(12), submitted_date="2026-07-01")

    def statuses(self, turn: int) -> list[int]:
        """Do everything at the same time; the statuses of the imports, the reviews and the moves."""
        submitted = [
            self.world.practice(self.editor, "submitted", plant_id=str(plant), **saving(12))
            for (plant,) in self.plants
        ]
        responses = concurrently(
            partial(self._import, self.first, self.sheets[turn % 2]),
            partial(self._import, self.second, self.sheets[1 - turn % 2]),
            partial(self._review, submitted),
            partial(self._move, turn),
        )
        return [response.status_code for several in responses for response in several]

    def _import(self, person: Person, data: bytes) -> list[httpx.Response]:
        return [import_practices(person, data, dry_run="false")]

    def _review(self, submitted: list[dict[str, Any]]) -> list[httpx.Response]:
        return [self.reviewer.post(f"/best-practices/{one['id']}/approve") for one in submitted]

    def _move(self, turn: int) -> list[httpx.Response]:
        ways = [(turn + step) % PLANTS for step in range(4)]
        changes = [
            {"plant_id": str(self.plants[way][0]), "submitted_date": f"2026-08-0{way + 1}"} for way in ways
        ]
        return [self.editor.patch(f"/best-practices/{self.moved['id']}", each) for each in changes]


def test_imports_and_reviews_at_the_same_time_all_succeed_and_are_all_counted(world: World) -> None:
    people = Round(world)
    for turn in range(ROUNDS):
        assert people.statuses(turn) == [201, 201] + [200] * (PLANTS + 4)
    in_two_sheets = 2 * PLANTS * len(world.categories)
    shown = people.first.get("/analytics/overview").json()["data"]
    assert shown["ytd_count"] == ROUNDS * (in_two_sheets + PLANTS) + 1
    figures = Figures(world, 1)
    rows = people.first.get("/analytics/plant-performance", period="monthly").json()["data"]
    for row, plant in zip(rows, world.plants, strict=True):
        assert row["submitted"] == figures.submitted([(2026, 8)], plant)
    assert world.query("SELECT rebuild_roll_ups()") == [(0,)]
