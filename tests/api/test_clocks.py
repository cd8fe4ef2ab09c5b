"""Clocks that differ between instances, or were wrong for a while: nothing is lost, doubled or blocked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bp_core.shared.calendar import CLOCK_SKEW
from functions import bootstrap
from functions.edge.expensive import LONGEST_CALL
from tests.world import COMPLETE, PASSWORD, Person, SetClock, World, confirmation, picture, saving

MINUTE = timedelta(minutes=1)
YEAR = timedelta(days=365)
JOBS = ("aggregate_monthly_savings", "rate_stars", "rebuild_roll_ups", "verify_leaderboard")


@contextmanager
def instance(world: World, difference: timedelta) -> Iterator[None]:
    """Let the calls of the block go to an instance whose clock differs."""
    clock = SetClock(world.clock.now() + difference)
    bootstrap.install(replace(world.portal, clock=clock))
    try:
        yield
    finally:
        bootstrap.install(world.portal)


@pytest.fixture(params=[-MINUTE, MINUTE], ids=["a minute behind", "a minute ahead"])
def difference(request: pytest.FixtureRequest) -> timedelta:
    """How much the clock of the second instance differs."""
    value: timedelta = request.param
    return value


def create(author: Person, world: World, key: str) -> dict[str, Any]:
    body = {**COMPLETE, "category_id": str(world.categories[0])}
    response = author.post("/best-practices", body, Idempotency_Key=key)
    assert response.status_code == 201, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


def test_a_session_of_one_instance_is_one_of_the_other(world: World, difference: timedelta) -> None:
    person = world.plant_user()
    with instance(world, difference):
        assert person.get("/auth/me").status_code == 200
        tokens = person.post("/auth/refresh", {"refresh_token": person.tokens["refresh_token"]})
        assert tokens.status_code == 200
        other = world.plant_user()
    person.http.headers["Authorization"] = f"Bearer {tokens.json()['data']['access_token']}"
    assert person.get("/auth/me").status_code == 200
    assert other.get("/auth/me").status_code == 200


def test_a_repeated_call_at_the_other_instance_is_not_done_twice(world: World, difference: timedelta) -> None:
    author, key = world.plant_user(), uuid4().hex
    first = create(author, world, key)
    with instance(world, difference):
        assert create(author, world, key)["id"] == first["id"]
    assert world.query("SELECT count(*) FROM best_practices") == [(1,)]


def test_versions_and_not_times_decide_which_edit_is_newer(world: World, difference: timedelta) -> None:
    author = world.plant_user()
    practice = create(author, world, uuid4().hex)
    path = f"/best-practices/{practice['id']}"
    with instance(world, difference):
        second = author.patch(path, {"title": "Edited there"}, If_Match='"1"')
        assert second.status_code == 200
    assert author.patch(path, {"title": "Too late"}, If_Match='"1"').status_code == 412
    third = author.patch(path, {"title": "Edited here"}, If_Match='"2"')
    assert (third.json()["data"]["title"], third.json()["data"]["version"]) == ("Edited here", 3)


def test_a_permit_of_one_instance_is_confirmed_at_the_other(world: World, difference: timedelta) -> None:
    author = world.plant_user()
    practice = create(author, world, uuid4().hex)
    blob_name = world.presign_image(author, practice["id"])["blob_name"]
    world.put_blob(blob_name, picture())
    with instance(world, difference):
        path = f"/best-practices/{practice['id']}/images"
        assert author.post(path, confirmation(blob_name)).status_code == 201
        world.deliver(blob_name)
        world.run_timer("reconcile_uploads")
    assert world.query("SELECT blob_name, missing_since FROM practice_images") == [(blob_name, None)]


def test_a_scheduled_run_of_one_instance_is_not_repeated_by_the_other(
    world: World, difference: timedelta
) -> None:
    due = world.clock.now()
    world.run_timer("rebuild_roll_ups", due=due)
    world.clock.advance(-difference)  # each instance runs it when its own clock shows the time
    with instance(world, difference):
        world.run_timer("rebuild_roll_ups", due=due)
    assert world.query("SELECT state FROM job_runs WHERE name = 'rebuild_roll_ups'") == [("completed",)]


def test_after_a_step_back_a_scheduled_run_is_not_repeated(world: World) -> None:
    due = world.clock.now()
    world.run_timer("aggregate_monthly_savings", due=due)
    world.clock.advance(-timedelta(minutes=30))
    world.clock.advance(timedelta(minutes=30))
    world.run_timer("aggregate_monthly_savings", due=due)
    assert world.query("SELECT count(*) FROM job_runs") == [(1,)]


@pytest.mark.parametrize("jump", [YEAR, -YEAR, timedelta(days=40), -timedelta(days=40)], ids=str)
def test_jobs_of_an_instance_with_a_wrong_clock_leave_the_figures_right(
    world: World, jump: timedelta
) -> None:
    hq = world.headquarters()
    original = world.approved(hq, **saving(3))
    world.approved(hq, plant=1, **saving("1.5", "crores", "monthly"))
    assert hq.post(f"/benchmarking/benchmark/{original['id']}").status_code == 201
    copier = world.plant_user(plant=1)
    assert copier.post("/copy/implement", {"original_practice_id": original["id"]}).status_code == 201
    figures = """
        SELECT plant_id, year, month, annualised_savings, practice_count, stars FROM monthly_savings
        ORDER BY 1, 2, 3
    """
    points = "SELECT plant_id, year, total_points FROM leaderboard_entries ORDER BY 1, 2"
    for job in JOBS:
        world.run_timer(job)
    before = world.query(figures), world.query(points)

    with instance(world, jump):
        for job in JOBS:
            world.run_timer(job)
    for job in JOBS:
        world.run_timer(job)

    right = [row for row in world.query(figures) if row[3] or row[5]]
    assert right == [row for row in before[0] if row[3] or row[5]]
    assert world.query(points) == before[1]
    assert world.query("SELECT DISTINCT state FROM job_runs") == [("completed",)]


def failing(world: World, email: str, times: int) -> None:
    for _ in range(times):
        body = {"email": email, "password": "wrong password"}
        assert world.browser().post("/api/v1/auth/login", json=body).status_code in (401, 429)


def test_failures_of_a_clock_that_was_ahead_delay_nobody_afterwards(world: World) -> None:
    person = world.add_person("asha@amber.test", plant=0)
    with instance(world, YEAR):
        failing(world, person.email, 8)
    response = person.http.post(
        "/api/v1/auth/login", json={"email": person.email, "password": PASSWORD, "remember_me": False}
    )
    assert response.status_code == 200


def test_a_token_of_a_clock_that_was_ahead_is_refused_and_signing_in_again_helps(world: World) -> None:
    person = world.add_person("asha@amber.test", plant=0)
    with instance(world, YEAR):
        person.sign_in()
        assert person.get("/auth/me").status_code == 200
    assert person.get("/auth/me").status_code == 401
    assert person.sign_in().get("/auth/me").status_code == 200


def test_a_session_goes_on_after_a_clock_that_was_ahead(world: World) -> None:
    """A call at the wrong time is refused as expired, and changes nothing."""
    person = world.plant_user()
    with instance(world, YEAR):
        assert person.get("/auth/me").status_code == 401
        refreshed = person.post("/auth/refresh", {"refresh_token": person.tokens["refresh_token"]})
        assert refreshed.status_code == 401
    assert person.get("/auth/me").status_code == 200
    assert person.post("/auth/refresh", {"refresh_token": person.tokens["refresh_token"]}).status_code == 200


def test_a_used_refresh_token_is_not_valid_again_because_a_clock_was_ahead(world: World) -> None:
    """Otherwise the grace for a lost answer would last until the wrong time."""
    person = world.plant_user()
    first = person.tokens["refresh_token"]
    with instance(world, 3 * timedelta(days=1)):
        assert person.post("/auth/refresh", {"refresh_token": first}).status_code == 200
    assert person.post("/auth/refresh", {"refresh_token": first}).status_code == 401


def take_all_slots(world: World, person: Person, *, ahead: timedelta) -> None:
    """Begin the most expensive calls of a person at an instance whose clock is ahead."""
    world.query(
        """
        INSERT INTO expensive_calls (user_id, slot, expires_at)
        SELECT id, slot, %s FROM users, generate_series(1, 2) slot WHERE email = %s
        """,
        world.clock.now() + ahead + LONGEST_CALL,
        person.email,
    )


def test_expensive_calls_of_a_clock_that_was_ahead_block_nobody(world: World) -> None:
    hq = world.headquarters()
    take_all_slots(world, hq, ahead=YEAR)
    assert hq.get("/best-practices/export").status_code == 200


def test_expensive_calls_of_an_instance_that_is_ahead_within_the_limit_count(world: World) -> None:
    hq = world.headquarters()
    take_all_slots(world, hq, ahead=CLOCK_SKEW)
    assert hq.get("/best-practices/export").status_code == 429


def test_limits_of_calls_go_on_after_a_step_of_the_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of the wrong time has a count of its own, which nothing waits for."""
    person = world.plant_user()
    calls: list[Callable[[], int]] = [lambda: person.get("/auth/me").status_code for _ in range(3)]
    with instance(world, timedelta(minutes=20)):
        assert [call() for call in calls] == [200] * 3
    assert [call() for call in calls] == [200] * 3
