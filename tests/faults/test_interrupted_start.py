"""The first start is interrupted or killed at many moments, or meets a full disk, and is repeated."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import psutil
import pytest

from local.data_directory import ROOT
from local.dev.environment import REQUIREMENTS
from tests.e2e.test_up import Up, free_port, me, sign_in
from tests.e2e.test_up_services import processes_in
from tests.faults.report import PROPERTY, Row
from tests.faults.servers import kill_all
from tests.faults.trial import Size

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
TOO_SMALL, LARGE_ENOUGH = "size=20m", "size=400m"


@dataclass(frozen=True)
class Ended:
    """How a command has ended, and what it said."""

    status: int
    output: str


def interrupted(
    command: Sequence[str], directory: Path, *, after: float, number: int, **environment: str
) -> Ended:
    """Run a command, and send it a signal `after` seconds after its first line."""
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=directory,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after)
        process.send_signal(number)
        status = process.wait()
        if number == signal.SIGKILL:
            return Ended(status, first)  # its children may keep the output open
        return Ended(status, first + process.stdout.read())


def kill_all_in(directory: Path) -> None:
    """Kill what still runs there, as a crash of the machine would."""
    running = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(directory) in argument for argument in process.cmdline()):
                running.append(process)
    kill_all(running)


def moments(size: Size, *, until: float) -> list[float]:
    """When to interrupt, in seconds after the first line of output."""
    count = size.count(bounded=3, full=24)
    return [until * number / count for number in range(count)]


def report(request: pytest.FixtureRequest, fault: str) -> None:
    request.node.user_properties.append((PROPERTY, asdict(Row(fault))))


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that the user of the database server can read, if the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture
def checkout(open_path: Path) -> Path:
    """A checkout in which nothing is installed, and no package is required."""
    root = open_path / "checkout"
    for name in ("local", "ops"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "requirements", root / "requirements")
    for name in ("dev.py", "requirements.in", "requirements.txt"):
        shutil.copy(ROOT / name, root)
    for name in REQUIREMENTS:
        (root / name).write_text("# none\n", encoding="utf-8")
    return root


@pytest.fixture
def small_disk(open_path: Path) -> Iterator[Path]:
    """A disk that is too small for the portal."""
    disk = open_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", TOO_SMALL, "tmpfs", disk], check=False).returncode != 0:
        pytest.skip("needs the right to mount a disk")
    try:
        disk.chmod(0o755)
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_set_up_can_be_interrupted_at_any_moment_and_repeated(
    checkout: Path, size: Size, request: pytest.FixtureRequest
) -> None:
    times = moments(size, until=4)
    for after, number in zip(times, cycle(SIGNALS), strict=False):
        ended = interrupted(["dev.py", "tour", "--list"], checkout, after=after, number=number)
        assert ended.output.startswith("1/2 Creating .venv ...\n")
        if number == signal.SIGKILL:
            kill_all_in(checkout)
        else:
            assert ended.output.endswith("\n\nStopped. The same command can be run again.\n"), after
            assert (ended.status, processes_in(checkout)) == (130, []), after
    report(request, f"the set-up interrupted {len(times)} times")
    last = subprocess.run([sys.executable, "dev.py", "check", "none"], cwd=checkout, text=True, check=False)
    assert last.returncode == 2  # the set-up is complete, and there is no such check
    assert (checkout / ".venv" / "installed-packages.txt").exists()


def test_the_first_start_can_be_interrupted_at_any_moment_and_repeated(
    open_path: Path, size: Size, request: pytest.FixtureRequest
) -> None:
    data, port, times = open_path / "data", free_port(), moments(size, until=6)
    command = ["-m", "local.up", "--data-dir", str(data), "--port", str(port)]
    for after, number in zip(times, cycle(SIGNALS), strict=False):
        ended = interrupted(command, ROOT, after=after, number=number, BCRYPT_ROUNDS="4")
        if number != signal.SIGKILL:
            assert ended.output.endswith("Stopped.\n"), after
            assert (ended.status, processes_in(data)) == (0, []), after
    up = Up(data, port)
    try:
        assert me(up, sign_in(up)).json()["data"]["role"] == "hq"
    finally:
        assert up.stop() == 0
    assert processes_in(data) == []
    report(request, f"dev.py up interrupted {len(times)} times")


def test_a_full_disk_at_the_first_start_is_named_and_the_start_can_be_repeated(
    small_disk: Path, request: pytest.FixtureRequest
) -> None:
    failed = Up(small_disk / "data", free_port(), BCRYPT_ROUNDS="4")
    assert failed.stop() == 1
    assert "\nPostgreSQL could not create its data in " in failed.output
    assert "No space left on device" in failed.output
    assert "Traceback" not in failed.output
    assert processes_in(small_disk) == []
    subprocess.run(["mount", "-o", f"remount,{LARGE_ENOUGH}", small_disk], check=True)
    up = Up(small_disk / "data", free_port(), BCRYPT_ROUNDS="4")
    try:
        assert me(up, sign_in(up)).is_success
    finally:
        assert up.stop() == 0
    report(request, "the disk full at the first start")
