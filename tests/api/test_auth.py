"""Signing in and out, and the lifetimes of sessions and tokens (rules 9)."""

import json
import logging
from datetime import timedelta
from typing import Any, Final

import bcrypt
import httpx
import pytest

from tests.api.tokens import claims_of
from tests.world import NOON, PASSWORD, Person, World, error_of, invalid, refusal_of

SECOND: Final = timedelta(seconds=1)
WRONG: Final = (401, "INVALID_CREDENTIALS")
REVOKED: Final = (401, "TOKEN_REVOKED")
EXPIRED: Final = (401, "TOKEN_EXPIRED")
NOT_VALID: Final = (401, "UNAUTHENTICATED")


def log_in(world: World, email: str, password: str, **more: object) -> httpx.Response:
    body = {"email": email, "password": password, **more}
    return world.browser().post("/api/v1/auth/login", json=body)


def refresh(person: Person, token: str) -> httpx.Response:
    return person.post("/auth/refresh", {"refresh_token": token})


def session_rows(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT revoked_at, revoked_reason FROM sessions ORDER BY created_at, id")


def test_signing_in_returns_tokens_in_the_envelope_and_at_the_top_level(world: World) -> None:
    world.add_person("Asha.Rao@amber.test", plant=2)
    for email in ("Asha.Rao@amber.test", "asha.rao@AMBER.TEST"):
        response = log_in(world, email, PASSWORD)
        body = response.json()
        assert response.status_code == 200
        assert set(body["data"]) == {
            "access_token", "refresh_token", "token_type", "expires_in", "device_token"
        }  # fmt: skip
        assert (body["data"]["token_type"], body["data"]["expires_in"]) == ("bearer", 1800)
        assert {name: body[name] for name in body["data"]} == body["data"]


def test_an_access_token_has_nine_claims_and_lasts_thirty_minutes(world: World) -> None:
    claims = claims_of(world.plant_user().tokens["access_token"])
    assert set(claims) == {"sub", "sid", "role", "typ", "iat", "exp", "jti", "iss", "aud"}
    assert claims["exp"] - claims["iat"] == 30 * 60


def test_a_user_sees_their_own_account_and_plant_without_the_password_hash(world: World) -> None:
    me = world.add_person("Asha.Rao@amber.test", plant=2).sign_in().get("/auth/me").json()["data"]
    assert (me["email"], me["role"], me["plant_id"]) == ("Asha.Rao@amber.test", "plant", str(world.plants[2]))
    assert (me["plant_name"], me["plant_short_name"]) == ("Ponneri", "Ponneri")
    assert "hashed_password" not in me
    assert world.headquarters().get("/auth/me").json()["data"]["plant_name"] is None


def test_every_failed_sign_in_gets_the_same_response(world: World) -> None:
    world.add_person("known@amber.test", plant=0)
    world.add_person("inactive@amber.test", plant=0, is_active=False)
    world.add_person("outside@amber.test", plant=0)
    world.query("UPDATE users SET hashed_password = NULL WHERE email = 'outside@amber.test'")
    registered = {"email": "pending@amber.test", "password": PASSWORD, "full_name": "Asha"}
    assert world.browser().post("/api/v1/auth/register", json=registered).status_code == 202
    responses = [
        log_in(world, "known@amber.test", "a wrong guess"),
        log_in(world, "pending@amber.test", PASSWORD),
        log_in(world, "inactive@amber.test", PASSWORD),
        log_in(world, "nobody@amber.test", "a wrong guess"),
        log_in(world, "nobody@amber.test", PASSWORD),
        log_in(world, "inactive@amber.test", "a wrong guess"),
        log_in(world, "outside@amber.test", PASSWORD),
        log_in(world, "known@amber.test", PASSWORD.ljust(73, "!")),
        log_in(world, "known@amber.test", "ü" * 500),
    ]
    bodies = [response.json() for response in responses]
    for response, body in zip(responses, bodies, strict=True):
        assert error_of(response) == WRONG
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert set(response.headers) == set(responses[0].headers)
        del body["error"]["request_id"]
    assert all(body == bodies[0] for body in bodies)
    assert session_rows(world) == []


def test_a_registration_does_not_show_by_sign_ins_whether_the_email_was_known(world: World) -> None:
    world.add_person("known@amber.test", plant=0)
    browser, guessed = world.browser(), "the password of a stranger"
    answers = []
    for email in ("known@amber.test", "unknown@amber.test"):
        body = {"email": email, "password": guessed, "full_name": "A stranger"}
        assert browser.post("/api/v1/auth/register", json=body).status_code == 202
        responses = [log_in(world, email, guessed) for _ in range(6)]
        answers.append([(error_of(one), one.json()["error"]["message"]) for one in responses])
    assert answers[0] == answers[1]
    assert [code for code, _ in answers[0]] == [WRONG] * 4 + [(429, "RATE_LIMITED")] * 2


def test_known_and_unknown_emails_take_the_same_statements(world: World, statements: list[str]) -> None:
    world.add_person("known@amber.test", plant=0)
    world.add_person("inactive@amber.test", plant=0, is_active=False)
    sent = []
    for email in ("known@amber.test", "inactive@amber.test", "unknown@amber.test"):
        del statements[:]
        log_in(world, email, "a wrong guess")
        sent.append(list(statements))
    assert sent[0] == sent[1] == sent[2]


def test_malformed_credentials_are_refused_by_field(world: World) -> None:
    browser = world.browser()
    good: dict[str, object] = {"email": "known@amber.test", "password": PASSWORD}
    for changes, field in (
        ({"email": None}, "email"),
        ({"email": "a\x00b@amber.test"}, "email"),
        ({"email": "x" * 321}, "email"),
        ({"password": ""}, "password"),
        ({"password": "a\x00b"}, "password"),
        ({"password": "x" * 1001}, "password"),
        ({"remember_me": "perhaps"}, "remember_me"),
        ({"role": "hq"}, "role"),
    ):
        response = browser.post("/api/v1/auth/login", json={**good, **changes})
        assert refusal_of(response) == invalid(field), changes
        assert PASSWORD not in response.text
    assert refusal_of(browser.post("/api/v1/auth/login", json={})) == invalid("email", "password")


def test_a_session_lasts_seven_days_or_thirty_with_remember_me(world: World) -> None:
    for email, remembered, days in (("week@amber.test", False, 7), ("month@amber.test", True, 30)):
        world.clock.at = NOON
        person = world.add_person(email, plant=0).sign_in(remember_me=remembered)
        world.clock.at = NOON + timedelta(days=days) - 60 * SECOND
        response = refresh(person, person.tokens["refresh_token"])
        assert response.status_code == 200
        assert response.json()["expires_in"] == 60  # an access token does not outlive its session
        world.clock.at = NOON + timedelta(days=days)
        assert error_of(refresh(person, response.json()["refresh_token"])) == EXPIRED


def test_an_access_token_is_refused_after_thirty_minutes(world: World) -> None:
    person = world.plant_user()
    world.clock.advance(timedelta(minutes=30) - SECOND)
    assert person.get("/plants").status_code == 200
    world.clock.advance(SECOND)
    response = person.get("/plants")
    assert error_of(response) == EXPIRED
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_call_without_a_bearer_token_is_refused(world: World) -> None:
    token = world.plant_user().tokens["access_token"]
    browser = world.browser()
    for sent in (None, "", "Bearer", f"Basic {token}", token, f"Bearer {token} {token}", f"Bearer{token}"):
        response = browser.get("/api/v1/plants", headers={} if sent is None else {"Authorization": sent})
        assert error_of(response) == NOT_VALID, sent
        assert response.headers["WWW-Authenticate"] == "Bearer"
    for sent in (f"Bearer {token}", f"bearer   {token}"):
        assert browser.get("/api/v1/plants", headers={"Authorization": sent}).status_code == 200


def test_signing_out_ends_this_session_and_no_other(world: World) -> None:
    desk = world.add_person("two.places@amber.test", plant=0).sign_in()
    phone = Person(desk.email, desk.role, desk.plant_id, world.browser()).sign_in()
    other = world.plant_user(1)
    response = desk.post("/auth/logout")
    assert (response.status_code, response.json()["data"]) == (200, None)
    assert error_of(desk.get("/plants")) == REVOKED
    assert error_of(desk.post("/auth/logout")) == REVOKED
    assert error_of(refresh(desk, desk.tokens["refresh_token"])) == REVOKED
    assert phone.get("/plants").status_code == 200

    desk.sign_in()
    token_of_other = {"refresh_token": other.tokens["refresh_token"]}
    assert desk.post("/auth/logout", token_of_other).status_code == 200
    assert other.get("/plants").status_code == 200
    desk.sign_in()
    assert desk.post("/auth/logout", {"refresh_token": phone.tokens["refresh_token"]}).status_code == 200
    assert error_of(phone.get("/plants")) == REVOKED


@pytest.mark.parametrize("portal_settings", [{"BCRYPT_ROUNDS": "5"}])
def test_signing_in_hashes_the_password_again_when_the_cost_has_changed(world: World) -> None:
    person = world.add_person("old.hash@amber.test", plant=0)
    before = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    world.query("UPDATE users SET hashed_password = %s", before)
    assert error_of(log_in(world, person.email, "a wrong guess")) == WRONG
    assert world.query("SELECT hashed_password FROM users") == [(before,)]
    person.sign_in()
    after = world.query("SELECT hashed_password FROM users")[0][0]
    assert (before[:7], after[:7]) == ("$2b$04$", "$2b$05$")
    person.sign_in()
    assert world.query("SELECT hashed_password FROM users") == [(after,)]


def test_a_session_records_the_browser_that_opened_it(world: World) -> None:
    world.add_person("asha@amber.test", plant=0)
    body = {"email": "asha@amber.test", "password": PASSWORD}
    for sent in ("Firefox/140", "x" * 1000, ""):
        world.browser().post("/api/v1/auth/login", json=body, headers={"User-Agent": sent})
    kept = world.query("SELECT user_agent FROM sessions ORDER BY length(user_agent)")
    assert kept == [("Firefox/140",), ("x" * 400,), (None,)]


def test_a_failed_sign_in_is_logged_with_its_client_and_without_its_e_mail(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.add_person("asha@amber.test")
    world.add_person("inactive@amber.test", is_active=False)
    tries = [
        ("asha@amber.test", "a wrong password"),
        ("nobody@amber.test", PASSWORD),
        ("inactive@amber.test", PASSWORD),
    ]
    with caplog.at_level(logging.WARNING, logger="portal"):
        for email, password in tries:
            log_in(world, email, password)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    failed = [line for line in lines if line["event"] == "sign_in_failed"]
    assert [line["code"] for line in failed] == [WRONG[1]] * 3
    assert len({line["account"] for line in failed}) == 3
    assert all(line["client"] and line["request_id"] for line in failed)
    assert "@amber.test" not in caplog.text
