"""Locks, deadlocks, cancelled statements, and a server without free connections."""

import time
from contextlib import ExitStack, suppress
from functools import partial

import psycopg

from tests.faults.repeating import repeating
from tests.faults.servers import wait_until
from tests.faults.trial import Site, Size, Trial

LOCK_TEN = "SELECT FROM best_practices WHERE NOT is_deleted ORDER BY created_at DESC LIMIT 10 FOR UPDATE"
CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND application_name = 'amber-portal'
ORDER BY random() LIMIT 1
"""
DISCONNECT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'amber-portal'
"""


def test_ten_locked_rows_stop_nobody_but_those_who_change_them(trial: Trial, site: Site, size: Size) -> None:
    seconds = size.pick(bounded=4.0, full=30.0)
    name = f"ten rows locked for {seconds:.0f} s"
    with trial.fault(name), trial.load(*trial.writers(16), *trial.readers(8, think_seconds=0.1)):
        trial.wait_for_writes(50)
        with psycopg.connect(site.world.database_url) as rival:
            locked = rival.execute(LOCK_TEN).rowcount
            time.sleep(seconds)
        trial.wait_for_writes(16)
    assert locked == 10
    assert trial.ledger.statuses[503] > 0


def deadlocks(site: Site) -> int:
    """How many deadlocks the server has ended in this database."""
    found: int = site.world.query(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )[0][0]
    return found


def test_deadlocks_and_statements_that_are_cancelled_leave_nothing_half_written(
    trial: Trial, site: Site, size: Size
) -> None:
    wanted = size.count(bounded=1, full=10)
    with (
        psycopg.connect(site.world.database_url, autocommit=True) as rival,
        trial.fault("deadlocks, and statements cancelled as by their time-out"),
        trial.load(*trial.writers(16), *trial.readers(4)),
    ):
        rival.execute(
            "SET deadlock_timeout = '1min'"
        )  # so that the server ends the transactions of the calls
        trial.wait_for_writes(32)
        with repeating(partial(lock_in_the_opposite_order, rival), 0.3):
            wait_until(lambda: deadlocks(site) >= wanted, 120, "there are no deadlocks")
        with repeating(lambda: run(rival, CANCEL), 0.1):
            time.sleep(size.pick(bounded=2.0, full=30.0))
        trial.wait_for_writes(16)
    assert trial.ledger.statuses[503] > 0


def lock_in_the_opposite_order(rival: psycopg.Connection) -> None:
    """Lock plants, then practices: calls lock a practice first, and then its plant."""
    with suppress(psycopg.errors.DeadlockDetected), rival.transaction():
        rival.execute("SELECT FROM plants ORDER BY id FOR UPDATE")
        time.sleep(0.5)
        rival.execute("SELECT FROM best_practices FOR UPDATE")


def run(connection: psycopg.Connection, statement: str) -> None:
    connection.execute(statement.encode())


def test_while_others_have_all_connections_of_the_server_calls_are_refused_and_nothing_is_lost(
    trial: Trial, site: Site, size: Size
) -> None:
    load = trial.load(*trial.writers(16), *trial.readers(4))
    with trial.fault("all connections of PostgreSQL in use"), load, ExitStack() as others:
        trial.wait_for_writes(32)
        admin = others.enter_context(psycopg.connect(site.world.database_url, autocommit=True))
        taken = exhaust(site, admin, others)
        time.sleep(size.pick(bounded=2.5, full=20.0))
        others.close()
        trial.wait_for_writes(16)
    assert taken > 10
    assert trial.ledger.statuses[503] > 0


def exhaust(site: Site, admin: psycopg.Connection, others: ExitStack) -> int:
    """Disconnect the hosts, and take all connections before they can; return how many were taken."""
    taken = refused = 0
    while refused < 3:
        admin.execute(DISCONNECT)
        try:
            others.enter_context(psycopg.connect(site.world.database_url))
            taken += 1
        except psycopg.OperationalError:
            refused += 1
    return taken
