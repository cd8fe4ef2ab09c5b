"""`dev.py up`, as a process with its output."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from function_host.storage import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from local.azurite import storage_connection_string
from local.data_directory import ROOT
from local.ports import is_free
from tests.conftest import DatabaseServer
from tests.e2e.test_up_services import processes_in

Start = Callable[..., "Up"]


class Up:
    """A started `up`, with its output until it is ready or has ended."""

    def __init__(self, data_dir: Path, port: int, *options: str, **environment: str) -> None:
        self.port = port
        self.data_dir = data_dir
        command = [sys.executable, "-m", "local.up", "--data-dir", str(data_dir), "--port", str(port)]
        inherited = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            env={**inherited, "BCRYPT_ROUNDS": "4", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.output = ""
        for line in self.process.stdout:
            self.output += line
            if line.startswith("Ctrl-C"):
                break

    @property
    def portal(self) -> dict[str, Any]:
        """The content of portal.json."""
        content: dict[str, Any] = json.loads((self.data_dir / "portal.json").read_text(encoding="utf-8"))
        return content

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal, if it still runs, and wait for the end. Returns the exit status."""
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.process.send_signal(number)
            self.output += self.process.communicate()[0]
        return self.process.returncode


@pytest.fixture
def start(open_path: Path) -> Iterator[Start]:
    """Starts `up`, by default on a data directory of the test and a free port. Stops it afterwards."""
    started: list[Up] = []

    def start(
        *options: str, data_dir: Path = open_path / "data", port: int | None = None, **environment: str
    ) -> Up:
        started.append(Up(data_dir, port or free_port(), *options, **environment))
        return started[-1]

    yield start
    for up in started:
        up.stop()


@dataclass(frozen=True)
class Run:
    """A complete run of `up` and some responses of the portal."""

    up: Up
    portal: dict[str, Any]
    health: httpx.Response
    docs: httpx.Response
    exit_status: int


@pytest.fixture(scope="module")
def first_run(open_directory: Path) -> Run:
    """A first start, with a change in the database, stopped with Ctrl-C."""
    up = Up(open_directory / "first", free_port())
    try:
        portal = up.portal
        health, docs = (httpx.get(f"{portal['base_url']}{path}") for path in ("/health", "/docs"))
        with psycopg.connect(portal["database_url"]) as connection:
            connection.execute("UPDATE plants SET division = 'Changed' WHERE name = 'Supa'")
    finally:
        exit_status = up.stop()
    return Run(up, portal, health, docs, exit_status)


