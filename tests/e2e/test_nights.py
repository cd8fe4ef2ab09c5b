"""Two instances with the same schedule: each occurrence is done once, also where one of them is killed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest

from bp_core.jobs import AGGREGATE_MONTHLY_SAVINGS
from tests.e2e.host.support import PATIENCE_SECONDS, eventually
from tests.e2e.instances import Instance, serving
from tests.world import World, saving

OFTEN: Final = "*/4 * * * * *"
BETWEEN: Final = 4


@contextmanager
def often_serving(world: World, log: Path) -> Iterator[Instance]:
    """Serve the portal, sum the months every few seconds, and be a role of one's own to the database."""
    role = role_of(log, world)
    world.query(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'secret'")
    url = f"postgresql://{role}:secret@{world.database_url.partition('@')[2]}"
    with serving(world, log, DATABASE_URL=url, AGGREGATE_SAVINGS_SCHEDULE=OFTEN) as instance:
        yield instance
    world.query(f"DROP ROLE {role}")


def role_of(log: Path, world: World) -> str:
    return f"{log.stem}_{urlsplit(world.database_url).path[1:]}"


@pytest.fixture
def instances(world: World, tmp_path: Path) -> Iterator[list[Instance]]:
    with ExitStack() as running:
        yield [
            running.enter_context(often_serving(world, tmp_path / f"{name}.log")) for name in ("one", "other")
        ]


def runs(world: World) -> list[tuple[Any, ...]]:
    return world.query(
        "SELECT state, scheduled_for, rows FROM job_runs WHERE name = %s ORDER BY started_at",
        AGGREGATE_MONTHLY_SAVINGS,
    )


def completed(world: World) -> list[float]:
    """The times of the schedule that were completed, in seconds."""
    return [due.timestamp() for state, due, _ in runs(world) if state == "completed"]


def test_two_instances_do_each_occurrence_once_and_miss_none(world: World, instances: list[Instance]) -> None:
    eventually(lambda: len(completed(world)) >= 3)
    done = completed(world)
    assert done == [done[0] + BETWEEN * number for number in range(len(done))]


def test_what_a_killed_instance_was_at_is_done_by_the_other_and_nothing_twice(
    world: World, instances: list[Instance]
) -> None:
    world.clock.at = datetime.now(UTC)  # as the instances' clocks, whose open months the job sums
    world.approved(world.headquarters(), 0, **saving(12))
    with psycopg.connect(world.database_url) as connection:
        connection.execute("LOCK TABLE monthly_savings IN ACCESS EXCLUSIVE MODE")  # the job waits for us
        eventually(lambda: [state for state, *_ in runs(world)][-1:] == ["running"])
        cut_off = runs(world)[-1][1]
        [(role,)] = world.query(
            "SELECT usename FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory'"
        )
        at_it = next(one.process for one in instances if role_of(one.log, world) == role)
        at_it.kill()
        at_it.wait(PATIENCE_SECONDS)
        # Something for the other to put right, which has its turn as soon as we are done.
        connection.execute("UPDATE monthly_savings SET annualised_savings = 7")
    eventually(lambda: cut_off.timestamp() in completed(world))
    done = completed(world)
    assert len(set(done)) == len(done)
    of_cut_off = [(state, rows) for state, due, rows in runs(world) if due == cut_off]
    assert of_cut_off == [("failed", None), ("completed", 1)]
    assert world.query("SELECT annualised_savings FROM monthly_savings") == [(12,)]
