"""Privileges in the database: the migrator's role owns the tables, the portal's role reads and writes rows.

`dev.py roles`, run once by the administrator of the server, lets both roles into a database. `dev.py migrate
--app-role`, run by the owner of the tables after each migration, grants the portal's role its privileges.
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

from adapters.postgres.connections import CALLS, verified

MAINTENANCE_DATABASE: Final = "postgres"
"""The database that every server has. Azure creates roles for identities only in this database."""

READ_AND_WRITE: Final = "SELECT, INSERT, UPDATE, DELETE"
RESTRICTED: Final[Mapping[str, LiteralString]] = MappingProxyType(
    {"audit_log": "SELECT, INSERT", "alembic_version": "SELECT", "counted_practices": "SELECT"}
)
"""Tables and views on which the portal's role has fewer privileges."""


@dataclass(frozen=True)
class Role:
    """A database role. In Azure, `object_id` is that of the managed identity that signs in as the role."""

    name: str
    object_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse NAME or NAME=OBJECT_ID."""
        name, _, object_id = text.partition("=")
        return cls(name, object_id or None)


def open_database(
    administrator_url: str, *, migrator: Role, app: Role, maintenance_database: str = MAINTENANCE_DATABASE
) -> None:
    """Let two roles, and nobody else, into the database of the URL. Creates the database if missing.

    Roles with an object id are created from identities; other roles must exist. Can run again.
    """
    maintenance_url = make_conninfo(administrator_url, dbname=maintenance_database)
    name = sql.Identifier(_database_of(administrator_url))
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        for role in (migrator, app):
            _create_from_identity(connection, role)
        _create_database(connection, _database_of(administrator_url))
    roles = {"migrator": sql.Identifier(migrator.name), "app": sql.Identifier(app.name), "database": name}
    with psycopg.connect(administrator_url) as connection:
        # The portal sets these per connection too, but PgBouncer does not pass them on.
        connection.execute(
            sql.SQL("""
            REVOKE ALL ON DATABASE {database} FROM PUBLIC;
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT CONNECT ON DATABASE {database} TO {migrator};
            GRANT USAGE, CREATE ON SCHEMA public TO {migrator};
            GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app};
            GRANT USAGE ON SCHEMA public TO {app};
            ALTER DATABASE {database} SET timezone = 'UTC';
            ALTER DATABASE {database} SET statement_timeout = {statement};
            ALTER DATABASE {database} SET lock_timeout = {lock}
            """).format(**roles, statement=sql.Literal(CALLS.statement_ms), lock=sql.Literal(CALLS.lock_ms))
        )


def grant_rights(owner_url: str, app_role: str) -> None:
    """Grant the portal's role SELECT, INSERT, UPDATE and DELETE on all tables, also on future ones.

    It can read views. It cannot use DDL or TRUNCATE, and can only insert into the audit trail. Identity
    columns need no privilege on their sequences. Can run again.
    """
    app = sql.Identifier(app_role)
    with psycopg.connect(owner_url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        for (table,) in tables:
            privileges = RESTRICTED.get(table, READ_AND_WRITE)
            connection.execute(
                sql.SQL("REVOKE ALL ON {table} FROM {app}; GRANT {privileges} ON {table} TO {app}").format(
                    table=sql.Identifier("public", table), app=app, privileges=sql.SQL(privileges)
                )
            )
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {privileges} ON TABLES TO {app}").format(
                privileges=sql.SQL(READ_AND_WRITE), app=app
            )
        )


def _database_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def _create_from_identity(connection: psycopg.Connection, role: Role) -> None:
    """Create a role for a managed identity, with a function that only Azure's servers have."""
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
    """`python -m ops.roles --migrator NAME[=OBJECT_ID] --app NAME[=OBJECT_ID]`."""
    parser = argparse.ArgumentParser(
        prog="dev.py roles",
        description="Let two roles into the database of DATABASE_URL. Run it as the administrator.",
    )
    for name, purpose in (("migrator", "owns the tables"), ("app", "reads and writes rows")):
        parser.add_argument(
            f"--{name}", type=Role.parse, required=True, metavar="NAME[=OBJECT_ID]",
            help=f"role that {purpose}; with OBJECT_ID it is created for that managed identity",
        )  # fmt: skip
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL")
    if not url:
        parser.error("DATABASE_URL must be the URL of the database, with the administrator as user")
    try:
        open_database(verified(url), migrator=options.migrator, app=options.app)
    except (ValueError, psycopg.Error) as error:
        print(f"The database could not be opened to both roles: {error}", file=sys.stderr)
        return 1
    print(f"{_database_of(url)} is open to {options.migrator.name} (owner) and {options.app.name} (rows).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
