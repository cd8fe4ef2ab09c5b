"""Transitions of practices over HTTP, and their history (rules 2)."""

from functools import partial
from itertools import product
from typing import Any

import pytest

from tests.world import Person, World, concurrently, error_of, invalid, refusal_of

STATUSES = ("draft", "submitted", "approved", "revision_required", "declined")

TRANSITIONS = {
    ("draft", "submitted"): {"owner", "hq"},
    ("revision_required", "submitted"): {"owner", "hq"},
    ("submitted", "approved"): {"hq"},
    ("submitted", "revision_required"): {"hq"},
    ("approved", "revision_required"): {"hq"},
    ("submitted", "declined"): {"hq"},
    ("declined", "submitted"): {"hq"},
    ("submitted", "draft"): {"owner", "hq"},
}
"""Every transition, and the roles that may make it."""

CALLS = {
    "draft": "withdraw",
    "submitted": "submit",
    "approved": "approve",
    "revision_required": "request-revision",
    "declined": "decline",
}

COMMENTED = {"revision_required": "comment", "declined": "reason"}
"""The transitions that need a comment, and the name of the field in their calls."""


@pytest.fixture
def people(world: World) -> dict[str, Person]:
    return {"owner": world.plant_user(0), "hq": world.headquarters()}


def practice_with(world: World, people: dict[str, Person], state: str) -> dict[str, Any]:
    """A practice of the owner's plant with this status."""
    practice = world.practice(people["owner"], "draft" if state == "draft" else "submitted")
    path = f"/best-practices/{practice['id']}"
    if state == "approved":
        assert people["hq"].post(f"{path}/approve").status_code == 200
    if state in COMMENTED:
        body = {COMMENTED[state]: "Why?"}
        assert people["hq"].post(f"{path}/{CALLS[state]}", body).status_code == 200
    return practice


def transition(person: Person, practice: dict[str, Any], to_state: str, *, by_call: bool) -> tuple[int, str]:
    """Try a transition, by its call or an edit. Returns the HTTP status and the new status or error code."""
    field = COMMENTED.get(to_state)
    path = f"/best-practices/{practice['id']}"
    if by_call:
        response = person.post(f"{path}/{CALLS[to_state]}", {field: "How was it measured?"} if field else {})
    else:
        comment = {"comment": "How was it measured?"} if field else {}
        response = person.patch(path, {"status": to_state, **comment})
    if response.status_code == 200:
        return 200, response.json()["data"]["status"]
    return error_of(response)


def test_every_transition_is_possible_for_its_roles_and_no_others(
    world: World, people: dict[str, Person]
) -> None:
    for start, goal, who, by_call in product(STATUSES, STATUSES, people, (True, False)):
        if goal == start and not by_call:
            continue  # an edit to the same status is no transition
        practice = practice_with(world, people, start)
        before = world.snapshot()
        outcome = transition(people[who], practice, goal, by_call=by_call)
        assert outcome == expected_outcome(who, start, goal, by_call=by_call), (start, goal, who, by_call)
        if outcome[0] != 200:
            assert world.snapshot() == before, (start, goal, who, by_call)


def expected_outcome(who: str, start: str, goal: str, *, by_call: bool) -> tuple[int, str]:
    if by_call and who == "owner" and goal not in ("submitted", "draft"):
        return 403, "FORBIDDEN"  # the call is for headquarters
    if not by_call and who == "owner" and start in ("approved", "declined"):
        return 403, "FORBIDDEN"  # a plant cannot edit an approved or declined practice
    if (start, goal) not in TRANSITIONS:
        return 409, "INVALID_TRANSITION"
    return (200, goal) if who in TRANSITIONS[start, goal] else (403, "FORBIDDEN")


def test_a_refused_transition_names_both_statuses(world: World, people: dict[str, Person]) -> None:
    practice = practice_with(world, people, "draft")
    response = people["hq"].post(f"/best-practices/{practice['id']}/approve")
    assert error_of(response) == (409, "INVALID_TRANSITION")
    assert "draft" in response.json()["error"]["message"]
    assert "approved" in response.json()["error"]["message"]


