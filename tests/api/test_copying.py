"""Copying benchmarked practices and following their implementation (rules 6)."""

from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from bp_core.copying import ORDER
from tests.world import Person, World, at_once, error_of, invalid, refusal_of, saving

TEXTS: Final[dict[str, Any]] = {
    "title": "Less scrap",
    "description": "Joints leaked.",
    "problem_statement": "One in forty.",
    "solution": "Nitrogen.",
    "benefits": ["less gas", "less noise"],
    "metrics": "Leaks a week.",
    "implementation": "Two weeks.",
    "investment": "A bottle.",
    "area_implemented": "Brazing",
}


@pytest.fixture
def hq(world: World) -> Person:
    return world.headquarters()


def benchmarked(world: World, hq: Person, plant: int = 0, **content: object) -> dict[str, Any]:
    """A benchmarked practice of a plant."""
    practice = world.approved(hq, plant, **content)
    assert hq.post(f"/benchmarking/benchmark/{practice['id']}").status_code == 201
    return practice


def implement(copier: Person, practice: dict[str, Any], **more: object) -> httpx.Response:
    return copier.post("/copy/implement", {"original_practice_id": practice["id"], **more})


def copied(copier: Person, practice: dict[str, Any], **more: object) -> dict[str, Any]:
    """What a copy was answered with."""
    answer = implement(copier, practice, **more)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def kept(world: World) -> list[list[tuple[Any, ...]]]:
    """Everything that a copy could change."""
    tables = ("copied_practices", "leaderboard_entries", "notifications")
    return [*world.written(), *(world.query(f"SELECT * FROM {table} ORDER BY id") for table in tables)]


def test_a_copy_is_a_submitted_practice_with_the_originals_texts_and_no_saving(
    world: World, hq: Person
) -> None:
    author, copier = world.plant_user(0), world.plant_user(1)
    original = benchmarked(world, hq, **TEXTS, **saving(12), submitted_date="2026-07-01")
    made = copied(copier, original)
    practice, record = made["copied_practice"], made["copy_record"]
    assert practice == copier.get(f"/best-practices/{practice['id']}").json()["data"]
    assert {name: practice[name] for name in TEXTS} == TEXTS
    assert (practice["category_id"], practice["plant_id"]) == (original["category_id"], str(world.plants[1]))
    assert (practice["status"], practice["submitted_date"]) == ("submitted", "2026-08-15")
    assert practice["submitted_by_name"] == copier.email.partition("@")[0]
    stated = ("savings_amount", "savings_currency", "savings_period")
    assert [practice[field] for field in stated] == [None, None, None]
    assert record == {
        "id": record["id"],
        "original_practice_id": original["id"],
        "copied_practice_id": practice["id"],
        "copying_plant_id": str(world.plants[1]),
        "copied_date": "2026-08-15",
        "implementation_status": "planning",
        "created_at": "2026-08-15T06:30:00Z",
        "updated_at": "2026-08-15T06:30:00Z",
    }
    assert made["points_awarded"] == {
        "origin_points": 10,
        "copier_points": 5,
        "origin_plant_id": str(world.plants[0]),
        "copying_plant_id": str(world.plants[1]),
    }
    assert copied(world.plant_user(2), original)["points_awarded"]["origin_points"] == 0
    told = author.get("/notifications").json()["data"]
    assert [one["type"] for one in told].count("practice_copied") == 2
    assert {one["related_practice_id"] for one in told if one["type"] == "practice_copied"} == {
        original["id"]
    }
    assert author.get(f"/best-practices/{original['id']}").json()["data"]["copy_count"] == 2
    assert author.get(f"/best-practices/{original['id']}/statistics").json()["data"]["copy_count"] == 2


def test_a_copy_may_speak_in_its_plants_own_words_and_be_under_way(world: World, hq: Person) -> None:
    own = {name: f"Our {name}" for name in ("title", "description", "problem_statement", "solution")}
    original = benchmarked(world, hq, **TEXTS)
    custom = {f"customized_{name}": text for name, text in own.items()}
    made = copied(world.plant_user(1), original, **custom, implementation_status="completed")
    assert {name: made["copied_practice"][name] for name in own} == own
    assert made["copied_practice"]["benefits"] == TEXTS["benefits"]
    assert made["copy_record"]["implementation_status"] == "completed"
    nulls = dict.fromkeys(custom)
    assert copied(world.plant_user(2), original, **nulls)["copied_practice"]["title"] == TEXTS["title"]


