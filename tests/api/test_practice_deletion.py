"""Deleting practices, the own practices of a plant, and recent practices."""

from datetime import timedelta
from typing import Any

import httpx

from tests.world import Person, World, error_of, invalid, refusal_of, saving, upload_request

GONE = (404, "NOT_FOUND")


def ids_of(response: httpx.Response) -> list[str]:
    return [item["id"] for item in response.json()["data"]]


def uses_of(author: Person, hq: Person, practice: dict[str, Any]) -> list[httpx.Response]:
    """Every call with the id of a practice."""
    path = f"/best-practices/{practice['id']}"
    return [
        author.get(path),
        author.get(f"{path}/history"),
        author.get(f"{path}/images"),
        author.get(f"{path}/uploads"),
        author.patch(path, {"title": "x"}),
        author.post(f"{path}/submit"),
        author.post("/upload/presigned-url", upload_request(practice["id"])),
        hq.post(f"{path}/approve"),
        hq.post(f"{path}/request-revision", {"comment": "x"}),
        author.delete(path),
        hq.delete(path),
    ]


def test_a_deleted_practice_is_not_found(world: World) -> None:
    author, hq = world.plant_user(), world.headquarters()
    for status in ("draft", "submitted"):
        practice = world.practice(author, status)
        response = author.delete(f"/best-practices/{practice['id']}")
        assert (response.status_code, response.json()["data"]) == (200, None)
        for use in uses_of(author, hq, practice):
            assert error_of(use) == GONE, use.request.url
    for reader in (author, hq):
        assert ids_of(reader.get("/best-practices")) == []
        assert ids_of(reader.get("/best-practices/recent")) == []
    assert ids_of(author.get("/best-practices/my-practices")) == []
    assert world.query("SELECT is_deleted FROM best_practices") == [(True,), (True,)]


def test_the_saving_of_a_deleted_practice_is_removed_and_the_deletion_is_in_the_audit_trail(
    world: World,
) -> None:
    hq, author = world.headquarters(), world.plant_user()
    remaining = world.approved(hq, **saving(12))
    practice = world.approved(hq, **saving(24))
    overview = author.get("/analytics/overview").json()["data"]
    assert (overview["monthly_count"], overview["monthly_savings"]) == (2, "3.00")
    assert author.delete(f"/best-practices/{practice['id']}").status_code == 200
    overview = author.get("/analytics/overview").json()["data"]
    assert (overview["monthly_count"], overview["monthly_savings"]) == (1, "1.00")
    [entry] = hq.get("/audit", entity="practice", entity_id=practice["id"]).json()["data"][:1]
    assert (entry["action"], entry["before"]["title"], entry["after"]) == (
        "practice.deleted",
        practice["title"],
        None,
    )
    assert ids_of(author.get("/best-practices")) == [remaining["id"]]


def test_a_benchmarked_practice_cannot_be_deleted(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user()
    practice = world.approved(hq)
    world.benchmark(practice)
    before = world.snapshot()
    for person in (hq, author):
        assert error_of(person.delete(f"/best-practices/{practice['id']}")) == (409, "BENCHMARKED")
    assert world.snapshot() == before


def test_another_plant_cannot_delete_a_practice_or_learn_of_a_draft(world: World) -> None:
    author, other = world.plant_user(0), world.plant_user(1)
    for status, expected in (("draft", GONE), ("submitted", (403, "FORBIDDEN"))):
        path = f"/best-practices/{world.practice(author, status)['id']}"
        assert error_of(other.delete(path)) == expected
        assert error_of(world.plant_user(2).delete(path)) == expected
        assert world.browser().delete(f"/api/v1{path}").status_code == 401
    assert world.query("SELECT count(*) FROM best_practices WHERE is_deleted") == [(0,)]


def test_my_practices_are_those_of_the_users_plant_in_every_status(world: World) -> None:
    author, colleague, other = world.plant_user(0), world.plant_user(0), world.plant_user(1)
    mine = [
        world.practice(author, "draft", title="Draft of scrap"),
        world.practice(colleague, "submitted", title="Less scrap"),
        world.practice(author, "submitted", title="Hoses"),
    ]
    world.practice(other, "submitted", title="Their scrap")

    def listed(**query: object) -> list[str]:
        return ids_of(colleague.get("/best-practices/my-practices", **query))

    assert set(listed()) == {practice["id"] for practice in mine}
    assert listed(status="draft") == [mine[0]["id"]]
    assert listed(search="scrap", sort_by="title") == [mine[1]["id"], mine[0]["id"]]
    assert listed(sort_by="title", sort_order="asc", limit=1, offset=1) == [mine[2]["id"]]
    body = colleague.get("/best-practices/my-practices", limit=2).json()
    assert (body["pagination"]["total"], body["pagination"]["has_more"]) == (3, True)
    for bad in ("plant_id", "colour"):
        assert refusal_of(colleague.get("/best-practices/my-practices", **{bad: "x"})) == invalid(bad)
    assert error_of(world.headquarters().get("/best-practices/my-practices")) == (403, "FORBIDDEN")


def test_recent_practices_are_the_ten_that_were_submitted_last(world: World) -> None:
    author, hq = world.plant_user(0), world.headquarters()
    submitted = []
    for number in range(12):
        submitted.append(world.practice(author, "submitted", title=f"{number}")["id"])
        world.practice(author, "draft")
        world.clock.advance(timedelta(minutes=1))
    late = world.practice(hq, "submitted", plant_id=str(world.plants[1]), submitted_date="2026-08-01")
    for reader in (author, hq, world.plant_user(3)):
        assert ids_of(reader.get("/best-practices/recent")) == submitted[:1:-1]
    assert late["id"] in ids_of(author.get("/best-practices", limit=100))
    hq.post(f"/best-practices/{submitted[-1]}/request-revision", {"comment": "Why?"})
    assert ids_of(author.get("/best-practices/recent")) == submitted[-2:0:-1]
