"""Failed sign-ins in a real PostgreSQL, counted by account and client address."""

from datetime import timedelta

import pytest

from adapters.postgres.auth import PostgresFailures
from adapters.postgres.database import Database
from bp_core.auth.ports import FailureCount
from tests.world import NOON, concurrently

SINCE = NOON - timedelta(hours=1)
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def failures(database: Database) -> PostgresFailures:
    return PostgresFailures(database.autocommit())


@pytest.mark.parametrize(
    "email",
    ["asha@amber.test", r"back\slash@amber.test", "\\x41", r"\\", "आशा@amber.test", "'; --", "x" * 320],
)
def test_failures_of_any_text_as_an_email_are_counted(failures: PostgresFailures, email: str) -> None:
    for _ in range(2):
        failures.add(email, HERE, NOON, SINCE)

    assert failures.count(email.upper(), HERE, SINCE) == FailureCount(2, 2, NOON)
    failures.clear(email, HERE)
    assert failures.count(email, HERE, SINCE) == FailureCount(0, 0, None)


def test_an_account_counts_the_failures_of_all_clients_and_each_client_its_own(
    failures: PostgresFailures,
) -> None:
    failures.add("asha@amber.test", HERE, NOON, SINCE)
    for minute in range(3):
        failures.add("asha@amber.test", ELSEWHERE, NOON + timedelta(minutes=minute), SINCE)
    failures.add("ravi@amber.test", HERE, NOON, SINCE)

    assert failures.count("asha@amber.test", HERE, SINCE) == FailureCount(4, 1, NOON)
    assert failures.count("asha@amber.test", ELSEWHERE, SINCE) == FailureCount(
        4, 3, NOON + timedelta(minutes=2)
    )
    assert failures.count("asha@amber.test", "192.0.2.1", SINCE) == FailureCount(4, 0, None)


def test_failures_before_the_last_hour_do_not_count_and_the_number_starts_again(
    failures: PostgresFailures,
) -> None:
    for _ in range(5):
        failures.add("asha@amber.test", HERE, NOON, SINCE)
    later = NOON + timedelta(hours=1)

    assert failures.count("asha@amber.test", HERE, NOON) == FailureCount(0, 0, None)
    failures.add("asha@amber.test", HERE, later, NOON)
    assert failures.count("asha@amber.test", HERE, NOON) == FailureCount(1, 1, later)


def test_failures_at_the_same_instant_are_all_counted(database: Database) -> None:
    def fail() -> None:
        PostgresFailures(database.autocommit()).add("asha@amber.test", HERE, NOON, SINCE)

    concurrently(*[fail] * 8)

    counted = PostgresFailures(database.autocommit()).count("asha@amber.test", HERE, SINCE)
    assert counted == FailureCount(8, 8, NOON)
