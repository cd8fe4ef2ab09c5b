"""Programs that dev.py waits for. If it is stopped meanwhile, they are stopped with all their children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

STOP_TIMEOUT_SECONDS = 10
"""How long programs may take to stop before they are killed."""

_POLL_SECONDS = 0.05


def run(
    command: Sequence[str],
    *,
    directory: Path,
    check: Callable[[], None],
    variables: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
    descriptors: Sequence[int] = (),
) -> int:
    """Run a program to its end and return its exit status.

    `check` is called again and again; what it raises stops the program. `variables` are added to its
    environment. `descriptors` stay open in the program (not on Windows).
    """
    child = subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches only this process, and all below it can be stopped together
        pass_fds=() if sys.platform == "win32" else descriptors,
    )
    try:
        while (status := child.poll()) is None:
            check()
            time.sleep(_POLL_SECONDS)
    except BaseException:
        _stop(child)
        raise
    return status


def _stop(child: "subprocess.Popen[bytes]") -> None:
    if sys.platform == "win32":
        tree = ["taskkill", "/F", "/T", "/PID", str(child.pid)]
        subprocess.run(tree, capture_output=True, check=False)
    else:
        _stop_group(child)
    child.wait()


def _stop_group(child: "subprocess.Popen[bytes]") -> None:
    """Stop the child and everything that it has started: they are one process group."""
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    with suppress(ProcessLookupError, PermissionError):  # nothing runs in the group any more
        os.killpg(child.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            child.poll()
            os.killpg(child.pid, 0)
            time.sleep(_POLL_SECONDS)
        os.killpg(child.pid, signal.SIGKILL)
