"""What the adapters are tried on."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from adapters.postgres.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database, reached as the portal reaches it."""
    with Database(database_url) as database:
        yield database


@pytest.fixture
def plants(database: Database) -> list[UUID]:
    """The seven plants, and somebody who writes for them all."""
    sql = database.autocommit()
    sql.run("INSERT INTO users (email, full_name, role) VALUES ('hq@amber.test', 'HQ', 'hq')")
    return [row[0] for row in sql.tuples("SELECT id FROM plants ORDER BY id")]
