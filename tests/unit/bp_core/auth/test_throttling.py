from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.auth.store import Failures
from bp_core.auth.throttling import COUNTED_FOR, LONGEST_DELAY, delay_after, require_patience
from bp_core.shared.errors import RateLimited, Unauthenticated
from tests.unit.bp_core.auth.fakes import A_SECOND, ELSEWHERE, HERE, NOW, Portal

COUNTS = st.integers(min_value=0, max_value=100_000)


def failures(everybodys: int, own: int) -> Failures:
    return Failures(everybodys, own, NOW if own else None)


@pytest.mark.parametrize(
    ("everybodys", "own", "seconds"),
    [
        (0, 0, 0),
        (1, 1, 0),
        (3, 3, 0),
        (4, 4, 2),
        (5, 5, 4),
        (6, 6, 8),
        (10, 10, 128),
        (11, 11, 256),
        (12, 12, 300),
        (13, 13, 300),
        (1_000_000, 1_000_000, 300),
        (4, 1, 2),
        (12, 1, 300),
        (1_000_000, 0, 0),
    ],
)
def test_the_delay_doubles_with_everybodys_failures_for_those_who_failed(
    everybodys: int, own: int, seconds: int
) -> None:
    assert delay_after(failures(everybodys, own)) == timedelta(seconds=seconds)


@given(COUNTS, st.integers(min_value=1, max_value=100_000))
def test_the_delay_never_shrinks_with_more_failures_and_never_exceeds_its_cap(many: int, own: int) -> None:
    delay, next_delay = delay_after(failures(many, own)), delay_after(failures(many + 1, own))

    assert delay <= next_delay <= LONGEST_DELAY


@given(COUNTS)
def test_who_did_not_fail_never_waits(everybodys: int) -> None:
    require_patience(failures(everybodys, own=0), NOW)


def test_an_attempt_is_refused_until_the_delay_is_over_and_told_how_long_that_is() -> None:
    for waited, left in ((0, 8), (1, 7), (7, 1)):
        with pytest.raises(RateLimited) as refusal:
            require_patience(failures(6, 6), NOW + timedelta(seconds=waited))
        assert refusal.value.retry_after == timedelta(seconds=left)

    require_patience(failures(6, 6), NOW + timedelta(seconds=8))


def fail(portal: Portal, times: int, *, client: str = HERE) -> None:
    """Sign in wrongly so often that the next attempt has to wait, if it is this client's."""
    for number in range(times):
        with pytest.raises(Unauthenticated):
            portal.sign_in("papaya", client=client, now=NOW - timedelta(minutes=50 - 6 * number))


def test_three_mistypings_cost_nothing() -> None:
    portal = Portal()

    for _ in range(3):
        with pytest.raises(Unauthenticated):
            portal.sign_in("papaya")

    assert portal.sign_in().access_token


def test_after_too_many_failures_not_even_the_right_password_helps_at_once_and_no_work_is_done() -> None:
    portal = Portal()
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            portal.sign_in("papaya")
    compared = len(portal.passwords.compared)

    with pytest.raises(RateLimited):
        portal.sign_in(now=NOW + A_SECOND)

    assert len(portal.passwords.compared) == compared
    assert portal.sign_in(now=NOW + 2 * A_SECOND).access_token


def test_a_stranger_who_guesses_does_not_lock_the_owner_out() -> None:
    portal = Portal()
    fail(portal, 9, client=ELSEWHERE)

    assert portal.sign_in(client=HERE).access_token


def test_a_stranger_waits_for_what_other_strangers_did() -> None:
    portal = Portal()
    fail(portal, 9, client=ELSEWHERE)
    with pytest.raises(Unauthenticated):
        portal.sign_in("papaya", client=HERE)

    with pytest.raises(RateLimited) as refusal:
        portal.sign_in("guava", client=HERE)

    assert refusal.value.retry_after == timedelta(seconds=2**7), (
        "as after ten failures, of which one is its own"
    )


def test_who_gets_in_has_a_clean_record_and_others_do_not() -> None:
    portal = Portal()
    for client in (HERE, ELSEWHERE):
        with pytest.raises(Unauthenticated):
            portal.sign_in("papaya", client=client)

    portal.sign_in(client=HERE)

    assert list(portal.failures.kept) == [("asha@amber.example", ELSEWHERE)]


def test_an_unknown_e_mail_is_slowed_down_like_a_known_one() -> None:
    portal = Portal()
    for email in ("asha@amber.example", "nobody@amber.example"):
        for _ in range(4):
            with pytest.raises(Unauthenticated):
                portal.sign_in("papaya", email=email)

        with pytest.raises(RateLimited):
            portal.sign_in("papaya", email=email)


def test_failures_are_forgotten_after_an_hour() -> None:
    portal = Portal()
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            portal.sign_in("papaya")

    later = NOW + COUNTED_FOR
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            portal.sign_in("papaya", now=later)
    assert portal.sign_in(now=later).access_token
