"""Accounts: registering with and without an invite, the own profile, passwords (rules 9)."""

import hashlib
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.api.tokens import claims_of
from tests.world import NOON, PASSWORD, Person, World, concurrently, error_of, invalid, refusal_of

FORBIDDEN: Final = (403, "FORBIDDEN")
WRONG: Final = (401, "INVALID_CREDENTIALS")
NOT_USABLE: Final = invalid("invite_token")
EMAIL: Final = "new@amber.test"

ASCII_72: Final = "correct horse battery staple ".ljust(72, "x")
DEVANAGARI_72: Final = "पासवर्ड" * 3 + "सही"
"""24 letters and signs of three bytes each."""


@pytest.fixture
def hq(world: World) -> Person:
    return world.headquarters()


def register(world: World, **fields: object) -> httpx.Response:
    body = {"email": EMAIL, "password": PASSWORD, "full_name": "Asha Rao", **fields}
    return world.browser().post("/api/v1/auth/register", json=body)


def log_in(world: World, email: str = EMAIL, password: str = PASSWORD) -> httpx.Response:
    return world.browser().post("/api/v1/auth/login", json={"email": email, "password": password})


def invite(hq: Person, email: str = EMAIL, **fields: object) -> dict[str, Any]:
    response = hq.post("/auth/invites", {"email": email, "role": "hq", **fields})
    assert response.status_code == 201, response.text
    issued: dict[str, Any] = response.json()["data"]
    return issued


def session_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sid"])


def people(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT * FROM users ORDER BY id")


# --- registering without an invite


def test_registering_without_an_invite_makes_an_inactive_account_without_a_plant(world: World) -> None:
    response = register(world, email="  New.Person@Amber.Test ", full_name=" Asha Rao ")
    user = response.json()["data"]
    assert response.status_code == 202
    assert user == {
        "id": user["id"],
        "email": "New.Person@Amber.Test",
        "full_name": "Asha Rao",
        "role": "plant",
        "plant_id": None,
        "plant_name": None,
        "is_active": False,
        "created_at": user["created_at"],
        "updated_at": user["updated_at"],
    }
    assert error_of(log_in(world, user["email"])) == WRONG


def test_headquarters_sets_a_plant_and_then_activates_a_registered_account(world: World, hq: Person) -> None:
    path = f"/users/{register(world).json()['data']['id']}"
    assert refusal_of(hq.patch(f"{path}/activate", {})) == invalid("plant_id")
    assert hq.patch(path, {"plant_id": str(world.plants[3])}).status_code == 200
    assert error_of(log_in(world)) == WRONG
    assert hq.patch(f"{path}/activate", {}).json()["data"]["is_active"] is True
    assert log_in(world, EMAIL.upper()).status_code == 200


KNOWN: Final = ("active@amber.test", "ACTIVE@amber.TEST", "inactive@amber.test", "pending@amber.test")


@pytest.fixture
def known_users(world: World) -> list[tuple[Any, ...]]:
    """The users with the e-mails of KNOWN: an active, an inactive, and one that registered."""
    world.add_person("active@amber.test", plant=0)
    world.add_person("inactive@amber.test", plant=0, is_active=False)
    register(world, email="pending@amber.test", password="their own password")
    return people(world)


@pytest.mark.usefixtures("known_users")
def test_registering_a_known_and_an_unknown_email_gets_the_same_response(world: World) -> None:
    unknown = register(world, email="unknown@amber.test", password="another password")
    expected = unknown.json()
    unknown_id = expected["data"].pop("id")
    expected["data"].pop("email")
    for email in KNOWN:
        response = register(world, email=email, password="another password")
        shown = response.json()
        assert shown["data"].pop("email") == email
        assert shown["data"].pop("id") != unknown_id
        assert (response.status_code, shown) == (unknown.status_code, expected)
        assert set(response.headers) == set(unknown.headers)


def test_registering_a_known_email_changes_nothing(world: World, known_users: list[tuple[Any, ...]]) -> None:
    for email in KNOWN:
        register(world, email=email, password="another password")
    assert people(world) == known_users
    entries = world.query(
        "SELECT u.email, before, after FROM audit_log JOIN users u ON u.id = entity_id"
        " WHERE action = 'user.registered_again' ORDER BY u.email"
    )
    attempts = ["active@amber.test"] * 2 + ["inactive@amber.test", "pending@amber.test"]
    assert entries == [(email, None, None) for email in attempts]
    register(world, email="unknown@amber.test", password="another password")
    assert len(people(world)) == len(known_users) + 1


def test_registering_a_known_and_an_unknown_email_takes_the_same_statements(
    world: World, known_users: list[tuple[Any, ...]], statements: list[str]
) -> None:
    del statements[:]
    register(world, email="unknown@amber.test")
    unknown = list(statements)
    for email in KNOWN:
        del statements[:]
        register(world, email=email)
        assert statements == unknown


def test_registering_a_known_email_shows_an_id_that_nobody_has(
    world: World, known_users: list[tuple[Any, ...]]
) -> None:
    shown = [register(world, email="active@amber.test").json()["data"]["id"] for _ in range(2)]
    known = {str(row[0]) for row in known_users}
    assert len(set(shown) - known) == 2


def test_one_email_registers_once_in_concurrent_requests(world: World) -> None:
    spellings = [partial(register, world, email=email) for email in (EMAIL, EMAIL.upper())]
    responses = concurrently(*spellings * 4)
    assert {response.status_code for response in responses} == {202}
    assert len(people(world)) == 1


def test_a_malformed_registration_is_refused_by_field(world: World) -> None:
    for changes, field in (
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a@b@c.de"}, "email"),
        ({"email": "a b@amber.test"}, "email"),
        ({"email": "a\x00b@amber.test"}, "email"),
        ({"email": "x" * 310 + "@amber.test"}, "email"),
        ({"email": 7}, "email"),
        ({"full_name": " "}, "full_name"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"full_name": None}, "full_name"),
        ({"invite_token": ""}, "invite_token"),
        ({"invite_token": "x" * 201}, "invite_token"),
        ({"role": "hq"}, "role"),
        ({"plant_id": str(world.plants[0])}, "plant_id"),
        ({"is_active": True}, "is_active"),
    ):
        response = register(world, **changes)
        assert refusal_of(response) == invalid(field), changes
        assert PASSWORD not in response.text
    assert people(world) == []


