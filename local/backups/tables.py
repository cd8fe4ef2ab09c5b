"""The rows of the database: read in one snapshot, written to a schema of the same revision."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from local.backups.archive import Archive, ArchiveWriter, BackupError, Progress, Table

SESSION: Final = (
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
    " -c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres"
)
"""A backup takes as long as it takes, and its texts do not depend on settings of the server."""

REVISIONS: Final = "alembic_version"

COLUMNS: Final = """
    SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> %s
      AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY 1 ORDER BY 1
"""
REFERENCES: Final = """
    SELECT f.relname, t.relname
    FROM pg_constraint k JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
    WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND f.oid <> t.oid
"""
SEQUENCES: Final = """
    SELECT c.relname, a.attname, pg_get_serial_sequence(c.oid::regclass::text, a.attname::text)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND pg_get_serial_sequence(c.oid::regclass::text, a.attname::text) IS NOT NULL
"""

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def snapshot(database_url: str) -> Iterator[Connection]:
    """A transaction that sees the database at one moment, and whose tables no migration changes meanwhile."""
    with psycopg.connect(database_url, options=SESSION) as connection:
        tables = [*columns_of(connection), REVISIONS]
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        lock = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(_identifiers(tables))
        connection.execute(lock)  # takes no snapshot: the first statement after it does
        yield connection
        connection.rollback()


def revision_of(connection: Connection) -> str:
    """The revision of the schema."""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise BackupError("The database has no tables yet.")
    return str(row[0])


def dump(connection: Connection, archive: ArchiveWriter, progress: Progress) -> tuple[Table, ...]:
    """Write all tables to the archive."""
    tables: list[Table] = []
    for name, columns in columns_of(connection).items():
        cursor = connection.cursor()
        content = archive.add(f"tables/{name}.copy", _copied(cursor, name, columns))
        tables.append(Table(name=name, columns=columns, rows=cursor.rowcount, content=content))
        progress(f"Database: {sum(table.rows for table in tables)} rows of {len(tables)} tables")
    return tuple(tables)


def load(connection: Connection, archive: Archive, progress: Progress) -> None:
    """Replace all rows by those of the archive, in one transaction, with every constraint checked.

    The triggers of the portal do not run: what they would write is in the archive. Raises BackupError.
    """
    tables = {table.name: table for table in archive.manifest.tables}
    expected = {name: set(columns) for name, columns in columns_of(connection).items()}
    if {name: set(table.columns) for name, table in tables.items()} != expected:
        raise BackupError("The tables of the archive are not those of its revision of the schema.")
    _set_triggers(connection, tables, "DISABLE")
    connection.execute(sql.SQL("TRUNCATE {}").format(_identifiers(tables)))
    for number, name in enumerate(_referenced_first(connection, tables), start=1):
        _load_table(connection, archive, tables[name])
        progress(f"Database: {number} of {len(tables)} tables")
    _set_triggers(connection, tables, "ENABLE")
    for name, column, sequence in connection.execute(SEQUENCES).fetchall():
        query = sql.SQL("SELECT setval(%s, coalesce(max({}), 0) + 1, false) FROM {}")
        connection.execute(query.format(sql.Identifier(column), sql.Identifier(name)), (sequence,))
    connection.commit()


def columns_of(connection: Connection) -> dict[str, tuple[str, ...]]:
    """The columns of each table that are stored, not generated."""
    return {name: tuple(columns) for name, columns in connection.execute(COLUMNS, (REVISIONS,))}


def _copied(cursor: psycopg.Cursor[Any], table: str, columns: tuple[str, ...]) -> Iterator[bytes]:
    query = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table), _identifiers(columns))
    with cursor.copy(query) as copy:
        yield from map(bytes, copy)


def _load_table(connection: Connection, archive: Archive, table: Table) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN")
    cursor = connection.cursor()
    with cursor.copy(query.format(sql.Identifier(table.name), _identifiers(table.columns))) as copy:
        for chunk in archive.chunks(table.content):
            copy.write(chunk)
    if cursor.rowcount != table.rows:
        raise BackupError(
            f"The archive has {cursor.rowcount} rows of {table.name}, its manifest {table.rows}."
        )


def _referenced_first(connection: Connection, tables: Iterable[str]) -> Iterator[str]:
    """The tables in an order in which no row refers to one that is not there yet."""
    order = TopologicalSorter[str](dict.fromkeys(tables, ()))
    for table, referenced in connection.execute(REFERENCES).fetchall():
        order.add(table, referenced)
    return iter(order.static_order())


def _set_triggers(
    connection: Connection, tables: Iterable[str], action: Literal["DISABLE", "ENABLE"]
) -> None:
    """Disable or enable the triggers of the portal, but not those that check foreign keys."""
    for table in tables:
        statement = sql.SQL("ALTER TABLE {} {} TRIGGER USER")
        connection.execute(statement.format(sql.Identifier(table), sql.SQL(action)))


def _identifiers(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
