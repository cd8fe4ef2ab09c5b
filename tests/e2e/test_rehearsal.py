"""Rehearsal of a deployment: from a server without a database, through all migrations, to a running portal.

Each step uses the same role as in Azure: an administrator, who is not a superuser, opens the database; the
migrator creates the tables; the portal runs with a role that can read and write rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from bp_core.jobs import RunTrigger
from functions.jobs import runs
from functions.jobs.catalogue import JOBS, Job
from local.data_directory import DataDirectory
from local.tour.__main__ import main as tour
from ops import migrate, roles
from ops.migrate import downgrade, head_revision, upgrade
from ops.roles import Role, grant_rights, open_database
from tests.conftest import DatabaseServer
from tests.world import World

PASSWORD = "only-for-tests"
PRIVILEGES = """
    SELECT c.relname, grantee.rolname, string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type)
    FROM pg_class c CROSS JOIN aclexplode(c.relacl) acl JOIN pg_roles grantee ON grantee.oid = acl.grantee
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND acl.grantee <> c.relowner
    GROUP BY 1, 2 ORDER BY 1
"""
NIGHTLY_JOBS = [job for job in JOBS.values() if job.schedule_setting]
READ_AND_WRITE = "DELETE, INSERT, SELECT, UPDATE"


@dataclass(frozen=True)
class Deployment:
    """The URLs of a database for each of its roles."""

    administrator: str
    migrator: str
    app: str

    @property
    def roles(self) -> tuple[Role, Role]:
        return Role(user_of(self.migrator)), Role(user_of(self.app))

    def open(self) -> None:
        migrator, app = self.roles
        open_database(self.administrator, migrator=migrator, app=app)

    def migrate(self) -> None:
        upgrade(self.migrator)
        grant_rights(self.migrator, user_of(self.app))


def user_of(url: str) -> str:
    return str(urlsplit(url).username)


def as_user(url: str, user: str) -> str:
    """The same URL for another user."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{PASSWORD}@{host}"))


@pytest.fixture
def deployment(postgres_server: DatabaseServer) -> Iterator[Deployment]:
    """A server with three roles, none of them a superuser, and without a database."""
    suffix = uuid4().hex
    roles = ("administrator", "migrator", "app")
    database, names = f"portal_{suffix}", [f"{role}_{suffix}" for role in roles]
    deployment = Deployment(*(as_user(postgres_server.url(database), name) for name in names))
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as server:
        for name in names:
            option = "CREATEDB" if name == names[0] else ""
            server.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} " + option).format(sql.Identifier(name), PASSWORD)
            )
        yield deployment
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
        for name in names:
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def database_url(deployment: Deployment) -> str:
    """The URL of the migrated database for the portal."""
    deployment.open()
    deployment.migrate()
    return deployment.app


def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql.SQL(query)).fetchall()


def test_the_tour_succeeds_with_a_role_that_can_only_read_and_write_rows(
    data: DataDirectory, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tour(["--data-dir", str(data.path)]) == 0, capsys.readouterr().err

    assert "All responses were correct." in capsys.readouterr().out
    owners = fetch(deployment.app, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners == [(user_of(deployment.migrator),)]


@pytest.mark.parametrize("job", NIGHTLY_JOBS, ids=lambda job: job.name)
def test_every_nightly_job_runs_with_this_role(world: World, job: Job) -> None:
    assert runs.run(world.portal, job, RunTrigger("timer")).state == "completed"


@pytest.mark.parametrize(
    "forbidden",
    [
        "CREATE TABLE anything (id int)",
        "CREATE SCHEMA anything",
        "ALTER TABLE users ADD COLUMN anything int",
        "CREATE INDEX ON users (full_name)",
        "DROP TABLE notifications",
        "TRUNCATE notifications",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "UPDATE audit_log SET action = 'other'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE alembic_version SET version_num = 'other'",
    ],
)
def test_the_portals_role_cannot_change_the_schema_or_the_audit_trail(
    database_url: str, forbidden: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        fetch(database_url, forbidden)


def test_the_portals_role_has_exactly_these_privileges(database_url: str, deployment: Deployment) -> None:
    app = user_of(deployment.app)
    privileges = {table: granted for table, _, granted in fetch(deployment.app, PRIVILEGES)}

    assert {role for _, role, _ in fetch(deployment.app, PRIVILEGES)} == {app}
    assert privileges.pop("audit_log") == "INSERT, SELECT"
    assert privileges.pop("alembic_version") == "SELECT"
    assert set(privileges.values()) == {READ_AND_WRITE}


def test_no_other_role_can_connect(database_url: str, postgres_server: DatabaseServer) -> None:
    other_role = f"other_role_{uuid4().hex}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(other_role), PASSWORD)
        )
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(as_user(database_url, other_role))
        server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(other_role)))


