"""Ctrl-C while a command of dev.py only begins: no traceback, and nothing is left behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.data_directory import ROOT

HELD = """
import os, signal, sys
from local.stopping import hold
hold()
os.kill(os.getpid(), getattr(signal, sys.argv[1]))  # while dev.py gives way to the program
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
"""
SLOW_IMPORT = "\nprint('importing', flush=True)\nimport time\ntime.sleep(600)\n"
MODULE = """
import time
try:
    print("begins", flush=True)
    time.sleep(600)
finally:
    print("cleaned up", flush=True)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what `dev.py` itself needs."""
    root = tmp_path / "checkout"
    for name in ("local", "ops"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dev.py", root)
    return root


def interrupted(arguments: list[str], directory: Path, *, after: str, number: int) -> tuple[int, str]:
    """The exit status and the rest of the output of a Python that gets a signal after it has said `after`."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{after}\n"
        process.send_signal(number)
        return process.wait(), process.stdout.read()


def test_ctrl_c_while_dev_py_is_imported_ends_it_silently(checkout: Path) -> None:
    with (checkout / "local" / "errors.py").open("a", encoding="utf-8") as file:
        file.write(SLOW_IMPORT)
    ended = interrupted(["dev.py", "up"], checkout, after="importing", number=signal.SIGINT)
    assert ended == (-signal.SIGINT, "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_before_up_can_handle_it_stops_up_before_it_starts_anything(
    name: str, tmp_path: Path
) -> None:
    command = ["local.up", "--data-dir", str(tmp_path / "data")]
    result = subprocess.run(
        [sys.executable, "-c", HELD, name, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "Stopped.\n", "")
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_before_a_command_can_handle_it_shows_no_traceback(name: str) -> None:
    command = ["local.dev.launch", "local.tour", "--help"]
    result = subprocess.run(
        [sys.executable, "-c", HELD, name, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "\nStopped.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_cleans_up(number: int, tmp_path: Path) -> None:
    (tmp_path / "slow_command.py").write_text(MODULE, encoding="utf-8")
    arguments = ["-m", "local.dev.launch", "slow_command"]
    status, output = interrupted(arguments, tmp_path, after="begins", number=number)
    assert (status, output) == (130, "cleaned up\n\nStopped.\n")