def test_what_cannot_be_copied_is_refused_and_nothing_is_written(world: World, hq: Person) -> None:
    author, copier = world.plant_user(0), world.plant_user(1)
    original = benchmarked(world, hq)
    copied(copier, original)
    once = benchmarked(world, hq)
    copied(copier, once)
    hq.delete(f"/benchmarking/unbenchmark/{once['id']}")
    draft, deleted = world.practice(author), world.practice(author, "submitted")
    world.mark_deleted(deleted)
    before = kept(world)
    for who, practice, expected in (
        (author, original, (409, "OWN_PRACTICE")),
        (author, draft, (409, "OWN_PRACTICE")),
        (copier, original, (409, "ALREADY_COPIED")),
        (copier, once, (409, "NOT_BENCHMARKED")),
        (copier, draft, (404, "NOT_FOUND")),
        (copier, deleted, (404, "NOT_FOUND")),
        (copier, {"id": str(uuid4())}, (404, "NOT_FOUND")),
        (hq, original, (403, "FORBIDDEN")),
    ):
        assert error_of(implement(who, practice)) == expected
        assert kept(world) == before


def test_a_body_that_breaks_the_rules_is_refused_by_its_field(world: World, hq: Person) -> None:
    copier, original = world.plant_user(1), benchmarked(world, hq)
    before = kept(world)
    wrong: dict[str, tuple[object, ...]] = {
        "original_practice_id": (None, 7, "Supa", [], ""),
        "customized_title": (7, "", "  ", "x" * 501, "a\x00b", []),
        "customized_description": (7, "", "x" * 20_001),
        "customized_problem_statement": (7, "", "x" * 20_001),
        "customized_solution": (7, "", "a\x00b"),
        "implementation_status": (None, "done", 7, ""),
        "plant_id": (str(world.plants[2]),),
        "savings_amount": (7,),
    }
    for field, values in wrong.items():
        for value in values:
            assert refusal_of(implement(copier, original, **{field: value})) == invalid(field), (field, value)
    assert refusal_of(copier.post("/copy/implement")) == invalid("original_practice_id")
    assert kept(world) == before


