"""Headquarters manages users: list, changes, activation and deactivation."""

from functools import partial
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.api.tokens import claims_of
from tests.world import Person, World, concurrently, error_of, invalid, refusal_of

FORBIDDEN: Final = (403, "FORBIDDEN")
NOT_FOUND: Final = (404, "NOT_FOUND")
OWN_ACCOUNT: Final = (409, "OWN_ACCOUNT")


@pytest.fixture
def hq(world: World) -> Person:
    return world.add_person("hq@amber.test").sign_in()


def add(world: World, email: str, full_name: str, plant: int | None = 0, *, is_active: bool = True) -> str:
    """Add a user with a name; return the id."""
    person = world.add_person(email, plant=plant, is_active=is_active)
    row = world.query(
        "UPDATE users SET full_name = %s WHERE email = %s RETURNING id", full_name, person.email
    )
    return str(row[0][0])


def names(hq: Person, **query: Any) -> list[str]:
    response = hq.get("/users", **query)
    assert response.status_code == 200, response.text
    return [user["full_name"] for user in response.json()["data"]]


def id_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sub"])


def everybody(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT * FROM users ORDER BY id")


def test_users_are_listed_by_name_and_filtered(world: World, hq: Person) -> None:
    add(world, "asha@amber.test", "asha rao", 1)
    add(world, "Binu@amber.test", "Binu Thomas", 1, is_active=False)
    add(world, "chitra@supa.test", "Chitra 100%_sure", 2)
    add(world, "zara@amber.test", "Ünal Zara", None)
    assert names(hq) == ["asha rao", "Binu Thomas", "Chitra 100%_sure", "hq", "Ünal Zara"]
    for query, expected in (
        ({"role": "hq"}, ["hq", "Ünal Zara"]),
        ({"role": "plant", "is_active": "true"}, ["asha rao", "Chitra 100%_sure"]),
        ({"plant_id": str(world.plants[1])}, ["asha rao", "Binu Thomas"]),
        ({"plant_id": str(world.plants[1]), "is_active": "false"}, ["Binu Thomas"]),
        ({"plant_id": str(uuid4())}, []),
        ({"search": "ASHA"}, ["asha rao"]),
        ({"search": "supa"}, ["Chitra 100%_sure"]),
        ({"search": "ünal"}, ["Ünal Zara"]),
        ({"search": "%"}, ["Chitra 100%_sure"]),
        ({"search": "_"}, ["Chitra 100%_sure"]),
        ({"search": "0%_s"}, ["Chitra 100%_sure"]),
        ({"search": "\\"}, []),
        ({"search": "' OR '1'='1"}, []),
        ({"search": "a", "role": "hq"}, ["hq", "Ünal Zara"]),
        ({"search": "rao", "role": "hq"}, []),
    ):
        assert names(hq, **query) == expected, query


def test_the_list_has_pages_with_the_total(world: World, hq: Person) -> None:
    for number in range(5):
        add(world, f"p{number}@amber.test", "The same name")
    parts = [hq.get("/users", limit=2, offset=offset).json() for offset in (0, 2, 4, 6)]
    assert [part["pagination"] for part in parts] == [
        {"total": 6, "limit": 2, "offset": offset, "has_more": offset < 4} for offset in (0, 2, 4, 6)
    ]
    seen = [user["id"] for part in parts for user in part["data"]]
    assert len(seen) == len(set(seen)) == 6
    assert set(parts[0]["data"][0]) == {
        "id", "email", "full_name", "role", "plant_id", "plant_name", "is_active", "created_at", "updated_at"
    }  # fmt: skip


def test_a_malformed_query_is_refused(world: World, hq: Person) -> None:
    for query, status, field in (
        ("plant_id=Supa", 400, "plant_id"),
        ("is_active=perhaps", 400, "is_active"),
        ("limit=ten", 400, "limit"),
        ("role=admin", 422, "role"),
        ("limit=0", 422, "limit"),
        ("limit=101", 422, "limit"),
        ("offset=-1", 422, "offset"),
        ("search=a%00b", 422, "search"),
        ("search=" + "x" * 201, 422, "search"),
        ("password=x", 422, "password"),
    ):
        code = "BAD_REQUEST" if status == 400 else "VALIDATION_ERROR"
        assert refusal_of(hq.http.get(f"/api/v1/users?{query}")) == (status, code, {field}), query


def test_headquarters_changes_a_name_a_plant_and_a_role(world: World, hq: Person) -> None:
    path = f"/users/{add(world, 'asha@amber.test', 'Asha', 1)}"
    before = hq.get(path).json()["data"]
    for body in (
        {"full_name": "Asha Rao"},
        {"plant_id": str(world.plants[2])},
        {"role": "hq", "plant_id": None},
        {"role": "plant", "plant_id": str(world.plants[3]), "full_name": "Asha"},
    ):
        changed = hq.patch(path, body).json()["data"]
        assert {name: changed[name] for name in body} == body
        assert hq.get(path).json()["data"] == changed
    assert hq.patch(path, {}).json()["data"] == changed
    unchanged = ("id", "email", "is_active", "created_at")
    assert [changed[name] for name in unchanged] == [before[name] for name in unchanged]


def test_users_have_the_name_of_their_plant_in_the_list_alone_and_after_a_change(
    world: World, hq: Person
) -> None:
    path = f"/users/{add(world, 'asha@amber.test', 'Asha', 1)}"
    assert [user["plant_name"] for user in hq.get("/users").json()["data"]] == ["Kanchipuram", None]
    assert hq.get(path).json()["data"]["plant_name"] == "Kanchipuram"
    moved = hq.patch(path, {"plant_id": str(world.plants[6])}).json()["data"]
    assert moved["plant_name"] == world.query("SELECT name FROM plants ORDER BY name")[6][0]
    assert hq.patch(path, {"role": "hq", "plant_id": None}).json()["data"]["plant_name"] is None


def test_changes_that_break_a_rule_are_refused_by_their_field_and_nothing_is_written(
    world: World, hq: Person
) -> None:
    plant_user = f"/users/{add(world, 'asha@amber.test', 'Asha', 1)}"
    at_hq = f"/users/{add(world, 'head@amber.test', 'Head', None)}"
    before, supa = everybody(world), str(world.plants[6])
    for path, body, field in (
        (plant_user, {"role": "hq"}, "plant_id"),
        (plant_user, {"plant_id": None}, "plant_id"),
        (plant_user, {"role": "hq", "plant_id": supa}, "plant_id"),
        (at_hq, {"role": "plant"}, "plant_id"),
        (at_hq, {"plant_id": supa}, "plant_id"),
        (plant_user, {"plant_id": str(uuid4())}, "plant_id"),
        (plant_user, {"plant_id": "Supa"}, "plant_id"),
        (plant_user, {"plant_id": 7}, "plant_id"),
        (plant_user, {"role": "admin"}, "role"),
        (plant_user, {"role": None}, "role"),
        (plant_user, {"role": ["plant"]}, "role"),
        (plant_user, {"full_name": " "}, "full_name"),
        (plant_user, {"full_name": None}, "full_name"),
        (plant_user, {"full_name": 7}, "full_name"),
        (plant_user, {"full_name": "x" * 201}, "full_name"),
        (plant_user, {"full_name": "a\x00b"}, "full_name"),
        (plant_user, {"email": "x@amber.test"}, "email"),
        (plant_user, {"is_active": False}, "is_active"),
        (plant_user, {"hashed_password": "x"}, "hashed_password"),
        (plant_user, {"password": "x"}, "password"),
        (f"{plant_user}/deactivate", {"reason": "x"}, "reason"),
    ):
        assert refusal_of(hq.patch(path, body)) == invalid(field), body
    assert everybody(world) == before


def test_nobody_changes_their_own_role_or_deactivates_themselves(world: World, hq: Person) -> None:
    own = f"/users/{id_of(hq)}"
    before = everybody(world)
    demotion = {"role": "plant", "plant_id": str(world.plants[0])}
    assert error_of(hq.patch(own, demotion)) == OWN_ACCOUNT
    assert error_of(hq.patch(f"{own}/deactivate", {})) == OWN_ACCOUNT
    assert error_of(hq.patch(f"{own.upper().replace('USERS', 'users')}/deactivate", {})) == OWN_ACCOUNT
    assert everybody(world) == before
    assert hq.patch(own, {"full_name": "Head", "role": "hq"}).json()["data"]["full_name"] == "Head"


def test_activating_or_deactivating_twice_changes_nothing_the_second_time(world: World, hq: Person) -> None:
    path = f"/users/{add(world, 'asha@amber.test', 'Asha', 1, is_active=False)}"
    for step, is_active in (("activate", True), ("deactivate", False)):
        once = hq.patch(f"{path}/{step}", {}).json()["data"]
        assert once["is_active"] is is_active
        rows = everybody(world), world.query("SELECT count(*) FROM audit_log")
        assert hq.patch(f"{path}/{step}", {}).json()["data"]["is_active"] is is_active
        assert (everybody(world), world.query("SELECT count(*) FROM audit_log")) == rows


def test_concurrent_changes_of_one_user_are_all_saved(world: World, hq: Person) -> None:
    path = f"/users/{add(world, 'asha@amber.test', 'Asha', 1)}"
    renamed, moved = {"full_name": "Asha Rao"}, {"plant_id": str(world.plants[5])}
    responses = concurrently(partial(hq.patch, path, renamed), partial(hq.patch, path, moved))
    assert [response.status_code for response in responses] == [200, 200]
    now = hq.get(path).json()["data"]
    assert (now["full_name"], now["plant_id"]) == ("Asha Rao", str(world.plants[5]))


def test_unknown_users_are_not_found(world: World, hq: Person) -> None:
    for user_id in (str(uuid4()), str(world.plants[0]), "me", "x" * 36):
        assert hq.get(f"/users/{user_id}").status_code == 404
        assert hq.patch(f"/users/{user_id}", {"full_name": "x"}).status_code == 404
        for step in ("activate", "deactivate"):
            assert hq.patch(f"/users/{user_id}/{step}", {}).status_code == 404
    assert error_of(hq.get(f"/users/{uuid4()}")) == NOT_FOUND


def test_plant_users_administer_nobody_not_even_themselves(world: World, hq: Person) -> None:
    person = world.plant_user()
    before = everybody(world)
    for user_id in (id_of(person), id_of(hq), str(uuid4())):
        path = f"/users/{user_id}"
        assert error_of(person.get(path)) == FORBIDDEN
        for call in (path, f"{path}/activate", f"{path}/deactivate"):
            assert error_of(person.patch(call, {"role": "hq", "colour": "red"})) == FORBIDDEN
    assert error_of(person.get("/users")) == FORBIDDEN
    assert everybody(world) == before
