"""Child processes, and orphans of a killed parent."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local import processes
from local.processes import ServiceProcess, describe_end, stop_orphan

SLEEPER = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]


@contextmanager
def running(directory: Path, command: list[str] = SLEEPER) -> Iterator[ServiceProcess]:
    """A running service process."""
    service = ServiceProcess(command, log=directory / "log", pid_file=directory / "pid")
    service.start()
    try:
        while "ready" not in service.last_lines():
            assert service.exit_status() is None
        yield service
    finally:
        service.stop()


def test_a_service_is_stopped_with_its_children(tmp_path: Path) -> None:
    parent = f"import subprocess, sys; subprocess.run({SLEEPER!r})"
    with running(tmp_path, [sys.executable, "-c", parent]):
        tree = [psutil.Process(json.loads((tmp_path / "pid").read_text())["pid"])]
        tree += tree[0].children(recursive=True)
    assert len(tree) == 2
    assert not any(processes._is_alive(process) for process in tree)
    assert not (tmp_path / "pid").exists()


def test_an_orphaned_process_is_stopped(tmp_path: Path) -> None:
    with running(tmp_path) as orphan:
        assert stop_orphan(tmp_path / "pid")
        assert orphan.exit_status() is not None
        assert not (tmp_path / "pid").exists()


def test_another_process_with_the_pid_of_an_orphan_is_not_stopped(tmp_path: Path) -> None:
    this = psutil.Process()
    (tmp_path / "pid").write_text(json.dumps({"pid": this.pid, "command": SLEEPER}))
    assert not stop_orphan(tmp_path / "pid")
    assert this.is_running()


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": 99999999, "command": []}'])
def test_a_damaged_or_stale_pid_file_is_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert not stop_orphan(tmp_path / "pid")


def test_logs_of_earlier_starts_are_kept(tmp_path: Path) -> None:
    for number in range(5):
        command = [sys.executable, "-c", f"print('start {number}')"]
        service = ServiceProcess(command, log=tmp_path / "log", pid_file=tmp_path / "pid", kept_logs=2)
        service.start()
        while service.exit_status() is None:
            pass
    logs = {path.name: path.read_text() for path in tmp_path.glob("log*")}
    assert logs == {"log": "start 4\n", "log.1": "start 3\n", "log.2": "start 2\n"}


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (1, "with status 1"),
        (-15, "by signal 15"),
        (-9, "by signal 9: somebody killed it, or the machine has no free memory"),
    ],
)
def test_the_end_of_a_process_is_explained(status: int, text: str) -> None:
    assert describe_end(status) == text
