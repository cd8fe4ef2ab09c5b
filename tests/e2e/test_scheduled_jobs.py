"""Two instances with the same schedule: each job run happens once, even if one instance is killed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest

from functions.jobs.catalogue import aggregate_monthly_savings
from tests.e2e.function_host.support import TIMEOUT_SECONDS, eventually
from tests.e2e.instances import Instance, serving
from tests.world import World, saving

EVERY_FOUR_SECONDS: Final = "*/4 * * * * *"
INTERVAL: Final = 4


@contextmanager
def serving_often(world: World, log: Path) -> Iterator[Instance]:
    """Serve the portal with a job every four seconds, and with its own database role."""
    role = role_of(log, world)
    world.query(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'secret'")
    url = f"postgresql://{role}:secret@{world.database_url.partition('@')[2]}"
    with serving(world, log, DATABASE_URL=url, AGGREGATE_SAVINGS_SCHEDULE=EVERY_FOUR_SECONDS) as instance:
        yield instance
    world.query(f"DROP ROLE {role}")


def role_of(log: Path, world: World) -> str:
    return f"{log.stem}_{urlsplit(world.database_url).path[1:]}"


@pytest.fixture
def instances(world: World, tmp_path: Path) -> Iterator[list[Instance]]:
    with ExitStack() as running:
        yield [
            running.enter_context(serving_often(world, tmp_path / f"{name}.log")) for name in ("one", "other")
        ]


def runs(world: World) -> list[tuple[Any, ...]]:
    return world.query(
        "SELECT state, scheduled_for, rows FROM job_runs WHERE name = %s ORDER BY started_at",
        aggregate_monthly_savings.name,
    )


def completed(world: World) -> list[float]:
    """The scheduled times of the completed runs, in seconds."""
    return [due.timestamp() for state, due, _ in runs(world) if state == "completed"]


def test_two_instances_run_each_occurrence_once_and_none_is_missed(
    world: World, instances: list[Instance]
) -> None:
    eventually(lambda: len(completed(world)) >= 3)
    done = completed(world)
    assert done == [done[0] + INTERVAL * number for number in range(len(done))]


def test_the_run_of_a_killed_instance_is_repeated_by_the_other_and_nothing_runs_twice(
    world: World, instances: list[Instance]
) -> None:
    world.clock.at = datetime.now(UTC)  # the clock of the instances; the job sums the open months
    world.approved(world.headquarters(), 0, **saving(12))
    with psycopg.connect(world.database_url) as connection:
        connection.execute("LOCK TABLE monthly_savings IN ACCESS EXCLUSIVE MODE")  # blocks the job
        eventually(lambda: [state for state, *_ in runs(world)][-1:] == ["running"])
        interrupted = runs(world)[-1][1]
        [(role,)] = world.query(
            "SELECT usename FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory'"
        )
        running = next(each.process for each in instances if role_of(each.log, world) == role)
        running.kill()
        running.wait(TIMEOUT_SECONDS)
        # An error for the other instance to correct. It runs the job when this lock is released.
        connection.execute("UPDATE monthly_savings SET annualised_savings = 7")
    eventually(lambda: interrupted.timestamp() in completed(world))
    done = completed(world)
    assert len(set(done)) == len(done)
    runs_of_interrupted = [(state, rows) for state, due, rows in runs(world) if due == interrupted]
    assert runs_of_interrupted == [("failed", None), ("completed", 1)]
    assert world.query("SELECT annualised_savings FROM monthly_savings") == [(12,)]