def test_a_new_table_can_be_used_immediately(database_url: str, deployment: Deployment) -> None:
    with psycopg.connect(deployment.migrator) as migration:
        migration.execute("CREATE TABLE next_one (id bigint GENERATED ALWAYS AS IDENTITY, name text)")

    assert fetch(database_url, "INSERT INTO next_one (name) VALUES ('one') RETURNING id") == [(1,)]


def test_a_second_deployment_changes_no_privileges(database_url: str, deployment: Deployment) -> None:
    first = fetch(database_url, PRIVILEGES)

    deployment.open()
    deployment.migrate()

    assert fetch(database_url, PRIVILEGES) == first


def test_connections_without_settings_get_those_of_the_database(database_url: str) -> None:
    names = ("statement_timeout", "lock_timeout", "timezone")
    settings = ", ".join(f"current_setting('{name}')" for name in names)
    assert fetch(database_url, f"SELECT {settings}") == [("8s", "3s", "UTC")]


def test_the_migrator_can_downgrade_and_upgrade(database_url: str, deployment: Deployment) -> None:
    downgrade(deployment.migrator, "base")
    deployment.migrate()

    assert fetch(database_url, "SELECT version_num FROM alembic_version") == [(head_revision(),)]


def test_migrate_grants_the_privileges_on_the_new_tables(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.open()
    monkeypatch.setenv("DATABASE_URL", deployment.migrator)
    monkeypatch.setattr("sys.argv", ["migrate", "up", "--app-role", user_of(deployment.app)])

    assert migrate.main() == 0

    assert f"at revision {head_revision()}" in capsys.readouterr().out
    assert len(fetch(deployment.app, "SELECT id FROM plants")) == 7


def test_roles_prints_the_result_or_the_error(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    migrator, app = (role.name for role in deployment.roles)
    monkeypatch.setattr("sys.argv", ["roles", f"--migrator={migrator}", f"--app={app}"])

    monkeypatch.setenv("DATABASE_URL", deployment.administrator)
    assert roles.main() == 0
    assert f"is open to {migrator} (owner) and {app} (rows)." in capsys.readouterr().out

    monkeypatch.setenv("DATABASE_URL", deployment.app)  # not an owner, so it cannot grant anything
    assert roles.main() == 1
    assert "The database could not be opened to both roles" in capsys.readouterr().err

    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SystemExit):
        roles.main()
    assert "DATABASE_URL must be the URL of the database" in capsys.readouterr().err


def test_in_azure_roles_are_created_once_from_identities(
    deployment: Deployment, postgres_server: DatabaseServer
) -> None:
    suffix = uuid4().hex
    migrator, app = (
        Role(f"id_migrator_{suffix}", "object-of-migrator"),
        Role(f"id_app_{suffix}", "object-of-app"),
    )
    database = sql.Identifier(f"azure_{suffix}")
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(database))
        with psycopg.connect(postgres_server.url(f"azure_{suffix}")) as azure:
            azure.execute("CREATE TABLE created (name text, object_id text, kind text, admin bool, mfa bool)")
            azure.execute("GRANT SELECT ON created TO PUBLIC")
            azure.execute("""
                CREATE FUNCTION pgaadauth_create_principal_with_oid(text, text, text, bool, bool) RETURNS text
                LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                    EXECUTE format('CREATE ROLE %I LOGIN', $1);
                    INSERT INTO created VALUES ($1, $2, $3, $4, $5);
                    RETURN 'Created role for ' || $1;
                END $$
            """)

        for _ in range(2):
            open_database(
                deployment.administrator, migrator=migrator, app=app, maintenance_database=f"azure_{suffix}"
            )

        assert fetch(postgres_server.url(f"azure_{suffix}"), "SELECT * FROM created ORDER BY name DESC") == [
            (migrator.name, "object-of-migrator", "service", False, False),
            (app.name, "object-of-app", "service", False, False),
        ]
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
        portal = sql.Identifier(urlsplit(deployment.administrator).path.removeprefix("/"))
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(portal))
        for role in (migrator, app):
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role.name)))


@pytest.mark.parametrize(
    ("text", "role"), [("portal", Role("portal")), ("portal=0f-1", Role("portal", "0f-1"))]
)
def test_a_role_is_parsed_with_and_without_an_object_id(text: str, role: Role) -> None:
    assert Role.parse(text) == role
