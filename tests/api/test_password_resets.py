"""Password resets that headquarters issues (rules 9)."""

import hashlib
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.api.tokens import claims_of
from tests.world import NOON, PASSWORD, Person, World, concurrently, error_of, invalid, refusal_of

NEW_PASSWORD: Final = "another horse battery"
NOT_USABLE: Final = invalid("token")


@pytest.fixture
def hq(world: World) -> Person:
    return world.headquarters()


@pytest.fixture
def asha(world: World) -> Person:
    return world.add_person("asha@amber.test", plant=0).sign_in()


def id_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sub"])


def issue(hq: Person, person: Person) -> dict[str, Any]:
    response = hq.post(f"/users/{id_of(person)}/password-reset")
    assert response.status_code == 201, response.text
    issued: dict[str, Any] = response.json()["data"]
    return issued


def reset(world: World, token: object, new_password: object = NEW_PASSWORD, **more: object) -> httpx.Response:
    body = {"token": token, "new_password": new_password, **more}
    return world.browser().post("/api/v1/auth/reset-password", json=body)


def log_in(world: World, person: Person, password: str) -> int:
    body = {"email": person.email, "password": password}
    return world.browser().post("/api/v1/auth/login", json=body).status_code


def test_a_user_sets_a_new_password_with_the_token_of_headquarters(
    world: World, hq: Person, asha: Person
) -> None:
    issued = issue(hq, asha)
    assert issued == {
        "user_id": id_of(asha),
        "token": issued["token"],
        "link": None,
        "expires_at": "2026-08-15T07:30:00Z",
    }
    assert asha.get("/auth/me").status_code == 200
    response = reset(world, issued["token"])
    assert (response.status_code, response.json()["data"]) == (200, None)
    assert error_of(asha.get("/auth/me")) == (401, "TOKEN_REVOKED")
    token = {"refresh_token": asha.tokens["refresh_token"]}
    assert error_of(asha.post("/auth/refresh", token)) == (401, "TOKEN_REVOKED")
    assert [log_in(world, asha, password) for password in (PASSWORD, NEW_PASSWORD)] == [401, 200]
    assert hq.get("/auth/me").status_code == 200


@pytest.mark.parametrize("portal_settings", [{"WEB_APP_URL": "https://portal.example/app/"}])
def test_the_answer_has_a_link_to_the_web_client_if_its_address_is_known(
    world: World, hq: Person, asha: Person
) -> None:
    issued = issue(hq, asha)
    assert issued["link"] == f"https://portal.example/app/reset-password#token={issued['token']}"


def test_the_token_is_stored_as_a_hash_only_and_is_in_no_entry_of_the_audit_trail(
    world: World, hq: Person, asha: Person
) -> None:
    token = issue(hq, asha)["token"]
    digest = hashlib.sha256(token.encode()).digest()
    assert world.query("SELECT token_hash FROM password_resets") == [(digest,)]
    assert len(token) >= 43
    assert reset(world, token).status_code == 200
    tables = world.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for (table,) in tables:
        rows = world.query(f'SELECT t::text FROM "{table}" t')
        assert all(token not in row[0] and digest.hex() not in row[0] for row in rows), table
    entries = world.query(
        "SELECT action, entity_id::text, user_id::text, after FROM audit_log"
        " WHERE action LIKE 'user.password%%' ORDER BY id"
    )
    expires_at = {"expires_at": "2026-08-15 07:30:00+00:00"}
    assert entries == [
        ("user.password_reset_issued", id_of(asha), id_of(hq), expires_at),
        ("user.password_reset", id_of(asha), None, None),
    ]


