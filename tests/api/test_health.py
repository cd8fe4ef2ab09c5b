"""The health endpoints."""

import base64
import re
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from bp_core.shared.errors import Unavailable
from functions import bootstrap
from functions.version import VERSION
from tests.world import World, error_of

pytestmark = pytest.mark.usefixtures("every_check_is_new")

CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'amber-portal' AND datname = current_database()
"""


def test_the_portal_is_alive_without_asking_the_database(world: World) -> None:
    data = world.browser().get("/health").json()["data"]
    assert (data["status"], data["version"]) == ("ok", VERSION)
    assert data["uptime_s"] >= 0
    assert world.query(CONNECTIONS) == [(0,)]


def test_the_database_answers(world: World) -> None:
    data = world.browser().get("/health/db").json()["data"]
    assert data["status"] == "ok"
    assert data["latency_ms"] > 0
    assert world.query(CONNECTIONS) == [(1,)]


def test_the_status_shows_what_works_and_the_last_run_of_each_job(world: World) -> None:
    browser = world.browser()
    healthy = {
        "status": "ok", "version": VERSION, "database": "ok", "storage": "ok", "migrated": True,
        "writable": True, "restored_copy": False, "jobs": [],
    }  # fmt: skip
    assert browser.get("/health/status").json()["data"] == healthy
    for _ in range(2):
        world.clock.advance(timedelta(seconds=1))
        world.run_timer("rate_stars")
    last_run = {"name": "rate_stars", "state": "completed", "started_at": "2026-08-15T06:30:02Z"}
    assert browser.get("/health/status").json()["data"] == {**healthy, "jobs": [last_run]}


def test_the_status_shows_that_the_database_has_another_schema(world: World) -> None:
    browser = world.browser()
    for statement in (
        "UPDATE alembic_version SET version_num = '0001'",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version, job_runs",
    ):
        world.query(statement)
        response = browser.get("/health/status")
        assert response.status_code == 200, statement
        data = response.json()["data"]
        assert (data["status"], data["database"], data["migrated"]) == ("degraded", "ok", False), statement
        assert browser.get("/health/db").status_code == 200


def test_the_status_shows_that_the_storage_denies_access(world: World) -> None:
    wrong_key = base64.b64encode(b"a key that opens nothing").decode()
    settings = {"AzureWebJobsStorage": re.sub(r"AccountKey=[^;]+", f"AccountKey={wrong_key}", world.storage)}
    elsewhere = World(world.database_url, world.storage, world.clock, settings)
    bootstrap.install(elsewhere.portal)

    response = elsewhere.browser().get("/health/status")

    elsewhere.close()
    assert response.status_code == 200
    assert (response.json()["data"]["status"], response.json()["data"]["storage"]) == (
        "degraded",
        "unavailable",
    )


def status(world: World) -> tuple[str, str, bool | None]:
    """What the status says of the portal, the database, and whether it can be written."""
    data = world.browser().get("/health/status").json()["data"]
    return data["status"], data["database"], data["writable"]


def set_read_only(world: World, value: str) -> None:
    with psycopg.connect(world.database_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}").format(
                sql.Identifier(admin.info.dbname), sql.SQL(value)
            )
        )
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'amber-portal' AND datname = current_database()"
        )


def test_the_status_shows_that_the_database_is_read_only_and_writes_get_503(world: World) -> None:
    author = world.plant_user()
    assert status(world) == ("ok", "ok", True)
    set_read_only(world, "on")
    world.portal.close()
    bootstrap.install(bootstrap.build(world.portal.settings, world.clock))

    assert status(world) == ("degraded", "ok", False)
    assert world.browser().get("/health/db").json()["data"]["writable"] is False
    refused = author.post("/best-practices", {"title": "Never stored"})
    assert error_of(refused) == (503, "UNAVAILABLE")
    assert refused.headers["Retry-After"] == "5"
    assert "read-only" in refused.json()["error"]["message"]
    assert author.get("/best-practices").status_code == 200


def test_the_status_shows_a_write_that_the_database_has_just_refused(world: World) -> None:
    assert status(world) == ("ok", "ok", True)
    with pytest.raises(Unavailable), world.portal.database.transaction() as work:
        work.run("SET TRANSACTION READ ONLY")
        work.run("DELETE FROM categories")

    assert status(world) == ("degraded", "ok", False)
