"""Jobs, run by timers and manually: one run at a time, every run recorded."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.postgres.jobs import PostgresJobs
from adapters.postgres.savings import PostgresSavings
from tests.world import Person, World, error_of, saving

AGGREGATE = "aggregate_monthly_savings"


@contextmanager
def locked_by_another_instance(world: World, job: str) -> Iterator[None]:
    """Hold the lock of a job, as another instance does while it runs the job."""
    with psycopg.connect(world.database_url) as rival:
        rival.execute("SELECT pg_advisory_xact_lock(hashtextextended('job:' || %s, 0))", (job,))
        yield


def test_headquarters_sees_the_last_runs_of_every_job_latest_first(world: World) -> None:
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
        "scheduled_for": None,
        "past_due": False,
    }
    assert [run["started_at"] for run in runs] == sorted((run["started_at"] for run in runs), reverse=True)


def test_a_job_that_another_instance_runs_is_not_run_twice(world: World) -> None:
    hq = world.headquarters()
    with (
        locked_by_another_instance(world, "recalculate_savings"),
        locked_by_another_instance(world, AGGREGATE),
    ):
        assert error_of(hq.post("/analytics/recalculate-savings")) == (409, "JOB_RUNNING")
        world.run_timer(AGGREGATE)  # another instance runs it: no error
        assert hq.get("/jobs").json()["data"] == []
        world.run_timer("rate_stars")
    assert hq.post("/analytics/recalculate-savings").status_code == 200
    world.run_timer(AGGREGATE)
    assert len(hq.get("/jobs").json()["data"]) == 3


def test_a_job_that_fails_is_rolled_back_and_recorded_with_its_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = world.headquarters()
    world.approved(hq, 0, **saving(12))
    world.query("UPDATE monthly_savings SET annualised_savings = 7")
    before = world.snapshot()

    def broken(self: PostgresSavings, *_: Any) -> None:
        raise RuntimeError("the disk is full of stars")

    with monkeypatch.context() as patched:
        patched.setattr(PostgresSavings, "plant_months", broken)  # after the sums are corrected
        response = hq.post("/analytics/recalculate-savings")
        assert error_of(response) == (500, "INTERNAL")
        assert "stars" not in response.text
        world.clock.advance(timedelta(seconds=1))
        with pytest.raises(RuntimeError, match="full of stars"):
            world.run_timer("rate_stars")
    assert world.snapshot() == before
    for run in hq.get("/jobs").json()["data"]:
        assert (run["state"], run["rows"]) == ("failed", None)
        assert run["error"] == "RuntimeError: the disk is full of stars"
        assert run["finished_at"] == run["started_at"]
    assert hq.post("/analytics/recalculate-savings").json()["data"]["rows"] == 1


def shown(hq: Person) -> list[tuple[str, str | None, bool]]:
    """The runs that headquarters sees, latest first: state, scheduled time, and whether it was past due."""
    runs = hq.sign_in().get("/jobs").json()["data"]
    return [(run["state"], run["scheduled_for"], run["past_due"]) for run in runs]


def test_an_occurrence_runs_once_however_many_instances_fire(world: World) -> None:
    hq = world.headquarters()
    tonight = world.clock.at
    world.clock.advance(timedelta(seconds=1))
    for _ in range(3):
        world.run_timer(AGGREGATE, due=tonight)
    world.clock.advance(timedelta(seconds=1))
    world.run_timer("rate_stars", due=tonight)  # another job has its own occurrences
    world.clock.advance(timedelta(seconds=1))
    world.run_timer(AGGREGATE)  # a manual run
    world.clock.advance(timedelta(days=1))
    world.run_timer(AGGREGATE, due=tonight + timedelta(days=1), past_due=True)
    assert shown(hq) == [
        ("completed", "2026-08-16T06:30:00Z", True),
        ("completed", None, False),
        ("completed", "2026-08-15T06:30:00Z", False),
        ("completed", "2026-08-15T06:30:00Z", False),
    ]


def test_a_manual_run_before_its_time_does_not_replace_the_scheduled_run(world: World) -> None:
    tonight = world.clock.at + timedelta(hours=13)
    world.run_timer(AGGREGATE, due=tonight)  # a manual run, in the afternoon
    world.clock.at = tonight
    world.run_timer(AGGREGATE, due=tonight)
    runs = world.query("SELECT scheduled_for FROM job_runs ORDER BY started_at")
    assert runs == [(None,), (tonight,)]


def test_an_instance_that_fires_during_a_run_waits_and_runs_the_job_only_if_that_run_fails(
    world: World,
) -> None:
    tonight = world.clock.at
    run_at_once = partial(world.run_timer, AGGREGATE, due=tonight)
    with ThreadPoolExecutor(1) as other:
        with locked_by_another_instance(world, AGGREGATE):  # an instance that fails to complete the run
            waiting = other.submit(run_at_once)
            while not world.query("SELECT 1 FROM pg_locks WHERE NOT granted"):
                assert not waiting.done()
            assert world.query("SELECT 1 FROM job_runs") == []
        waiting.result()
    assert world.query("SELECT state, scheduled_for FROM job_runs") == [("completed", tonight)]


def test_a_failed_occurrence_is_run_again_by_the_next_instance_that_fires(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq, tonight = world.headquarters(), world.clock.at

    def broken(self: PostgresSavings, *_: Any) -> None:
        raise RuntimeError("the disk is full of stars")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(PostgresSavings, "plant_months", broken)
        world.run_timer("rate_stars", due=tonight)
    world.clock.advance(timedelta(seconds=1))
    world.run_timer("rate_stars", due=tonight)
    assert [state for state, *_ in shown(hq)] == ["completed", "failed"]


@pytest.mark.usefixtures("every_check_is_new")
def test_a_run_of_a_killed_instance_counts_as_failed_when_its_lease_ends(world: World) -> None:
    hq = world.headquarters()
    world.query(
        "INSERT INTO job_runs (name, trigger, state, started_at, lease_until)"
        " VALUES (%s, 'timer', 'running', %s, %s)",
        AGGREGATE, world.clock.at, world.clock.at + timedelta(minutes=10),
    )  # fmt: skip

    def seen() -> tuple[str, str, str | None]:
        [last] = hq.get("/jobs").json()["data"]
        [status] = world.browser().get("/health/status").json()["data"]["jobs"]
        return last["state"], status["state"], last["error"]

    world.clock.advance(timedelta(minutes=9, seconds=59))
    assert seen() == ("running", "running", None)
    world.clock.advance(timedelta(seconds=1))
    assert seen() == ("failed", "failed", "The run was stopped before it finished.")
    assert world.query("SELECT state FROM job_runs") == [("running",)]  # no instance has run the job since


def test_the_next_run_marks_an_interrupted_run_as_failed_before_its_lease_ends(world: World) -> None:
    world.query(
        "INSERT INTO job_runs (name, trigger, state, started_at, lease_until)"
        " SELECT unnest(ARRAY[%s, 'rate_stars']), 'timer', 'running', %s::timestamptz, 'infinity'",
        AGGREGATE, world.clock.at,
    )  # fmt: skip
    world.clock.advance(timedelta(minutes=1))
    world.run_timer(AGGREGATE)
    runs = world.query("SELECT name, state, finished_at, error FROM job_runs ORDER BY name, started_at")
    assert runs == [
        (AGGREGATE, "failed", world.clock.at, "The run was stopped before it finished."),
        (AGGREGATE, "completed", world.clock.at, None),
        ("rate_stars", "running", None, None),
    ]


def test_a_run_is_completed_together_with_its_work_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.approved(world.headquarters(), 0, **saving(12))
    world.query("UPDATE practice_counts SET submitted = 7")

    class Killed(BaseException):
        """Simulates a killed process, which runs no error handling."""

    def killed(self: PostgresJobs, run_id: UUID, *, error: str | None, **_: Any) -> None:
        if error is None:
            finished(self, run_id, error=error, **_)
            raise Killed  # after the record, before the commit

    finished = PostgresJobs.finished
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(PostgresJobs, "finished", killed)
        world.run_timer("rebuild_roll_ups", due=world.clock.at)
    assert world.query("SELECT state, rows FROM job_runs") == [("running", None)]
    assert world.query("SELECT submitted FROM practice_counts") == [(7,)]
    world.run_timer("rebuild_roll_ups", due=world.clock.at)
    assert world.query("SELECT state, rows FROM job_runs ORDER BY state") == [
        ("completed", 1),
        ("failed", None),
    ]
    assert world.query("SELECT submitted FROM practice_counts") == [(1,)]
