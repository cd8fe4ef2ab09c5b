"""Plants that copy one practice at one instant, at two running instances, while points are recalculated."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event
from typing import Any, Final

import httpx
import pytest

from bp_core.jobs import RECALCULATE_LEADERBOARD
from tests.e2e.instances import PATIENCE_SECONDS, Instance
from tests.world import Person, World, at_once, error_of

ROUNDS: Final = 100
COPIERS: Final = 8
ORIGIN: Final = 0

BENCHMARKED: Final = """
    WITH practice AS (
        INSERT INTO best_practices (title, description, problem_statement, solution, category_id, plant_id,
                                    submitted_by_user_id, status, submitted_date)
        SELECT 'Practice ' || number, 'd', 'p', 's', %s, u.plant_id, u.id, 'approved', '2026-08-01'
        FROM users u, generate_series(1, %s) number WHERE u.email = %s
        RETURNING id, submitted_by_user_id
    )
    INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)
    SELECT id, submitted_by_user_id, '2026-08-02' FROM practice RETURNING practice_id::text
"""

ENTRIES: Final = """
    SELECT p.name, e.origin_points, e.copier_points, e.total_points
    FROM leaderboard_entries e JOIN plants p ON p.id = e.plant_id WHERE e.total_points <> 0
"""


class Stage:
    """Nine plants, with browsers at both instances, and practices of the first that are benchmarked."""

    def __init__(self, world: World, instances: tuple[Instance, Instance], browsers: ExitStack) -> None:
        self.world = world
        self._instances = instances
        self._browsers = browsers
        for name in ("Chennai", "Pune"):
            world.query("INSERT INTO plants (name, short_name, division) VALUES (%s, %s, 'x')", name, name)
        world.plants = [row[0] for row in world.query("SELECT id FROM plants ORDER BY name")]
        self.hq = self._everywhere(world.add_person("hq@amber.test"))
        people = [
            self._everywhere(world.add_person(f"plant{number}@amber.test", plant=number))
            for number in range(COPIERS + 1)
        ]
        self.author, *self.copiers = people

    def practices(self, count: int) -> list[str]:
        """So many benchmarked practices of the origin."""
        rows = self.world.query(BENCHMARKED, self.world.categories[0], count, self.author[0].email)
        return [row[0] for row in rows]

    def copy_at_once(self, practice: str, twice: int) -> list[httpx.Response]:
        """All eight plants copy a practice at one instant, half of them at each instance; one at both."""
        calls = [
            partial(browsers[number % 2].post, "/copy/implement", {"original_practice_id": practice})
            for number, browsers in enumerate(self.copiers)
        ]
        again = self.copiers[twice][(twice + 1) % 2]
        calls.append(partial(again.post, "/copy/implement", {"original_practice_id": practice}))
        return at_once(*calls)

    def _everywhere(self, person: Person) -> list[Person]:
        """A person with a browser at each instance, signed in."""
        return [
            Person(
                person.email,
                person.role,
                person.plant_id,
                self._browsers.enter_context(httpx.Client(base_url=instance.url, timeout=PATIENCE_SECONDS)),
            ).sign_in()
            for instance in self._instances
        ]


@pytest.fixture
def stage(world: World, instances: tuple[Instance, Instance]) -> Iterator[Stage]:
    with ExitStack() as browsers:
        yield Stage(world, instances, browsers)


@contextmanager
def meanwhile(*loops: Callable[[], None]) -> Iterator[None]:
    """Each of these again and again, in a thread of its own, until the block ends; then what they raised."""
    over = Event()

    def repeat(loop: Callable[[], None]) -> None:
        while not over.is_set():
            loop()

    with ThreadPoolExecutor(len(loops)) as threads:
        running = [threads.submit(repeat, loop) for loop in loops]
        try:
            yield
        finally:
            over.set()
        for one in running:
            one.result()


def require_one_moment(standings: list[dict[str, Any]]) -> int:
    """Check that a leaderboard is that of some moment: no copy is paid in part; the sum of its points."""
    copied: Counter[str] = Counter()
    originated: Counter[str] = Counter()
    for row in standings:
        earned = Counter({"Origin": 0, "Copier": 0})
        for earning in row["breakdown"]:
            earned[earning["type"]] += earning["points"]
            (originated if earning["type"] == "Origin" else copied)[earning["bp_id"]] += 1
        assert (row["origin_points"], row["copier_points"]) == (earned["Origin"], earned["Copier"])
        assert row["total_points"] == row["origin_points"] + row["copier_points"]
    assert set(originated.values()) <= {1}
    assert originated.keys() == copied.keys()
    return sum(row["total_points"] for row in standings)


def test_eight_plants_copy_at_one_instant_and_each_is_paid_once_while_points_are_recalculated(
    stage: Stage,
) -> None:
    sums = [0]
    recalculated = Counter[int]()

    def read() -> None:
        answer = stage.hq[0].get("/leaderboard/current")
        assert answer.status_code == 200, answer.text
        sums.append(require_one_moment(answer.json()["data"]))

    def recalculate() -> None:
        recalculated[stage.hq[1].post("/leaderboard/recalculate").status_code] += 1

    practices = stage.practices(ROUNDS)
    with meanwhile(read, recalculate):
        for number, practice in enumerate(practices):
            twice = number % COPIERS
            answers = stage.copy_at_once(practice, twice)
            made = [answer.json()["data"] for answer in answers if answer.status_code == 201]
            refused = [error_of(answer) for answer in answers if answer.status_code != 201]
            assert refused == [(409, "ALREADY_COPIED")]
            assert len({one["copy_record"]["copying_plant_id"] for one in made}) == COPIERS
            awarded = [one["points_awarded"] for one in made]
            assert sorted(one["origin_points"] for one in awarded) == [0] * (COPIERS - 1) + [10]
            assert {one["copier_points"] for one in awarded} == {5}
    names = [row[0] for row in stage.world.query("SELECT name FROM plants ORDER BY name")]
    expected = [(names[ORIGIN], 10 * ROUNDS, 0, 10 * ROUNDS)]
    expected += [(name, 0, 5 * ROUNDS, 5 * ROUNDS) for name in names[1:]]
    assert sorted(stage.world.query(ENTRIES)) == sorted(expected)
    assert sums == sorted(sums)
    assert set(recalculated) == {200}
    runs = "SELECT state, rows, count(*) FROM job_runs WHERE name = %s GROUP BY state, rows"
    found_nothing = ("completed", 0, recalculated[200])
    assert stage.world.query(runs, RECALCULATE_LEADERBOARD) == [found_nothing]
    assert min(len(sums), recalculated[200]) > 10  # some of each fell between the copies


def test_what_is_wrong_is_put_right_once_while_copies_go_on(stage: Stage) -> None:
    damage = (
        "UPDATE leaderboard_entries SET origin_points = origin_points + 7, total_points = total_points + 7"
        " WHERE plant_id = %s"
    )
    first, *practices = stage.practices(10)
    stage.copy_at_once(first, 0)

    def recalculate() -> None:
        assert stage.hq[1].post("/leaderboard/recalculate").status_code == 200

    def verify() -> None:
        stage.hq[0].http.post("/admin/functions/verify_leaderboard", json={"input": ""})

    with meanwhile(recalculate, verify):
        for number, practice in enumerate(practices):
            stage.world.query(damage, stage.world.plants[ORIGIN])
            stage.copy_at_once(practice, number % COPIERS)
    recalculate()
    [origin] = [row[1:] for row in stage.world.query(ENTRIES) if row[1]]
    assert origin == (100, 0, 100)
    assert {row[1:] for row in stage.world.query(ENTRIES) if not row[1]} == {(0, 50, 50)}
