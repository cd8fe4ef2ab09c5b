"""Checks of the database: that it answers, and that its schema is the one that this code needs."""

from typing import Final

from adapters.postgres.database import Sql

EXPECTED_REVISION: Final = "0016"
"""The migration that this code requires."""


def check(sql: Sql) -> None:
    """Check that the database answers. Raises Unavailable."""
    sql.value("SELECT 1")


def is_migrated(sql: Sql) -> bool:
    """Whether the schema is exactly the one that this code needs."""
    if sql.value("SELECT to_regclass('alembic_version')") is None:
        return False
    return bool(sql.value("SELECT version_num FROM alembic_version") == EXPECTED_REVISION)
