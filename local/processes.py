"""Child processes: ended by whoever started them, and found again where that one died without doing so."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

# A group of its own, so that Ctrl-C in a terminal reaches only us and we end things in good order.
if sys.platform == "win32":
    _OWN_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _OWN_GROUP = 0

PATIENCE_SECONDS = 10
"""How long a process may take to end by itself before it is killed."""

_POLL_SECONDS = 0.02


class ServiceProcess:
    """A long-running child with its output in `log` and its identity in `pid_file`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        pid_file: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.command = list(command)
        self.log = log
        self.pid_file = pid_file
        self._environment = dict(os.environ if environment is None else environment)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its log begins anew."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._directory,
                start_new_session=sys.platform != "win32",
                creationflags=_OWN_GROUP,
            )
        identity = {"pid": self._process.pid, "command": self.command}
        self.pid_file.write_text(json.dumps(identity), encoding="utf-8")

    def exit_status(self) -> int | None:
        """The status with which the process ended, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """End the process and its children, by force where they take longer than PATIENCE_SECONDS."""
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):
            _end(psutil.Process(self._process.pid))
        self._process.wait()
        self._process = None
        self.pid_file.unlink(missing_ok=True)

    def last_lines(self, count: int = 20) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def end_leftover(pid_file: Path) -> bool:
    """End the process that `pid_file` names, if it still runs that very command; True if it did."""
    try:
        identity = json.loads(pid_file.read_text(encoding="utf-8"))
        process = psutil.Process(identity["pid"])
        ours: bool = process.cmdline() == identity["command"]
    except (OSError, ValueError, TypeError, KeyError, psutil.Error):
        ours = False
    if ours:
        _end(process)
    pid_file.unlink(missing_ok=True)
    return ours


def _end(process: psutil.Process) -> None:
    family = [process, *process.children(recursive=True)]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for one in family:
            with suppress(psutil.NoSuchProcess):
                end(one)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (family := [one for one in family if _works(one)]) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _works(process: psutil.Process) -> bool:
    """Whether the process is more than an entry that its parent, or a container's init, never cleared."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