# --- invites


def test_an_invite_makes_its_email_an_active_user_of_its_role_and_plant(world: World, hq: Person) -> None:
    plant_id = str(world.plants[4])
    issued = invite(hq, role="plant", plant_id=plant_id)
    response = register(world, email=EMAIL.upper(), invite_token=issued["token"])
    user = response.json()["data"]
    assert response.status_code == 201
    assert (user["email"], user["role"], user["plant_id"]) == (EMAIL, "plant", plant_id)
    assert user["is_active"] is True
    assert log_in(world).status_code == 200

    head = invite(hq, "head@amber.test")
    assert register(world, email="head@amber.test", invite_token=head["token"]).json()["data"]["role"] == "hq"
    [newest, oldest] = hq.get("/auth/invites").json()["data"]
    assert {newest["used_at"], oldest["used_at"]} == {"2026-08-15T06:30:00Z"}
    assert "token" not in newest and "token_hash" not in newest


def test_the_token_of_an_invite_is_shown_once_and_stored_as_a_hash_only(world: World, hq: Person) -> None:
    issued = invite(hq)
    assert issued["expires_at"] == "2026-08-22T06:30:00Z"
    assert (issued["used_at"], len(issued["token"]) >= 43) == (None, True)
    digest = hashlib.sha256(issued["token"].encode()).digest()
    assert world.query("SELECT token_hash FROM invites") == [(digest,)]
    register(world, invite_token=issued["token"])
    assert issued["token"] not in hq.get("/auth/invites").text
    for table in ("invites", "audit_log", "users", "rate_limits", "sessions"):
        rows = world.query(f"SELECT t::text FROM {table} t")
        assert all(issued["token"] not in row[0] for row in rows), table