def storage_connection_string_of(port: int) -> str:
    """The connection string of an Azurite at a port."""
    return storage_connection_string(
        blob_port=port, queue_port=port, table_port=port, account=DEVELOPMENT_ACCOUNT, key=DEVELOPMENT_KEY
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def test_up_serves_and_prints_its_addresses(first_run: Run) -> None:
    base_url = f"http://127.0.0.1:{first_run.up.port}"
    assert first_run.portal["base_url"] == base_url
    assert first_run.health.is_success
    assert f"The portal runs on {base_url}\n" in first_run.up.output
    assert f"Its documentation: {base_url}/docs\n" in first_run.up.output
    assert first_run.docs.is_success


def test_all_demo_users_are_printed_and_in_portal_json(first_run: Run) -> None:
    accounts = first_run.portal["accounts"]
    assert sorted(account["role"] for account in accounts) == ["hq", *["plant"] * 7]
    for account in accounts:
        assert re.search(rf"{account['email']} +{re.escape(account['password'])} ", first_run.up.output)


def test_ctrl_c_stops_everything(first_run: Run) -> None:
    assert first_run.exit_status == 0
    assert first_run.up.output.endswith("Stopped.\n")
    assert processes_in(first_run.up.data_dir) == []
    assert is_free(first_run.up.port)


def test_data_secrets_and_blob_urls_survive_a_restart(first_run: Run, start: Start) -> None:
    second = start(data_dir=first_run.up.data_dir, port=first_run.up.port)
    assert second.portal == first_run.portal
    with psycopg.connect(second.portal["database_url"]) as connection:
        row = connection.execute("SELECT division FROM plants WHERE name = 'Supa'").fetchone()
    assert row == ("Changed",)
    assert second.stop(signal.SIGTERM) == 0


def test_orphans_of_a_killed_up_are_taken_over_and_stopped(start: Start) -> None:
    killed = start()
    before = killed.portal
    killed.stop(signal.SIGKILL)
    assert processes_in(killed.data_dir) != []
    after = start(port=killed.port)
    assert after.portal == before
    assert after.stop() == 0
    assert processes_in(killed.data_dir) == []
    assert is_free(killed.port)


def test_a_second_up_on_the_same_data_is_refused_and_a_crashed_portal_stops_the_first(start: Start) -> None:
    first = start("--no-demo")
    second = start("--fresh")
    assert second.stop() == 1
    assert f"http://127.0.0.1:{first.port}, process {first.process.pid}" in second.output
    assert httpx.get(f"{first.portal['base_url']}/health").is_success

    psutil.Process(json.loads((first.data_dir / "host.pid").read_text())["pid"]).kill()
    first.process.wait()
    assert first.stop() == 1
    assert "stopped unexpectedly by signal 9" in first.output
    assert "Function host ready" in first.output
    assert f"The whole log: {first.data_dir / 'host.log'}." in first.output
    assert processes_in(first.data_dir) == []
    start("--no-demo").stop()
    assert f":{first.port}\n" in (first.data_dir / "host.log.1").read_text()


def test_a_port_in_use_is_reported_before_anything_starts(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        up = start(port=server.getsockname()[1])
        assert up.stop() == 1
    assert f"Port {up.port} is used" in up.output
    assert "--port" in up.output
    assert not (up.data_dir / "postgres").exists()


def test_fresh_deletes_all_data_and_no_demo_creates_no_users(start: Start, open_path: Path) -> None:
    old = [open_path / "data" / name for name in ("postgres/PG_VERSION", "azurite/a blob", "secrets.json")]
    for file in old:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("of an old portal")
    up = start("--fresh", "--no-demo")
    with psycopg.connect(up.portal["database_url"]) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert up.portal["accounts"] == []
    assert not any(file.exists() and file.read_text() == "of an old portal" for file in old)


def test_an_unreachable_database_is_reported_with_what_to_do(
    start: Start, storage_connection_string: str
) -> None:
    url = "postgresql://nobody:pepper@127.0.0.1:1/portal"
    up = start(DATABASE_URL=url, AzureWebJobsStorage=storage_connection_string)
    assert up.stop() == 1
    assert "\nThe database of DATABASE_URL cannot be used: connection failed: " in up.output
    assert "unset it to use the embedded PostgreSQL" in up.output
    assert "Traceback" not in up.output
    assert "pepper" not in up.output


def test_an_unreachable_storage_is_reported_before_anything_starts(start: Start) -> None:
    up = start(AzureWebJobsStorage=storage_connection_string_of(port=1))
    assert up.stop() == 1
    assert "\nThe storage account of AzureWebJobsStorage cannot be used: " in up.output
    assert "Start Azurite there or correct AzureWebJobsStorage." in up.output
    assert not (up.data_dir / "postgres").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BCRYPT_ROUNDS", "ten"),
        ("DATABASE_POOL_SIZE", "many"),
        ("KEEP_PHOTO_METADATA", "perhaps"),
        ("DATABASE_URL", "postgresql://me:pepper%zz@127.0.0.1/portal"),
        ("AzureWebJobsStorage", "pepper"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_starts(start: Start, name: str, value: str) -> None:
    up = start(**{name: value})
    assert up.stop() == 1
    assert up.output.startswith(f"\nThe portal cannot start. {name}: ")
    assert "pepper" not in up.output
    assert not (up.data_dir / "postgres").exists()


def test_a_wrong_setting_of_the_host_is_named(start: Start) -> None:
    up = start("--no-demo", RATE_STARS_SCHEDULE="daily")
    assert up.stop() == 1
    assert "setting RATE_STARS_SCHEDULE: the schedule 'daily' must have six fields\n" in up.output


@pytest.mark.parametrize("below", [".", "data"])
def test_a_data_directory_that_is_a_file_is_refused(start: Start, open_path: Path, below: str) -> None:
    (open_path / "file").write_text("a file")
    up = start(data_dir=open_path / "file" / below)
    assert up.stop() == 1
    assert up.output.startswith("\nThe data directory cannot be used: ")
    assert up.output.endswith(f": {open_path / 'file' / below}\nChoose another with `--data-dir`.\n")


def test_a_port_that_is_none_is_refused(start: Start) -> None:
    up = start("--port", "70000")
    assert up.stop() == 2
    assert up.output.endswith("argument --port: '70000' is not a port: a number from 1 to 65535\n")


def test_two_ups_with_one_database_are_two_instances_of_one_portal(
    start: Start,
    open_path: Path,
    postgres_server: DatabaseServer,
    database_url: str,
    storage_connection_string: str,
) -> None:
    shared = {
        "DATABASE_URL": database_url,
        "AzureWebJobsStorage": storage_connection_string,
        "AMBER_CACHE_DIR": str(open_path / "cache"),
    }
    first = start(data_dir=open_path / "one", **shared)
    second = start(data_dir=open_path / "two", **shared)
    assert first.portal["accounts"] == second.portal["accounts"]
    token = sign_in(first)
    assert me(second, token).json()["data"]["role"] == "hq"
    assert first.stop() == 0
    assert me(second, token).is_success


def test_an_up_on_the_embedded_database_of_another_shares_its_secrets(start: Start, open_path: Path) -> None:
    first = start(data_dir=open_path / "one")
    second = start(data_dir=open_path / "two", DATABASE_URL=first.portal["database_url"])
    assert second.portal["accounts"] == first.portal["accounts"]
    token = sign_in(first)
    assert me(second, token).json()["data"]["role"] == "hq"
    assert second.stop() == 0
    assert me(first, token).is_success


def sign_in(up: Up) -> str:
    """An access token of headquarters."""
    account = up.portal["accounts"][0]
    credentials = {"email": account["email"], "password": account["password"]}
    answer = httpx.post(f"{up.portal['base_url']}/api/v1/auth/login", json=credentials)
    token: str = answer.json()["access_token"]
    return token


def me(up: Up, token: str) -> httpx.Response:
    """Who the portal says that the token is of."""
    return httpx.get(
        f"http://127.0.0.1:{up.port}/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}
    )
