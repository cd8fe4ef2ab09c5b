"""Checks of the database: that it answers and writes, and has the schema that this code needs."""

from datetime import timedelta
from typing import Final

import psycopg

from adapters.postgres.connections import Limits
from adapters.postgres.database import Database, Sql
from bp_core.shared.errors import Unavailable

EXPECTED_REVISION: Final = "0016"
"""The migration that this code requires."""

PROBES: Final = Limits(statement=timedelta(seconds=1), lock=timedelta(milliseconds=500))
"""The limits of a health check."""


def is_writable(sql: Sql) -> bool:
    """Whether the database accepts writes; it does not say whether there is room. Raises Unavailable."""
    return not sql.value("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")


def has_room(database: Database) -> bool:
    """Whether a temporary file of 1 MB can be written on the disk of the tables.

    A small write to a table would prove nothing: it finds room in a page that exists. This leaves nothing
    behind.
    """
    try:
        with database.transaction(PROBES) as sql:
            sql.value("SELECT set_config('work_mem', '64kB', true), set_config('temp_tablespaces', '', true)")
            sql.value("SELECT count(DISTINCT repeat(md5(n::text), 32)) FROM generate_series(1, 1000) n")
    except (Unavailable, psycopg.Error):  # some errors of temporary files have no state of their own
        return False
    return True


def is_migrated(sql: Sql) -> bool:
    """Whether the schema is exactly the one that this code needs."""
    if sql.value("SELECT to_regclass('alembic_version')") is None:
        return False
    return bool(sql.value("SELECT version_num FROM alembic_version") == EXPECTED_REVISION)
