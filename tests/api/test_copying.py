"""Copying benchmarked practices, and the status of their implementation (rules 6)."""

from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from bp_core.copying import ORDER
from tests.world import Person, World, concurrently, error_of, invalid, refusal_of, saving

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
    "tags": ["brazing", "gas"],
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
    """Copy a practice. Returns the data of the response."""
    response = implement(copier, practice, **more)
    assert response.status_code == 201, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


def stored(world: World) -> list[list[tuple[Any, ...]]]:
    """All rows that a copy can change."""
    tables = ("copied_practices", "leaderboard_entries", "notifications")
    return [*world.snapshot(), *(world.query(f"SELECT * FROM {table} ORDER BY id") for table in tables)]


def test_a_copy_is_a_submitted_practice_with_the_texts_of_the_original_and_no_saving(
    world: World, hq: Person
) -> None:
    copier = world.plant_user(1)
    original = benchmarked(world, hq, **TEXTS, **saving(12), submitted_date="2026-07-01")
    practice = copied(copier, original)["copied_practice"]
    assert practice == copier.get(f"/best-practices/{practice['id']}").json()["data"]
    expected = {
        **TEXTS,
        "category_id": original["category_id"],
        "plant_id": str(world.plants[1]),
        "status": "submitted",
        "submitted_date": "2026-08-15",
        "submitted_by_name": copier.email.partition("@")[0],
        "savings_amount": None,
        "savings_currency": None,
        "savings_period": None,
    }
    assert {name: practice[name] for name in expected} == expected


def test_a_copy_is_recorded_with_its_original_its_plant_and_its_date(world: World, hq: Person) -> None:
    original = benchmarked(world, hq)
    made = copied(world.plant_user(1), original)
    assert made["copy_record"] == {
        "id": made["copy_record"]["id"],
        "original_practice_id": original["id"],
        "copied_practice_id": made["copied_practice"]["id"],
        "copying_plant_id": str(world.plants[1]),
        "copied_date": "2026-08-15",
        "implementation_status": "planning",
        "created_at": "2026-08-15T06:30:00Z",
        "updated_at": "2026-08-15T06:30:00Z",
    }


def test_only_the_first_copy_gives_points_to_the_plant_of_origin(world: World, hq: Person) -> None:
    original = benchmarked(world, hq)
    assert copied(world.plant_user(1), original)["points_awarded"] == {
        "origin_points": 10,
        "copier_points": 5,
        "origin_plant_id": str(world.plants[0]),
        "copying_plant_id": str(world.plants[1]),
    }
    assert copied(world.plant_user(2), original)["points_awarded"]["origin_points"] == 0


def test_the_plant_of_origin_is_notified_of_every_copy_and_sees_how_many_there_are(
    world: World, hq: Person
) -> None:
    author, original = world.plant_user(0), benchmarked(world, hq)
    for plant in (1, 2):
        copied(world.plant_user(plant), original)
    notifications = author.get("/notifications").json()["data"]
    copies = [one["related_practice_id"] for one in notifications if one["type"] == "practice_copied"]
    assert copies == [original["id"]] * 2
    for path in (f"/best-practices/{original['id']}", f"/best-practices/{original['id']}/statistics"):
        assert author.get(path).json()["data"]["copy_count"] == 2


def test_a_copy_says_what_it_was_copied_from_as_long_as_everybody_may_see_that(
    world: World, hq: Person
) -> None:
    original = benchmarked(world, hq, **TEXTS)
    copier, reader = world.plant_user(1), world.plant_user(2)
    made = copied(copier, original, customized_title="Our own")["copied_practice"]
    plant = {"plant_id": original["plant_id"], "plant_name": original["plant_name"]}
    shown = {"practice_id": original["id"], "title": TEXTS["title"], **plant}
    hidden = {"practice_id": None, "title": None, **plant}
    assert made["copied_from"] == shown

    def lineages(person: Person) -> list[Any]:
        items = [
            item
            for path in ("/best-practices", "/best-practices/recent", "/analytics/dashboard")
            for item in listed(person, path)
            if item["id"] == made["id"]
        ]
        assert len(items) == 3
        practice = person.get(f"/best-practices/{made['id']}").json()["data"]
        return [practice["copied_from"], *(item["copied_from"] for item in items)]

    everybody = (copier, reader, hq, world.plant_user(0))
    for person in everybody:
        assert lineages(person) == [shown] * 4
    hq.delete(f"/benchmarking/unbenchmark/{original['id']}")
    for body in ({"title": "A new title"}, {"title": TEXTS["title"]}):
        assert hq.patch(f"/best-practices/{original['id']}", body).status_code == 200
        assert lineages(reader) == [{**shown, **body}] * 4
    hq.post(f"/best-practices/{original['id']}/request-revision", {"comment": "Measure again."})
    for person in everybody:
        assert lineages(person) == [hidden] * 4
    world.mark_deleted(original)
    for person in everybody:
        assert lineages(person) == [hidden] * 4


