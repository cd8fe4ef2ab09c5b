"""Runs the Alembic migrations: for `dev.py migrate`, `dev.py up` and the tests."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from adapters.postgres.connections import verified
from local.data_directory import DEFAULT_DATA_DIRECTORY, ROOT, DataDirectory
from local.errors import SetupError
from local.postgres import EmbeddedPostgres, throwaway_postgres
from ops import schema_reference
from ops.roles import grant_rights
from ops.schema_reference import SchemaMismatch

# All objects that a migration can create, one line each.
SCHEMA_SNAPSHOT = """
    SELECT format('column %s.%s %s not null %s default %s', c.oid::regclass, a.attname,
                  format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'alembic_version%'
    UNION ALL
    SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic_version%'
    UNION ALL
    SELECT format('index %s', indexdef)
      FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE 'alembic_version%'
    UNION ALL
    SELECT format('function %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY 1
"""


def _config(database_url: str | None = None) -> Config:
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = database_url
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def upgrade(database_url: str, revision: str = "head") -> None:
    """Upgrade the database to `revision`. Does nothing if it is there already."""
    command.upgrade(_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Downgrade the database to `revision`: `-1` is the previous one, `base` removes everything."""
    command.downgrade(_config(database_url), revision)


def head_revision() -> str | None:
    """The newest revision."""
    return _scripts().get_current_head()


def known_revisions() -> set[str]:
    """All revisions that the migrations of this checkout can reach."""
    return {script.revision for script in _scripts().walk_revisions()}


def current_revision(database_url: str) -> str | None:
    """The revision of the database, or None before the first migration."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def move_to(database_url: str, target: str) -> None:
    """Upgrade or downgrade the database to `target`: `up` (newest), `down` (one back), or a revision."""
    if target == "up":
        upgrade(database_url)
    elif target == "down":
        downgrade(database_url, "-1")
    elif target == "base" or _is_earlier(target, current_revision(database_url)):
        downgrade(database_url, target)
    else:
        upgrade(database_url, target)


def _is_earlier(target: str, current: str | None) -> bool:
    applied = _scripts().iterate_revisions(current, "base") if current else ()
    return target in {script.revision for script in applied}


def check_reversible(database_url: str) -> None:
    """Upgrade an empty database, downgrade and upgrade it again.

    Raises SchemaMismatch if the downgrade leaves something behind, or if the two upgrades differ.
    """
    upgrade(database_url)
    first = _snapshot(database_url)
    downgrade(database_url, "base")
    if remaining := _snapshot(database_url):
        raise SchemaMismatch("The downgrade does not remove:\n" + "\n".join(remaining))
    upgrade(database_url)
    if changed := set(first) ^ set(_snapshot(database_url)):
        raise SchemaMismatch("The second upgrade differs from the first:\n" + "\n".join(sorted(changed)))


def _snapshot(database_url: str) -> list[str]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return [line for (line,) in connection.execute(SCHEMA_SNAPSHOT)]


@contextmanager
def _database(data: DataDirectory) -> Iterator[str]:
    """DATABASE_URL, or the embedded database, which is started if the portal does not run."""
    if external := os.environ.get("DATABASE_URL"):
        yield _verified(external)
    elif not data.lock.acquire(wait=False):
        yield data.read_portal()["database_url"]
    else:
        server = EmbeddedPostgres(data.postgres)
        try:
            server.start()
            yield server.url()
        finally:
            server.stop()
            data.lock.release()


def _verified(url: str) -> str:
    try:
        return verified(url)
    except ValueError as error:
        raise SetupError(f"DATABASE_URL {error}.") from None


def main() -> int:
    """`python -m ops.migrate [up|down|REVISION|--check|--describe] [--app-role NAME]`."""
    try:
        _run(_parse_arguments())
    except (SetupError, SchemaMismatch, CommandError, psycopg.Error, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        print(f"The migration failed: {reason}", file=sys.stderr)
        return 1
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py migrate", description="Migrate the database.")
    parser.add_argument(
        "target", nargs="?", default="up", help="up (default), down (one back), or a revision"
    )
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIRECTORY)
    parser.add_argument(
        "--app-role", metavar="NAME", help="then grant this role the privileges of the portal"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="check that migrations are reversible and docs/schema-reference.md is up to date",
    )
    parser.add_argument("--describe", action="store_true", help="write docs/schema-reference.md")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> None:
    if arguments.check:
        with throwaway_postgres() as server:
            check_reversible(server.url())
            schema_reference.check(server.url())
    elif arguments.describe:
        with throwaway_postgres() as server:
            upgrade(server.url())
            page = schema_reference.render(server.url())
            schema_reference.SCHEMA_REFERENCE.write_text(page, encoding="utf-8")
    else:
        with _database(DataDirectory(arguments.data_dir)) as url:
            move_to(url, arguments.target)
            if arguments.app_role:
                grant_rights(url, arguments.app_role)
            print(f"The database is at revision {current_revision(url) or 'base'}.")


if __name__ == "__main__":
    sys.exit(main())
