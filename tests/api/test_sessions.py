"""Sessions: refresh, stolen tokens, two tabs, the list, and what ends sessions (rules 9)."""

import json
import logging
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from bp_core.auth.sign_in import GRACE, SEEN_EVERY
from tests.api.tokens import claims_of
from tests.world import NOON, PASSWORD, Person, World, concurrently, error_of

REVOKED: Final = (401, "TOKEN_REVOKED")
EXPIRED: Final = (401, "TOKEN_EXPIRED")
NOT_FOUND: Final = (404, "NOT_FOUND")
INSTANT: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)


def refresh(person: Person, token: str) -> httpx.Response:
    return person.post("/auth/refresh", {"refresh_token": token})


def tokens_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()["data"]
    return tokens


def with_token(world: World, access_token: str) -> int:
    headers = {"Authorization": f"Bearer {access_token}"}
    return world.browser().get("/api/v1/plants", headers=headers).status_code


def sessions(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT revoked_at, revoked_reason FROM sessions ORDER BY created_at, id")


def another_browser(world: World, person: Person) -> Person:
    return Person(person.email, person.role, person.plant_id, world.browser()).sign_in()


def id_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sub"])


def session_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sid"])


# --- refreshing


def test_fifty_refreshes_at_the_same_time_give_one_new_refresh_token(world: World) -> None:
    person = world.plant_user()
    first = person.tokens["refresh_token"]
    responses = [tokens_of(response) for response in concurrently(*[partial(refresh, person, first)] * 50)]
    [successor] = {response["refresh_token"] for response in responses}
    assert successor != first
    assert len({response["access_token"] for response in responses}) == 50
    assert {with_token(world, response["access_token"]) for response in responses[:5]} == {200}
    assert tokens_of(refresh(person, successor))


def test_a_refresh_token_that_is_used_again_an_hour_later_ends_its_session_and_no_other(world: World) -> None:
    person, other = world.plant_user(), world.plant_user()
    first = person.tokens["refresh_token"]
    second = tokens_of(refresh(person, first))
    world.clock.advance(timedelta(minutes=20))
    third = tokens_of(refresh(person, second["refresh_token"]))
    world.clock.advance(timedelta(minutes=40))
    newest = tokens_of(refresh(person, third["refresh_token"]))
    for replayed in (first, newest["refresh_token"]):
        assert error_of(refresh(person, replayed)) == REVOKED
    assert with_token(world, newest["access_token"]) == 401
    assert set(sessions(world)) == {(world.clock.at, "refresh_token_reused"), (None, None)}
    assert tokens_of(refresh(other, other.tokens["refresh_token"]))

    [entry] = world.query("SELECT user_id, entity_id, after FROM audit_log WHERE action = 'session.ended'")
    theft = {"user_id": id_of(person), "reason": "refresh_token_reused"}
    assert (entry[0], str(entry[1]), entry[2]) == (None, session_of(person), theft)


def test_a_used_token_that_is_sent_many_times_at_the_same_time_ends_the_session_once(world: World) -> None:
    person = world.plant_user()
    tokens_of(refresh(person, person.tokens["refresh_token"]))
    world.clock.advance(GRACE + INSTANT)
    responses = concurrently(*[partial(refresh, person, person.tokens["refresh_token"])] * 20)
    assert [error_of(response) for response in responses] == [REVOKED] * 20
    assert world.query("SELECT count(*) FROM audit_log WHERE action = 'session.ended'") == [(1,)]


def test_the_reuse_of_a_refresh_token_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    person = world.plant_user()
    tokens_of(refresh(person, person.tokens["refresh_token"]))
    world.clock.advance(timedelta(minutes=1))
    with caplog.at_level(logging.WARNING, logger="portal"):
        assert error_of(refresh(person, person.tokens["refresh_token"])) == REVOKED
        assert error_of(refresh(person, person.tokens["refresh_token"])) == REVOKED
    assert [json.loads(record.getMessage())["event"] for record in caplog.records] == ["refresh_token_reused"]
    assert person.sign_in().get("/plants").status_code == 200


def test_the_grace_period_for_a_second_tab_is_ten_seconds(world: World) -> None:
    in_time, too_late = world.plant_user(), world.plant_user()
    firsts = [tokens_of(refresh(person, person.tokens["refresh_token"])) for person in (in_time, too_late)]
    world.clock.advance(timedelta(seconds=10))
    again = tokens_of(refresh(in_time, in_time.tokens["refresh_token"]))
    assert again["refresh_token"] == firsts[0]["refresh_token"]
    world.clock.advance(INSTANT)
    assert error_of(refresh(too_late, too_late.tokens["refresh_token"])) == REVOKED
    assert error_of(refresh(too_late, firsts[1]["refresh_token"])) == REVOKED
    assert tokens_of(refresh(in_time, again["refresh_token"]))


def test_two_tabs_share_a_session_for_a_day_and_nobody_is_signed_out(world: World) -> None:
    person = world.plant_user()
    shared = person.tokens["refresh_token"]
    for _ in range(48):
        world.clock.advance(timedelta(minutes=30))
        one = tokens_of(refresh(person, shared))
        world.clock.advance(timedelta(seconds=3))
        other = tokens_of(refresh(person, shared))
        assert other["refresh_token"] == one["refresh_token"]
        assert {with_token(world, tab["access_token"]) for tab in (one, other)} == {200}
        shared = other["refresh_token"]
    assert sessions(world) == [(None, None)]


def test_the_token_before_last_counts_as_stolen_even_within_the_grace_period(world: World) -> None:
    person = world.plant_user()
    first = person.tokens["refresh_token"]
    second = tokens_of(refresh(person, first))["refresh_token"]
    third = tokens_of(refresh(person, second))["refresh_token"]
    assert error_of(refresh(person, first)) == REVOKED
    assert error_of(refresh(person, third)) == REVOKED


def test_refreshing_does_not_make_a_session_longer(world: World) -> None:
    person = world.plant_user()
    token, end = person.tokens["refresh_token"], NOON + 7 * DAY
    for days in range(1, 7):
        world.clock.at = NOON + days * DAY
        token = tokens_of(refresh(person, token))["refresh_token"]
        assert claims_of(token)["exp"] == end.timestamp()
    assert world.query("SELECT expires_at FROM sessions") == [(end,)]
    world.clock.at = end - timedelta(seconds=60)
    last = tokens_of(refresh(person, token))
    assert last["expires_in"] == 60  # an access token does not outlive its session
    world.clock.at = end - INSTANT
    assert with_token(world, last["access_token"]) == 200
    world.clock.at = end
    assert with_token(world, last["access_token"]) == 401
    assert error_of(refresh(person, last["refresh_token"])) == EXPIRED


def test_the_use_of_a_session_is_recorded_every_five_minutes_at_most(world: World) -> None:
    person = world.plant_user()

    def seen_after(pause: timedelta) -> timedelta:
        world.clock.advance(pause)
        assert person.get("/plants").status_code == 200
        seen_at: timedelta = world.query("SELECT last_seen_at FROM sessions")[0][0] - NOON
        return seen_at

    assert timedelta(minutes=5) == SEEN_EVERY
    assert seen_after(timedelta(minutes=5)) == timedelta(0)
    assert seen_after(INSTANT) == SEEN_EVERY + INSTANT
    assert seen_after(timedelta(minutes=4)) == SEEN_EVERY + INSTANT


# --- listing and ending sessions


def test_a_user_sees_their_own_open_sessions_and_which_is_the_current(world: World) -> None:
    desk = world.plant_user()
    desk.http.headers["User-Agent"] = "Firefox/140"
    world.clock.advance(timedelta(minutes=1))
    phone = another_browser(world, desk)
    ended = another_browser(world, desk)
    ended.post("/auth/logout")
    world.plant_user()
    listed = phone.get("/auth/sessions").json()["data"]
    assert [(session["id"], session["is_current"]) for session in listed] == [
        (session_of(phone), True),
        (session_of(desk), False),
    ]
    assert set(listed[0]) == {"id", "created_at", "last_seen_at", "expires_at", "user_agent", "is_current"}
    assert listed[1]["created_at"] == "2026-08-15T06:30:00Z"
    world.clock.at = NOON + 7 * DAY
    remembered = another_browser(world, desk)
    assert [session["id"] for session in remembered.get("/auth/sessions").json()["data"]] == [
        session_of(remembered),
        session_of(phone),
    ]


def test_a_user_ends_another_of_their_sessions_and_then_the_current_one(world: World) -> None:
    desk = world.plant_user()
    phone = another_browser(world, desk)
    assert desk.delete(f"/auth/sessions/{session_of(phone)}").status_code == 200
    assert error_of(phone.get("/plants")) == REVOKED
    assert error_of(refresh(phone, phone.tokens["refresh_token"])) == REVOKED
    assert error_of(desk.delete(f"/auth/sessions/{session_of(phone)}")) == NOT_FOUND
    assert desk.delete(f"/auth/sessions/{session_of(desk)}").status_code == 200
    assert error_of(desk.get("/plants")) == REVOKED
    reasons = world.query("SELECT revoked_reason FROM sessions WHERE revoked_at IS NOT NULL")
    assert reasons == [("ended_by_user",)] * 2


def test_nobody_ends_a_session_of_another_user(world: World) -> None:
    user, other, hq = world.plant_user(), world.plant_user(), world.headquarters()
    for person, session_id in (
        (user, session_of(other)), (hq, session_of(user)), (user, str(uuid4())), (user, "x")
    ):  # fmt: skip
        assert person.delete(f"/auth/sessions/{session_id}").status_code == 404
    for person in (user, other):
        assert person.get("/plants").status_code == 200


# --- changes that take effect on the next call


def assert_ended(*browsers: Person) -> None:
    """The sessions of these browsers can neither be used nor refreshed."""
    for browser in browsers:
        assert error_of(browser.get("/plants")) == REVOKED
        assert error_of(refresh(browser, browser.tokens["refresh_token"])) == REVOKED


def test_deactivation_ends_all_sessions_of_a_user_and_activation_does_not_restore_them(world: World) -> None:
    hq, person = world.headquarters(), world.plant_user()
    phone = another_browser(world, person)
    path = f"/users/{id_of(person)}"
    assert hq.patch(f"{path}/deactivate", {}).status_code == 200
    assert_ended(person, phone)
    credentials = {"email": person.email, "password": PASSWORD}
    assert error_of(person.post("/auth/login", credentials)) == (401, "INVALID_CREDENTIALS")

    assert hq.patch(f"{path}/activate", {}).status_code == 200
    assert_ended(person, phone)
    assert person.sign_in().get("/plants").status_code == 200


def test_a_new_plant_takes_effect_on_the_next_call(world: World) -> None:
    hq, person = world.headquarters(), world.plant_user(0)
    draft = f"/best-practices/{world.practice(world.plant_user(1))['id']}"
    path = f"/users/{id_of(person)}"
    assert error_of(person.get(draft)) == NOT_FOUND
    assert hq.patch(path, {"plant_id": str(world.plants[1])}).status_code == 200
    assert person.get(draft).status_code == 200
    assert person.get("/auth/me").json()["data"]["plant_id"] == str(world.plants[1])
    assert hq.patch(path, {"plant_id": str(world.plants[2])}).status_code == 200
    assert error_of(person.get(draft)) == NOT_FOUND


def test_a_new_role_takes_effect_on_the_next_call_and_refresh(world: World) -> None:
    hq, person = world.headquarters(), world.plant_user(0)
    path = f"/users/{id_of(person)}"
    assert person.get("/jobs").status_code == 403
    assert hq.patch(path, {"role": "hq", "plant_id": None}).status_code == 200
    assert person.get("/jobs").status_code == 200
    tokens = tokens_of(refresh(person, person.tokens["refresh_token"]))
    assert claims_of(tokens["access_token"])["role"] == "hq"
    back = {"role": "plant", "plant_id": str(world.plants[0])}
    assert hq.patch(path, back).status_code == 200
    person.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"  # it still says "hq"
    assert person.get("/jobs").status_code == 403


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(world: World) -> None:
    desk = world.plant_user()
    phone, other = another_browser(world, desk), world.plant_user()
    body = {"current_password": PASSWORD, "new_password": "another horse battery"}
    assert desk.post("/auth/change-password", body).status_code == 200
    assert error_of(phone.get("/plants")) == REVOKED
    assert error_of(refresh(phone, phone.tokens["refresh_token"])) == REVOKED
    assert desk.get("/plants").status_code == 200
    assert tokens_of(refresh(desk, desk.tokens["refresh_token"]))
    assert other.get("/plants").status_code == 200
    assert world.query("SELECT revoked_reason FROM sessions WHERE revoked_at IS NOT NULL") == [
        ("password_changed",)
    ]
