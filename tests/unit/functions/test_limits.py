import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.counters import OwnCounter
from bp_core.shared.errors import RateLimited
from functions.limits import Limiter, Standing, limiter, named_account, whole_seconds
from tests.unit.functions.requests import request

NOON = datetime(2025, 7, 15, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


def of_rate(rate: str) -> Limiter:
    counter = OwnCounter()
    made = limiter(rate, lambda: counter)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("rate", "most", "window"),
    [
        ("5/minute", 5, timedelta(minutes=1)),
        ("1/second", 1, timedelta(seconds=1)),
        ("1000/hour", 1000, timedelta(hours=1)),
    ],
)
def test_a_rate_is_so_many_calls_in_a_window(rate: str, most: int, window: timedelta) -> None:
    assert (of_rate(rate).most, of_rate(rate).window) == (most, window)


def test_a_rate_that_is_off_counts_nothing() -> None:
    assert limiter("off", OwnCounter) is None


def test_so_many_calls_pass_and_the_next_one_is_told_how_long_to_wait() -> None:
    five = of_rate("5/minute")
    now = NOON + 12 * A_SECOND
    for left in (4, 3, 2, 1, 0):
        standing = five.count("asha", now)
        standing.require_room()
        assert standing.headers == {
            "RateLimit-Limit": "5",
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": "48",
        }

    standing = five.count("asha", now)

    assert standing.headers["RateLimit-Remaining"] == "0"
    with pytest.raises(RateLimited) as refusal:
        standing.require_room()
    assert refusal.value.retry_after == timedelta(seconds=48)


def test_windows_begin_at_whole_minutes_whenever_the_first_call_comes() -> None:
    one = of_rate("1/minute")
    one.count("asha", NOON + timedelta(seconds=59.999))

    one.count("asha", NOON + timedelta(minutes=1)).require_room()
    with pytest.raises(RateLimited):
        one.count("asha", NOON + timedelta(seconds=119)).require_room()


def test_who_waits_as_long_as_told_is_in_time() -> None:
    one = of_rate("1/minute")
    now = NOON + timedelta(seconds=59.2)
    one.count("asha", now)
    wait = int(one.count("asha", now).headers["RateLimit-Reset"])

    one.count("asha", now + timedelta(seconds=wait)).require_room()


def test_one_callers_calls_are_not_anothers() -> None:
    one = of_rate("1/minute")
    one.count("asha", NOON)

    one.count("ravi", NOON).require_room()


@pytest.mark.parametrize(
    ("wait", "seconds"), [(0, 1), (-5, 1), (0.001, 1), (1, 1), (1.001, 2), (59.5, 60), (60, 60)]
)
def test_a_wait_is_told_in_whole_seconds_rounded_up_and_at_least_one(wait: float, seconds: int) -> None:
    assert whole_seconds(timedelta(seconds=wait)) == seconds
    assert Standing(5, 1, timedelta(seconds=wait)).headers["RateLimit-Reset"] == str(seconds)


def account_named_in(body: object) -> str:
    return named_account(request(json.dumps(body).encode()))


def test_an_account_is_the_same_however_its_email_is_written() -> None:
    named = account_named_in({"email": "asha@amber.example", "password": "mango"})

    assert named
    assert account_named_in({"email": " ASHA@Amber.example\n"}) == named
    assert account_named_in({"email": "ravi@amber.example"}) != named
    assert "asha" not in named


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"email=asha@amber.example",
        b"{",
        b"[]",
        b"null",
        b'"asha@amber.example"',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"{}",
        b'{"email": null}',
        b'{"email": 5}',
        b'{"email": ["asha@amber.example"]}',
        b'{"email": {"email": "asha@amber.example"}}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_names_nobody_counts_with_all_others_of_its_client(body: bytes) -> None:
    assert named_account(request(body)) == ""


@pytest.mark.parametrize("email", ["\ud800@amber.example", "आशा@amber.example", "x" * 100_000, "a\x00b", ""])
def test_whatever_is_named_makes_a_short_key(email: str) -> None:
    named = account_named_in({"email": email})

    assert len(named) == 32
    assert named.isascii()
