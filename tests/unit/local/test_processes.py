"""Child processes, and orphans of a killed parent."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local import processes
from local.processes import ServiceProcess, stop_orphan

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