def listed(person: Person, path: str) -> list[dict[str, Any]]:
    """The practices of a list, or the recent ones of the dashboard."""
    data = person.get(path).json()["data"]
    practices: list[dict[str, Any]] = data["recent"] if path.endswith("dashboard") else data
    return practices


def test_a_practice_that_is_no_copy_was_copied_from_nothing(world: World, hq: Person) -> None:
    original = benchmarked(world, hq, **TEXTS)
    assert hq.get(f"/best-practices/{original['id']}").json()["data"]["copied_from"] is None
    assert [item["copied_from"] for item in listed(hq, "/best-practices")] == [None]


def test_a_copy_may_have_its_own_texts_and_status(world: World, hq: Person) -> None:
    own = {name: f"Our {name}" for name in ("title", "description", "problem_statement", "solution")}
    original = benchmarked(world, hq, **TEXTS)
    custom = {f"customized_{name}": text for name, text in own.items()}
    made = copied(world.plant_user(1), original, **custom, implementation_status="completed")
    assert {name: made["copied_practice"][name] for name in own} == own
    assert made["copied_practice"]["benefits"] == TEXTS["benefits"]
    assert made["copied_practice"]["tags"] == TEXTS["tags"]
    assert made["copy_record"]["implementation_status"] == "completed"
    nulls = dict.fromkeys(custom)
    assert copied(world.plant_user(2), original, **nulls)["copied_practice"]["title"] == TEXTS["title"]


def test_a_practice_that_cannot_be_copied_is_refused_and_nothing_is_written(world: World, hq: Person) -> None:
    author, copier = world.plant_user(0), world.plant_user(1)
    original = benchmarked(world, hq)
    copied(copier, original)
    once = benchmarked(world, hq)
    copied(copier, once)
    hq.delete(f"/benchmarking/unbenchmark/{once['id']}")
    draft, deleted = world.practice(author), world.practice(author, "submitted")
    world.mark_deleted(deleted)
    before = stored(world)
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
        assert stored(world) == before


def test_an_invalid_body_is_refused_with_its_field(world: World, hq: Person) -> None:
    copier, original = world.plant_user(1), benchmarked(world, hq)
    before = stored(world)
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
    assert stored(world) == before


