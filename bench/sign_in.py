"""Does the time of a failed sign-in tell whether the e-mail is known? It must not: within 10 per cent."""

import statistics
import time
from datetime import timedelta

import httpx

from bench.portal import measured_portal

TRIES = 50
FORGOTTEN_AFTER = timedelta(hours=2)


def measure() -> None:
    """Sign in wrongly at known and unknown e-mails, each first in turn; print the medians and their ratio."""
    with measured_portal({"BCRYPT_ROUNDS": "10"}) as world:
        browser = world.browser()
        known: list[float] = []
        unknown: list[float] = []
        for number in range(TRIES + 1):
            world.add_person(f"known{number}@amber.test", plant=0)
            world.clock.advance(FORGOTTEN_AFTER)  # or else earlier failures would slow the next ones down
            pair = [(known, f"known{number}@amber.test"), (unknown, f"nobody{number}@amber.test")]
            for times, email in pair if number % 2 else reversed(pair):
                times.append(_time_of_failure(browser, email))
    known_median, unknown_median = statistics.median(known[1:]), statistics.median(unknown[1:])
    print(f"known e-mail:   median {known_median * 1000:.2f} ms of {TRIES}")
    print(f"unknown e-mail: median {unknown_median * 1000:.2f} ms of {TRIES}")
    print(f"unknown / known: {unknown_median / known_median:.3f}")


def _time_of_failure(browser: httpx.Client, email: str) -> float:
    started = time.perf_counter()
    answer = browser.post("/api/v1/auth/login", json={"email": email, "password": "a wrong password"})
    took = time.perf_counter() - started
    if answer.status_code != httpx.codes.UNAUTHORIZED:
        raise RuntimeError(f"a wrong password was answered {answer.status_code}")
    return took
