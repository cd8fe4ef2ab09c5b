"""Does the time of a failed sign-in show whether an e-mail exists? It must not: the limit is 10 per cent."""

import statistics
import time
from datetime import timedelta

import httpx

from bench.portal import benchmark_portal

ROUNDS = 50
FAILURES_EXPIRE_AFTER = timedelta(hours=2)


def measure() -> None:
    """Sign in with a wrong password, with known and unknown e-mails in turn. Print medians and ratio."""
    with benchmark_portal({"BCRYPT_ROUNDS": "10"}) as world:
        browser = world.browser()
        known: list[float] = []
        unknown: list[float] = []
        for number in range(ROUNDS + 1):  # the first round is a warm-up
            world.add_person(f"known{number}@amber.test", plant=0)
            world.clock.advance(FAILURES_EXPIRE_AFTER)  # or earlier failures would slow down the next ones
            pair = [(known, f"known{number}@amber.test"), (unknown, f"nobody{number}@amber.test")]
            for times, email in pair if number % 2 else reversed(pair):
                times.append(_time_failed_sign_in(browser, email))
    known_median, unknown_median = statistics.median(known[1:]), statistics.median(unknown[1:])
    print(f"known e-mail:   median {known_median * 1000:.2f} ms of {ROUNDS}")
    print(f"unknown e-mail: median {unknown_median * 1000:.2f} ms of {ROUNDS}")
    print(f"unknown / known: {unknown_median / known_median:.3f}")


def _time_failed_sign_in(browser: httpx.Client, email: str) -> float:
    started = time.perf_counter()
    response = browser.post("/api/v1/auth/login", json={"email": email, "password": "a wrong password"})
    seconds = time.perf_counter() - started
    if response.status_code != httpx.codes.UNAUTHORIZED:
        raise RuntimeError(f"a wrong password returned {response.status_code}")
    return seconds
