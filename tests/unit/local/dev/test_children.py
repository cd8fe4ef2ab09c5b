"""Programs that dev.py waits for: their end, and what happens to them if dev.py is stopped."""

import json
import sys
from pathlib import Path

import psutil
import pytest

from local.dev import children
from local.locking import FileLock
from local.stopping import Stopped

PARENT = """
import json, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open("pids.partial", "w") as file:
    json.dump([os.getpid(), child.pid], file)
os.rename("pids.partial", "pids")
time.sleep(600)
"""
LOCK_IS_HELD = "import os, sys; os.fstat(int(sys.argv[1]))"


def never() -> None:
    """Nobody asks to stop."""


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_program_runs_to_its_end_with_its_output(tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as output:
        program = "import os, sys; print(os.environ['SAID']); sys.exit(3)"
        status = children.run(
            [sys.executable, "-c", program],
            directory=tmp_path,
            check=never,
            variables={"SAID": "done"},
            output=output,
        )
    assert (status, (tmp_path / "output").read_text()) == (3, "done\n")


def test_a_program_is_stopped_with_all_that_it_has_started(tmp_path: Path) -> None:
    def check() -> None:
        if (tmp_path / "pids").exists():
            raise Stopped

    with pytest.raises(Stopped):
        children.run([sys.executable, "-c", PARENT], directory=tmp_path, check=check)
    pids = json.loads((tmp_path / "pids").read_text())
    assert [pid for pid in pids if is_running(pid)] == []


def test_a_program_keeps_the_lock_of_the_installation(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with lock:
        [descriptor] = lock.descriptors
        command = [sys.executable, "-c", LOCK_IS_HELD, str(descriptor)]
        kept = children.run(command, directory=tmp_path, check=never, descriptors=lock.descriptors)
    assert (kept, lock.descriptors) == (0, ())
