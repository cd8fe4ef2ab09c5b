"""Whether the database answers, and whether it is the one that this code expects."""

from typing import Final

from adapters.postgres.database import Sql

EXPECTED_REVISION: Final = "0006"
"""The migration that this code was written for."""


def check(sql: Sql) -> None:
    """Ask the database for a sign of life. Raises Unavailable."""
    sql.value("SELECT 1")


def is_migrated(sql: Sql) -> bool:
    """Whether the database has exactly the tables that this code expects."""
    if sql.value("SELECT to_regclass('alembic_version')") is None:
        return False
    return bool(sql.value("SELECT version_num FROM alembic_version") == EXPECTED_REVISION)
