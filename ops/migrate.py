"""The schema's migrations, run by Alembic from Python: `dev.py migrate`, `dev.py up` and the tests."""

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

from local import schema
from local.data_directory import DEFAULT_DATA_DIRECTORY, ROOT, DataDirectory
from local.postgres import EmbeddedPostgres, throwaway_postgres
from local.problems import StartError
from local.roles import grant_rights

# Everything a migration can leave behind in the schema, as comparable lines.
SCHEMA_FINGERPRINT = """
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
    """Bring the database up to `revision`; it may be there already."""
    command.upgrade(_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back down to `revision`, `-1` being the one before, `base` nothing at all."""
    command.downgrade(_config(database_url), revision)


def head_revision() -> str | None:
    """The newest revision there is."""
    return _scripts().get_current_head()


def current_revision(database_url: str) -> str | None:
    """The revision that the database is at, None before the first."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def move_to(database_url: str, target: str) -> None:
    """Take the database to `target`, whichever way it lies: `up` (newest), `down` (one back), a revision."""
    if target == "up":
        upgrade(database_url)
    elif target == "down":
        downgrade(database_url, "-1")
    elif target == "base" or _is_behind(current_revision(database_url), target):
        downgrade(database_url, target)
    else:
        upgrade(database_url, target)


def _is_behind(current: str | None, target: str) -> bool:
    passed = _scripts().iterate_revisions(current, "base") if current else ()
    return target in {script.revision for script in passed}


def check_reversible(database_url: str) -> None:
    """Take an empty database up, down and up again; raises StartError where a step leaves a trace."""
    upgrade(database_url)
    whole = _fingerprint(database_url)
    downgrade(database_url, "base")
    if left := _fingerprint(database_url):
        raise StartError("The downgrade leaves behind:\n" + "\n".join(left))
    upgrade(database_url)
    if changed := set(whole) ^ set(_fingerprint(database_url)):
        raise StartError("The second upgrade differs from the first:\n" + "\n".join(sorted(changed)))


def _fingerprint(database_url: str) -> list[str]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return [line for (line,) in connection.execute(SCHEMA_FINGERPRINT)]


@contextmanager
def _database(data: DataDirectory) -> Iterator[str]:
    """DATABASE_URL, or the embedded database: that of the running portal, or started for the occasion."""
    if external := os.environ.get("DATABASE_URL"):
        yield external
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


def main() -> int:
    """`python -m local.migrate [up|down|REVISION|--check|--describe] [--app-role NAME]`; the exit status."""
    parser = argparse.ArgumentParser(prog="dev.py migrate", description="Move the database's schema.")
    parser.add_argument(
        "target", nargs="?", default="up", help="up (default), down (one back), or a revision"
    )
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIRECTORY)
    parser.add_argument("--app-role", metavar="NAME", help="give this role the portal's rights afterwards")
    parser.add_argument(
        "--check",
        action="store_true",
        help="up, down and up again on a throwaway database, which docs/schema-reference.md must describe",
    )
    parser.add_argument("--describe", action="store_true", help="write docs/schema-reference.md anew")
    arguments = parser.parse_args()
    try:
        if arguments.check:
            with throwaway_postgres() as server:
                check_reversible(server.url())
                schema.require_kept(server.url())
        elif arguments.describe:
            with throwaway_postgres() as server:
                upgrade(server.url())
                schema.KEPT.write_text(schema.written(server.url()), encoding="utf-8")
        else:
            with _database(DataDirectory(arguments.data_dir)) as url:
                move_to(url, arguments.target)
                if arguments.app_role:
                    grant_rights(url, arguments.app_role)
                print(f"The database is at revision {current_revision(url) or 'base'}.")
    except (StartError, CommandError, psycopg.Error, DBAPIError) as problem:
        reason = problem.orig if isinstance(problem, DBAPIError) else problem
        print(f"The database stays as it is: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
