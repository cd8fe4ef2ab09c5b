"""The circuit breaker: when calls may wait for a connection."""

import pytest

from adapters.postgres.breaker import GRACE, PROBE_INTERVAL, Breaker


class Clock:
    """A clock that a test advances, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def test_every_call_may_wait_until_connecting_fails(breaker: Breaker) -> None:
    assert [breaker.admits() for _ in range(3)] == [True, True, True]
    assert not breaker.is_open


def test_after_connecting_failed_calls_are_refused_at_once(breaker: Breaker) -> None:
    breaker.failed()

    assert breaker.is_open
    assert [breaker.admits() for _ in range(3)] == [False, False, False]


def test_while_it_is_open_one_call_a_second_is_let_through(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    admitted = []
    for _ in range(3):
        clock.now += PROBE_INTERVAL
        admitted.append([breaker.admits() for _ in range(4)])

    assert admitted == [[True, False, False, False]] * 3


def test_more_failures_do_not_delay_the_next_probe(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.now += PROBE_INTERVAL
    breaker.failed()

    assert breaker.admits()


def test_it_closes_as_soon_as_a_connection_works(breaker: Breaker) -> None:
    breaker.failed()
    breaker.succeeded()

    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_it_does_not_open_while_other_connections_work(breaker: Breaker, clock: Clock) -> None:
    breaker.succeeded()
    clock.now += GRACE
    breaker.failed()
    assert not breaker.is_open

    clock.now += 0.1
    breaker.failed()
    assert breaker.is_open
