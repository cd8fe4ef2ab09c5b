"""Declined practices, which count nowhere, and withdrawn ones, which start anew (rules 2)."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.world import Person, World, concurrently, error_of, invalid, refusal_of, saving

REASON = {"reason": "The same practice is in use already."}


@pytest.fixture
def owner(world: World) -> Person:
    return world.plant_user(0)


@pytest.fixture
def hq(world: World) -> Person:
    return world.headquarters()


def path_of(practice: dict[str, Any]) -> str:
    return f"/best-practices/{practice['id']}"


def declined(world: World, owner: Person, hq: Person, **content: object) -> dict[str, Any]:
    """A declined practice of the owner."""
    practice = world.practice(owner, "submitted", **content)
    response = hq.post(f"{path_of(practice)}/decline", REASON)
    assert response.status_code == 200, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


def copied(world: World, hq: Person) -> tuple[Person, str, str]:
    """A copy of a benchmarked practice of plant 0 by plant 1: who made it, its id, and the original's."""
    original, copier = world.approved(hq, 0), world.plant_user(1)
    assert hq.post(f"/benchmarking/benchmark/{original['id']}").status_code == 201
    made = copier.post("/copy/implement", {"original_practice_id": original["id"]}).json()["data"]
    return copier, made["copied_practice"]["id"], original["id"]


def test_its_plant_and_headquarters_read_why_a_practice_was_declined(
    world: World, owner: Person, hq: Person
) -> None:
    practice = declined(world, owner, hq)
    assert (practice["status"], practice["declined_reason"]) == ("declined", REASON["reason"])
    assert owner.get(path_of(practice)).json()["data"]["declined_reason"] == REASON["reason"]
    history = owner.get(f"{path_of(practice)}/history").json()["data"]
    assert history[-1]["comment"] == REASON["reason"]
    notices = owner.get("/notifications").json()["data"]
    assert [(one["type"], one["related_practice_id"]) for one in notices] == [
        ("practice_declined", practice["id"])
    ]
    reopened = hq.post(f"{path_of(practice)}/reopen").json()["data"]
    assert (reopened["status"], reopened["declined_reason"]) == ("submitted", None)
    assert reopened["submitted_date"] == practice["submitted_date"]
    assert owner.get("/notifications").json()["data"][0]["type"] in ("practice_declined", "practice_reopened")


def test_a_declined_practice_does_not_exist_for_other_plants_and_is_in_no_list_of_theirs(
    world: World, owner: Person, hq: Person
) -> None:
    practice = declined(world, owner, hq, title="Xylophone")
    other = world.plant_user(1)
    assert error_of(other.get(path_of(practice))) == (404, "NOT_FOUND")
    assert other.get("/best-practices").json()["data"] == []
    assert other.get("/best-practices", search="Xylophone").json()["data"] == []
    for person in (owner, hq):
        listed = person.get("/best-practices", status="declined").json()["data"]
        assert [one["id"] for one in listed] == [practice["id"]]
    assert [one["id"] for one in owner.get("/best-practices/my-practices").json()["data"]] == [practice["id"]]


def test_a_declined_practice_counts_nowhere(world: World, owner: Person, hq: Person) -> None:
    practice = declined(world, owner, hq, title="Xylophone", **saving("12"))
    assert hq.get("/best-practices/recent").json()["data"] == []
    assert hq.post("/best-practices/similar", {"title": "Xylophone"}).json()["data"] == []
    plant = hq.get(f"/plants/{owner.plant_id}").json()["data"]
    assert (plant["total_practices"], plant["monthly_practices"]) == (0, 0)
    categories = hq.get("/categories").json()["data"]
    assert {one["practice_count"] for one in categories} == {0}
    overview = hq.get("/analytics/overview").json()["data"]
    assert (overview["monthly_count"], overview["ytd_savings"]) == (0, "0.00")
    outcome = error_of(hq.post(f"/benchmarking/benchmark/{practice['id']}"))
    assert outcome == (409, "NOT_BENCHMARKABLE")
    copy = world.plant_user(1).post("/copy/implement", {"original_practice_id": practice["id"]})
    assert error_of(copy) == (404, "NOT_FOUND")


