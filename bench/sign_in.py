"""Does the time of a failed sign-in show whether an e-mail exists? It must not: the limit is 10 per cent.

Every kind of e-mail is measured with 10 rounds of bcrypt, and again after the setting was raised to 12.
"""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import bcrypt
import httpx

from bench.portal import benchmark_portal
from tests.world import PASSWORD, World

ROUNDS: Final = 30
STORED_COST: Final = 10
FAILURES_EXPIRE_AFTER: Final = timedelta(hours=2)
KINDS: Final = ("known", "pending", "unknown")
STORED_HASH: Final = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(STORED_COST)).decode()


def measure() -> None:
    """Print the medians of failed sign-ins and of registrations by kind of e-mail, and their ratios."""
    for cost in (STORED_COST, STORED_COST + 2):
        with benchmark_portal({"BCRYPT_ROUNDS": str(cost)}) as world:
            browser = world.browser()
            print(f"stored hashes of {STORED_COST} rounds, BCRYPT_ROUNDS={cost}")
            _compare(world, "failed sign-in", partial(_sign_in, browser))
            _compare(world, "registration", partial(_register, browser))


def _compare(world: World, what: str, call: Callable[[str], Any]) -> None:
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS + 1):  # the first round is a warm-up
        emails = {kind: f"{kind}{number}@{what.replace(' ', '-')}.test" for kind in KINDS}
        world.add_person(emails["known"], plant=0)
        world.add_person(emails["pending"], plant=0, is_active=False)
        world.query("UPDATE users SET hashed_password = %s", STORED_HASH)
        world.clock.advance(FAILURES_EXPIRE_AFTER)  # or earlier failures would slow down the next ones
        for kind in KINDS[number % 3 :] + KINDS[: number % 3]:
            started = time.perf_counter()
            call(emails[kind])
            times[kind].append(time.perf_counter() - started)
    medians = {kind: statistics.median(times[kind][1:]) for kind in KINDS}
    for kind, median in medians.items():
        ratio = median / medians["known"]
        print(f"  {what}, {kind} e-mail: median {median * 1000:.2f} ms, {ratio:.3f} of a known one")


def _sign_in(browser: httpx.Client, email: str) -> None:
    password = PASSWORD if email.startswith("pending") else "a wrong password"
    _expect(browser.post("/api/v1/auth/login", json={"email": email, "password": password}), 401)


def _register(browser: httpx.Client, email: str) -> None:
    body = {"email": email, "password": "a long pass phrase", "full_name": "Asha Rao"}
    _expect(browser.post("/api/v1/auth/register", json=body), 202)


def _expect(response: httpx.Response, status: int) -> None:
    if response.status_code != status:
        raise RuntimeError(f"the response is {response.status_code}, not {status}: {response.text}")
