"""The disk of the database is full: writes are refused with a reason, reads work, and the status says so."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.conftest import DatabaseServer
from tests.e2e.function_host.support import eventually
from tests.world import Person, World, error_of

ROOM = "24m"
SERVER_USER = "pgserver"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or bool(os.environ.get("TEST_DATABASE_URL")),
    reason="a small file system for the embedded server can be mounted on Linux by root only",
)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system with little room, which the server can use."""
    disk = Path(tempfile.mkdtemp(prefix="amber-portal-"))  # not below `tmp_path`, which only root can read
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        disk.rmdir()
        pytest.skip("this container may not mount a file system")
    try:
        shutil.chown(disk, SERVER_USER)
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


@pytest.fixture
def database_url(small_disk: Path, postgres_server: DatabaseServer, migrated_template: str) -> Iterator[str]:
    """A database with all of its tables on the small disk."""
    names = {"space": sql.Identifier("small"), "database": sql.Identifier("on_small_disk")}
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        location = {
            **names,
            "path": sql.Literal(str(small_disk)),
            "template": sql.Identifier(migrated_template),
        }
        admin.execute(sql.SQL("CREATE TABLESPACE {space} LOCATION {path}").format(**location))
        create = "CREATE DATABASE {database} TEMPLATE {template} TABLESPACE {space}"
        admin.execute(sql.SQL(create).format(**location))
        yield postgres_server.url("on_small_disk")
        admin.execute(sql.SQL("DROP DATABASE {database} WITH (FORCE)").format(**names))
        admin.execute(sql.SQL("DROP TABLESPACE {space}").format(**names))


def fill(disk: Path) -> Path:
    """Use up the room of the disk; return the file that does."""
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb") as file:
        while True:
            file.write(bytes(4096))
    return filler


def write_until_refused(author: Person) -> list[str]:
    """Write large practices until there is no room; return the titles of those that were stored."""
    stored: list[str] = []
    for number in range(100):
        title = f"Practice {number}"
        response = author.post("/best-practices", {"title": title, "description": os.urandom(5000).hex()})
        if response.status_code != 201:
            assert error_of(response) == (503, "UNAVAILABLE")
            assert "no room left" in response.json()["error"]["message"]
            assert response.headers["Retry-After"] == "5"
            return stored
        stored.append(title)
    raise AssertionError("the disk is not full")


def status(world: World) -> tuple[str, str, bool | None]:
    data = world.browser().get("/health/status").json()["data"]
    return data["status"], data["database"], data["writable"]


@pytest.mark.usefixtures("every_check_is_new")
def test_while_the_disk_is_full_writes_get_503_reads_work_and_the_status_is_degraded(
    world: World, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.health.REFUSED_WRITES_COUNT", timedelta(seconds=1))
    author = world.plant_user()
    assert status(world) == ("ok", "ok", True)
    filler = fill(small_disk)
    assert status(world) == ("degraded", "ok", False)

    stored = write_until_refused(author)
    titles = "SELECT title FROM best_practices ORDER BY created_at"
    assert [title for (title,) in world.query(titles)] == stored
    assert author.get("/best-practices").json()["pagination"]["total"] == len(stored)

    filler.unlink()
    assert author.post("/best-practices", {"title": "Room again"}).status_code == 201
    eventually(lambda: status(world) == ("ok", "ok", True))
