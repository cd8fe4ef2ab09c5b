"""Services for the tests, started when the first test of a process asks for them: unit tests start none.

Real ones: PostgreSQL (embedded, or the server of TEST_DATABASE_URL) and Azurite. Each test has a database
and a storage account of its own.
"""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import psycopg_pool.base
import pytest
from psycopg import sql

from adapters.files.examiner import ExaminerLimits, FileExaminer
from functions import bootstrap
from local.azurite import Azurite
from local.postgres import throwaway_postgres
from local.storage import prepare_storage
from ops.migrate import upgrade
from tests.faults import report
from tests.world import NOON, SetClock, World

ACCOUNT_KEY = base64.b64encode(b"a storage key for tests").decode()
ACCOUNTS = [f"account{number}" for number in range(300)]

# A pool's threads jitter the age of their connections by the shared generator of `random`; hypothesis takes
# that, when it happens while a strategy draws, for the strategy's doing and fails the test.
psycopg_pool.base.random = Random().random  # type: ignore[attr-defined]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`dev.py test --faults` runs tests/faults in the full size."""
    parser.addoption("--faults", action="store_true", help="run the fault tests in their full size")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of the fault tests."""
    report.summarize(terminalreporter, is_full=bool(config.getoption("--faults")))


class DatabaseServer(Protocol):
    """A PostgreSQL server on which the tests may create and drop databases."""

    def url(self, database: str) -> str:
        """The connection URL of one of its databases."""


class ExternalServer:
    """The server of TEST_DATABASE_URL."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def url(self, database: str) -> str:
        """The connection URL of one of its databases."""
        return urlunsplit(self._url._replace(path=f"/{database}"))


@contextmanager
def new_database(server: DatabaseServer, *, template: str) -> Iterator[str]:
    """The name of a copy of `template`; it is dropped afterwards, whoever is still connected to it."""
    name = f"test_{uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(create)
    try:
        yield name
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(drop)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[DatabaseServer]:
    """The PostgreSQL server of this test process."""
    if external := os.environ.get("TEST_DATABASE_URL"):
        yield ExternalServer(external)
    else:
        with throwaway_postgres() as server:
            yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: DatabaseServer) -> Iterator[str]:
    """The name of a database with the whole schema, to be copied."""
    with new_database(postgres_server, template="template0") as name:
        upgrade(postgres_server.url(name))
        yield name


@pytest.fixture
def database_url(postgres_server: DatabaseServer, migrated_template: str) -> Iterator[str]:
    """The URL of a fresh database: the schema, the seven plants, the eight categories, and nobody."""
    with new_database(postgres_server, template=migrated_template) as name:
        yield postgres_server.url(name)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """The Azurite of this test process."""
    accounts = dict.fromkeys(ACCOUNTS, ACCOUNT_KEY)
    azurite = Azurite(tmp_path_factory.mktemp("azurite"), accounts=accounts, in_memory=True)
    try:
        azurite.start()
        yield azurite
    finally:
        azurite.stop()


@pytest.fixture(scope="session")
def unused_accounts() -> list[str]:
    """The accounts of `azurite` that no test has had yet."""
    return list(ACCOUNTS)


@pytest.fixture
def storage_connection_string(azurite: Azurite, unused_accounts: list[str]) -> str:
    """The connection string of an empty storage account."""
    if not unused_accounts:
        azurite.stop()  # it forgets everything, so that all accounts are empty again
        azurite.start()
        unused_accounts.extend(ACCOUNTS)
    return azurite.connection_string_of(unused_accounts.pop())


@pytest.fixture
def portal_settings() -> dict[str, str]:
    """Settings of the test's portal that differ from the usual; a test or module overrides this fixture."""
    return {}


@pytest.fixture
def world(
    database_url: str, storage_connection_string: str, portal_settings: dict[str, str]
) -> Iterator[World]:
    """A whole portal of the test's own, at noon in India on 15 August 2026, with nobody in it yet."""
    prepare_storage(storage_connection_string, [])
    world = World(database_url, storage_connection_string, SetClock(NOON), portal_settings)
    bootstrap.install(world.portal)
    yield world
    bootstrap.install(None)
    world.close()


@pytest.fixture
def patient(world: World) -> Iterator[World]:
    """A portal in which any number of files wait for their examination."""
    examiner = FileExaminer(limits=replace(ExaminerLimits(), waiting=100, wait_seconds=600))
    bootstrap.install(replace(world.portal, examiner=examiner))
    yield world
    examiner.close()


@pytest.fixture
def every_check_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """The health endpoints show no result of an earlier check."""
    monkeypatch.setattr("functions.refreshed.monotonic", count(step=3600.0).__next__)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that goes to a database from now on."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def listening(cursor: psycopg.Cursor[Any], query: Any, *more: Any, **options: Any) -> Any:
        if query:  # the pool asks with an empty one whether a connection lives
            text = query.as_string(cursor) if isinstance(query, sql.Composable) else query
            sent.append(text.decode() if isinstance(text, bytes) else text)
        return execute(cursor, query, *more, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", listening)
    return sent
