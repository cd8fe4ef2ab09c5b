"""`dev.py up`, as a person at a terminal meets it."""

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

from local.data_directory import ROOT
from local.ports import is_free
from tests.conftest import DatabaseServer
from tests.e2e.test_up_services import processes_in

Start = Callable[..., "Up"]


class Up:
    """A started `up`, with its words, read until it is ready or has ended."""

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
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Ctrl-C"):
                break

    @property
    def portal(self) -> dict[str, Any]:
        """What it tells scripts."""
        content: dict[str, Any] = json.loads((self.data_dir / "portal.json").read_text(encoding="utf-8"))
        return content

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal, if it still runs, and wait for the end; the exit status."""
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.process.send_signal(number)
            self.said += self.process.communicate()[0]
        return self.process.returncode


@pytest.fixture
def start(open_path: Path) -> Iterator[Start]:
    """Starts `up`, on the test's data directory and a free port unless told otherwise; ends it afterwards."""
    started: list[Up] = []

    def start(
        *options: str, data_dir: Path = open_path / "data", port: int | None = None, **environment: str
    ) -> Up:
        started.append(Up(data_dir, port or free_port(), *options, **environment))
        return started[-1]

    yield start
    for up in started:
        up.end()


@dataclass(frozen=True)
class Run:
    """What was seen of an `up` from its start to its end."""

    up: Up
    portal: dict[str, Any]
    health: httpx.Response
    docs: httpx.Response
    exit_status: int


@pytest.fixture(scope="module")
def first_run(open_directory: Path) -> Run:
    """A first start, with some work done before it was ended by Ctrl-C."""
    up = Up(open_directory / "first", free_port())
    try:
        portal = up.portal
        health, docs = (httpx.get(f"{portal['base_url']}{path}") for path in ("/health", "/docs"))
        with psycopg.connect(portal["database_url"]) as connection:
            connection.execute("UPDATE plants SET division = 'Changed' WHERE name = 'Supa'")
    finally:
        exit_status = up.end()
    return Run(up, portal, health, docs, exit_status)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def test_up_serves_and_tells_how_to_reach_it(first_run: Run) -> None:
    base_url = f"http://127.0.0.1:{first_run.up.port}"
    assert first_run.portal["base_url"] == base_url
    assert first_run.health.is_success
    assert f"The portal runs on {base_url}\n" in first_run.up.said
    assert f"Its documentation: {base_url}/docs\n" in first_run.up.said
    assert first_run.docs.is_success


def test_everybody_in_the_demo_can_be_found_on_the_screen_and_by_scripts(first_run: Run) -> None:
    accounts = first_run.portal["accounts"]
    assert sorted(account["role"] for account in accounts) == ["hq", *["plant"] * 7]
    for account in accounts:
        assert re.search(rf"{account['email']} +{re.escape(account['password'])} ", first_run.up.said)


def test_ctrl_c_ends_everything_that_was_started(first_run: Run) -> None:
    assert first_run.exit_status == 0
    assert first_run.up.said.endswith("Stopped.\n")
    assert processes_in(first_run.up.data_dir) == []
    assert is_free(first_run.up.port)


def test_data_secrets_and_blob_addresses_survive_a_restart(first_run: Run, start: Start) -> None:
    second = start(data_dir=first_run.up.data_dir, port=first_run.up.port)
    assert second.portal == first_run.portal
    with psycopg.connect(second.portal["database_url"]) as connection:
        row = connection.execute("SELECT division FROM plants WHERE name = 'Supa'").fetchone()
    assert row == ("Changed",)
    assert second.end(signal.SIGTERM) == 0


def test_what_a_killed_up_left_running_is_taken_over_and_ended(start: Start) -> None:
    killed = start()
    told = killed.portal
    killed.end(signal.SIGKILL)
    assert processes_in(killed.data_dir) != []
    after = start(port=killed.port)
    assert after.portal == told
    assert after.end() == 0
    assert processes_in(killed.data_dir) == []
    assert is_free(killed.port)


def test_a_second_up_on_the_same_data_is_refused_and_a_portal_that_dies_ends_the_first(start: Start) -> None:
    first = start("--no-demo")
    second = start("--fresh")
    assert second.end() == 1
    assert f"http://127.0.0.1:{first.port}, process {first.process.pid}" in second.said
    assert httpx.get(f"{first.portal['base_url']}/health").is_success

    psutil.Process(json.loads((first.data_dir / "host.pid").read_text())["pid"]).kill()
    first.process.wait()
    assert first.end() == 1
    assert "has ended by itself" in first.said
    assert "Portal host ready" in first.said
    assert processes_in(first.data_dir) == []


def test_a_taken_port_is_named_before_anything_is_started(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        up = start(port=server.getsockname()[1])
        assert up.end() == 1
    assert f"Port {up.port} is taken" in up.said
    assert "--port" in up.said
    assert not (up.data_dir / "postgres").exists()


def test_fresh_begins_again_and_without_demo_nobody_is_made(start: Start, open_path: Path) -> None:
    old = [open_path / "data" / name for name in ("postgres/PG_VERSION", "azurite/a blob", "secrets.json")]
    for file in old:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("of an earlier portal")
    up = start("--fresh", "--no-demo")
    with psycopg.connect(up.portal["database_url"]) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert up.portal["accounts"] == []
    assert not any(file.exists() and file.read_text() == "of an earlier portal" for file in old)


def test_a_database_that_does_not_answer_is_named(start: Start) -> None:
    up = start(DATABASE_URL="postgresql://nobody@127.0.0.1:1/portal", AzureWebJobsStorage="unused")
    assert up.end() == 1
    assert "connection" in up.said
    assert "Traceback" not in up.said


def test_two_ups_on_one_database_are_two_instances_of_one_portal(
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
    account = first.portal["accounts"][0]
    credentials = {"email": account["email"], "password": account["password"]}
    answer = httpx.post(f"{first.portal['base_url']}/api/v1/auth/login", json=credentials)
    token = answer.json()["access_token"]
    me = f"{second.portal['base_url']}/api/v1/auth/me"
    assert httpx.get(me, headers={"Authorization": f"Bearer {token}"}).json()["data"]["role"] == "hq"
    assert first.end() == 0
    assert httpx.get(me, headers={"Authorization": f"Bearer {token}"}).is_success
