"""Generates docs/schema-reference.md from a migrated database: every table with its columns."""

from typing import Final

import psycopg

from local.data_directory import ROOT

SCHEMA_REFERENCE: Final = ROOT / "docs" / "schema-reference.md"

HEADER: Final = """\
# All tables and columns

Generated from a migrated database by `python -m ops.migrate --describe`, and checked by
`python3 dev.py check migrations`. [schema.md](schema.md) explains the tables.
"""

TABLES: Final = """
    SELECT c.oid, c.relname, c.relpersistence = 'u' AS is_unlogged
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
     ORDER BY c.relname
"""

COLUMNS: Final = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS is_nullable,
           CASE WHEN a.attidentity <> '' THEN 'identity'
                WHEN a.attgenerated <> '' THEN 'generated: ' || pg_get_expr(d.adbin, d.adrelid)
                ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END AS value
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attnum
"""

# Without NOT NULL constraints, which only newer versions of PostgreSQL list here.
CONSTRAINTS: Final = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conrelid = %(table)s AND contype IN ('p', 'u', 'c', 'f') ORDER BY conname
"""

INDEXES: Final = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i
     WHERE indrelid = %(table)s AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid
                                                   AND contype IN ('p', 'u'))
     ORDER BY 1
"""

TRIGGERS: Final = """
    SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
     WHERE tgrelid = %(table)s AND NOT tgisinternal ORDER BY tgname
"""


class SchemaMismatch(Exception):
    """A migration is not reversible, or docs/schema-reference.md is out of date. The message says which."""


def render(database_url: str) -> str:
    """The page for a migrated database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = connection.execute(TABLES).fetchall()
        parts = [_table(connection, oid, name, is_unlogged=unlogged) for oid, name, unlogged in tables]
    return HEADER + "".join(parts)


def check(database_url: str) -> None:
    """Compare docs/schema-reference.md with a migrated database. Raises SchemaMismatch if they differ."""
    if SCHEMA_REFERENCE.read_text(encoding="utf-8") != render(database_url):
        raise SchemaMismatch(f"{SCHEMA_REFERENCE} is out of date. Run: python -m ops.migrate --describe")


def _table(connection: psycopg.Connection, oid: int, name: str, *, is_unlogged: bool) -> str:
    lines = ["", f"## {name}", ""]
    if is_unlogged:
        lines += ["Unlogged.", ""]
    lines += ["| column | type | null | default |", "|---|---|---|---|"]
    for column, kind, is_nullable, value in connection.execute(COLUMNS, {"table": oid}):
        lines.append(f"| `{column}` | {kind} | {'yes' if is_nullable else ''} | {_code(value)} |")
    for title, statement in (("Constraints", CONSTRAINTS), ("Indexes", INDEXES), ("Triggers", TRIGGERS)):
        if rows := connection.execute(statement, {"table": oid}).fetchall():
            lines += ["", f"{title}:", "", *(f"- `{item}`: {_code(text)}" for item, text in rows)]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """SQL as inline code on one line, escaped for a table cell."""
    line = " ".join(text.split()).replace("public.", "")
    return f"`{line.replace('|', chr(92) + '|')}`" if line else ""
