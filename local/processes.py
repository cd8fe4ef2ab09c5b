"""Child processes that are stopped by their parent, or by the next start if the parent was killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

# A process group of its own: Ctrl-C in a terminal then reaches only the parent, which stops the child.
if sys.platform == "win32":
    _OWN_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _OWN_GROUP = 0

STOP_TIMEOUT_SECONDS = 10
"""How long a process may take to stop before it is killed."""

_POLL_SECONDS = 0.02
_SIGKILL = 9


class ServiceProcess:
    """A long-running child process. Its output is in `log`, its pid and command are in `pid_file`.

    `kept_logs` is how many logs of earlier starts are kept, beside `log`: `.1` is the newest of them.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        pid_file: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        kept_logs: int = 0,
    ) -> None:
        self.command = list(command)
        self.log = log
        self.pid_file = pid_file
        self._environment = dict(os.environ if environment is None else environment)
        self._directory = directory
        self._kept_logs = kept_logs
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process with an empty log."""
        for number in range(self._kept_logs, 0, -1):
            if (older := self._earlier_log(number - 1)).exists():
                older.replace(self._earlier_log(number))
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
        """The exit status, or None while the process runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """Stop the process and its children. Kill them after STOP_TIMEOUT_SECONDS."""
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):
            _stop_tree(psutil.Process(self._process.pid))
        self._process.wait()
        self._process = None
        self.pid_file.unlink(missing_ok=True)

    def _earlier_log(self, number: int) -> Path:
        """The log of the start before `number` others; 0 is the current one."""
        return self.log.with_name(f"{self.log.name}.{number}") if number else self.log

    def last_lines(self, count: int = 20) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def describe_end(status: int) -> str:
    """How a process has ended: its exit status, or the signal that killed it."""
    if status >= 0:
        return f"with status {status}"
    hint = ": somebody killed it, or the machine has no free memory" if -status == _SIGKILL else ""
    return f"by signal {-status}{hint}"


def stop_orphan(pid_file: Path) -> bool:
    """Stop the process in `pid_file` if it still runs with the same command. Returns whether it did."""
    try:
        identity = json.loads(pid_file.read_text(encoding="utf-8"))
        process = psutil.Process(identity["pid"])
        is_ours: bool = process.cmdline() == identity["command"]
    except (OSError, ValueError, TypeError, KeyError, psutil.Error):
        is_ours = False
    if is_ours:
        _stop_tree(process)
    pid_file.unlink(missing_ok=True)
    return is_ours


def _stop_tree(process: psutil.Process) -> None:
    processes = [process, *process.children(recursive=True)]
    for stop in (psutil.Process.terminate, psutil.Process.kill):
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                stop(each)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while (processes := [each for each in processes if _is_alive(each)]) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    """Whether the process runs and is not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
