"""docs/schema-reference.md: every table as a migrated database has it, column by column."""

from typing import Final

import psycopg

from local.data_directory import ROOT
from local.problems import StartError

KEPT: Final = ROOT / "docs" / "schema-reference.md"

HEAD: Final = """\
# The tables, column by column

As the migrations leave them; what they mean is in [schema.md](schema.md). Made from a migrated database by
`python -m local.migrate --describe`, and held against one by `python3 dev.py check migrations`.
"""

# The tables of the portal; a sum of PostgreSQL's own catalogues, whatever its version.
TABLES: Final = """
    SELECT c.oid, c.relname, c.relpersistence = 'u' AS is_unlogged
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
     ORDER BY c.relname
"""

COLUMNS: Final = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS is_nullable,
           CASE WHEN a.attidentity <> '' THEN 'counts'
                WHEN a.attgenerated <> '' THEN 'generated: ' || pg_get_expr(d.adbin, d.adrelid)
                ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END AS value
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attnum
"""

# Not the NOT NULLs, which newer versions of PostgreSQL list as well.
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


def written(database_url: str) -> str:
    """The page as a migrated database has it."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = connection.execute(TABLES).fetchall()
        parts = [_table(connection, oid, name, is_unlogged=unlogged) for oid, name, unlogged in tables]
    return HEAD + "".join(parts)


def require_kept(database_url: str) -> None:
    """Hold the page that is kept against a migrated database; raises StartError where they differ."""
    if KEPT.read_text(encoding="utf-8") != written(database_url):
        raise StartError(f"{KEPT} is not what the migrations make: python -m local.migrate --describe")


def _table(connection: psycopg.Connection, oid: int, name: str, *, is_unlogged: bool) -> str:
    lines = ["", f"## {name}", ""]
    if is_unlogged:
        lines += ["Unlogged.", ""]
    lines += ["| column | type | null | default |", "|---|---|---|---|"]
    for column, kind, is_nullable, value in connection.execute(COLUMNS, {"table": oid}):
        lines.append(f"| `{column}` | {kind} | {'yes' if is_nullable else ''} | {_code(value)} |")
    for title, statement in (("Constraints", CONSTRAINTS), ("Indexes", INDEXES), ("Triggers", TRIGGERS)):
        if rows := connection.execute(statement, {"table": oid}).fetchall():
            lines += ["", f"{title}:", "", *(f"- `{one}`: {_code(text)}" for one, text in rows)]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """SQL within a line, and within a cell of a table."""
    flat = " ".join(text.split()).replace("public.", "")
    return f"`{flat.replace('|', chr(92) + '|')}`" if flat else ""