def test_every_transition_is_recorded(world: World, people: dict[str, Person]) -> None:
    owner, hq = people["owner"], people["hq"]
    practice = world.practice(owner)
    path = f"/best-practices/{practice['id']}"
    owner.post(f"{path}/submit")
    hq.post(f"{path}/request-revision", {"comment": "  How was it measured?  "})
    owner.patch(
        path, {"status": "submitted", "solution": "Measured by a flow meter.", "comment": "By a meter."}
    )
    hq.patch(path, {"status": "approved"})
    hq.patch(path, {"status": "approved", "title": "Nitrogen brazing"})
    owner_name, hq_name = owner.email.partition("@")[0], hq.email.partition("@")[0]
    history = owner.get(f"{path}/history").json()["data"]
    assert [
        (entry["from_status"], entry["to_status"], entry["by_name"], entry["comment"]) for entry in history
    ] == [
        (None, "draft", owner_name, None),
        ("draft", "submitted", owner_name, None),
        ("submitted", "revision_required", hq_name, "How was it measured?"),
        ("revision_required", "submitted", owner_name, "By a meter."),
        ("submitted", "approved", hq_name, None),
    ]
    assert {entry["at"] for entry in history} == {"2026-08-15T06:30:00Z"}
    assert set(history[0]) == {"from_status", "to_status", "by_user_id", "by_name", "comment", "at"}
    assert hq.get(f"{path}/history").json()["data"] == history
    shown = hq.get(path).json()["data"]
    assert (shown["title"], shown["solution"]) == ("Nitrogen brazing", "Measured by a flow meter.")


def test_a_revision_needs_a_comment(world: World, people: dict[str, Person]) -> None:
    practice = practice_with(world, people, "submitted")
    path = f"/best-practices/{practice['id']}"
    before = world.snapshot()
    for body in ({}, *({"comment": comment} for comment in (None, "", " \n ", "x" * 2001, "a\x00b", 5))):
        assert refusal_of(people["hq"].post(f"{path}/request-revision", body)) == invalid("comment"), body
        response = people["hq"].patch(path, {**body, "status": "revision_required"})
        assert refusal_of(response) == invalid("comment"), body
    assert world.snapshot() == before
    assert people["hq"].post(f"{path}/request-revision", {"comment": "x" * 2000}).status_code == 200


def test_a_draft_is_submitted_only_when_it_is_complete(world: World, people: dict[str, Person]) -> None:
    owner = people["owner"]
    practice = owner.post("/best-practices", {"title": "Idea"}).json()["data"]
    path = f"/best-practices/{practice['id']}"
    before = world.snapshot()
    missing = invalid("description", "category_id", "problem_statement", "solution")
    assert refusal_of(owner.post(f"{path}/submit")) == missing
    assert refusal_of(owner.patch(path, {"status": "submitted"})) == missing
    assert world.snapshot() == before
    rest = {"description": "d", "category_id": str(world.categories[0]), "problem_statement": "p"}
    response = owner.patch(path, {**rest, "solution": "s", "status": "submitted"})
    assert response.json()["data"]["status"] == "submitted"


def test_the_date_is_set_by_the_first_submission_and_kept_by_the_next(
    world: World, people: dict[str, Person]
) -> None:
    owner, hq = people["owner"], people["hq"]
    practice = world.practice(owner)
    path = f"/best-practices/{practice['id']}"
    before = world.snapshot()
    for day in ("2026-06-30", "2026-08-16", 5):
        assert refusal_of(owner.post(f"{path}/submit", {"submitted_date": day})) == invalid("submitted_date")
    assert world.snapshot() == before
    submitted = owner.post(f"{path}/submit", {"submitted_date": "2026-07-31"}).json()["data"]
    assert submitted["submitted_date"] == "2026-07-31"
    sent_back = hq.post(f"{path}/request-revision", {"comment": "Why?"}).json()["data"]
    assert sent_back["submitted_date"] == "2026-07-31"
    moved = owner.post(f"{path}/submit", {"submitted_date": "2026-08-01"})
    assert refusal_of(moved) == (403, "FORBIDDEN", set())
    again = owner.patch(path, {"status": "submitted"}).json()["data"]
    assert (again["status"], again["submitted_date"]) == ("submitted", "2026-07-31")


def test_a_benchmarked_practice_is_not_sent_back(world: World, people: dict[str, Person]) -> None:
    practice = practice_with(world, people, "approved")
    world.benchmark(practice)
    before = world.snapshot()
    for by_call in (True, False):
        outcome = transition(people["hq"], practice, "revision_required", by_call=by_call)
        assert outcome == (409, "BENCHMARKED")
    assert world.snapshot() == before
    shown = people["owner"].get(f"/best-practices/{practice['id']}").json()["data"]
    assert (shown["is_benchmarked"], shown["benchmarked_date"]) == (True, "2026-08-15")


def test_of_two_approvals_at_the_same_time_one_is_refused(world: World) -> None:
    owner, rivals = world.plant_user(0), [world.headquarters(), world.headquarters()]
    for _ in range(5):
        practice = world.practice(owner, "submitted")
        outcomes = concurrently(
            *(partial(transition, rival, practice, "approved", by_call=True) for rival in rivals)
        )
        assert sorted(outcomes) == [(200, "approved"), (409, "INVALID_TRANSITION")]
        history = owner.get(f"/best-practices/{practice['id']}/history").json()["data"]
        assert [entry["to_status"] for entry in history] == ["submitted", "approved"]
