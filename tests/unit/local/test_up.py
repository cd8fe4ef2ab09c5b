"""The parts of `dev.py up` that need no service."""

import json
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local import core_tools, keeping, processes, up
from local.data_directory import Account, DataDirectory
from local.locking import FileLock
from local.ports import is_free
from local.problems import StartError
from local.processes import ServiceProcess, end_leftover
from local.storage import prepare_storage

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)"]


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


@contextmanager
def running(directory: Path, command: list[str] = SLEEPER) -> Iterator[ServiceProcess]:
    """A service whose sleeper is awake."""
    service = ServiceProcess(command, log=directory / "log", pid_file=directory / "pid")
    service.start()
    try:
        while "awake" not in service.last_lines():
            assert service.exit_status() is None
        yield service
    finally:
        service.stop()


def test_a_lock_is_held_by_one_only_and_tells_who_that_is(tmp_path: Path) -> None:
    holder, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert holder.acquire(wait=False)
    holder.describe_holder("me")
    assert not other.acquire(wait=False)
    assert other.holder() == "me"
    holder.release()
    assert other.acquire(wait=False)
    other.release()


def test_a_port_is_free_until_something_listens_on_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_port_that_a_server_on_all_addresses_has_is_taken() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_a_service_is_ended_with_its_children(tmp_path: Path) -> None:
    parent = f"import subprocess, sys; subprocess.run({SLEEPER!r})"
    with running(tmp_path, [sys.executable, "-c", parent]):
        family = [psutil.Process(json.loads((tmp_path / "pid").read_text())["pid"])]
        family += family[0].children(recursive=True)
    assert len(family) == 2
    assert not any(processes._works(process) for process in family)
    assert not (tmp_path / "pid").exists()


def test_what_a_dead_predecessor_left_running_is_ended(tmp_path: Path) -> None:
    with running(tmp_path) as left:
        assert end_leftover(tmp_path / "pid")
        assert left.exit_status() is not None
        assert not (tmp_path / "pid").exists()


def test_a_process_that_only_has_the_number_of_a_dead_one_is_left_alone(tmp_path: Path) -> None:
    ours = psutil.Process()
    (tmp_path / "pid").write_text(json.dumps({"pid": ours.pid, "command": SLEEPER}))
    assert not end_leftover(tmp_path / "pid")
    assert ours.is_running()


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": 99999999, "command": []}'])
def test_a_damaged_or_outdated_pid_file_does_no_harm(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert not end_leftover(tmp_path / "pid")


def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    with keeping.kept_secrets(path) as first:
        first.passwords["hq@amber.example"] = "a password"
        first.store()
    with keeping.kept_secrets(path) as second:
        assert second == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_database_has_the_same_secrets_for_all_instances_whatever_their_password() -> None:
    one, same, other = (
        keeping.shared_secrets_path(url)
        for url in (
            "postgresql://me:old@db.example/portal",
            "host=db.example dbname=portal user=me password=new",
            "postgresql://me:old@db.example/other",
        )
    )
    assert one == same
    assert one != other


def test_scripts_find_the_portal_in_a_file_of_their_users_own(data: DataDirectory) -> None:
    account = Account("hq@amber.example", "a password", "hq", None)
    data.write_portal(
        base_url="http://x", database_url="postgresql://y", storage_connection_string="z", accounts=[account]
    )
    assert data.read_portal() == {
        "base_url": "http://x",
        "database_url": "postgresql://y",
        "storage_connection_string": "z",
        "accounts": [
            {"email": "hq@amber.example", "password": "a password", "role": "hq", "plant": None},
        ],
    }
    assert stat.S_IMODE(data.portal.stat().st_mode) == 0o600


def test_forgetting_leaves_what_is_not_the_portals(data: DataDirectory) -> None:
    data.postgres.mkdir(parents=True)
    data.azurite.mkdir()
    (data.path / "notes.txt").touch()
    data.forget()
    assert [path.name for path in data.path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["DATABASE_URL", "AzureWebJobsStorage"])
def test_fresh_never_touches_data_elsewhere(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "somewhere")
    data.postgres.mkdir(parents=True)
    with pytest.raises(StartError, match=name):
        up._forget(data)
    assert data.postgres.exists()


def test_an_account_in_azure_is_not_touched() -> None:
    account = (
        "DefaultEndpointsProtocol=https;AccountName=amber;AccountKey=cGVwcGVy;EndpointSuffix=core.windows.net"
    )
    with pytest.raises(StartError, match="AzureWebJobsStorage must lead to Azurite") as refused:
        prepare_storage(account, [])
    assert "cGVwcGVy" not in str(refused.value)


def test_the_environment_overrides_the_sample_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAR_POLICY", "ratio")
    settings = up._settings()
    assert settings["STAR_POLICY"] == "ratio"
    assert settings["BUSINESS_TIMEZONE"] == "Asia/Kolkata"


def test_without_core_tools_func_is_refused_with_the_way_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(StartError, match="npm install --global azure-functions-core-tools@4"):
        core_tools.command(7071)


def test_core_tools_get_the_sample_with_the_real_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = {"IsEncrypted": False, "Values": {"STAR_POLICY": "banded", "JWT_SECRET": ""}, "Host": {}}
    (tmp_path / "local.settings.sample.json").write_text(json.dumps(sample))
    monkeypatch.setattr(core_tools, "ROOT", tmp_path)
    core_tools.write_settings({"JWT_SECRET": "made here"})
    core_tools.write_settings({"DATABASE_URL": "postgresql://x"})
    written = json.loads((tmp_path / "local.settings.json").read_text())
    values = {"STAR_POLICY": "banded", "JWT_SECRET": "made here", "DATABASE_URL": "postgresql://x"}
    assert written == {**sample, "Values": values}


def test_core_tools_use_the_python_that_has_the_packages() -> None:
    environment = core_tools.python_environment()
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