def test_a_reopened_practice_counts_as_submitted_and_its_saving_after_the_approval(
    world: World, owner: Person, hq: Person
) -> None:
    practice = declined(world, owner, hq, **saving("12"))
    hq.post(f"{path_of(practice)}/reopen")
    overview = hq.get("/analytics/overview").json()["data"]
    assert (overview["monthly_count"], overview["ytd_savings"]) == (1, "0.00")
    hq.post(f"{path_of(practice)}/approve")
    assert hq.get("/analytics/overview").json()["data"]["ytd_savings"] == "1.00"


def test_the_plant_neither_edits_nor_reopens_a_declined_practice_but_may_delete_it(
    world: World, owner: Person, hq: Person
) -> None:
    practice = declined(world, owner, hq)
    before = world.snapshot()
    for response in (
        owner.patch(path_of(practice), {"title": "Better"}),
        owner.patch(path_of(practice), {"status": "submitted"}),
        owner.post(f"{path_of(practice)}/submit"),
        owner.post(f"{path_of(practice)}/reopen"),
    ):
        assert error_of(response) == (403, "FORBIDDEN")
    assert world.snapshot() == before
    assert hq.patch(path_of(practice), {"title": "Better"}).status_code == 200
    assert owner.delete(path_of(practice)).status_code == 200


def test_an_approved_or_benchmarked_practice_is_not_declined(world: World, hq: Person) -> None:
    practice = world.approved(hq)
    assert error_of(hq.post(f"{path_of(practice)}/decline", REASON)) == (409, "INVALID_TRANSITION")
    assert hq.post(f"/benchmarking/benchmark/{practice['id']}").status_code == 201
    assert error_of(hq.post(f"{path_of(practice)}/decline", REASON)) == (409, "INVALID_TRANSITION")


def test_a_refusal_needs_a_reason(world: World, owner: Person, hq: Person) -> None:
    practice = world.practice(owner, "submitted")
    path, before = path_of(practice), world.snapshot()
    for reason in (None, "", " \n ", "x" * 2001, "a\x00b", 5, ["x"]):
        assert refusal_of(hq.post(f"{path}/decline", {"reason": reason})) == invalid("reason"), reason
        response = hq.patch(path, {"status": "declined", "comment": reason})
        assert response.status_code == 422, reason
    assert refusal_of(hq.post(f"{path}/decline", {})) == invalid("reason")
    assert refusal_of(hq.post(f"{path}/decline", {**REASON, "comment": "x"})) == invalid("comment")
    for call in ("reopen", "withdraw"):
        assert refusal_of(hq.post(f"{path}/{call}", {"reason": "x"})) == invalid("reason"), call
    assert world.snapshot() == before
    assert hq.post(f"{path}/decline", {"reason": "x" * 2000}).status_code == 200


def test_a_declined_copy_earns_no_points_until_it_is_reopened(world: World, hq: Person) -> None:
    copier, copy_id, original_id = copied(world, hq)

    def points() -> list[int]:
        rows = hq.get("/leaderboard/current").json()["data"]
        return sorted((row["total_points"] for row in rows), reverse=True)[:2]

    def copies() -> tuple[int, int]:
        counted = hq.get(f"/best-practices/{original_id}").json()["data"]["copy_count"]
        return counted, len(hq.get(f"/copy/{original_id}/copies").json()["data"])

    assert (points(), copies()) == ([10, 5], (1, 1))
    hq.post(f"/best-practices/{copy_id}/decline", REASON)
    assert (points(), copies()) == ([0, 0], (0, 0))
    assert hq.get("/copy/deployment-status").json()["data"] == []
    again = copier.post("/copy/implement", {"original_practice_id": original_id})
    assert error_of(again) == (409, "ALREADY_COPIED")
    assert hq.patch(f"/best-practices/{copy_id}", {"status": "submitted"}).status_code == 200
    assert (points(), copies()) == ([10, 5], (1, 1))
    hq.post(f"/best-practices/{copy_id}/decline", REASON)
    copier.delete(f"/best-practices/{copy_id}")
    assert copier.post("/copy/implement", {"original_practice_id": original_id}).status_code == 201
    assert hq.post("/leaderboard/recalculate").json()["data"]["total_points"] == 15
    assert world.query("SELECT rows FROM job_runs") == [(0,)]


