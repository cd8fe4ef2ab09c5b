"""Delays after failed sign-ins, and rate limits (rules 9, api.md 429)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import uuid4

import httpx
import pytest

from bench.statements import captured_statements
from functions import bootstrap
from functions.bootstrap import Portal
from functions.settings import SettingsError, load_settings
from tests.api.tokens import claims_of, signed
from tests.world import (
    PASSWORD,
    Person,
    World,
    concurrently,
    error_of,
    invalid,
    picture,
    refusal_of,
    upload_request,
)

LIMITED: Final = (429, "RATE_LIMITED")
WRONG: Final = (401, "INVALID_CREDENTIALS")
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)

EMAIL: Final = "asha@amber.test"
ADDRESS: Final = "198.51.100.7"
OTHER_ADDRESS: Final = "203.0.113.9"

DEFAULTS: Final = {
    "RATE_LIMIT_SIGN_IN": "5/minute",
    "RATE_LIMIT_SIGN_IN_CLIENT": "100/minute",
    "RATE_LIMIT_UPLOAD": "10/minute",
    "RATE_LIMIT_GENERAL": "300/minute",
}
with_limits: Final = pytest.mark.parametrize("portal_settings", [DEFAULTS], ids=[""])


def log_in(
    world: World, password: str, *, email: str = EMAIL, address: str = ADDRESS, forwarded: str | None = None
) -> httpx.Response:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    body = {"email": email, "password": password}
    return world.browser(address).post("/api/v1/auth/login", json=body, headers=headers)


def fail(world: World, times: int, *, email: str = EMAIL, address: str = ADDRESS) -> list[int]:
    """Send wrong passwords, each as soon as it is allowed. Returns the delays in seconds."""
    waits = []
    for _ in range(times):
        response = log_in(world, "a wrong guess", email=email, address=address)
        if response.status_code == 429:
            waits.append(int(response.headers["Retry-After"]))
            world.clock.advance(waits[-1] * SECOND)
            response = log_in(world, "a wrong guess", email=email, address=address)
        assert error_of(response) == WRONG
    return waits


@pytest.fixture
def another_instance(world: World) -> Iterator[Callable[[], None]]:
    """A function after which a new instance responds to the calls."""
    started: list[Portal] = []

    def start() -> None:
        started.append(bootstrap.build(load_settings(world.settings), world.clock))
        bootstrap.install(started[-1])

    yield start
    for portal in started:
        portal.close()


@pytest.fixture
def asha(world: World) -> Person:
    return world.add_person(EMAIL, plant=0)


# --- guessing passwords


def test_the_delay_between_failures_grows_from_the_fourth_on_up_to_five_minutes(
    world: World, asha: Person
) -> None:
    assert fail(world, 14) == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    response = log_in(world, PASSWORD)
    assert (error_of(response), response.headers["Retry-After"]) == (
        LIMITED,
        "300",
    )  # the correct password has to wait, too
    world.clock.advance(300 * SECOND)
    assert log_in(world, PASSWORD).status_code == 200
    assert log_in(world, PASSWORD).status_code == 200


def test_a_delay_ends_exactly(world: World, asha: Person) -> None:
    assert fail(world, 4) == []
    world.clock.advance(2 * SECOND - timedelta(microseconds=1))
    response = log_in(world, PASSWORD)
    assert (error_of(response), response.headers["Retry-After"]) == (LIMITED, "1")
    world.clock.advance(timedelta(microseconds=1))
    assert log_in(world, PASSWORD).status_code == 200


def test_guesses_for_an_unknown_email_are_delayed_in_the_same_way(world: World, asha: Person) -> None:
    inactive = world.add_person("inactive@amber.test", plant=0, is_active=False)
    waits = [fail(world, 8, email=email) for email in (asha.email, inactive.email, "nobody@amber.test")]
    assert waits == [[2, 4, 8, 16]] * 3
    assert error_of(log_in(world, PASSWORD, email="nobody@amber.test")) == LIMITED


def test_guesses_by_others_do_not_lock_out_the_owner(world: World, asha: Person) -> None:
    fail(world, 10, address=OTHER_ADDRESS)
    for number in range(20):
        fail(world, 1, address=f"203.0.113.{100 + number}")
    assert log_in(world, PASSWORD).status_code == 200
    assert error_of(log_in(world, PASSWORD, address=OTHER_ADDRESS)) == LIMITED  # only that client is limited

    assert error_of(log_in(world, "mistyped")) == WRONG
    assert error_of(log_in(world, PASSWORD)) == LIMITED  # a typing error during an attack has to wait once
    world.clock.advance(300 * SECOND)
    assert log_in(world, PASSWORD).status_code == 200


def test_guesses_from_many_clients_are_delayed_together(world: World, asha: Person) -> None:
    for number in range(9):
        assert error_of(log_in(world, "a guess", address=f"203.0.113.{number}")) == WRONG
    response = log_in(world, "a guess", address="203.0.113.1")
    assert (error_of(response), response.headers["Retry-After"]) == (LIMITED, "64")


def test_a_client_cannot_fake_its_address(world: World, asha: Person) -> None:
    for number in range(4):
        guess = partial(log_in, world, "a guess", address=OTHER_ADDRESS)
        assert error_of(guess(forwarded=f"192.0.2.{number}, {ADDRESS}")) == WRONG
    for forwarded in (
        "192.0.2.99",
        ADDRESS,
        f"{ADDRESS}, {ADDRESS}",
        "",
        ",,,",
        "x" * 5000,
        "\x7f",
        "[::1]:80",
    ):
        response = log_in(world, "a guess", address=OTHER_ADDRESS, forwarded=forwarded)
        assert error_of(response) == LIMITED, forwarded
    assert log_in(world, PASSWORD, address=ADDRESS).status_code == 200
    assert world.query("SELECT client, failures FROM sign_in_failures") == [(OTHER_ADDRESS, 4)]


@pytest.mark.parametrize("portal_settings", [{"TRUSTED_PROXIES": "2"}])
def test_behind_two_proxies_the_second_to_last_address_counts(world: World, asha: Person) -> None:
    for _ in range(4):
        response = log_in(world, "a guess", address="10.0.0.1", forwarded=f"192.0.2.1, {OTHER_ADDRESS}")
        assert error_of(response) == WRONG
    assert log_in(world, PASSWORD, address="10.0.0.1", forwarded=f"192.0.2.1, {ADDRESS}").status_code == 200
    assert world.query("SELECT client FROM sign_in_failures") == [(OTHER_ADDRESS,)]


def test_failures_are_forgotten_after_a_success_of_the_client_or_an_hour(world: World, asha: Person) -> None:
    fail(world, 3)
    assert log_in(world, PASSWORD).status_code == 200
    assert world.query("SELECT count(*) FROM sign_in_failures") == [(0,)]
    assert fail(world, 22) == [2]  # people sign in from this address: 20 are free
    world.clock.advance(timedelta(hours=1))
    assert fail(world, 22) == [2]


def test_failures_are_counted_for_all_instances_without_a_readable_email(
    world: World, another_instance: Callable[[], None], asha: Person
) -> None:
    fail(world, 4)
    assert world.query("SELECT client, failures FROM sign_in_failures") == [(ADDRESS, 4)]
    assert EMAIL not in str(world.query("SELECT f::text FROM sign_in_failures f"))
    another_instance()
    assert error_of(log_in(world, PASSWORD)) == LIMITED


def test_any_text_for_an_email_is_counted(world: World) -> None:
    for email in ("a\\b@amber.test", "\\x41@amber.test", "\\", "'; --", "ÀÉ@amber.test", "नाम", "🔥" * 100):
        response = log_in(world, "a guess", email=email.ljust(3, "."))
        assert error_of(response) == WRONG, email
    assert world.query("SELECT sum(failures) FROM sign_in_failures") == [(7,)]


def test_guesses_at_the_same_time_count_like_one_after_the_other(world: World, asha: Person) -> None:
    responses = concurrently(*[partial(log_in, world, "a guess")] * 20)
    assert sorted(response.status_code for response in responses) == [401] * 4 + [429] * 16


def signed_in(world: World, **fields: object) -> httpx.Response:
    body = {"email": EMAIL, "password": PASSWORD, **fields}
    return world.browser(ADDRESS).post("/api/v1/auth/login", json=body)


@pytest.mark.parametrize("email", [EMAIL, "nobody@amber.test"])
def test_twenty_failures_from_an_address_where_people_sign_in_lock_nobody_out(
    world: World, asha: Person, email: str
) -> None:
    world.add_person("colleague@amber.test", plant=0)
    assert log_in(world, PASSWORD, email="colleague@amber.test").status_code == 200
    statuses = [log_in(world, "a guess", email=email).status_code for _ in range(22)]
    assert statuses == [401] * 21 + [429]  # the same for an e-mail that nobody has
    world.clock.advance(timedelta(days=30))
    assert [log_in(world, "a guess", email=email).status_code for _ in range(5)] == [401] * 4 + [429]


@pytest.mark.parametrize(
    "portal_settings", [{"RATE_LIMIT_SIGN_IN": "5/minute", "RATE_LIMIT_GENERAL": "40/minute"}], ids=[""]
)
def test_a_colleague_behind_the_same_address_does_not_lock_out_a_device_of_the_owner(
    world: World, asha: Person
) -> None:
    device = signed_in(world).json()["device_token"]
    for number in range(50):
        log_in(world, "a guess")
        log_in(world, "a guess", email=f"somebody{number}@amber.test")
    assert error_of(signed_in(world)) == LIMITED
    response = signed_in(world, device_token=device)
    assert response.status_code == 200
    assert response.headers["RateLimit-Remaining"] == "4"

    tries = [signed_in(world, device_token=device, password="a guess") for _ in range(5)]
    assert [error_of(response) for response in tries] == [WRONG] * 4 + [LIMITED]


def test_a_device_token_is_no_token_for_calls_and_for_no_other_account(world: World, asha: Person) -> None:
    device = signed_in(world).json()["device_token"]
    headers = {"Authorization": f"Bearer {device}"}
    refused = [
        world.browser().get("/api/v1/plants", headers=headers),
        world.browser().post("/api/v1/auth/refresh", json={"refresh_token": device}),
    ]
    assert [error_of(response) for response in refused] == [(401, "UNAUTHENTICATED")] * 2
    world.add_person("ravi@amber.test", plant=0)
    for _ in range(2):
        signed_in(world, email="ravi@amber.test", password="a guess", device_token=device)
    assert world.query("SELECT client, failures FROM sign_in_failures") == [(ADDRESS, 2)]
    for malformed in ("x" * 4001, 7, ["x"], "a\x00b"):
        assert refusal_of(signed_in(world, device_token=malformed)) == invalid("device_token"), malformed


# --- rate limits


def remaining(responses: list[httpx.Response]) -> list[int]:
    """How many calls were left after each of these."""
    return [int(response.headers["RateLimit-Remaining"]) for response in responses]


@with_limits
def test_a_client_has_five_sign_ins_a_minute_for_an_account_on_all_instances_together(
    world: World, another_instance: Callable[[], None], asha: Person
) -> None:
    responses = [log_in(world, PASSWORD, email=email) for email in (EMAIL, EMAIL.upper(), EMAIL)]
    another_instance()
    responses += [log_in(world, PASSWORD), log_in(world, PASSWORD)]
    assert [response.status_code for response in responses] == [200] * 5
    assert remaining(responses) == [4, 3, 2, 1, 0]
    refused = log_in(world, PASSWORD)
    headers = [
        refused.headers[name] for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    ]
    assert (error_of(refused), refused.headers["Retry-After"], headers) == (LIMITED, "60", ["5", "0", "60"])
    assert world.query("SELECT count(*) FROM sessions") == [(5,)]


@with_limits
def test_sign_ins_of_another_client_or_account_or_after_a_minute_are_counted_separately(
    world: World, asha: Person
) -> None:
    assert {log_in(world, PASSWORD).status_code for _ in range(5)} == {200}
    assert log_in(world, PASSWORD, address=OTHER_ADDRESS).status_code == 200
    assert error_of(log_in(world, PASSWORD, email="nobody@amber.test")) == WRONG
    world.clock.advance(MINUTE - timedelta(microseconds=1))
    refused = log_in(world, PASSWORD)
    assert (error_of(refused), refused.headers["Retry-After"]) == (LIMITED, "1")
    world.clock.advance(timedelta(microseconds=1))
    assert log_in(world, PASSWORD).status_code == 200


@pytest.mark.parametrize("portal_settings", [{"RATE_LIMIT_SIGN_IN": "3/minute"}])
def test_attempts_at_the_same_time_are_all_counted(world: World, asha: Person) -> None:
    responses = concurrently(*[partial(log_in, world, PASSWORD)] * 12)
    assert sorted(response.status_code for response in responses) == [200] * 3 + [429] * 9


@with_limits
def test_registrations_and_sign_ins_share_a_limit_and_bodies_without_an_email_share_another(
    world: World,
) -> None:
    browser = world.browser(ADDRESS)
    body = {"email": EMAIL, "password": PASSWORD, "full_name": "Asha"}
    for _ in range(5):
        assert browser.post("/api/v1/auth/register", json=body).status_code == 202
    assert error_of(browser.post("/api/v1/auth/register", json=body)) == LIMITED
    assert error_of(log_in(world, PASSWORD)) == LIMITED
    nameless: list[bytes] = [b"", b"{", b"[]", b'{"email": 7}', b'{"email": null}', b"\xff", b"[" * 9999]
    statuses = [browser.post("/api/v1/auth/login", content=body).status_code for body in nameless]
    assert statuses == [422, 400, 422, 422, 422, 429, 429]


Call = Callable[[], httpx.Response]


def upload_calls(author: Person, practice_id: str) -> list[Call]:
    """The three calls that start an upload: two request a permit, one sends a form."""
    url = f"/api/v1/best-practices/{practice_id}/upload-image"
    files = {"file": ("a.jpg", picture(8, 8))}
    body = upload_request(practice_id)
    return [
        partial(author.post, "/upload/presigned-url", body),
        partial(author.post, "/best-practices/upload/presigned-url", body),
        partial(author.http.post, url, data={"image_type": "before"}, files=files),
    ]


@with_limits
def test_a_user_has_ten_uploads_a_minute_on_all_instances_and_by_all_calls_together(
    world: World, another_instance: Callable[[], None]
) -> None:
    author, colleague = world.plant_user(0), world.plant_user(0)
    practice_id = str(world.practice(author)["id"])
    calls = upload_calls(author, practice_id)
    responses = [calls[number % 3]() for number in range(5)]
    another_instance()
    responses += [calls[number % 3]() for number in range(5, 10)]
    assert max(response.status_code for response in responses) < 300
    assert remaining(responses) == list(range(9, -1, -1))
    for call in calls:
        response = call()
        limit, wait = response.headers["RateLimit-Limit"], response.headers["Retry-After"]
        assert (error_of(response), limit, wait) == (LIMITED, "10", "60")
    assert colleague.post("/upload/presigned-url", upload_request(practice_id)).status_code == 200
    assert author.get("/plants").status_code == 200
    world.clock.advance(MINUTE)
    assert calls[0]().status_code == 200


@with_limits
def test_a_user_has_three_hundred_calls_a_minute_with_all_their_browsers_together(world: World) -> None:
    person, other = world.plant_user(), world.plant_user()
    phone = Person(person.email, person.role, person.plant_id, world.browser(OTHER_ADDRESS)).sign_in()
    assert remaining([person.get("/categories") for _ in range(299)]) == list(range(299, 0, -1))
    assert remaining([phone.get("/plants")]) == [0]
    for browser in (person, phone):
        response = browser.post("/best-practices", {"title": "x"})
        assert (error_of(response), response.headers["Retry-After"]) == (LIMITED, "60")
    assert world.query("SELECT count(*) FROM best_practices") == [(0,)]
    assert other.get("/plants").status_code == 200
    assert person.http.get("/health").status_code == 200


@with_limits
def test_a_user_has_three_hundred_calls_a_minute_at_each_instance(
    world: World, another_instance: Callable[[], None]
) -> None:
    person = world.plant_user()
    assert remaining([person.get("/plants") for _ in range(300)])[-1] == 0
    another_instance()
    assert remaining([person.get("/plants")]) == [299]
    bootstrap.install(world.portal)
    assert error_of(person.get("/plants")) == LIMITED
    world.clock.advance(MINUTE)
    assert remaining([person.get("/plants")]) == [299]


@pytest.mark.parametrize("portal_settings", [{"RATE_LIMIT_GENERAL": "2/hour"}])
def test_calls_without_a_valid_token_are_counted_by_client(world: World) -> None:
    person = world.plant_user()
    for sent, refusal in ((None, "UNAUTHENTICATED"), ("x.y.z", "UNAUTHENTICATED"), (None, "RATE_LIMITED")):
        headers = {} if sent is None else {"Authorization": f"Bearer {sent}"}
        response = world.browser().get("/api/v1/plants", headers=headers)
        assert error_of(response)[1] == refusal
        assert response.headers["RateLimit-Limit"] == "2"
    assert error_of(world.browser(OTHER_ADDRESS).get("/api/v1/plants")) == (401, "UNAUTHENTICATED")
    assert person.get("/plants").status_code == 200
    body = {"refresh_token": person.tokens["refresh_token"]}
    assert world.browser().post("/api/v1/auth/refresh", json=body).status_code == 200


@with_limits
def test_every_response_but_those_of_health_checks_has_rate_limit_headers(world: World) -> None:
    person, browser = world.plant_user(), world.browser()
    practice_id = str(world.practice(person)["id"])
    responses = [
        person.get("/plants"),
        person.post("/best-practices", {"title": "x"}),
        person.http.post("/api/v1/best-practices", content=b"{"),
        browser.get("/api/v1/plants"),
        person.get("/jobs"),
        person.get(f"/plants/{practice_id}"),
        person.post(f"/best-practices/{practice_id}/submit", {"colour": "red"}),
        person.http.post("/api/v1/best-practices", content=b" " * 2**21),
        person.http.post("/api/v1/best-practices", content=b"x", headers={"Content-Type": "text/plain"}),
        log_in(world, "a guess"),
        browser.post("/api/v1/auth/refresh", json={"refresh_token": "x.y.z"}),
    ]
    statuses = [200, 201, 400, 401, 403, 404, 422, 413, 415, 401, 401]
    assert [response.status_code for response in responses] == statuses
    for response in responses:
        limit, remaining, reset = (
            int(response.headers[f"RateLimit-{part}"]) for part in ("Limit", "Remaining", "Reset")
        )
        assert 0 <= remaining < limit
        assert 1 <= reset <= 60
    for probe in ("/health", "/health/db", "/health/status"):
        response = browser.get(probe)
        assert response.status_code == 200
        assert not [name for name in response.headers if name.lower().startswith("ratelimit")]


@pytest.mark.parametrize("portal_settings", [{"RATE_LIMIT_SIGN_IN_CLIENT": "3/second"}])
def test_a_client_that_tries_many_accounts_is_limited_and_health_checks_never_are(world: World) -> None:
    tries = [log_in(world, "a guess", email=f"victim{number}@amber.test") for number in range(4)]
    assert [error_of(response) for response in tries] == [WRONG] * 3 + [LIMITED]
    assert error_of(log_in(world, "a guess", address=OTHER_ADDRESS)) == WRONG
    assert {world.browser(ADDRESS).get("/health").status_code for _ in range(20)} == {200}
    world.clock.advance(SECOND)
    assert error_of(log_in(world, "a guess")) == WRONG


def test_a_limit_can_be_turned_off(world: World, asha: Person) -> None:
    responses = [log_in(world, PASSWORD) for _ in range(7)]
    responses += [asha.sign_in().get("/plants") for _ in range(3)]
    assert {response.status_code for response in responses} == {200}
    assert not [name for response in responses for name in response.headers if name.startswith("ratelimit")]
    assert world.query("SELECT count(*) FROM rate_limits") == [(0,)]


def test_an_invalid_rate_is_refused_with_the_name_of_its_setting(world: World) -> None:
    for setting in DEFAULTS:
        for rate in ("", "100", "100/day", "0/minute", "-1/minute", "100 / minute", "1.5/minute", "OFF",
                     "100/minute\n", "٣/minute", "99999999/minute", "off/minute"):  # fmt: skip
            with pytest.raises(SettingsError, match=setting):
                load_settings({**world.settings, setting: rate})
    for proxies in ("0", "11", "x"):
        with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
            load_settings({**world.settings, "TRUSTED_PROXIES": proxies})
    unset = {name: value for name, value in world.settings.items() if name not in DEFAULTS}
    settings = load_settings(unset)
    assert {name: getattr(settings, name.lower()) for name in DEFAULTS} == DEFAULTS


@with_limits
@pytest.mark.parametrize("second", [0, 20, 51, 55, 59])
def test_the_burst_of_a_page_passes_at_each_moment_of_a_minute_for_a_busy_user(
    world: World, second: int
) -> None:
    person = world.plant_user()
    for _ in range(2):  # 200 calls in the minute before, and 200 in this one until now
        world.clock.advance(MINUTE)
        assert {person.get("/categories").status_code for _ in range(200)} == {200}
    world.clock.advance(second * SECOND)
    burst = []
    for _ in range(40):  # in ten seconds
        burst.append(person.get("/plants").status_code)
        world.clock.advance(timedelta(seconds=0.25))
    assert burst == [200] * 40


def ended_by_logout(world: World, person: Person, hq: Person) -> None:
    assert person.post("/auth/logout").status_code == 200


def ended_by_deactivation(world: World, person: Person, hq: Person) -> None:
    path = f"/users/{claims_of(person.tokens['access_token'])['sub']}"
    assert hq.patch(f"{path}/deactivate", {}).status_code == 200
    assert hq.patch(f"{path}/activate", {}).status_code == 200


def ended_by_a_new_password(world: World, person: Person, hq: Person) -> None:
    body = {"current_password": PASSWORD, "new_password": PASSWORD}
    assert person.sign_in().post("/auth/change-password", body).status_code == 200


@pytest.mark.parametrize(
    "portal_settings", [{"RATE_LIMIT_GENERAL": "6/hour", "RATE_LIMIT_UPLOAD": "3/hour"}], ids=[""]
)
@pytest.mark.parametrize("end", [ended_by_logout, ended_by_deactivation, ended_by_a_new_password])
def test_tokens_of_ended_sessions_count_against_the_client_and_not_against_their_user(
    world: World, end: Callable[[World, Person, Person], None]
) -> None:
    person = world.plant_user()
    stolen = f"Bearer {person.tokens['access_token']}"
    end(world, person, world.headquarters())
    person.sign_in()
    used = 6 - int(person.get("/plants").headers["RateLimit-Remaining"])
    thief = world.browser(OTHER_ADDRESS)
    thief.headers["Authorization"] = stolen
    calls = [("GET", "/api/v1/plants"), ("POST", "/api/v1/upload/presigned-url")] * 4
    codes = [error_of(thief.request(method, path))[1] for method, path in calls]
    assert codes == ["TOKEN_REVOKED"] * 6 + ["RATE_LIMITED"] * 2
    assert remaining([person.get("/plants")]) == [5 - used]
    assert world.query("SELECT count(*) FROM rate_limits WHERE key LIKE 'upload:%%'") == [(0,)]


@pytest.mark.parametrize("portal_settings", [{"RATE_LIMIT_GENERAL": "3/hour"}])
def test_forged_and_expired_tokens_count_against_the_client_and_not_against_the_user_whom_they_name(
    world: World,
) -> None:
    person = world.plant_user()
    claims = claims_of(person.tokens["access_token"])
    tokens = [
        signed(claims, secret=b"another secret: 0123456789abcdef0123"),
        signed({**claims, "exp": claims["iat"]}),
        signed({**claims, "sid": str(uuid4())}),
        signed({**claims, "sid": str(uuid4())}),
    ]
    thief = world.browser(OTHER_ADDRESS)
    sent = [thief.get("/api/v1/plants", headers={"Authorization": f"Bearer {token}"}) for token in tokens]
    codes = [error_of(response)[1] for response in sent]
    assert codes == ["UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REVOKED", "RATE_LIMITED"]
    assert remaining([person.get("/plants")]) == [2]


@pytest.mark.parametrize("portal_settings", [{"RATE_LIMIT_GENERAL": "2/hour"}])
def test_a_call_needs_one_query_to_know_the_session_and_a_user_over_the_limit_none(world: World) -> None:
    person = world.plant_user()
    with captured_statements() as allowed:
        assert person.post("/auth/logout", {"refresh_token": "x"}).status_code == 200
    assert [text for text, _ in allowed if "FROM sessions" in text] == [allowed[0][0]]
    person.sign_in()
    assert person.get("/plants").status_code == 200
    with captured_statements() as refused:
        assert error_of(person.get("/plants")) == LIMITED
    assert refused == []
