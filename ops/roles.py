"""Who may do what in the database: one role owns the tables, the portal's role reads and writes rows.

`dev.py roles` opens a database to both, once, as the server's administrator. `dev.py migrate --app-role`
gives the portal's role its rights on what the migrations made, each time, as their owner.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgres.database import STATEMENT_TIMEOUT_MS

MAINTENANCE_DATABASE: Final = "postgres"
"""The database that every server has; in Azure, roles are made from identities only there."""

ALL_ROWS: Final = "SELECT, INSERT, UPDATE, DELETE"
LESS_RIGHTS: Final[Mapping[str, LiteralString]] = MappingProxyType(
    {"audit_log": "SELECT, INSERT", "alembic_version": "SELECT", "counted_practices": "SELECT"}
)
"""The tables and views on which the portal's role may do less than with all others."""


@dataclass(frozen=True)
class Role:
    """A role of the database; in Azure it stands for the managed identity with that object id."""

    name: str
    object_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read NAME or NAME=OBJECT_ID."""
        name, _, object_id = text.partition("=")
        return cls(name, object_id or None)


def open_database(
    administrator_url: str, *, migrator: Role, app: Role, maintenance_database: str = MAINTENANCE_DATABASE
) -> None:
    """Open the database of the URL to two roles and nobody else; it is created if it does not exist.

    Roles with an object id are made from identities; the others must exist. May be repeated.
    """
    maintenance_url = make_conninfo(administrator_url, dbname=maintenance_database)
    name = sql.Identifier(_database_of(administrator_url))
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        for role in (migrator, app):
            _make_from_identity(connection, role)
        _create_database(connection, _database_of(administrator_url))
    roles = {"migrator": sql.Identifier(migrator.name), "app": sql.Identifier(app.name), "database": name}
    with psycopg.connect(administrator_url) as connection:
        # The two settings are those of the portal's connections, which PgBouncer does not pass on.
        connection.execute(
            sql.SQL("""
            REVOKE ALL ON DATABASE {database} FROM PUBLIC;
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT CONNECT ON DATABASE {database} TO {migrator};
            GRANT USAGE, CREATE ON SCHEMA public TO {migrator};
            GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app};
            GRANT USAGE ON SCHEMA public TO {app};
            ALTER DATABASE {database} SET timezone = 'UTC';
            ALTER DATABASE {database} SET statement_timeout = {timeout}
            """).format(**roles, timeout=sql.Literal(STATEMENT_TIMEOUT_MS))
        )


def grant_rights(owner_url: str, app_role: str) -> None:
    """Let the portal's role read and write the rows of every table of the owner, now and in future.

    It reads the views as well. Nothing else: no DDL, no TRUNCATE, and the audit trail only grows. Identity
    columns need no right to their sequences. May be repeated.
    """
    app = sql.Identifier(app_role)
    with psycopg.connect(owner_url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        for (table,) in tables:
            rights = LESS_RIGHTS.get(table, ALL_ROWS)
            connection.execute(
                sql.SQL("REVOKE ALL ON {table} FROM {app}; GRANT {rights} ON {table} TO {app}").format(
                    table=sql.Identifier("public", table), app=app, rights=sql.SQL(rights)
                )
            )
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON TABLES TO {app}").format(
                rights=sql.SQL(ALL_ROWS), app=app
            )
        )


def _database_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def _make_from_identity(connection: psycopg.Connection, role: Role) -> None:
    """Let a managed identity sign in as a role: a function that only Azure's servers have."""
    if role.object_id is not None:
        connection.execute(
            """
            SELECT pgaadauth_create_principal_with_oid(%(name)s, %(object_id)s, 'service', false, false)
            WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %(name)s)
            """,
            {"name": role.name, "object_id": role.object_id},
        )


def _create_database(connection: psycopg.Connection, name: str) -> None:
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def main() -> int:
    """`python -m local.roles --migrator NAME[=OBJECT_ID] --app NAME[=OBJECT_ID]`; the exit status."""
    parser = argparse.ArgumentParser(
        prog="dev.py roles",
        description="Open the database of DATABASE_URL, as its administrator, to two roles.",
    )
    for who, what in (("migrator", "owns the tables"), ("app", "the portal's: reads and writes rows")):
        parser.add_argument(
            f"--{who}", type=Role.parse, required=True, metavar="NAME[=OBJECT_ID]",
            help=f"{what}; with the object id of a managed identity where it is to be made from one",
        )  # fmt: skip
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL")
    if not url:
        parser.error("DATABASE_URL must name the database, with its administrator's user")
    try:
        open_database(url, migrator=options.migrator, app=options.app)
    except psycopg.Error as problem:
        print(f"The database is not open to both roles: {problem}", file=sys.stderr)
        return 1
    print(f"{_database_of(url)} is open to {options.migrator.name} (owner) and {options.app.name} (rows).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
