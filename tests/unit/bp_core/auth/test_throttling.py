from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.auth.ports import FailureCount
from bp_core.auth.throttling import COUNTED_FOR, LONGEST_DELAY, delay_after, require_delay_passed
from bp_core.shared.errors import RateLimited, Unauthenticated
from tests.unit.bp_core.auth.fakes import A_SECOND, ELSEWHERE, HERE, AuthServices
from tests.unit.bp_core.fakes import ASHA, person
from tests.unit.bp_core.support import NOW

COUNTS = st.integers(min_value=0, max_value=100_000)


def failures(all_clients: int, this_client: int) -> FailureCount:
    return FailureCount(all_clients, this_client, NOW if this_client else None)


@pytest.mark.parametrize(
    ("all_clients", "this_client", "seconds"),
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
def test_the_delay_doubles_with_the_failures_of_all_clients_for_those_that_failed(
    all_clients: int, this_client: int, seconds: int
) -> None:
    assert delay_after(failures(all_clients, this_client)) == timedelta(seconds=seconds)


@given(COUNTS, st.integers(min_value=1, max_value=100_000))
def test_the_delay_never_shrinks_with_more_failures_and_never_exceeds_its_cap(many: int, own: int) -> None:
    delay, next_delay = delay_after(failures(many, own)), delay_after(failures(many + 1, own))

    assert delay <= next_delay <= LONGEST_DELAY


@given(COUNTS)
def test_a_client_without_failures_never_waits(all_clients: int) -> None:
    require_delay_passed(failures(all_clients, this_client=0), NOW)


def test_an_attempt_is_refused_until_the_delay_is_over_and_the_error_says_how_long_that_is() -> None:
    for waited, left in ((0, 8), (1, 7), (7, 1)):
        with pytest.raises(RateLimited) as refusal:
            require_delay_passed(failures(6, 6), NOW + timedelta(seconds=waited))
        assert refusal.value.retry_after == timedelta(seconds=left)

    require_delay_passed(failures(6, 6), NOW + timedelta(seconds=8))


def fail(auth: AuthServices, times: int, *, client: str = HERE) -> None:
    """Fail so often that the next attempt of this client has to wait."""
    for number in range(times):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya", client=client, now=NOW - timedelta(minutes=50 - 6 * number))


def test_three_failures_cause_no_delay() -> None:
    auth = AuthServices()

    for _ in range(3):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya")

    assert auth.sign_in().access_token


def test_after_too_many_failures_the_right_password_must_wait_and_is_not_compared() -> None:
    auth = AuthServices()
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya")
    compared = len(auth.hasher.compared)

    with pytest.raises(RateLimited):
        auth.sign_in(now=NOW + A_SECOND)

    assert len(auth.hasher.compared) == compared
    assert auth.sign_in(now=NOW + 2 * A_SECOND).access_token


def test_a_stranger_who_guesses_does_not_lock_the_owner_out() -> None:
    auth = AuthServices()
    fail(auth, 9, client=ELSEWHERE)

    assert auth.sign_in(client=HERE).access_token


def test_failures_of_other_clients_make_the_delay_longer() -> None:
    auth = AuthServices()
    fail(auth, 9, client=ELSEWHERE)
    with pytest.raises(Unauthenticated):
        auth.sign_in("papaya", client=HERE)

    with pytest.raises(RateLimited) as refusal:
        auth.sign_in("guava", client=HERE)

    assert refusal.value.retry_after == timedelta(seconds=2**7), (
        "the delay after ten failures, one of them of this client"
    )


def test_signing_in_clears_the_failures_of_this_client_only() -> None:
    auth = AuthServices()
    for client in (HERE, ELSEWHERE):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya", client=client)

    auth.sign_in(client=HERE)

    assert list(auth.failures.stored) == [("asha@amber.example", ELSEWHERE)]


def test_an_unknown_e_mail_is_slowed_down_like_a_known_one() -> None:
    auth = AuthServices()
    for email in ("asha@amber.example", "nobody@amber.example"):
        for _ in range(4):
            with pytest.raises(Unauthenticated):
                auth.sign_in("papaya", email=email)

        with pytest.raises(RateLimited):
            auth.sign_in("papaya", email=email)


def test_failures_stop_counting_after_an_hour() -> None:
    auth = AuthServices()
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya")

    later = NOW + COUNTED_FOR
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya", now=later)
    assert auth.sign_in(now=later).access_token


def test_failures_of_others_do_not_count_for_a_device_of_the_owner() -> None:
    auth = AuthServices()
    device = auth.sign_in().device_token
    fail(auth, 9)

    for _ in range(4):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya", device=device)
    with pytest.raises(RateLimited) as refusal:
        auth.sign_in(device=device)

    assert refusal.value.retry_after == 2 * A_SECOND, "the delay after four failures of its own"
    assert auth.sign_in(device=device, now=NOW + 2 * A_SECOND).access_token


def test_a_device_of_another_account_is_like_any_client() -> None:
    auth = AuthServices()
    ravi = person(email="ravi@amber.example")
    auth.users.save(ravi)
    auth.accounts.hashes[ravi.id] = "hash of kiwi"
    stolen = auth.sign_in("kiwi", email=ravi.email).device_token

    for device in (stolen, "nonsense", auth.sign_in().access_token):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya", device=device)

    assert auth.failures.stored == {(ASHA.email, HERE): (NOW, 3)}


def test_a_device_is_forgotten_90_days_after_its_last_login() -> None:
    auth = AuthServices()
    device = auth.sign_in().device_token
    later = NOW + timedelta(days=90)

    with pytest.raises(Unauthenticated):
        auth.sign_in("papaya", device=device, now=later)

    assert auth.failures.stored == {(ASHA.email, HERE): (later, 1)}


@pytest.mark.parametrize("email", ["asha@amber.example", "nobody@amber.example"])
def test_twenty_failures_at_a_known_address_cause_no_delay_for_any_e_mail(email: str) -> None:
    auth = AuthServices()
    auth.failures.known_addresses.add(HERE)

    for _ in range(21):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya", email=email)

    with pytest.raises(RateLimited) as refusal:
        auth.sign_in("papaya", email=email)
    assert refusal.value.retry_after == 2 * A_SECOND