def test_an_invite_that_is_used_twice_at_the_same_time_makes_one_account(world: World, hq: Person) -> None:
    token = invite(hq)["token"]
    tries = [partial(register, world, invite_token=token, password=f"password {who}") for who in range(6)]
    responses = concurrently(*tries)
    assert sorted(response.status_code for response in responses) == [201] + [422] * 5
    [winner] = [who for who, response in enumerate(responses) if response.status_code == 201]
    assert log_in(world, password=f"password {winner}").status_code == 200
    assert refusal_of(register(world, invite_token=token)) == NOT_USABLE


def test_an_invite_is_valid_once_for_its_email_for_seven_days_until_it_is_withdrawn(
    world: World, hq: Person
) -> None:
    issued = invite(hq)
    before = people(world)
    assert refusal_of(register(world, email="other@amber.test", invite_token=issued["token"])) == NOT_USABLE
    assert refusal_of(register(world, invite_token="x" * 43)) == NOT_USABLE
    assert refusal_of(register(world, invite_token=issued["token"][:-1])) == NOT_USABLE
    world.clock.at = NOON + timedelta(days=7)
    assert refusal_of(register(world, invite_token=issued["token"])) == NOT_USABLE
    world.clock.at = NOON
    withdrawn = invite(hq)
    assert hq.delete(f"/auth/invites/{withdrawn['id']}").status_code == 200
    assert refusal_of(register(world, invite_token=withdrawn["token"])) == NOT_USABLE
    assert people(world) == before

    world.clock.at = NOON + timedelta(days=7) - timedelta(microseconds=1)
    assert register(world, invite_token=issued["token"]).status_code == 201
    assert refusal_of(register(world, invite_token=issued["token"])) == NOT_USABLE


def test_an_invite_activates_a_pending_account_with_the_data_of_the_last_registration(
    world: World, hq: Person
) -> None:
    pending = register(world, password="the first password", full_name="A. Rao").json()["data"]
    issued = invite(hq, role="plant", plant_id=str(world.plants[1]))
    user = register(world, full_name="Asha Rao", invite_token=issued["token"]).json()["data"]
    assert (user["id"], user["full_name"], user["is_active"]) == (pending["id"], "Asha Rao", True)
    assert user["plant_id"] == str(world.plants[1])
    assert log_in(world).status_code == 200
    assert error_of(log_in(world, password="the first password")) == WRONG


def test_an_invite_does_not_take_over_an_account_that_became_active_meanwhile(
    world: World, hq: Person
) -> None:
    issued = invite(hq)
    world.add_person(EMAIL, plant=0)
    before = people(world)
    refused = register(world, invite_token=issued["token"], password="a thief's password")
    assert refusal_of(refused) == NOT_USABLE
    assert people(world) == before
    assert error_of(hq.post("/auth/invites", {"email": EMAIL.upper(), "role": "hq"})) == (409, "DUPLICATE")
    assert world.query("SELECT used_at FROM invites") == [(None,)]


def test_a_used_invite_does_not_reactivate_a_deactivated_user(world: World, hq: Person) -> None:
    token = invite(hq)["token"]
    user = register(world, invite_token=token).json()["data"]
    assert hq.patch(f"/users/{user['id']}/deactivate", {}).status_code == 200
    before = people(world)
    assert refusal_of(register(world, invite_token=token)) == NOT_USABLE
    assert people(world) == before
    assert error_of(log_in(world)) == WRONG


def test_an_unused_invite_does_not_reactivate_a_deactivated_user(world: World, hq: Person) -> None:
    first, left = invite(hq)["token"], invite(hq)["token"]
    user = register(world, invite_token=first).json()["data"]
    assert hq.patch(f"/users/{user['id']}/deactivate", {}).status_code == 200
    assert refusal_of(register(world, invite_token=left)) == NOT_USABLE
    assert error_of(log_in(world)) == WRONG