def test_every_token_that_cannot_be_used_gets_the_same_answer(world: World, hq: Person, asha: Person) -> None:
    others = {name: world.add_person(f"{name}@amber.test", plant=0).sign_in() for name in ("ravi", "mira")}
    expired = issue(hq, others["mira"])["token"]
    world.clock.advance(timedelta(hours=1))
    hq.sign_in()
    replaced, used = (issue(hq, asha)["token"] for _ in range(2))
    assert reset(world, used).status_code == 200
    assert refusal_of(reset(world, expired)) == NOT_USABLE
    deactivated, outside = (issue(hq, others[name])["token"] for name in ("ravi", "mira"))
    assert hq.patch(f"/users/{id_of(others['ravi'])}/deactivate", {}).status_code == 200
    world.query("UPDATE users SET hashed_password = NULL WHERE email = 'mira@amber.test'")
    before = world.query("SELECT * FROM users ORDER BY id")
    tokens = (used, replaced, expired, deactivated, outside, "x" * 43, used[:-1], "é🔥")
    answers = [reset(world, token) for token in tokens]
    assert [refusal_of(answer) for answer in answers] == [NOT_USABLE] * len(tokens)
    assert len({answer.json()["error"]["details"][0]["message"] for answer in answers}) == 1
    assert world.query("SELECT * FROM users ORDER BY id") == before

    assert hq.patch(f"/users/{id_of(others['ravi'])}/activate", {}).status_code == 200
    assert refusal_of(reset(world, deactivated)) == NOT_USABLE  # a deactivation deletes the token


def test_a_token_that_two_use_at_the_same_time_sets_one_password(
    world: World, hq: Person, asha: Person
) -> None:
    for _ in range(5):
        token = issue(hq, asha)["token"]
        tries = [partial(reset, world, token, f"password {who}") for who in range(6)]
        responses = concurrently(*tries)
        assert sorted(response.status_code for response in responses) == [200] + [422] * 5
        [winner] = [who for who, response in enumerate(responses) if response.status_code == 200]
        assert log_in(world, asha, f"password {winner}") == 200


def test_a_refused_password_does_not_use_the_token_up(world: World, hq: Person, asha: Person) -> None:
    token = issue(hq, asha)["token"]
    for password in ("1234567", "x" * 73, "", None, 7, "a\x00bcdefgh"):
        assert refusal_of(reset(world, token, password)) == invalid("new_password"), password
    assert reset(world, token).status_code == 200


def test_malformed_requests_are_refused_by_field(world: World, hq: Person, asha: Person) -> None:
    for token in ("", None, 7, ["x"], "x" * 201, "a\x00b"):
        assert refusal_of(reset(world, token)) == invalid("token"), token
    assert refusal_of(reset(world, "x", email="asha@amber.test")) == invalid("email")
    browser = world.browser()
    missing = browser.post("/api/v1/auth/reset-password", json={})
    assert refusal_of(missing) == invalid("token", "new_password")
    large = browser.post("/api/v1/auth/reset-password", content=b"{" + b" " * 20_000 + b"}")
    assert error_of(large) == (413, "PAYLOAD_TOO_LARGE")
    assert refusal_of(hq.post(f"/users/{id_of(asha)}/password-reset", {"days": 7})) == invalid("days")


def test_only_headquarters_issues_resets_and_for_active_users_with_a_password_only(
    world: World, hq: Person, asha: Person
) -> None:
    path = f"/users/{id_of(asha)}/password-reset"
    for person in (asha, world.plant_user(1)):
        assert error_of(person.post(path)) == (403, "FORBIDDEN")
    assert error_of(world.browser().post(f"/api/v1{path}", json={})) == (401, "UNAUTHENTICATED")
    assert error_of(hq.post(f"/users/{id_of(hq)}/password-reset")) == (409, "OWN_ACCOUNT")
    for user_id in (str(uuid4()), "x", str(world.plants[0])):
        assert hq.post(f"/users/{user_id}/password-reset").status_code == 404
    world.query("UPDATE users SET hashed_password = NULL WHERE email = %s", asha.email)
    assert error_of(hq.post(path)) == (409, "NO_PASSWORD")
    world.query("UPDATE users SET is_active = false WHERE email = %s", asha.email)
    assert error_of(hq.post(path)) == (409, "INACTIVE_USER")
    assert world.query("SELECT * FROM password_resets") == []


@pytest.mark.parametrize("portal_settings", [{"RATE_LIMIT_SIGN_IN": "5/minute"}])
def test_tokens_are_tried_as_rarely_as_passwords(world: World) -> None:
    statuses = [reset(world, f"guess {number}").status_code for number in range(7)]
    assert statuses == [422] * 5 + [429] * 2


def test_expired_resets_are_purged_every_night(world: World, hq: Person, asha: Person) -> None:
    issue(hq, asha)
    world.run_timer("purge_expired")
    assert world.query("SELECT count(*) FROM password_resets") == [(1,)]
    world.clock.at = NOON + timedelta(hours=1, seconds=1)
    world.run_timer("purge_expired")
    assert world.query("SELECT count(*) FROM password_resets") == [(0,)]