def test_a_withdrawn_practice_is_a_draft_and_its_next_submission_sets_a_new_date(
    world: World, owner: Person, hq: Person
) -> None:
    practice = world.practice(owner, "submitted", submitted_date="2026-08-01")
    withdrawn = owner.post(f"{path_of(practice)}/withdraw").json()["data"]
    assert (withdrawn["status"], withdrawn["submitted_date"]) == ("draft", None)
    assert error_of(world.plant_user(1).get(path_of(practice))) == (404, "NOT_FOUND")
    assert hq.get("/analytics/overview").json()["data"]["monthly_count"] == 0
    again = owner.post(f"{path_of(practice)}/submit").json()["data"]
    assert again["submitted_date"] == "2026-08-15"
    history = owner.get(f"{path_of(practice)}/history").json()["data"]
    assert [one["to_status"] for one in history] == ["submitted", "draft", "submitted"]


def test_what_headquarters_has_decided_about_is_not_withdrawn(
    world: World, owner: Person, hq: Person
) -> None:
    returned = world.practice(owner, "submitted")
    hq.post(f"{path_of(returned)}/request-revision", {"comment": "Why?"})
    owner.post(f"{path_of(returned)}/submit")
    reopened = declined(world, owner, hq)
    hq.post(f"{path_of(reopened)}/reopen")
    before = world.snapshot()
    for practice in (returned, reopened):
        assert error_of(owner.post(f"{path_of(practice)}/withdraw")) == (409, "ALREADY_DECIDED")
        assert error_of(owner.patch(path_of(practice), {"status": "draft"})) == (409, "ALREADY_DECIDED")
    for practice in (world.approved(hq), world.practice(owner), declined(world, owner, hq)):
        before = world.snapshot()
        assert error_of(owner.post(f"{path_of(practice)}/withdraw")) == (409, "INVALID_TRANSITION")
        assert world.snapshot() == before


def test_a_copy_is_not_withdrawn(world: World, hq: Person) -> None:
    copier, copy_id, _ = copied(world, hq)
    assert error_of(copier.post(f"/best-practices/{copy_id}/withdraw")) == (409, "COPIED")
    assert error_of(copier.patch(f"/best-practices/{copy_id}", {"status": "draft"})) == (409, "COPIED")


def test_others_neither_decline_reopen_nor_withdraw(world: World, owner: Person, hq: Person) -> None:
    practice, other = world.practice(owner, "submitted"), world.plant_user(1)
    before = world.snapshot()
    for call, body in (("decline", REASON), ("reopen", {}), ("withdraw", {})):
        path = f"{path_of(practice)}/{call}"
        assert error_of(other.post(path, body)) == (403, "FORBIDDEN")
        anonymous = world.browser().post(f"/api/v1{path}", json=body)
        assert error_of(anonymous) == (401, "UNAUTHENTICATED")
        assert error_of(hq.post(f"/best-practices/{uuid4()}/{call}", body)) == (404, "NOT_FOUND")
        assert error_of(hq.post(path, body, if_match='"7"')) == (412, "PRECONDITION_FAILED")
    assert world.snapshot() == before


@pytest.mark.parametrize(
    ("first", "second"),
    [("approve", "withdraw"), ("decline", "withdraw"), ("decline", "approve"), ("reopen", "reopen")],
)
def test_of_two_transitions_at_the_same_time_one_wins(
    world: World, owner: Person, hq: Person, first: str, second: str
) -> None:
    for _ in range(4):
        practice = world.practice(owner, "submitted")
        if first == "reopen":
            hq.post(f"{path_of(practice)}/decline", REASON)
        known = len(owner.get(f"{path_of(practice)}/history").json()["data"])
        calls = [
            partial((owner if call == "withdraw" else hq).post, f"{path_of(practice)}/{call}", body)
            for call, body in ((name, REASON if name == "decline" else {}) for name in (first, second))
        ]
        assert sorted(response.status_code for response in concurrently(*calls)) == [200, 409]
        assert len(owner.get(f"{path_of(practice)}/history").json()["data"]) == known + 1
