"""Plants copy one practice at the same time, on two instances, while points are recalculated."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event
from typing import Any, Final

import httpx
import pytest

from functions.jobs.catalogue import recalculate_leaderboard
from tests.e2e.instances import TIMEOUT_SECONDS, Instance
from tests.world import Person, World, concurrently, error_of

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


class Scene:
    """Nine plants with clients for both instances, and benchmarked practices of the first plant."""

    def __init__(self, world: World, instances: tuple[Instance, Instance], browsers: ExitStack) -> None:
        self.world = world
        self._instances = instances
        self._browsers = browsers
        for name in ("Chennai", "Pune"):
            world.query("INSERT INTO plants (name, short_name, division) VALUES (%s, %s, 'x')", name, name)
        world.plants = [row[0] for row in world.query("SELECT id FROM plants ORDER BY name")]
        self.hq = self._clients(world.add_person("hq@amber.test"))
        users = [
            self._clients(world.add_person(f"plant{number}@amber.test", plant=number))
            for number in range(COPIERS + 1)
        ]
        self.author, *self.copiers = users

    def practices(self, count: int) -> list[str]:
        """Create benchmarked practices of the first plant. Returns their ids."""
        rows = self.world.query(BENCHMARKED, self.world.categories[0], count, self.author[0].email)
        return [row[0] for row in rows]

    def copy_at_once(self, practice: str, twice: int) -> list[httpx.Response]:
        """All eight plants copy a practice at the same time, half of them on each instance, one on both."""
        calls = [
            partial(browsers[number % 2].post, "/copy/implement", {"original_practice_id": practice})
            for number, browsers in enumerate(self.copiers)
        ]
        again = self.copiers[twice][(twice + 1) % 2]
        calls.append(partial(again.post, "/copy/implement", {"original_practice_id": practice}))
        return concurrently(*calls)

    def _clients(self, person: Person) -> list[Person]:
        """A signed-in user of each instance."""
        return [
            Person(
                person.email,
                person.role,
                person.plant_id,
                self._browsers.enter_context(httpx.Client(base_url=instance.url, timeout=TIMEOUT_SECONDS)),
            ).sign_in()
            for instance in self._instances
        ]


@pytest.fixture
def scene(world: World, instances: tuple[Instance, Instance]) -> Iterator[Scene]:
    with ExitStack() as browsers:
        yield Scene(world, instances, browsers)


@contextmanager
def meanwhile(*loops: Callable[[], None]) -> Iterator[None]:
    """Repeat each function in its own thread until the block ends. Raises their errors."""
    stopping = Event()

    def repeat(loop: Callable[[], None]) -> None:
        while not stopping.is_set():
            loop()

    with ThreadPoolExecutor(len(loops)) as threads:
        running = [threads.submit(repeat, loop) for loop in loops]
        try:
            yield
        finally:
            stopping.set()
        for future in running:
            future.result()


def check_consistent(leaderboard: list[dict[str, Any]]) -> int:
    """Check that a leaderboard has both points of every copy. Returns the sum of all points."""
    copied: Counter[str] = Counter()
    originated: Counter[str] = Counter()
    for row in leaderboard:
        earned = Counter({"Origin": 0, "Copier": 0})
        for earning in row["breakdown"]:
            earned[earning["type"]] += earning["points"]
            (originated if earning["type"] == "Origin" else copied)[earning["bp_id"]] += 1
        assert (row["origin_points"], row["copier_points"]) == (earned["Origin"], earned["Copier"])
        assert row["total_points"] == row["origin_points"] + row["copier_points"]
    assert set(originated.values()) <= {1}
    assert originated.keys() == copied.keys()
    return sum(row["total_points"] for row in leaderboard)


class Load:
    """Reads and recalculates the leaderboard, and keeps what came back."""

    def __init__(self, scene: Scene) -> None:
        self._reader, self._recalculator = scene.hq
        self.sums = [0]
        self.recalculated = Counter[int]()

    def read(self) -> None:
        response = self._reader.get("/leaderboard/current")
        assert response.status_code == 200, response.text
        self.sums.append(check_consistent(response.json()["data"]))

    def recalculate(self) -> None:
        self.recalculated[self._recalculator.post("/leaderboard/recalculate").status_code] += 1


def check_copied_once(responses: list[httpx.Response]) -> None:
    """Check that each plant copied once, that one call was refused, and that the points were awarded once."""
    copies = [response.json()["data"] for response in responses if response.status_code == 201]
    refused = [error_of(response) for response in responses if response.status_code != 201]
    assert refused == [(409, "ALREADY_COPIED")]
    assert len({copy["copy_record"]["copying_plant_id"] for copy in copies}) == COPIERS
    awarded = [copy["points_awarded"] for copy in copies]
    assert sorted(points["origin_points"] for points in awarded) == [0] * (COPIERS - 1) + [10]
    assert {points["copier_points"] for points in awarded} == {5}


def test_eight_plants_copy_at_the_same_time_and_each_gets_its_points_once_during_recalculations(
    scene: Scene,
) -> None:
    load = Load(scene)
    practices = scene.practices(ROUNDS)
    with meanwhile(load.read, load.recalculate):
        for number, practice in enumerate(practices):
            check_copied_once(scene.copy_at_once(practice, number % COPIERS))
    names = [row[0] for row in scene.world.query("SELECT name FROM plants ORDER BY name")]
    expected = [(names[ORIGIN], 10 * ROUNDS, 0, 10 * ROUNDS)]
    expected += [(name, 0, 5 * ROUNDS, 5 * ROUNDS) for name in names[1:]]
    assert sorted(scene.world.query(ENTRIES)) == sorted(expected)
    assert load.sums == sorted(load.sums)
    assert set(load.recalculated) == {200}
    runs = "SELECT state, rows, count(*) FROM job_runs WHERE name = %s GROUP BY state, rows"
    nothing_corrected = ("completed", 0, load.recalculated[200])
    assert scene.world.query(runs, recalculate_leaderboard.name) == [nothing_corrected]
    assert min(len(load.sums), load.recalculated[200]) > 10  # some of each ran between the copies


def test_wrong_points_are_corrected_once_while_plants_copy(scene: Scene) -> None:
    damage = (
        "UPDATE leaderboard_entries SET origin_points = origin_points + 7, total_points = total_points + 7"
        " WHERE plant_id = %s"
    )
    first, *practices = scene.practices(10)
    scene.copy_at_once(first, 0)

    def recalculate() -> None:
        assert scene.hq[1].post("/leaderboard/recalculate").status_code == 200

    def verify() -> None:
        scene.hq[0].http.post("/admin/functions/verify_leaderboard", json={"input": ""})

    with meanwhile(recalculate, verify):
        for number, practice in enumerate(practices):
            scene.world.query(damage, scene.world.plants[ORIGIN])
            scene.copy_at_once(practice, number % COPIERS)
    recalculate()
    [origin] = [row[1:] for row in scene.world.query(ENTRIES) if row[1]]
    assert origin == (100, 0, 100)
    assert {row[1:] for row in scene.world.query(ENTRIES) if not row[1]} == {(0, 50, 50)}
