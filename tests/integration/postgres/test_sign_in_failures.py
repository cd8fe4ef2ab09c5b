"""Failed sign-ins in a real PostgreSQL, counted by account and client address."""

from datetime import timedelta

import pytest

from adapters.postgres.database import Database
from adapters.postgres.sign_in_failures import PostgresFailures
from bp_core.auth.ports import Attempt, FailureCount
from tests.world import NOON, concurrently

SINCE = NOON - timedelta(hours=1)
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
MONTH_AGO = NOON - timedelta(days=30)


def attempt(email: str = "asha@amber.test", address: str = HERE, device: str | None = None) -> Attempt:
    return Attempt(email, address, device)


@pytest.fixture
def failures(database: Database) -> PostgresFailures:
    return PostgresFailures(database.autocommit())


@pytest.mark.parametrize(
    "email",
    ["asha@amber.test", r"back\slash@amber.test", "\\x41", r"\\", "आशा@amber.test", "'; --", "x" * 320],
)
def test_failures_of_any_text_as_an_email_are_counted(failures: PostgresFailures, email: str) -> None:
    for _ in range(2):
        failures.add(attempt(email, HERE), NOON, SINCE)

    assert failures.count(attempt(email.upper(), HERE), SINCE, MONTH_AGO) == FailureCount(2, 2, NOON)
    failures.clear(attempt(email))
    assert failures.count(attempt(email, HERE), SINCE, MONTH_AGO) == FailureCount(0, 0, None)


def test_an_account_counts_the_failures_of_all_clients_and_each_client_its_own(
    failures: PostgresFailures,
) -> None:
    failures.add(attempt(), NOON, SINCE)
    for minute in range(3):
        failures.add(attempt("asha@amber.test", ELSEWHERE), NOON + timedelta(minutes=minute), SINCE)
    failures.add(attempt("ravi@amber.test"), NOON, SINCE)

    assert failures.count(attempt(), SINCE, MONTH_AGO) == FailureCount(4, 1, NOON)
    assert failures.count(attempt("asha@amber.test", ELSEWHERE), SINCE, MONTH_AGO) == FailureCount(
        4, 3, NOON + timedelta(minutes=2)
    )
    unseen = failures.count(attempt(address="192.0.2.1"), SINCE, MONTH_AGO)
    assert unseen == FailureCount(4, 0, None)


def test_failures_before_the_last_hour_do_not_count_and_the_number_starts_again(
    failures: PostgresFailures,
) -> None:
    for _ in range(5):
        failures.add(attempt(), NOON, SINCE)
    later = NOON + timedelta(hours=1)

    assert failures.count(attempt(), NOON, MONTH_AGO) == FailureCount(0, 0, None)
    failures.add(attempt(), later, NOON)
    assert failures.count(attempt(), NOON, MONTH_AGO) == FailureCount(1, 1, later)


def test_failures_at_the_same_instant_are_all_counted(database: Database) -> None:
    def fail() -> None:
        PostgresFailures(database.autocommit()).add(attempt(), NOON, SINCE)

    concurrently(*[fail] * 8)

    counted = PostgresFailures(database.autocommit()).count(attempt(), SINCE, MONTH_AGO)
    assert counted == FailureCount(8, 8, NOON)
