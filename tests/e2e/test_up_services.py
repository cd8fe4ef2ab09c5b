"""The embedded services, PostgreSQL and Azurite: start, stop, and recovery after a crash."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite
from local.demo_users import create_demo_users
from local.errors import SetupError
from local.postgres import EmbeddedPostgres, throwaway_postgres
from local.secrets_file import open_secrets
from local.storage import CONTAINERS, prepare_storage
from ops.migrate import check_reversible, current_revision, head_revision, move_to
from tests.conftest import DatabaseServer, new_database

START_AND_KILL = """
import os, signal, sys
from pathlib import Path
from local.{module} import {service}
{service}(Path(sys.argv[1])).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


def start_and_kill(module: str, service: str, directory: Path) -> None:
    """Start a service from a process that is killed before it can stop the service."""
    program = START_AND_KILL.format(module=module, service=service)
    subprocess.run([sys.executable, "-c", program, str(directory)], check=False)


def processes_in(directory: Path) -> list[str]:
    """The command lines of running processes that contain the directory."""
    lines = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if str(directory) in line]


@pytest.fixture
def postgres(open_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(open_path / "postgres")
    yield server
    server.stop()


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    azurite = Azurite(tmp_path / "azurite")
    yield azurite
    azurite.stop()


@pytest.fixture
def empty_database_url(postgres_server: DatabaseServer) -> Iterator[str]:
    with new_database(postgres_server, template="template0") as name:
        yield postgres_server.url(name)


def test_a_database_survives_a_restart_of_its_server(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("CREATE TABLE stored AS SELECT 42 AS answer")
    postgres.stop()
    assert processes_in(postgres.directory) == []
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT answer FROM stored").fetchone() == (42,)


def test_an_orphaned_server_is_taken_over_and_stopped(postgres: EmbeddedPostgres) -> None:
    start_and_kill("postgres", "EmbeddedPostgres", postgres.directory)
    assert processes_in(postgres.directory) != []
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("portal",)
    postgres.stop()
    assert processes_in(postgres.directory) == []


def test_a_pid_file_with_the_pid_of_another_process_does_not_prevent_a_start(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.start()
    pid_file = postgres.directory / "postmaster.pid"
    first_line, rest = pid_file.read_text().split("\n", 1)
    postgres.stop()
    pid_file.write_text(f"{psutil.Process().pid}\n{rest}")
    postgres.start()
    assert pid_file.read_text().split("\n", 1)[0] not in (first_line, str(psutil.Process().pid))


@pytest.mark.parametrize("name", ["it's a dïrectory with 100% special characters", "long" * 30])
def test_a_directory_may_have_any_name(open_path: Path, name: str) -> None:
    server = EmbeddedPostgres(open_path / name / "postgres")
    try:
        server.start()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_data_of_another_postgresql_version_is_refused_and_not_deleted(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.directory / "PG_VERSION").write_text("12\n")
    with pytest.raises(SetupError, match="is of PostgreSQL 12"):
        postgres.start()
    assert (postgres.directory / "global").exists()


def test_an_interrupted_first_start_is_repeated(postgres: EmbeddedPostgres) -> None:
    postgres.directory.mkdir()
    (postgres.directory / "PG_VERSION").write_text("18\n")
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_initdb_that_was_killed_leaves_nothing(postgres: EmbeddedPostgres) -> None:
    partial = postgres.directory.with_name("postgres.new-killed")
    (partial / "pg_wal").mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert [path.name for path in postgres.directory.parent.glob("postgres*")] == ["postgres"]


def test_a_directory_with_other_files_is_refused_and_keeps_them(postgres: EmbeddedPostgres) -> None:
    postgres.directory.mkdir()
    (postgres.directory / "notes.txt").write_text("mine")
    with pytest.raises(SetupError, match="has files that are not of PostgreSQL"):
        postgres.start()
    assert (postgres.directory / "notes.txt").read_text() == "mine"


def test_a_server_whose_start_was_interrupted_is_stopped(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_and_interrupt(_: EmbeddedPostgres, server: Any) -> None:
        server.start()
        raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddedPostgres, "_start_with_long_timeout", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        postgres.start()
    assert processes_in(postgres.directory) != []
    postgres.stop()
    assert processes_in(postgres.directory) == []


def test_a_throwaway_server_leaves_nothing_behind() -> None:
    with throwaway_postgres() as server:
        directory = server.directory
        assert processes_in(directory) != []
    assert processes_in(directory) == []
    assert not directory.parent.exists()


def test_blobs_and_ports_survive_a_restart_of_azurite(own_azurite: Azurite) -> None:
    own_azurite.start()
    before = own_azurite.connection_string
    prepare_storage(before, ["http://localhost:5173"])
    with BlobServiceClient.from_connection_string(before) as service:
        service.get_blob_client("best-practices", "a blob").upload_blob(b"content")
    own_azurite.stop()
    own_azurite.start()
    assert own_azurite.connection_string == before
    with BlobServiceClient.from_connection_string(before) as service:
        assert service.get_blob_client("best-practices", "a blob").download_blob().readall() == b"content"


def test_an_orphaned_azurite_is_stopped(own_azurite: Azurite) -> None:
    start_and_kill("azurite", "Azurite", own_azurite.directory)
    orphans = processes_in(own_azurite.directory)
    own_azurite.start()
    assert len(orphans) == len(processes_in(own_azurite.directory)) == 1
    own_azurite.stop()
    assert processes_in(own_azurite.directory) == []


def test_storage_can_be_prepared_again_and_keeps_its_cors_rules(storage_connection_string: str) -> None:
    prepare_storage(storage_connection_string, ["http://first.example"])
    prepare_storage(storage_connection_string, ["http://second.example"])
    prepare_storage(storage_connection_string, ["http://second.example"])
    with BlobServiceClient.from_connection_string(storage_connection_string) as service:
        assert sorted(container.name for container in service.list_containers()) == sorted(CONTAINERS)
        origins = [rule.allowed_origins for rule in service.get_service_properties()["cors"]]
    assert origins == ["http://first.example", "http://second.example"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("content-type,x-ms-blob-type", 200),
        ("content-type,x-ms-blob-type,x-ms-version,x-ms-blob-content-type,x-ms-client-request-id", 200),
        ("x-ms-blob-type,x-other", 403),
    ],
)
def test_pages_of_other_origins_can_send_all_headers_of_the_storage(
    storage_connection_string: str, headers: str, status: int
) -> None:
    prepare_storage(storage_connection_string, ["http://first.example"])
    asked = {
        "Origin": "http://first.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": headers,
    }
    with BlobServiceClient.from_connection_string(storage_connection_string) as service:
        answer = httpx.options(f"{service.url}best-practices/joint.jpg", headers=asked)
        blob = httpx.get(f"{service.url}best-practices/joint.jpg", headers={"Origin": asked["Origin"]})
    assert answer.status_code == status
    assert answer.headers.get("Access-Control-Allow-Headers", "") == (headers if status == 200 else "")
    exposed = blob.headers["Access-Control-Expose-Headers"]
    assert "x-ms-request-id" in exposed


def test_the_migrations_are_reversible(empty_database_url: str) -> None:
    check_reversible(empty_database_url)
    assert current_revision(empty_database_url) == head_revision()


def test_a_database_can_move_to_an_earlier_or_later_revision(empty_database_url: str) -> None:
    reached = []
    for target in ("up", "0001", "0002", "down", "up", "base"):
        move_to(empty_database_url, target)
        reached.append(current_revision(empty_database_url))
    assert reached == [head_revision(), "0001", "0002", "0001", head_revision(), None]


def test_demo_users_are_created_once_and_their_passwords_stored(database_url: str, tmp_path: Path) -> None:
    with open_secrets(tmp_path / "secrets.json") as local:
        created = create_demo_users(database_url, local, bcrypt_rounds=4)
    with open_secrets(tmp_path / "secrets.json") as local:
        found = create_demo_users(database_url, local, bcrypt_rounds=4)
    assert created == found
    assert [(account.role, account.plant) for account in created[:2]] == [
        ("hq", None),
        ("plant", "Greater Noida (Ecotech 1)"),
    ]
    assert len({account.password for account in created}) == len(created) == 8
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM users WHERE is_active").fetchone() == (8,)


def test_users_of_another_instance_keep_their_passwords(database_url: str, tmp_path: Path) -> None:
    with open_secrets(tmp_path / "there.json") as local:
        create_demo_users(database_url, local, bcrypt_rounds=4)
    with open_secrets(tmp_path / "here.json") as local:
        accounts = create_demo_users(database_url, local, bcrypt_rounds=4)
    assert {account.password for account in accounts} == {None}
