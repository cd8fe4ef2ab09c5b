"""Jobs run by the clock and by hand: one at a time, every run recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from adapters.postgres.savings import PostgresSavings
from tests.world import World, error_of, saving

AGGREGATE = "aggregate_monthly_savings"


@contextmanager
def turn_taken(world: World, job: str) -> Iterator[None]:
    """Another instance of the portal has the job's turn."""
    with psycopg.connect(world.database_url) as rival:
        rival.execute("SELECT pg_advisory_xact_lock(hashtextextended('job:' || %s, 0))", (job,))
        yield


def test_headquarters_sees_the_last_runs_of_every_job_the_latest_first(world: World) -> None:
    hq = world.headquarters()
    assert hq.get("/jobs").json()["data"] == []
    for _ in range(12):
        world.clock.advance(timedelta(seconds=1))
        world.run_timer(AGGREGATE)
    world.clock.advance(timedelta(seconds=1))
    world.run_timer("rate_stars")
    world.clock.advance(timedelta(seconds=1))
    by_hand = hq.post("/analytics/recalculate-savings").json()["data"]
    runs = hq.get("/jobs").json()["data"]
    assert [run["name"] for run in runs] == ["recalculate_savings", "rate_stars", *[AGGREGATE] * 10]
    assert [run["trigger"] for run in runs] == ["manual", *["timer"] * 11]
    assert runs[0] == by_hand
    assert by_hand == {
        "id": by_hand["id"],
        "name": "recalculate_savings",
        "trigger": "manual",
        "state": "completed",
        "started_at": "2026-08-15T06:30:14Z",
        "finished_at": "2026-08-15T06:30:14Z",
        "rows": 0,
        "error": None,
    }
    assert [run["started_at"] for run in runs] == sorted((run["started_at"] for run in runs), reverse=True)


def test_a_job_that_another_instance_runs_is_not_run_twice(world: World) -> None:
    hq = world.headquarters()
    with turn_taken(world, "recalculate_savings"), turn_taken(world, AGGREGATE):
        assert error_of(hq.post("/analytics/recalculate-savings")) == (409, "JOB_RUNNING")
        world.run_timer(AGGREGATE)  # which leaves it to the other without a fuss
        assert hq.get("/jobs").json()["data"] == []
        world.run_timer("rate_stars")
    assert hq.post("/analytics/recalculate-savings").status_code == 200
    world.run_timer(AGGREGATE)
    assert len(hq.get("/jobs").json()["data"]) == 3


def test_a_job_that_fails_is_recorded_with_its_error_and_leaves_nothing_half_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = world.headquarters()
    world.approved(hq, 0, **saving(12))
    world.query("UPDATE monthly_savings SET annualised_savings = 7")
    before = world.written()

    def broken(self: PostgresSavings, *_: Any) -> None:
        raise RuntimeError("the disk is full of stars")

    with monkeypatch.context() as patched:
        patched.setattr(PostgresSavings, "kept", broken)  # after the sums are corrected
        answer = hq.post("/analytics/recalculate-savings")
        assert error_of(answer) == (500, "INTERNAL")
        assert "stars" not in answer.text
        world.clock.advance(timedelta(seconds=1))
        with pytest.raises(RuntimeError, match="full of stars"):
            world.run_timer("rate_stars")
    assert world.written() == before
    for run in hq.get("/jobs").json()["data"]:
        assert (run["state"], run["rows"]) == ("failed", None)
        assert run["error"] == "RuntimeError: the disk is full of stars"
        assert run["finished_at"] == run["started_at"]
    assert hq.post("/analytics/recalculate-savings").json()["data"]["rows"] == 1
