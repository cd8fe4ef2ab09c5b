"""Examines uploaded files in a process of its own (`adapters.files.examination`), one at a time.

The process is started when it is first needed, and stopped when it was not needed for a while, so that its
memory is given back. It is a fresh interpreter, not a fork: it inherits neither memory nor secrets, and works
on Windows as well.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from typing_extensions import override

from adapters.files import frames
from adapters.files.examination import OUT_OF_MEMORY, TOO_MUCH_MEMORY
from adapters.files.frames import Header
from bp_core.shared.errors import Unavailable
from bp_core.uploads.kinds import MEGABYTE, ImageSize, RejectedFileError
from bp_core.uploads.ports import Examined, Examiner, ExaminerBusy

TOO_LONG: Final = "The file takes too long to be opened."
UNSAFE: Final = "The file cannot be opened safely."
BUSY: Final = "Too many files are being examined; try again shortly."
FAILED: Final = "The file cannot be examined now; try again shortly."

ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND: Final = ("-P", "-m", "adapters.files.examination")

INHERITED: Final = ("SYSTEMROOT", "LD_LIBRARY_PATH", "PYTHONHOME")
"""The only variables of the environment that the process gets: what an interpreter needs to start."""

IS_WINDOWS: Final = os.name == "nt"
CRASHED_ON_WINDOWS: Final = 0xC0000000
"""The smallest exit code of a process that Windows has ended because of an error."""

CRASHES: Final = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS"})
"""The signals that a decoder causes itself."""


@dataclass(frozen=True)
class ExaminerLimits:
    """The limits of an examination.

    The system enforces `cpu_seconds`, and `memory_bytes` of what the process writes to; its code adds some
    12 MB, so that it stays below 200 MB in all. `wall_seconds` is for a process that makes no progress. At
    most `waiting` calls wait for their turn, each for `wait_seconds`.
    """

    cpu_seconds: int = 5
    wall_seconds: float = 60
    memory_bytes: int = 180 * MEGABYTE
    waiting: int = 5
    wait_seconds: float = 20
    idle_seconds: float = 60


class ProcessEndedError(Exception):
    """The process ended during an examination; `reason` says why, if it is the fault of the file."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason or "for another reason")
        self.reason = reason


class FileExaminer(Examiner):
    """Examines images and documents, in the process that it starts."""

    def __init__(self, *, keep_metadata: bool = False, limits: ExaminerLimits | None = None) -> None:
        self._keep_metadata = keep_metadata
        self._limits = limits or ExaminerLimits()
        self._turn = threading.Lock()
        self._waiting = threading.BoundedSemaphore(self._limits.waiting + 1)
        self._process: ExaminerProcess | None = None
        self._idle: threading.Timer | None = None

    @override
    def examine(self, data: bytes, content_type: str, *, with_thumbnail: bool) -> Examined:
        request: Header = {
            "content_type": content_type,
            "with_thumbnail": with_thumbnail,
            "keep_metadata": self._keep_metadata,
        }
        with self._in_turn():
            header, parts = self._answer(request, data)
        if "rejected" in header:
            raise RejectedFileError(str(header["rejected"]))
        return _examined(header, parts, data)

    def close(self) -> None:
        """Stop the process."""
        with self._turn:
            self._stop()

    @property
    def process_id(self) -> int | None:
        """The process that examines files, if it runs."""
        return None if self._process is None else self._process.process_id

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait for the turn of this call. Raises ExaminerBusy if too many calls wait, or for too long."""
        if not self._waiting.acquire(blocking=False):
            raise ExaminerBusy(BUSY)
        try:
            if not self._turn.acquire(timeout=self._limits.wait_seconds):
                raise ExaminerBusy(BUSY)
            try:
                yield
            finally:
                self._stop_later()
                self._turn.release()
        finally:
            self._waiting.release()

    def _answer(self, request: Header, data: bytes) -> tuple[Header, list[bytes]]:
        """Ask the process, and a new one if it ends without a fault of the file."""
        for _ in range(2):
            try:
                return self._started().ask(request, data)
            except ProcessEndedError as end:
                self._stop()
                if end.reason is not None:
                    raise RejectedFileError(end.reason) from end
        raise Unavailable(FAILED)

    def _started(self) -> "ExaminerProcess":
        if self._process is None or not self._process.is_alive:
            self._stop()
            self._process = ExaminerProcess(self._limits)
        return self._process

    def _stop(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _stop_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = threading.Timer(self._limits.idle_seconds, self._stop_if_idle)
        self._idle.daemon = True
        self._idle.start()

    def _stop_if_idle(self) -> None:
        if self._turn.acquire(blocking=False):
            try:
                self._stop()
            finally:
                self._turn.release()


class ExaminerProcess:
    """A process that examines files until it is stopped. Used by one thread at a time.

    Raises ProcessEndedError if it does not start.
    """

    def __init__(self, limits: ExaminerLimits) -> None:
        self._limits = limits
        self._process = _start()
        try:
            self._exchange(asdict(limits))
        except ProcessEndedError as end:
            self.stop()
            raise ProcessEndedError(None) from end

    @property
    def process_id(self) -> int:
        """The id of the process in the system."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, request: Header, data: bytes) -> tuple[Header, list[bytes]]:
        """Send a request and a file; return the answer. Raises ProcessEndedError."""
        return self._exchange(request, data)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not sent yet cannot be sent any more
                    stream.close()

    def _exchange(self, header: Header, *parts: bytes) -> tuple[Header, list[bytes]]:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise ProcessEndedError(None)
        late = threading.Event()
        deadline = threading.Timer(self._limits.wall_seconds, self._end, [late])
        deadline.start()
        try:
            frames.send(requests, header, *parts)
            return frames.receive(answers)
        except (OSError, frames.BrokenMessageError) as error:
            self._process.kill()
            raise ProcessEndedError(_fault(self._process.wait(), is_late=late.is_set())) from error
        finally:
            deadline.cancel()

    def _end(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()


def _fault(exit_code: int, *, is_late: bool) -> str | None:
    """Return why a file is rejected that ended the process; None if the file is not to blame."""
    if exit_code == OUT_OF_MEMORY:
        return TOO_MUCH_MEMORY
    if IS_WINDOWS:
        if is_late:
            return TOO_LONG
        return UNSAFE if exit_code >= CRASHED_ON_WINDOWS else None
    name = signal.Signals(-exit_code).name if exit_code < 0 else ""
    if name == "SIGXCPU":
        return TOO_LONG
    # Late without having computed for long: the machine is busy, and another time it is not.
    return UNSAFE if name in CRASHES else None


def _start() -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, with a module of the portal
            [sys.executable, *COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise ProcessEndedError(None) from error


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    paths = [str(ROOT), *(path for path in sys.path if path)]
    # One arena that is trimmed: the memory of a large image goes back to the system at once.
    memory = {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "1048576",
        "MALLOC_TRIM_THRESHOLD_": "1048576",
    }
    return {**inherited, **memory, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def _examined(header: Header, parts: list[bytes], data: bytes) -> Examined:
    """Return the result of an examination. Raises Unavailable for an answer that the process never gives."""
    try:
        left = iter(parts)
        stored = next(left) if header["is_changed"] else data
        thumbnail = next(left) if header["has_thumbnail"] else None
        size = ImageSize(int(header["size"][0]), int(header["size"][1])) if header["size"] else None
    except (StopIteration, LookupError, TypeError, ValueError) as error:
        raise Unavailable(FAILED) from error
    return Examined(stored, size, thumbnail)
