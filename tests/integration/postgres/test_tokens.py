"""Tokens of an identity as passwords, on a PostgreSQL that checks the password of every new connection."""

import logging
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from adapters.postgres.connections import BACKGROUND
from adapters.postgres.database import Database
from adapters.security.azure_identity import DATABASE_SCOPE, TokenPasswords
from bp_core.shared.errors import Unavailable
from functions import bootstrap
from functions.settings import load_settings
from local.postgres import EmbeddedPostgres, throwaway_postgres
from tests.identities import HOUR, StandIn, nobody_answers
from tests.world import SETTINGS

WHO = "SELECT current_user"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with throwaway_postgres() as server:
        rules = server.directory / "pg_hba.conf"
        rules.write_text(f"local all portal scram-sha-256\n{rules.read_text()}")
        administer(server, "CREATE ROLE portal LOGIN")
        administer(server, "SELECT pg_reload_conf()")
        yield server


def administer(server: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def identity(server: EmbeddedPostgres) -> StandIn:
    take(server, "first token")
    return StandIn("first token")


def take(server: EmbeddedPostgres, token: str) -> None:
    """Make this token the only password that the server accepts."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER ROLE portal PASSWORD {}").format(token))


@pytest.fixture
def url(server: EmbeddedPostgres) -> str:
    return f"{server.url().replace('postgres@', 'portal@')}&sslmode=require"


@pytest.fixture
def database(url: str, identity: StandIn) -> Iterator[Database]:
    passwords = TokenPasswords(identity, lambda: identity.now)
    with Database(url, password=passwords, pool_size=2, pool_timeout=1.0) as database:
        yield database


def test_a_connection_is_made_with_a_token_as_its_password(database: Database, identity: StandIn) -> None:
    assert database.autocommit().value(WHO) == "portal"
    assert identity.asked == [(DATABASE_SCOPE,)]


def test_the_server_of_these_tests_checks_the_password(url: str) -> None:
    for password in (None, lambda: "another token"):
        with Database(url, password=password, pool_timeout=0.5) as database, pytest.raises(Unavailable):
            database.autocommit().value(WHO)


def test_new_connections_use_the_new_token_and_open_ones_stay_open(
    server: EmbeddedPostgres, database: Database, identity: StandIn
) -> None:
    with database.transaction() as old:
        take(server, "second token")
        identity.token = "second token"
        identity.now += HOUR
        with database.transaction() as new:
            assert [old.value(WHO), new.value(WHO)] == ["portal", "portal"]
    assert identity.asked == [(DATABASE_SCOPE,)] * 2


def test_a_token_is_used_until_five_minutes_before_its_end(identity: StandIn) -> None:
    passwords = TokenPasswords(identity, lambda: identity.now)
    issued = identity.now = float(int(identity.now))
    seen = []
    for seconds, token in ((0, "a"), (HOUR - 300, "b"), (HOUR - 299, "c"), (HOUR, "d")):
        identity.now, identity.token = issued + seconds, token
        seen.append(passwords())
    assert seen == ["a", "a", "c", "c"]


def test_a_token_is_replaced_within_an_hour_whatever_the_clock_says(identity: StandIn) -> None:
    """After a step back, the clock says for as long as that step that an old token is still valid."""
    elapsed = [0.0]
    passwords = TokenPasswords(identity, lambda: identity.now, lambda: elapsed[0])
    seen = []
    for seconds, token in ((0.0, "a"), (3600.0, "b"), (3601.0, "c")):
        elapsed[0], identity.token = seconds, token
        identity.now -= HOUR
        seen.append(passwords())
    assert seen == ["a", "a", "c"]


def test_a_refused_token_is_an_outage_to_callers_and_the_log_has_the_cause(
    database: Database, identity: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    identity.token = "a token of somebody else"

    with caplog.at_level(logging.WARNING, "psycopg.pool"), pytest.raises(Unavailable) as refused:
        database.autocommit().value(WHO)

    assert refused.value.message == "The database does not answer. Try again shortly."
    assert "password authentication failed" in caplog.text
    assert "somebody else" not in caplog.text


def test_without_a_token_the_database_is_unavailable_until_there_is_one(
    database: Database, identity: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    identity.away = nobody_answers()
    with caplog.at_level(logging.WARNING, "psycopg.pool"):
        for _ in range(2):
            with pytest.raises(Unavailable):
                database.autocommit().value(WHO)
    assert "no response from the identity endpoint" in caplog.text

    identity.away = None
    assert database.autocommit(BACKGROUND).value(WHO) == "portal"  # calls are let through once a second


def test_an_identity_that_does_not_answer_is_an_outage_after_the_pool_timeout(
    database: Database, identity: StandIn
) -> None:
    answered = threading.Event()
    identity.before_answering = answered.wait
    with pytest.raises(Unavailable):
        database.autocommit().value(WHO)

    answered.set()
    assert database.autocommit().value(WHO) == "portal"


def test_a_setting_makes_the_portal_use_tokens_as_passwords(url: str, identity: StandIn) -> None:
    by_token = {
        **SETTINGS,
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "DATABASE_AUTH": "entra",
        "DATABASE_URL": url,
    }
    portal = bootstrap.build(load_settings(by_token), identity=identity)
    with portal.database.transaction() as sql:
        assert sql.value(WHO) == "portal"
    portal.close()