def test_a_malformed_invite_is_refused(world: World, hq: Person) -> None:
    plant = str(world.plants[0])
    for body, fields in (
        ({"role": "plant"}, {"plant_id"}),
        ({"role": "plant", "plant_id": None}, {"plant_id"}),
        ({"role": "hq", "plant_id": plant}, {"plant_id"}),
        ({"role": "plant", "plant_id": str(uuid4())}, {"plant_id"}),
        ({"role": "plant", "plant_id": "Supa"}, {"plant_id"}),
        ({"role": "admin"}, {"role"}),
        ({}, {"role"}),
        ({"role": "hq", "email": "nobody"}, {"email"}),
        ({"role": "hq", "token": "mine"}, {"token"}),
        ({"role": "hq", "expires_at": "2030-01-01T00:00:00Z"}, {"expires_at"}),
    ):
        assert refusal_of(hq.post("/auth/invites", {"email": EMAIL, **body})) == invalid(*fields), body
    assert world.query("SELECT count(*) FROM invites") == [(0,)]


def test_only_headquarters_manages_invites_and_a_used_one_cannot_be_withdrawn(
    world: World, hq: Person
) -> None:
    issued, used = invite(hq), invite(hq, "used@amber.test")
    register(world, email="used@amber.test", invite_token=used["token"])
    plant = world.plant_user()
    assert error_of(plant.get("/auth/invites")) == FORBIDDEN
    assert error_of(plant.post("/auth/invites", {"email": EMAIL, "role": "hq"})) == FORBIDDEN
    assert error_of(plant.delete(f"/auth/invites/{issued['id']}")) == FORBIDDEN
    for invite_id in (used["id"], str(uuid4()), "x"):
        assert hq.delete(f"/auth/invites/{invite_id}").status_code == 404
    page = hq.get("/auth/invites", limit=1).json()
    assert page["pagination"] == {"total": 2, "limit": 1, "offset": 0, "has_more": True}
    assert hq.delete(f"/auth/invites/{issued['id']}").status_code == 200
    assert hq.delete(f"/auth/invites/{issued['id']}").status_code == 404


# --- passwords


def test_passwords_of_eight_characters_to_seventy_two_bytes_are_accepted(world: World) -> None:
    assert (len(ASCII_72), len(DEVANAGARI_72), len(DEVANAGARI_72.encode())) == (72, 24, 72)
    for number, password in enumerate((ASCII_72, DEVANAGARI_72, "12345678", "पासवर्ड!", " " * 8)):
        email = f"taken{number}@amber.test"
        assert register(world, email=email, password=password).status_code == 202, password
        activate = "UPDATE users SET is_active = true, plant_id = %s WHERE email = %s"
        world.query(activate, world.plants[0], email)
        assert log_in(world, email, password).status_code == 200, password
        assert error_of(log_in(world, email, password + "x")) == WRONG, password
        assert error_of(log_in(world, email, password[:-1])) == WRONG, password


REFUSED_PASSWORDS: Final = [
    (ASCII_72 + "x", "must take at most 72 bytes; this one takes 73 in 73 characters"),
    (DEVANAGARI_72 + "x", "must take at most 72 bytes; this one takes 73 in 25 characters"),
    (DEVANAGARI_72[:-1] + "🔥", "must take at most 72 bytes; this one takes 73 in 24 characters"),
    ("1234567", "must have at least 8 characters"),
    ("पासवर्ड", "must have at least 8 characters"),
    ("", "must have at least 8 characters"),
    ("x" * 10_000, "must take at most 72 bytes; this one takes 10000"),
]


def test_passwords_that_are_too_long_or_too_short_are_refused_with_the_reason(world: World) -> None:
    person = world.plant_user()
    before = people(world)
    for password, reason in REFUSED_PASSWORDS:
        change = {"current_password": PASSWORD, "new_password": password}
        for response, field in (
            (register(world, password=password), "password"),
            (person.post("/auth/change-password", change), "new_password"),
        ):
            assert refusal_of(response) == invalid(field)
            assert response.json()["error"]["details"][0]["message"].startswith(reason)
            assert len(password) < 9 or password not in response.text
    assert (
        "letters outside ASCII take two to four bytes each"
        in register(world, password=DEVANAGARI_72 + "x").text
    )
    assert people(world) == before


