"""Adding and removing benchmarks (rules 6)."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.world import NOON, Person, World, concurrently, error_of, invalid, refusal_of, saving


@pytest.fixture
def hq(world: World) -> Person:
    return world.headquarters()


def benchmarked(hq: Person, practice_id: str) -> dict[str, object]:
    response = hq.post(f"/benchmarking/benchmark/{practice_id}")
    assert response.status_code == 201, response.text
    data: dict[str, object] = response.json()["data"]
    return data


def test_an_approved_practice_is_benchmarked_and_its_plant_notified(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    practice = world.approved(hq)
    world.clock.advance(timedelta(hours=13))  # the next day in India, the same in UTC
    hq.sign_in()
    author.sign_in()
    made = benchmarked(hq, practice["id"])
    assert made == {
        "id": made["id"],
        "practice_id": practice["id"],
        "benchmarked_by_user_id": hq.get("/auth/me").json()["data"]["id"],
        "benchmarked_date": "2026-08-16",
        "created_at": "2026-08-15T19:30:00Z",
    }
    shown = author.get(f"/best-practices/{practice['id']}").json()["data"]
    assert (shown["is_benchmarked"], shown["benchmarked_date"], shown["status"]) == (
        True, "2026-08-16", "approved"
    )  # fmt: skip
    assert shown["updated_at"] == "2026-08-15T19:30:00Z"
    newest = author.get("/notifications").json()["data"][0]
    assert (newest["type"], newest["message"], newest["related_practice_id"]) == (
        "practice_benchmarked", practice["title"], practice["id"]
    )  # fmt: skip
    assert world.query("SELECT count(*) FROM leaderboard_entries") == [(0,)]


def test_benchmarking_a_submitted_practice_approves_it_and_counts_its_saving(
    world: World, hq: Person
) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted", **saving(12))
    benchmarked(hq, practice["id"])
    assert author.get("/analytics/overview").json()["data"]["monthly_savings"] == "1.00"
    history = author.get(f"/best-practices/{practice['id']}/history").json()["data"]
    assert [step["to_status"] for step in history] == ["submitted", "approved"]
    types = [one["type"] for one in author.get("/notifications").json()["data"]]
    assert sorted(types) == ["practice_approved", "practice_benchmarked"]
    assert [one["type"] for one in hq.get("/notifications").json()["data"]] == ["practice_submitted"]


def test_a_practice_that_cannot_be_benchmarked_is_refused_and_not_changed(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    draft, sent_back, done = (world.practice(author, "draft"), world.approved(hq), world.approved(hq))
    hq.post(f"/best-practices/{sent_back['id']}/request-revision", {"comment": "Why?"})
    benchmarked(hq, done["id"])
    deleted = world.practice(author, "submitted")
    assert author.delete(f"/best-practices/{deleted['id']}").status_code == 200
    before = world.snapshot(), world.query("SELECT * FROM benchmarked_practices")
    for practice_id, expected in (
        (draft["id"], (409, "NOT_BENCHMARKABLE")),
        (sent_back["id"], (409, "NOT_BENCHMARKABLE")),
        (done["id"], (409, "ALREADY_BENCHMARKED")),
        (deleted["id"], (404, "NOT_FOUND")),
        (str(uuid4()), (404, "NOT_FOUND")),
    ):
        assert error_of(hq.post(f"/benchmarking/benchmark/{practice_id}")) == expected
    assert error_of(author.post(f"/benchmarking/benchmark/{deleted['id']}")) == (403, "FORBIDDEN")
    response = hq.post(f"/benchmarking/benchmark/{draft['id']}", {"date": "2026-08-01"})
    assert refusal_of(response) == invalid("date")
    assert (world.snapshot(), world.query("SELECT * FROM benchmarked_practices")) == before


def test_a_benchmark_is_removed_and_the_practice_stays_approved(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    practice = world.approved(hq)
    path = f"/benchmarking/unbenchmark/{practice['id']}"
    assert error_of(hq.delete(path)) == (409, "NOT_BENCHMARKED")
    benchmarked(hq, practice["id"])
    assert error_of(author.delete(path)) == (403, "FORBIDDEN")
    response = hq.delete(path)
    assert (response.status_code, response.json()["data"]) == (200, None)
    assert response.json()["message"] == "The practice is no longer benchmarked."
    shown = author.get(f"/best-practices/{practice['id']}").json()["data"]
    assert (shown["is_benchmarked"], shown["benchmarked_date"], shown["status"]) == (False, None, "approved")
    assert error_of(hq.delete(path)) == (409, "NOT_BENCHMARKED")
    assert error_of(hq.delete(f"/benchmarking/unbenchmark/{uuid4()}")) == (404, "NOT_FOUND")
    assert benchmarked(hq, practice["id"])["benchmarked_date"] == "2026-08-15"


def test_benchmarking_checks_and_changes_the_version(world: World, hq: Person) -> None:
    practice = world.approved(hq)
    read = hq.get(f"/best-practices/{practice['id']}").headers["ETag"]
    hq.patch(f"/best-practices/{practice['id']}", {"title": "Another"})
    path = f"/benchmarking/benchmark/{practice['id']}"
    assert error_of(hq.post(path, if_match=read)) == (412, "PRECONDITION_FAILED")
    read = hq.get(f"/best-practices/{practice['id']}").headers["ETag"]
    assert hq.post(path, if_match=read).status_code == 201
    path = f"/benchmarking/unbenchmark/{practice['id']}"
    assert error_of(hq.delete(path, if_match=read)) == (412, "PRECONDITION_FAILED")
    read = hq.get(f"/best-practices/{practice['id']}").headers["ETag"]
    assert hq.delete(path, if_match=read).status_code == 200
    assert hq.get(f"/best-practices/{practice['id']}").headers["ETag"] != read


def test_a_practice_that_two_users_benchmark_at_the_same_time_is_benchmarked_once(
    world: World, hq: Person
) -> None:
    other, author = world.headquarters(), world.plant_user(0)
    for _ in range(5):
        practice = world.practice(author, "submitted")
        call = f"/benchmarking/benchmark/{practice['id']}"
        responses = concurrently(partial(hq.post, call), partial(other.post, call))
        assert sorted(response.status_code for response in responses) == [201, 409]
        [refused] = [response for response in responses if response.status_code == 409]
        assert error_of(refused) == (409, "ALREADY_BENCHMARKED")
    assert world.query("SELECT count(*) FROM benchmarked_practices") == [(5,)]


def test_a_repeated_call_with_its_key_returns_the_first_benchmark(world: World, hq: Person) -> None:
    practice = world.approved(hq)
    path = f"/benchmarking/benchmark/{practice['id']}"
    first, second = (hq.post(path, idempotency_key="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == {**first.json(), "replayed": True}
    assert second.headers["Idempotency-Replayed"] == "true"


@pytest.fixture
def twelve(world: World, hq: Person) -> list[dict[str, Any]]:
    """Practices 0 to 11 of three plants and two categories, benchmarked in this order; and a deleted one."""
    made = []
    for number in range(12):
        category = str(world.categories[number % 2])
        practice = world.approved(hq, number % 3, title=f"Practice {number}", category_id=category)
        benchmarked(hq, practice["id"])
        made.append(practice)
        world.clock.advance(timedelta(minutes=1))
    deleted = world.approved(hq)
    benchmarked(hq, deleted["id"])
    world.mark_deleted(deleted)
    return made


@pytest.mark.usefixtures("twelve")
def test_benchmarks_are_listed_newest_first_by_plant_and_category(world: World, hq: Person) -> None:
    plant, category = str(world.plants[1]), str(world.categories[1])
    for query, expected in (
        ({}, "11 10 9 8 7 6 5 4 3 2 1 0"),
        ({"limit": 5, "offset": 9}, "2 1 0"),
        ({"plant_id": plant}, "10 7 4 1"),
        ({"category_id": category}, "11 9 7 5 3 1"),
        ({"category_id": category, "plant_id": plant}, "7 1"),
        ({"plant_id": str(uuid4())}, ""),
    ):
        response = hq.get("/benchmarking/list", **query)
        assert response.status_code == 200, response.text
        titles = [one["practice_title"].removeprefix("Practice ") for one in response.json()["data"]]
        assert titles == expected.split(), query


@pytest.mark.usefixtures("twelve")
def test_benchmarks_are_counted_without_deleted_practices(hq: Person) -> None:
    response = hq.get("/benchmarking/list", limit=5)
    assert response.json()["pagination"] == {"total": 12, "limit": 5, "offset": 0, "has_more": True}
    assert hq.get("/benchmarking/total-count").json()["data"] == {"total_benchmarked": 12}


def test_the_ten_newest_benchmarks_are_shown(hq: Person, twelve: list[dict[str, Any]]) -> None:
    recent = hq.get("/benchmarking/recent").json()["data"]
    assert [one["practice_id"] for one in recent] == [practice["id"] for practice in twelve[:1:-1]]
    newest = twelve[-1]
    assert recent[0] == {
        "id": recent[0]["id"],
        "practice_id": newest["id"],
        "practice_title": "Practice 11",
        "category_id": newest["category_id"],
        "practice_category": newest["category_name"],
        "plant_id": newest["plant_id"],
        "plant_name": newest["plant_name"],
        "benchmarked_date": NOON.date().isoformat(),
        "copy_count": 0,
        "created_at": "2026-08-15T06:41:00Z",
    }


def test_an_invalid_query_is_refused_with_its_field(world: World) -> None:
    reader = world.plant_user(0)
    for query, expected in (
        ({"limit": 0}, (422, "VALIDATION_ERROR", {"limit"})),
        ({"limit": 101}, (422, "VALIDATION_ERROR", {"limit"})),
        ({"offset": -1}, (422, "VALIDATION_ERROR", {"offset"})),
        ({"plant_id": "Supa"}, (400, "BAD_REQUEST", {"plant_id"})),
        ({"category_id": "7"}, (400, "BAD_REQUEST", {"category_id"})),
        ({"status": "approved"}, (422, "VALIDATION_ERROR", {"status"})),
    ):
        assert refusal_of(reader.get("/benchmarking/list", **query)) == expected
    for path in ("/benchmarking/copy-spread", "/copy/deployment-status", "/copy/my-implementations"):
        assert refusal_of(reader.get(path, limit=101)) == invalid("limit")
        assert refusal_of(reader.get(path, plant_id=str(uuid4()))) == invalid("plant_id")
