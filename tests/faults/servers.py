"""A PostgreSQL and an Azurite that a test may kill and start again. Both keep their data on the disk."""

import json
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

from local.azurite import Azurite
from local.postgres import EmbeddedPostgres

DEATH_SECONDS = 10.0


class KillablePostgres(EmbeddedPostgres):
    """A server with the usual durability: what it has committed survives SIGKILL."""

    def kill(self) -> None:
        """Kill every process of the server with SIGKILL, as a crash of the machine would."""
        postmaster = self.postmaster()
        postmaster.send_signal(signal.SIGSTOP)  # so that it starts no more children
        kill_all([*postmaster.children(recursive=True), postmaster])
        # Where nobody reaps it, the dead process keeps its pid, and a new server takes it for a running one.
        assert self._socket_directory is not None
        for lock in self._socket_directory.glob(".s.PGSQL.*"):
            lock.unlink()

    def postmaster(self) -> psutil.Process:
        """The process that starts all others of the server."""
        recorded = (self.directory / "postmaster.pid").read_text(encoding="utf-8")
        return psutil.Process(int(recorded.partition("\n")[0]))


class KillableAzurite(Azurite):
    """An Azurite that can be killed. It writes its index every five seconds: a kill loses younger blobs."""

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        kill_all([self.process()])
        self.stop()

    def is_running(self) -> bool:
        """Whether it was started and neither stopped nor killed."""
        return self._process is not None

    def process(self) -> psutil.Process:
        """Its process."""
        return psutil.Process(json.loads(self._pid_file.read_text(encoding="utf-8"))["pid"])


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kill processes with SIGKILL and wait until they are gone."""
    alive = list(processes)
    for each in alive:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    wait_until(lambda: not any(is_alive(each) for each in alive), DEATH_SECONDS, "a killed process is alive")


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs and is not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], object], seconds: float, failure: str) -> None:
    """Wait until a condition holds. Raises AssertionError with the message `failure` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.02)
