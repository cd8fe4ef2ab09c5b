"""PostgreSQL is killed under load behind PgBouncer in transaction mode."""

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from adapters.postgres.connections import BACKGROUND, CALLS
from adapters.postgres.database import Database
from bp_core.shared.errors import Unavailable
from tests.faults.pgbouncer import pgbouncer, pooled, url
from tests.faults.report import PROPERTY, Row
from tests.faults.servers import KillablePostgres
from tests.faults.trial import Site, Size, Trial

installed = pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed")


@pytest.fixture
def pooled_url(postgres_server: KillablePostgres, database_url: str) -> Iterator[str]:
    """The URL of the test's database through PgBouncer."""
    with pooled(database_url) as port:
        yield url(port, str(conninfo_to_dict(database_url)["dbname"]))


@pytest.fixture
def host_settings(request: pytest.FixtureRequest) -> dict[str, str]:
    if pgbouncer() is None:
        return {}
    return {
        "DATABASE_URL": request.getfixturevalue("pooled_url"), "DATABASE_PREPARED_STATEMENTS": "false"
    }  # fmt: skip


def test_the_report_says_whether_pgbouncer_is_there(request: pytest.FixtureRequest) -> None:
    if pgbouncer() is None:
        row = Row(fault="through PgBouncer: NOT RUN, because PgBouncer is not installed")
        request.node.user_properties.append((PROPERTY, asdict(row)))
        pytest.skip("PgBouncer is not installed")


@installed
def test_no_acknowledged_write_is_lost_or_doubled_when_postgresql_is_killed_behind_pgbouncer(
    trial: Trial, site: Site, size: Size
) -> None:
    outages = [3.0, 30.0, 3.0] if size.is_full else [0.5]
    writers = size.count(bounded=16, full=64)
    name = f"PostgreSQL killed {len(outages)} times behind PgBouncer under {writers} writers"
    with trial.fault(name), trial.load(*trial.writers(writers), *trial.readers(4)):
        for seconds in outages:
            trial.wait_for_writes(writers)
            time.sleep(size.pick(bounded=0.5, full=3.0))
            site.postgres.kill()
            time.sleep(seconds)
            site.postgres.start()
        trial.wait_for_writes(writers)


@installed
def test_transactions_have_their_limits_behind_pgbouncer(pooled_url: str, database_url: str) -> None:
    limits = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    with Database(pooled_url, prepared_statements=False) as database:
        with database.transaction() as sql:
            assert sql.tuples(limits) == [("3s", "8s")]
        with database.transaction(BACKGROUND) as sql:
            assert sql.tuples(limits) == [("0", "20s")]
        assert database.autocommit().tuples(limits) == [("0", "0")]  # those of the server

        short = replace(CALLS, lock=timedelta(milliseconds=50))
        with psycopg.connect(database_url) as rival:
            rival.execute("SELECT FROM plants FOR UPDATE")
            with pytest.raises(Unavailable, match="Somebody else"), database.transaction(short) as sql:
                sql.run("UPDATE plants SET is_active = is_active")
        assert database.autocommit().run("UPDATE plants SET is_active = is_active") == 7
