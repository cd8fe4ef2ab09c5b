"""The inbox of headquarters: what waits for a decision, who takes it, and the reminders (rules 2)."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from bench.statements import captured_statements
from tests.api.tokens import claims_of
from tests.world import Person, World, concurrently, error_of, invalid, refusal_of

INBOX = "/reviews/inbox"


@pytest.fixture
def hq(world: World) -> Person:
    return world.headquarters()


def id_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sub"])


def wait_since(world: World, practice: dict[str, Any], moment: str) -> None:
    world.query("UPDATE best_practices SET waiting_since = %s WHERE id = %s", moment, practice["id"])


def inbox(person: Person, **query: object) -> list[dict[str, Any]]:
    response = person.get(INBOX, **query)
    assert response.status_code == 200, response.text
    data: list[dict[str, Any]] = response.json()["data"]
    return data


def titles(person: Person, **query: object) -> list[str]:
    return [one["title"] for one in inbox(person, **query)]


def take(person: Person, practice: dict[str, Any]) -> Any:
    return person.post(f"/reviews/{practice['id']}/take")


def hand_over(person: Person, practice: dict[str, Any], user_id: object) -> Any:
    return person.post(f"/reviews/{practice['id']}/hand-over", {"user_id": user_id})


def reminders(person: Person) -> list[tuple[str, str]]:
    found = person.get("/notifications", limit=100).json()["data"]
    return [(one["title"], one["message"]) for one in found if one["type"] == "review_overdue"]


def test_the_inbox_shows_a_waiting_practice_with_its_due_date(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted")
    [listed] = author.get("/best-practices").json()["data"]
    wait_since(world, practice, "2026-08-06T20:00:00Z")  # Friday the 7th in India; today is Saturday the 15th
    assert inbox(hq) == [
        {
            **listed,
            "waiting_since": "2026-08-06T20:00:00Z",
            "age_days": 8,
            "working_days_waiting": 5,
            "due_date": "2026-08-14",
            "is_overdue": True,
            "reviewer_id": None,
            "reviewer_name": None,
            "resubmission": False,
        }
    ]


def test_the_inbox_lists_what_was_submitted_first_and_only_what_waits(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    for title, since in (("second", "2026-08-12"), ("first", "2026-08-11"), ("third", "2026-08-13")):
        wait_since(world, world.practice(author, "submitted", title=title), f"{since}T06:30:00Z")
    world.practice(author, title="a draft")
    for title, call in (("approved", "approve"), ("declined", "decline"), ("returned", "request-revision")):
        practice = world.practice(author, "submitted", title=title)
        body = {"decline": {"reason": "x"}, "request-revision": {"comment": "x"}}.get(call, {})
        assert hq.post(f"/best-practices/{practice['id']}/{call}", body).status_code == 200
    world.mark_deleted(world.practice(author, "submitted", title="deleted"))
    withdrawn = world.practice(author, "submitted", title="withdrawn")
    author.post(f"/best-practices/{withdrawn['id']}/withdraw")
    assert titles(hq) == ["first", "second", "third"]
    response = hq.get(INBOX, limit=1, offset=1).json()
    assert [one["title"] for one in response["data"]] == ["second"]
    assert response["pagination"] == {"total": 3, "limit": 1, "offset": 1, "has_more": True}
    assert hq.get(INBOX, offset=7).json()["pagination"]["total"] == 3


def test_a_resubmission_waits_since_then_and_an_edit_changes_nothing(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted")
    path = f"/best-practices/{practice['id']}"
    world.clock.advance(timedelta(minutes=1))
    author.patch(path, {"title": "Better"})
    assert inbox(hq)[0]["waiting_since"] == "2026-08-15T06:30:00Z"
    hq.post(f"{path}/request-revision", {"comment": "Why?"})
    world.clock.advance(timedelta(minutes=1))
    author.patch(path, {"status": "submitted"})
    [item] = inbox(hq)
    assert (item["waiting_since"], item["resubmission"]) == ("2026-08-15T06:32:00Z", True)


def test_the_inbox_is_filtered_by_plant_category_reviewer_and_due_date(world: World, hq: Person) -> None:
    other = world.headquarters()
    authors = [world.plant_user(0), world.plant_user(1)]
    mine = world.practice(authors[0], "submitted", title="mine")
    theirs = world.practice(authors[1], "submitted", title="theirs", category_id=str(world.categories[1]))
    world.practice(authors[1], "submitted", title="free")
    take(hq, mine)
    take(other, theirs)
    wait_since(world, mine, "2026-08-01T06:30:00Z")
    for query, expected in (
        ({}, {"mine", "theirs", "free"}),
        ({"plant_id": str(world.plants[0])}, {"mine"}),
        ({"category_id": str(world.categories[1])}, {"theirs"}),
        ({"reviewer": "me"}, {"mine"}),
        ({"reviewer": "none"}, {"free"}),
        ({"reviewer": id_of(other)}, {"theirs"}),
        ({"overdue": "true"}, {"mine"}),
        ({"overdue": "false"}, {"theirs", "free"}),
        ({"overdue": "true", "reviewer": "none"}, set()),
        ({"plant_id": str(uuid4())}, set()),
    ):
        assert set(titles(hq, **query)) == expected, query
        assert hq.get(INBOX, **query).json()["pagination"]["total"] == len(expected), query


def test_the_filter_for_what_is_overdue_agrees_with_what_is_shown(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    for hours in range(0, 240, 7):
        moment = world.clock.now() - timedelta(hours=hours)
        wait_since(world, world.practice(author, "submitted", title=str(hours)), moment.isoformat())
    for _ in range(8):
        shown = {one["title"]: one["is_overdue"] for one in inbox(hq, limit=100)}
        for overdue in (True, False):
            expected = {title for title, is_overdue in shown.items() if is_overdue is overdue}
            assert set(titles(hq, limit=100, overdue=str(overdue).lower())) == expected
        world.clock.advance(timedelta(hours=23))
        hq.sign_in()


@pytest.mark.parametrize("portal_settings", [{"REVIEW_DUE_WORKING_DAYS": "2"}])
def test_how_long_a_review_may_take_is_a_setting(world: World, hq: Person) -> None:
    world.practice(world.plant_user(0), "submitted")
    assert inbox(hq)[0]["due_date"] == "2026-08-18"


def test_the_inbox_refuses_what_it_does_not_know(world: World, hq: Person) -> None:
    for field, value in (("limit", 0), ("limit", 101), ("offset", -1), ("sort_by", "title")):
        assert refusal_of(hq.get(INBOX, **{field: value})) == invalid(field)
    for field in ("plant_id", "category_id", "reviewer", "overdue"):
        assert refusal_of(hq.get(INBOX, **{field: "x"})) == (400, "BAD_REQUEST", {field}), field


def test_the_inbox_is_one_statement_however_long_it_is(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    counts = []
    for _ in range(2):
        world.practice(author, "submitted")
        with captured_statements() as statements:
            inbox(hq)
        counts.append(sum("waiting_since" in str(statement) for statement, _ in statements))
    assert counts == [1, 1]


def test_a_taken_practice_shows_its_reviewer_to_headquarters_and_its_plant(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted")
    before = author.get(f"/best-practices/{practice['id']}")
    response = take(hq, practice)
    name = hq.email.partition("@")[0]
    assert response.json()["data"] == inbox(hq)[0]
    assert (inbox(hq)[0]["reviewer_id"], inbox(hq)[0]["reviewer_name"]) == (id_of(hq), name)
    shown = author.get(f"/best-practices/{practice['id']}")
    assert shown.json()["data"]["reviewer_name"] == name
    assert shown.headers["ETag"] == before.headers["ETag"], "a reviewer is no new version of the practice"
    assert take(hq, practice).status_code == 200
    hq.post(f"/best-practices/{practice['id']}/approve")
    assert author.get(f"/best-practices/{practice['id']}").json()["data"]["reviewer_name"] is None


def test_the_reviewer_stays_for_the_resubmission(world: World, hq: Person) -> None:
    author, other = world.plant_user(0), world.headquarters()
    practice = world.practice(author, "submitted")
    take(hq, practice)
    other.post(f"/best-practices/{practice['id']}/request-revision", {"comment": "Why?"})
    author.post(f"/best-practices/{practice['id']}/submit")
    assert inbox(other)[0]["reviewer_id"] == id_of(hq)


def test_what_another_has_taken_is_not_taken_but_handed_over(world: World, hq: Person) -> None:
    author, other = world.plant_user(0), world.headquarters()
    practice = world.practice(author, "submitted")
    take(hq, practice)
    assert error_of(take(other, practice)) == (409, "ALREADY_TAKEN")
    assert hand_over(other, practice, id_of(other)).json()["data"]["reviewer_id"] == id_of(other)
    told = hq.get("/notifications").json()["data"]
    assert [one["title"] for one in told if one["type"] == "review_handed_over"] == [
        "A practice that you review was handed over"
    ]
    hand_over(other, practice, id_of(hq))
    hand_over(other, practice, id_of(hq))
    told = hq.get("/notifications").json()["data"]
    assert [one["type"] for one in told].count("review_handed_over") == 2
    assert hand_over(hq, practice, None).json()["data"]["reviewer_id"] is None
    assert take(other, practice).status_code == 200


def test_a_reviewer_who_is_no_longer_active_headquarters_counts_as_none(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    plant_id = str(world.plants[0])
    for path, change in (("/deactivate", {}), ("", {"role": "plant", "plant_id": plant_id})):
        reviewer = world.headquarters()
        practice = world.practice(author, "submitted", title=reviewer.email)
        take(reviewer, practice)
        assert hq.patch(f"/users/{id_of(reviewer)}{path}", change).status_code == 200
        assert reviewer.email in titles(hq, reviewer="none")
        assert author.get(f"/best-practices/{practice['id']}").json()["data"]["reviewer_name"] is None
        assert take(hq, practice).status_code == 200


def test_only_active_headquarters_users_are_given_a_practice(world: World, hq: Person) -> None:
    author, inactive = world.plant_user(0), world.headquarters()
    practice = world.practice(author, "submitted")
    hq.patch(f"/users/{id_of(inactive)}/deactivate", {})
    for user_id in (id_of(inactive), id_of(author), str(uuid4()), "x", 5, ["x"]):
        assert refusal_of(hand_over(hq, practice, user_id)) == invalid("user_id"), user_id
    path = f"/reviews/{practice['id']}"
    assert refusal_of(hq.post(f"{path}/hand-over", {})) == invalid("user_id")
    assert refusal_of(hq.post(f"{path}/hand-over", {"user_id": None, "to": "x"})) == invalid("to")
    assert refusal_of(hq.post(f"{path}/take", {"user_id": None})) == invalid("user_id")
    assert inbox(hq)[0]["reviewer_id"] is None


def test_what_does_not_wait_is_not_taken(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    for practice in (world.practice(author), world.approved(hq)):
        assert error_of(take(hq, practice)) == (409, "NOT_WAITING")
        assert error_of(hand_over(hq, practice, None)) == (409, "NOT_WAITING")
    assert error_of(take(hq, {"id": uuid4()})) == (404, "NOT_FOUND")
    assert error_of(hand_over(hq, {"id": uuid4()}, None)) == (404, "NOT_FOUND")


def test_the_inbox_is_for_headquarters_only(world: World, hq: Person) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted")
    for call in (lambda: author.get(INBOX), lambda: take(author, practice),
                 lambda: hand_over(author, practice, None)):  # fmt: skip
        assert error_of(call()) == (403, "FORBIDDEN")
    nobody = world.browser()
    assert error_of(nobody.get(f"/api/v1{INBOX}")) == (401, "UNAUTHENTICATED")
    for call_name in ("take", "hand-over"):
        response = nobody.post(f"/api/v1/reviews/{practice['id']}/{call_name}", json={})
        assert error_of(response) == (401, "UNAUTHENTICATED")


def test_of_two_who_take_a_practice_at_the_same_time_one_wins(world: World, hq: Person) -> None:
    author, rivals = world.plant_user(0), [hq, world.headquarters()]
    for _ in range(5):
        practice = world.practice(author, "submitted")
        responses = concurrently(*(partial(take, rival, practice) for rival in rivals))
        assert sorted(response.status_code for response in responses) == [200, 409]
        winner = rivals[[response.status_code for response in responses].index(200)]
        assert inbox(hq, limit=100)[-1]["reviewer_id"] in {id_of(rival) for rival in rivals}
        assert practice["title"] in titles(winner, reviewer="me", limit=100)


@pytest.mark.parametrize("decision", ["approve", "withdraw"])
def test_a_practice_that_is_decided_while_it_is_taken_has_both_or_is_not_taken(
    world: World, hq: Person, decision: str
) -> None:
    author, other = world.plant_user(0), world.headquarters()
    for _ in range(4):
        practice = world.practice(author, "submitted")
        path = f"/best-practices/{practice['id']}/{decision}"
        person = author if decision == "withdraw" else other
        taken, decided = concurrently(partial(take, hq, practice), partial(person.post, path))
        assert decided.status_code == 200
        assert taken.status_code == 200 or error_of(taken) == (409, "NOT_WAITING")
        expected = id_of(hq) if taken.status_code == 200 and decision == "approve" else None
        [[reviewer_id]] = world.query(
            "SELECT reviewer_id::text FROM best_practices WHERE id = %s", practice["id"]
        )
        assert reviewer_id == expected
    assert inbox(hq) == []


def test_headquarters_is_reminded_once_a_day_of_what_is_overdue(world: World, hq: Person) -> None:
    author, other = world.plant_user(0), world.headquarters()
    taken, free, fresh = (world.practice(author, "submitted", title=title) for title in "abc")
    take(hq, taken)
    wait_since(world, taken, "2026-08-04T06:30:00Z")
    wait_since(world, free, "2026-08-06T06:30:00Z")
    wait_since(world, fresh, "2026-08-14T06:30:00Z")
    text = "wait longer than 5 working days, the first since"
    both = ("Overdue reviews: 2", f"1 that you have taken and 1 that nobody has taken {text} 2026-08-04.")
    one = ("Overdue reviews: 1", f"0 that you have taken and 1 that nobody has taken {text} 2026-08-06.")
    for _ in range(2):
        world.run_timer("remind_reviewers")
        assert (reminders(hq), reminders(other)) == ([both], [one])
    assert world.query("SELECT rows FROM job_runs ORDER BY started_at, rows DESC") == [(2,), (0,)]
    assert reminders(author) == []


def test_a_new_reminder_replaces_unread_ones_and_stops_after_the_decision(world: World, hq: Person) -> None:
    practice = world.practice(world.plant_user(0), "submitted")
    wait_since(world, practice, "2026-08-04T06:30:00Z")
    for _ in range(3):
        world.run_timer("remind_reviewers")
        world.clock.advance(timedelta(days=1))
        hq.sign_in()
    assert len(reminders(hq)) == 1
    hq.patch("/notifications/read-all", {})
    world.run_timer("remind_reviewers")
    assert len(reminders(hq)) == 2
    hq.post(f"/best-practices/{practice['id']}/approve")
    world.clock.advance(timedelta(days=1))
    hq.sign_in()
    world.run_timer("remind_reviewers")
    assert len(reminders(hq)) == 1