def test_a_repeated_call_with_its_key_copies_once(world: World, hq: Person) -> None:
    copier, original = world.plant_user(1), benchmarked(world, hq)
    body = {"original_practice_id": original["id"]}
    first, second = (copier.post("/copy/implement", body, idempotency_key="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == {**first.json(), "replayed": True}
    assert error_of(copier.post("/copy/implement", body)) == (409, "ALREADY_COPIED")


def test_a_plant_that_copies_twice_at_the_same_time_copies_once(world: World, hq: Person) -> None:
    here, there = world.plant_user(1), world.plant_user(1)
    for _ in range(5):
        original = benchmarked(world, hq)
        responses = concurrently(partial(implement, here, original), partial(implement, there, original))
        [refused] = [response for response in responses if response.status_code != 201]
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


# --- the status of an implementation


def test_an_implementation_moves_one_status_forward_or_back(world: World, hq: Person) -> None:
    copier = world.plant_user(1)
    for start, goal in product(ORDER, ORDER):
        record = copied(copier, benchmarked(world, hq), implementation_status=start)["copy_record"]
        world.clock.advance(timedelta(seconds=1))
        response = copier.patch(f"/copy/{record['id']}", {"implementation_status": goal})
        if {start, goal} == {"planning", "completed"}:
            assert error_of(response) == (409, "INVALID_TRANSITION")
            assert start in response.json()["error"]["message"]
            assert goal in response.json()["error"]["message"]
            continue
        assert response.status_code == 200
        changed = {} if start == goal else {"updated_at": response.json()["data"]["updated_at"]}
        assert response.json()["data"] == {**record, "implementation_status": goal, **changed}
        assert (response.json()["data"]["updated_at"] != record["updated_at"]) == (start != goal)


def test_only_the_copying_plant_changes_the_status_of_an_implementation(world: World, hq: Person) -> None:
    author, copier = world.plant_user(0), world.plant_user(1)
    made = copied(copier, benchmarked(world, hq))
    path, body = f"/copy/{made['copy_record']['id']}", {"implementation_status": "in_progress"}
    before = stored(world)
    for who in (author, world.plant_user(2), hq):
        assert error_of(who.patch(path, body)) == (403, "FORBIDDEN")
    assert stored(world) == before
    assert world.plant_user(1).patch(path, body).status_code == 200  # a colleague may


def test_an_implementation_is_changed_by_its_status_and_nothing_else(world: World, hq: Person) -> None:
    copier = world.plant_user(1)
    path = f"/copy/{copied(copier, benchmarked(world, hq))['copy_record']['id']}"
    before = stored(world)
    invalid_statuses: tuple[object, ...] = (None, "done", 7, [], "")
    bodies = [{"implementation_status": status} for status in invalid_statuses]
    for body in ({}, *bodies):
        assert refusal_of(copier.patch(path, body)) == invalid("implementation_status"), body
    body = {"implementation_status": "in_progress", "copied_date": "2026-01-01"}
    assert refusal_of(copier.patch(path, body)) == invalid("copied_date")
    assert stored(world) == before


def test_an_unknown_or_deleted_copy_is_not_found(world: World, hq: Person) -> None:
    copier = world.plant_user(1)
    made = copied(copier, benchmarked(world, hq))
    body = {"implementation_status": "in_progress"}
    before = stored(world)
    assert error_of(copier.patch(f"/copy/{uuid4()}", body)) == (404, "NOT_FOUND")
    assert stored(world) == before
    copier.delete(f"/best-practices/{made['copied_practice']['id']}")
    path = f"/copy/{made['copy_record']['id']}"
    for status in ("in_progress", "completed"):
        assert error_of(copier.patch(path, {"implementation_status": status})) == (404, "NOT_FOUND")


# --- lists


def test_copies_of_a_practice_are_listed_oldest_first(world: World, hq: Person) -> None:
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


def test_a_copy_that_is_hidden_is_named_to_its_plant_and_headquarters_only(world: World, hq: Person) -> None:
    original = benchmarked(world, hq)
    copier, stranger, origin = world.plant_user(1), world.plant_user(2), world.plant_user(0)
    made = copied(copier, original)
    copy_id = made["copied_practice"]["id"]
    hq.post(f"/best-practices/{copy_id}/request-revision", {"comment": "Say more."})
    world.query("UPDATE copied_practices SET copied_date = '2026-08-01'")
    shown = {
        "id": made["copy_record"]["id"],
        "plant_id": str(world.plants[1]),
        "plant_name": copier.get("/auth/me").json()["data"]["plant_name"],
        "copied_date": "2026-08-01",
        "implementation_status": "planning",
    }
    for reader, expected in ((copier, copy_id), (hq, copy_id), (stranger, None), (origin, None)):
        lists = [
            reader.get(f"/copy/{original['id']}/copies").json()["data"],
            reader.get(f"/benchmarking/{original['id']}/copies").json()["data"],
            reader.get("/benchmarking/copy-spread").json()["data"][0]["copies"],
            reader.get("/copy/deployment-status").json()["data"][0]["copies"],
            reader.get("/analytics/dashboard").json()["data"]["copy_spread"][0]["copies"],
        ]
        assert lists == [[{**shown, "copied_practice_id": expected}]] * 5, reader.email
        assert (copy_id in str(lists)) is (expected is not None)


def test_copies_of_a_hidden_practice_are_not_found(world: World, hq: Person) -> None:
    author, other = world.plant_user(0), world.plant_user(1)
    draft, deleted = world.practice(author), world.practice(author, "submitted")
    world.mark_deleted(deleted)
    for feature in ("copy", "benchmarking"):
        assert author.get(f"/{feature}/{draft['id']}/copies").json()["data"] == []
        assert error_of(other.get(f"/{feature}/{draft['id']}/copies")) == (404, "NOT_FOUND")
        assert error_of(hq.get(f"/{feature}/{deleted['id']}/copies")) == (404, "NOT_FOUND")
        assert error_of(hq.get(f"/{feature}/{uuid4()}/copies")) == (404, "NOT_FOUND")


def test_a_plants_own_copies_are_listed_newest_first_whatever_happened_to_their_originals(
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
    response = copier.get("/copy/my-implementations").json()
    assert [(one["bp_title"], one["copied_title"]) for one in response["data"]] == [
        (None, "Our 3"), (None, "Our 2"), ("1", "Our 1"), ("0", "Our 0")
    ]  # fmt: skip
    assert response["data"][3] == {
        **made[0],
        "bp_title": "0",
        "origin_plant_id": str(world.plants[0]),
        "origin_plant_name": originals[0]["plant_name"],
        "copied_title": "Our 0",
        "copied_status": "submitted",
    }
    assert response["pagination"] == {"total": 4, "limit": 20, "offset": 0, "has_more": False}
    part = copier.get("/copy/my-implementations", limit=1, offset=1).json()
    assert [one["copied_title"] for one in part["data"]] == ["Our 2"]
    assert part["pagination"]["has_more"] is True
    assert error_of(hq.get("/copy/my-implementations")) == (403, "FORBIDDEN")


Spread = tuple[str, str | None, int, list[str]]


def spread_of(reader: Person, path: str, **query: object) -> list[Spread]:
    """The practices of a list: id, date of the benchmark, number of copies, and the plants that copied."""
    return [
        (one["bp_id"], one["benchmarked_date"], one["copy_count"], [c["plant_id"] for c in one["copies"]])
        for one in reader.get(path, **query).json()["data"]
    ]


@pytest.fixture
def originals(world: World, hq: Person) -> dict[str, dict[str, Any]]:
    """Originals by their number of copies; `former` and `hidden` are no longer benchmarked."""
    names = ("never", "once", "twice", "former", "hidden")
    made = {name: benchmarked(world, hq, title=name) for name in names}
    for name, plants in (("once", [1]), ("twice", [2, 1]), ("former", [1, 2, 3]), ("hidden", [1])):
        for plant in plants:
            copied(world.plant_user(plant), made[name])
            world.clock.advance(timedelta(minutes=1))
    for name in ("former", "hidden"):
        hq.delete(f"/benchmarking/unbenchmark/{made[name]['id']}")
    hq.post(f"/best-practices/{made['hidden']['id']}/request-revision", {"comment": "Why?"})
    return made


@pytest.fixture
def spread(world: World, originals: dict[str, dict[str, Any]]) -> dict[str, Spread]:
    """What the lists show of the originals that everybody sees."""
    plants = [str(plant) for plant in world.plants]
    return {
        "never": (originals["never"]["id"], "2026-08-15", 0, []),
        "once": (originals["once"]["id"], "2026-08-15", 1, [plants[1]]),
        "twice": (originals["twice"]["id"], "2026-08-15", 2, [plants[2], plants[1]]),
        "former": (originals["former"]["id"], None, 3, plants[1:4]),
    }


def test_copy_spread_lists_the_benchmarked_practices_with_the_most_copied_first(
    world: World, spread: dict[str, Spread]
) -> None:
    reader = world.plant_user(4)
    rows = [spread["twice"], spread["once"], spread["never"]]
    assert spread_of(reader, "/benchmarking/copy-spread") == rows
    assert spread_of(reader, "/benchmarking/copy-spread", limit=1, offset=1) == rows[1:2]


def test_deployment_status_lists_the_copied_practices_with_the_most_copied_first(
    world: World, originals: dict[str, dict[str, Any]], spread: dict[str, Spread]
) -> None:
    reader, once = world.plant_user(4), originals["once"]
    rows = [spread["former"], spread["twice"], spread["once"]]
    assert spread_of(reader, "/copy/deployment-status") == rows
    page = reader.get("/copy/deployment-status", limit=2, offset=2).json()
    assert page["pagination"] == {"total": 3, "limit": 2, "offset": 2, "has_more": False}
    assert page["data"][0] == {
        "bp_id": once["id"],
        "bp_title": "once",
        "origin_plant_id": str(world.plants[0]),
        "origin_plant_name": once["plant_name"],
        "benchmarked_date": "2026-08-15",
        "copy_count": 1,
        "copies": reader.get(f"/copy/{once['id']}/copies").json()["data"],
    }