def test_the_same_call_with_its_key_copies_once(world: World, hq: Person) -> None:
    copier, original = world.plant_user(1), benchmarked(world, hq)
    body = {"original_practice_id": original["id"]}
    first, second = (copier.post("/copy/implement", body, idempotency_key="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert error_of(copier.post("/copy/implement", body)) == (409, "ALREADY_COPIED")


def test_a_plant_that_copies_twice_at_once_copies_once(world: World, hq: Person) -> None:
    here, there = world.plant_user(1), world.plant_user(1)
    for _ in range(5):
        original = benchmarked(world, hq)
        answers = at_once(partial(implement, here, original), partial(implement, there, original))
        [refused] = [answer for answer in answers if answer.status_code != 201]
        assert error_of(refused) == (409, "ALREADY_COPIED")
    assert world.query("SELECT count(*) FROM copied_practices") == [(5,)]
    assert world.query("SELECT count(*) FROM best_practices") == [(10,)]


def test_a_plant_that_deleted_its_copy_may_copy_again(world: World, hq: Person) -> None:
    copier, original = world.plant_user(1), benchmarked(world, hq)
    first = copied(copier, original, implementation_status="completed")
    assert copier.delete(f"/best-practices/{first['copied_practice']['id']}").status_code == 200
    assert copier.get(f"/copy/{original['id']}/copies").json()["data"] == []
    assert copier.get("/copy/my-implementations").json()["data"] == []
    assert copier.get(f"/best-practices/{original['id']}").json()["data"]["copy_count"] == 0
    world.clock.advance(timedelta(minutes=1))
    second = copied(copier, original)
    assert second["copied_practice"]["id"] != first["copied_practice"]["id"]
    record = second["copy_record"]
    assert (record["implementation_status"], record["created_at"]) == ("planning", "2026-08-15T06:31:00Z")
    assert second["points_awarded"]["origin_points"] == 10
    assert error_of(implement(copier, original)) == (409, "ALREADY_COPIED")
    assert len(copier.get(f"/copy/{original['id']}/copies").json()["data"]) == 1


# --- how far it is


def test_an_implementation_goes_one_step_on_or_back(world: World, hq: Person) -> None:
    copier = world.plant_user(1)
    for start, goal in product(ORDER, ORDER):
        record = copied(copier, benchmarked(world, hq), implementation_status=start)["copy_record"]
        world.clock.advance(timedelta(seconds=1))
        answer = copier.patch(f"/copy/{record['id']}", {"implementation_status": goal})
        if {start, goal} == {"planning", "completed"}:
            assert error_of(answer) == (409, "INVALID_TRANSITION")
            assert start in answer.json()["error"]["message"]
            assert goal in answer.json()["error"]["message"]
            continue
        assert answer.status_code == 200
        changed = {} if start == goal else {"updated_at": answer.json()["data"]["updated_at"]}
        assert answer.json()["data"] == {**record, "implementation_status": goal, **changed}
        assert (answer.json()["data"]["updated_at"] != record["updated_at"]) == (start != goal)


def test_only_the_copying_plant_says_how_far_it_is(world: World, hq: Person) -> None:
    author, copier = world.plant_user(0), world.plant_user(1)
    made = copied(copier, benchmarked(world, hq))
    path, body = f"/copy/{made['copy_record']['id']}", {"implementation_status": "in_progress"}
    before = kept(world)
    for who in (author, world.plant_user(2), hq):
        assert error_of(who.patch(path, body)) == (403, "FORBIDDEN")
    assert error_of(copier.patch(f"/copy/{uuid4()}", body)) == (404, "NOT_FOUND")
    bad: object
    for bad in (None, "done", 7, [], ""):
        assert refusal_of(copier.patch(path, {"implementation_status": bad})) == (
            invalid("implementation_status")
        )
    assert refusal_of(copier.patch(path, {})) == invalid("implementation_status")
    assert refusal_of(copier.patch(path, {**body, "copied_date": "2026-01-01"})) == invalid("copied_date")
    assert kept(world) == before
    assert world.plant_user(1).patch(path, body).status_code == 200  # a colleague's as well
    copier.delete(f"/best-practices/{made['copied_practice']['id']}")
    assert error_of(copier.patch(path, {"implementation_status": "completed"})) == (404, "NOT_FOUND")


# --- lists


def test_copies_of_a_practice_are_listed_the_first_one_first(world: World, hq: Person) -> None:
    original = benchmarked(world, hq)
    made = []
    for plant in (3, 1, 2):
        made.append(copied(world.plant_user(plant), original)["copy_record"])
        world.clock.advance(timedelta(minutes=1))
    listed = hq.get(f"/copy/{original['id']}/copies").json()["data"]
    names = dict(world.query("SELECT id::text, name FROM plants"))
    assert listed == [
        {
            "id": record["id"],
            "copied_practice_id": record["copied_practice_id"],
            "plant_id": record["copying_plant_id"],
            "plant_name": names[record["copying_plant_id"]],
            "copied_date": "2026-08-15",
            "implementation_status": "planning",
        }
        for record in made
    ]
    assert hq.get(f"/benchmarking/{original['id']}/copies").json()["data"] == listed


def test_copies_of_a_practice_that_one_does_not_see_are_not_found(world: World, hq: Person) -> None:
    author, stranger = world.plant_user(0), world.plant_user(1)
    draft, deleted = world.practice(author), world.practice(author, "submitted")
    world.mark_deleted(deleted)
    for feature in ("copy", "benchmarking"):
        assert author.get(f"/{feature}/{draft['id']}/copies").json()["data"] == []
        assert error_of(stranger.get(f"/{feature}/{draft['id']}/copies")) == (404, "NOT_FOUND")
        assert error_of(hq.get(f"/{feature}/{deleted['id']}/copies")) == (404, "NOT_FOUND")
        assert error_of(hq.get(f"/{feature}/{uuid4()}/copies")) == (404, "NOT_FOUND")


def test_ones_own_copies_are_listed_newest_first_whatever_became_of_their_originals(
    world: World, hq: Person
) -> None:
    copier, originals = world.plant_user(1), [benchmarked(world, hq, title=f"{n}") for n in range(4)]
    made = []
    for original in originals:
        made.append(copied(copier, original, customized_title=f"Our {original['title']}")["copy_record"])
        world.clock.advance(timedelta(minutes=1))
    copied(world.plant_user(2), originals[0])
    for original in originals[1:]:
        hq.delete(f"/benchmarking/unbenchmark/{original['id']}")
    hq.post(f"/best-practices/{originals[2]['id']}/request-revision", {"comment": "Why?"})
    hq.delete(f"/best-practices/{originals[3]['id']}")
    answer = copier.get("/copy/my-implementations").json()
    assert [(one["bp_title"], one["copied_title"]) for one in answer["data"]] == [
        (None, "Our 3"), (None, "Our 2"), ("1", "Our 1"), ("0", "Our 0")
    ]  # fmt: skip
    assert answer["data"][3] == {
        **made[0],
        "bp_title": "0",
        "origin_plant_id": str(world.plants[0]),
        "origin_plant_name": originals[0]["plant_name"],
        "copied_title": "Our 0",
        "copied_status": "submitted",
    }
    assert answer["pagination"] == {"total": 4, "limit": 20, "offset": 0, "has_more": False}
    part = copier.get("/copy/my-implementations", limit=1, offset=1).json()
    assert [one["copied_title"] for one in part["data"]] == ["Our 2"]
    assert part["pagination"]["has_more"] is True
    assert error_of(hq.get("/copy/my-implementations")) == (403, "FORBIDDEN")


def test_spread_shows_what_is_benchmarked_and_deployment_what_is_copied(world: World, hq: Person) -> None:
    never, once, twice, former, hidden = (benchmarked(world, hq, title=f"{n}") for n in range(5))
    for original, copiers in ((once, [1]), (twice, [2, 1]), (former, [1, 2, 3]), (hidden, [1])):
        for plant in copiers:
            copied(world.plant_user(plant), original)
            world.clock.advance(timedelta(minutes=1))
    for original in (former, hidden):
        hq.delete(f"/benchmarking/unbenchmark/{original['id']}")
    hq.post(f"/best-practices/{hidden['id']}/request-revision", {"comment": "Why?"})
    reader = world.plant_user(4)

    def shown(path: str, **query: object) -> list[tuple[str, str | None, int, list[str]]]:
        return [
            (one["bp_id"], one["benchmarked_date"], one["copy_count"], [c["plant_id"] for c in one["copies"]])
            for one in reader.get(path, **query).json()["data"]
        ]

    plants = [str(plant) for plant in world.plants]
    day = "2026-08-15"
    rows = [
        (twice["id"], day, 2, [plants[2], plants[1]]),
        (once["id"], day, 1, [plants[1]]),
        (never["id"], day, 0, []),
    ]
    assert shown("/benchmarking/copy-spread") == rows
    assert shown("/benchmarking/copy-spread", limit=1, offset=1) == rows[1:2]
    deployed = [(former["id"], None, 3, plants[1:4]), *rows[:2]]
    assert shown("/copy/deployment-status") == deployed
    whole = reader.get("/copy/deployment-status", limit=2, offset=2).json()
    assert whole["pagination"] == {"total": 3, "limit": 2, "offset": 2, "has_more": False}
    assert whole["data"][0] == {
        "bp_id": once["id"],
        "bp_title": "1",
        "origin_plant_id": plants[0],
        "origin_plant_name": once["plant_name"],
        "benchmarked_date": day,
        "copy_count": 1,
        "copies": reader.get(f"/copy/{once['id']}/copies").json()["data"],
    }
