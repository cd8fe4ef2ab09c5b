"""Sign-ins and refreshes in flight while the account changes: nothing of the old state survives the change.

Each race is run at many offsets. Whichever of the two is first, the state afterwards is the same.
"""

import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final

import bcrypt
import httpx
import pytest

from tests.api.tokens import claims_of
from tests.world import PASSWORD, Person, World, concurrently, error_of

TRIES: Final = 12
OLD_COST: Final = 9
COST: Final = 10
slow_hashes: Final = pytest.mark.parametrize("portal_settings", [{"BCRYPT_ROUNDS": str(COST)}], ids=[""])
"""So slow that the other request can come between the check of a password and what follows from it."""

NEW_PASSWORD: Final = "another horse battery"
OFFSETS: Final = Random(11)

Call = Callable[[], httpx.Response]


def log_in(world: World, email: str, password: str = PASSWORD) -> httpx.Response:
    return world.browser().post("/api/v1/auth/login", json={"email": email, "password": password})


def later(seconds: float, call: Call) -> httpx.Response:
    time.sleep(seconds)
    return call()


def at_the_same_time(first: Call, second: Call) -> tuple[httpx.Response, httpx.Response]:
    """Make two requests, the second one up to 0.2 seconds later than the first."""
    offset = OFFSETS.uniform(0, 0.2)
    one, other = concurrently(first, partial(later, offset, second))
    return one, other


def opens(world: World, signed_in: httpx.Response) -> bool:
    """Whether the session of a login can still be used."""
    if signed_in.status_code != 200:
        return False
    headers = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    return world.browser().get("/api/v1/plants", headers=headers).status_code == 200


def with_an_old_hash(world: World, number: int) -> Person:
    """A signed-in user whose stored password has a lower cost than new ones: the next login replaces it."""
    person = world.add_person(f"user{number}@amber.test", plant=0).sign_in()
    old_hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(OLD_COST)).decode()
    world.query("UPDATE users SET hashed_password = %s WHERE email = %s", old_hash, person.email)
    return person


def id_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sub"])


@slow_hashes
def test_a_sign_in_in_flight_does_not_outlive_a_change_of_password(world: World) -> None:
    alive, old_passwords = 0, 0
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    for number in range(TRIES):
        person = with_an_old_hash(world, number)
        change = partial(person.post, "/auth/change-password", body)
        changed, signed_in = at_the_same_time(change, partial(log_in, world, person.email))
        assert changed.status_code == 200  # also if the login has hashed the same password again
        alive += opens(world, signed_in)
        old_passwords += log_in(world, person.email, NEW_PASSWORD).status_code != 200
    assert (alive, old_passwords) == (0, 0)


@slow_hashes
def test_a_sign_in_in_flight_does_not_outlive_a_deactivation(world: World) -> None:
    hq, alive = world.headquarters(), 0
    for number in range(TRIES):
        person = with_an_old_hash(world, number)
        deactivate = partial(hq.patch, f"/users/{id_of(person)}/deactivate", {})
        signed_in, deactivated = at_the_same_time(partial(log_in, world, person.email), deactivate)
        assert deactivated.status_code == 200
        assert hq.patch(f"/users/{id_of(person)}/activate", {}).status_code == 200
        alive += opens(world, signed_in)
    assert alive == 0


@slow_hashes
def test_a_refresh_in_flight_does_not_outlive_a_change_of_password(world: World) -> None:
    alive = 0
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    for number in range(TRIES):
        desk = world.add_person(f"user{number}@amber.test", plant=0).sign_in()
        phone = Person(desk.email, desk.role, desk.plant_id, world.browser()).sign_in()
        token = {"refresh_token": phone.tokens["refresh_token"]}
        change = partial(desk.post, "/auth/change-password", body)
        changed, refreshed = at_the_same_time(change, partial(phone.post, "/auth/refresh", token))
        assert changed.status_code == 200
        alive += opens(world, refreshed)
    assert alive == 0


@slow_hashes
def test_a_sign_in_in_flight_does_not_outlive_a_password_reset(world: World) -> None:
    hq, alive = world.headquarters(), 0
    for number in range(TRIES):
        person = with_an_old_hash(world, number)
        token = hq.post(f"/users/{id_of(person)}/password-reset").json()["data"]["token"]
        body = {"token": token, "new_password": NEW_PASSWORD}
        reset = partial(world.browser().post, "/api/v1/auth/reset-password", json=body)
        was_reset, signed_in = at_the_same_time(reset, partial(log_in, world, person.email))
        assert was_reset.status_code == 200
        alive += opens(world, signed_in)
        assert log_in(world, person.email, NEW_PASSWORD).status_code == 200
    assert alive == 0


@slow_hashes
def test_two_sign_ins_at_the_same_time_succeed_although_one_replaces_the_hash(world: World) -> None:
    person = with_an_old_hash(world, 0)
    responses = concurrently(*[partial(log_in, world, person.email)] * 3)
    assert [response.status_code for response in responses] == [200] * 3


@slow_hashes
def test_one_of_two_changes_of_a_password_at_the_same_time_succeeds(world: World) -> None:
    for number in range(TRIES // 2):
        desk = world.add_person(f"user{number}@amber.test", plant=0).sign_in()
        phone = Person(desk.email, desk.role, desk.plant_id, world.browser()).sign_in()
        bodies = [{"current_password": PASSWORD, "new_password": f"password of {who}"} for who in range(2)]
        responses = concurrently(
            partial(desk.post, "/auth/change-password", bodies[0]),
            partial(phone.post, "/auth/change-password", bodies[1]),
        )
        [winner] = [who for who, response in enumerate(responses) if response.status_code == 200]
        assert log_in(world, desk.email, f"password of {winner}").status_code == 200


# --- headquarters


DEMOTION: Final = {"role": "plant"}


@pytest.mark.parametrize("step", ["deactivate", "demote"])
def test_two_of_headquarters_do_not_remove_each_other(world: World, step: str) -> None:
    outcomes = []
    for _ in range(TRIES):
        world.query("UPDATE users SET is_active = false")
        pair = world.headquarters(), world.headquarters()
        calls = [partial(remove, world, step, one, other) for one, other in (pair, pair[::-1])]
        responses = concurrently(*calls)
        left = world.query("SELECT count(*) FROM users WHERE role = 'hq' AND is_active")[0][0]
        outcomes.append((min(response.status_code for response in responses), left))
        assert {error_of(response) for response in responses if response.status_code != 200} <= {
            (409, "LAST_HEADQUARTERS"), (401, "TOKEN_REVOKED"), (403, "FORBIDDEN")
        }  # fmt: skip
    assert outcomes == [(200, 1)] * TRIES


def remove(world: World, step: str, hq: Person, other: Person) -> httpx.Response:
    if step == "deactivate":
        return hq.patch(f"/users/{id_of(other)}/deactivate", {})
    return hq.patch(f"/users/{id_of(other)}", {**DEMOTION, "plant_id": str(world.plants[0])})


def test_three_of_headquarters_in_a_circle_leave_one(world: World) -> None:
    for _ in range(TRIES):
        world.query("UPDATE users SET is_active = false")
        three = [world.headquarters() for _ in range(3)]
        pairs = zip(three, three[1:] + three[:1], strict=True)
        responses = concurrently(*[partial(remove, world, "deactivate", *pair) for pair in pairs])
        done = sum(response.status_code == 200 for response in responses)
        left = world.query("SELECT count(*) FROM users WHERE role = 'hq' AND is_active")[0][0]
        assert left == 3 - done >= 1
