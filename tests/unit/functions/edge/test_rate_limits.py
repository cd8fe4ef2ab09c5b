import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.rate_limits import MemoryCounter
from bp_core.shared.errors import RateLimited
from functions.edge.rate_limits import Limiter, RateLimitStatus, limiter, named_account, whole_seconds
from tests.unit.functions.edge.requests import request

NOON = datetime(2025, 7, 15, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


def of_rate(rate: str) -> Limiter:
    counter = MemoryCounter()
    made = limiter(rate, lambda: counter)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("rate", "limit", "window"),
    [
        ("5/minute", 5, timedelta(minutes=1)),
        ("1/second", 1, timedelta(seconds=1)),
        ("1000/hour", 1000, timedelta(hours=1)),
    ],
)
def test_a_rate_is_a_number_of_requests_in_a_window(rate: str, limit: int, window: timedelta) -> None:
    assert (of_rate(rate).rate.limit, of_rate(rate).rate.window) == (limit, window)


def test_a_rate_that_is_off_counts_nothing() -> None:
    assert limiter("off", MemoryCounter) is None


def test_requests_up_to_the_limit_pass_and_the_next_one_learns_how_long_to_wait() -> None:
    five = of_rate("5/minute")
    now = NOON + 12 * A_SECOND
    for left in (4, 3, 2, 1, 0):
        status = five.count("asha", now)
        status.require_room()
        assert status.headers == {
            "RateLimit-Limit": "5",
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": "48",
        }

    status = five.count("asha", now)

    assert status.headers["RateLimit-Remaining"] == "0"
    with pytest.raises(RateLimited) as refusal:
        status.require_room()
    assert refusal.value.retry_after == timedelta(seconds=48)


def test_windows_start_at_whole_minutes_whenever_the_first_request_arrives() -> None:
    one = of_rate("1/minute")
    one.count("asha", NOON + timedelta(seconds=59.999))

    one.count("asha", NOON + timedelta(minutes=1)).require_room()
    with pytest.raises(RateLimited):
        one.count("asha", NOON + timedelta(seconds=119)).require_room()


def test_a_caller_who_waits_until_the_reset_may_call_again() -> None:
    one = of_rate("1/minute")
    now = NOON + timedelta(seconds=59.2)
    one.count("asha", now)
    wait = int(one.count("asha", now).headers["RateLimit-Reset"])

    one.count("asha", now + timedelta(seconds=wait)).require_room()


def test_every_caller_is_counted_separately() -> None:
    one = of_rate("1/minute")
    one.count("asha", NOON)

    one.count("ravi", NOON).require_room()


@pytest.mark.parametrize(
    ("wait", "seconds"), [(0, 1), (-5, 1), (0.001, 1), (1, 1), (1.001, 2), (59.5, 60), (60, 60)]
)
def test_a_wait_is_rounded_up_to_whole_seconds_at_least_one(wait: float, seconds: int) -> None:
    assert whole_seconds(timedelta(seconds=wait)) == seconds
    assert RateLimitStatus(5, 1, timedelta(seconds=wait)).headers["RateLimit-Reset"] == str(seconds)


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
def test_a_body_without_an_email_has_no_account(body: bytes) -> None:
    assert named_account(request(body)) == ""


@pytest.mark.parametrize("email", ["\ud800@amber.example", "आशा@amber.example", "x" * 100_000, "a\x00b", ""])
def test_any_email_makes_a_short_key(email: str) -> None:
    named = account_named_in({"email": email})

    assert len(named) == 32
    assert named.isascii()