def test_a_longer_password_never_matches_although_bcrypt_ignores_the_rest(world: World) -> None:
    person = world.plant_user()
    for password in (ASCII_72, DEVANAGARI_72):
        change = {"current_password": PASSWORD, "new_password": password}
        assert person.post("/auth/change-password", change).status_code == 200
        assert log_in(world, person.email, password).status_code == 200
        for longer in (password + "x", password + "\t", password * 2):
            assert error_of(log_in(world, person.email, longer)) == WRONG
        back = {"current_password": password, "new_password": PASSWORD}
        assert person.post("/auth/change-password", back).status_code == 200


def test_a_user_changes_their_password_with_the_current_one(world: World) -> None:
    person = world.plant_user()
    before = people(world)
    wrong = {"current_password": "a wrong guess", "new_password": "another horse battery"}
    assert refusal_of(person.post("/auth/change-password", wrong)) == invalid("current_password")
    assert people(world) == before
    assert world.query("SELECT failures FROM sign_in_failures") == [
        (1,)
    ]  # committed, although the request was refused

    right = {"current_password": PASSWORD, "new_password": "another horse battery"}
    response = person.post("/auth/change-password", right)
    assert (response.status_code, response.json()["data"]) == (200, None)
    assert error_of(log_in(world, person.email)) == WRONG
    assert log_in(world, person.email, "another horse battery").status_code == 200


def test_guessing_the_old_password_in_an_open_session_is_slowed_down_like_signing_in(world: World) -> None:
    person = world.plant_user()
    guess = {"current_password": "a wrong guess", "new_password": "another horse battery"}
    for _ in range(4):
        assert person.post("/auth/change-password", guess).status_code == 422
    response = person.post("/auth/change-password", guess)
    assert (error_of(response), response.headers["Retry-After"]) == ((429, "RATE_LIMITED"), "2")
    assert log_in(world, person.email).status_code == 200  # failures in a session are its own
    counted = world.query("SELECT client, failures FROM sign_in_failures")
    assert counted == [(f"device:{session_of(person)}", 4)]
    world.clock.advance(timedelta(seconds=2))
    right = {"current_password": PASSWORD, "new_password": "another horse battery"}
    assert person.post("/auth/change-password", right).status_code == 200


def test_guesses_of_the_old_password_at_the_same_time_count_like_one_after_the_other(world: World) -> None:
    person = world.plant_user()
    guess = {"current_password": "a wrong guess", "new_password": "another horse battery"}
    responses = concurrently(*[partial(person.post, "/auth/change-password", guess)] * 20)
    assert sorted(response.status_code for response in responses) == [422] * 4 + [429] * 16


def test_a_user_of_another_token_issuer_has_no_password_to_change(world: World) -> None:
    person = world.plant_user()
    world.query("UPDATE users SET hashed_password = NULL")
    body = {"current_password": PASSWORD, "new_password": "another horse battery"}
    assert error_of(person.post("/auth/change-password", body)) == (409, "NO_PASSWORD")


# --- the own profile


def test_a_user_changes_their_own_name_and_nothing_else(world: World, hq: Person) -> None:
    person = world.plant_user(2)
    world.clock.advance(timedelta(minutes=1))
    me = person.patch("/auth/me", {"full_name": "  Asha Rao "}).json()["data"]
    assert (me["full_name"], me["plant_name"], me["updated_at"]) == (
        "Asha Rao", "Ponneri", "2026-08-15T06:31:00Z"
    )  # fmt: skip
    assert person.get("/auth/me").json()["data"] == me
    assert person.patch("/auth/me", {}).json()["data"] == me
    before = people(world)
    for body in (
        {"role": "hq"}, {"plant_id": str(world.plants[0])}, {"email": "x@amber.test"}, {"is_active": False},
        {"full_name": ""}, {"full_name": None}, {"full_name": "x" * 201}, {"full_name": ["Asha"]},
    ):  # fmt: skip
        assert refusal_of(person.patch("/auth/me", body)) == invalid(*body), body
    assert people(world) == before
    assert hq.get(f"/users/{claims_of(person.tokens['access_token'])['sub']}").json()["data"] == {
        name: value for name, value in me.items() if name != "plant_short_name"
    }
