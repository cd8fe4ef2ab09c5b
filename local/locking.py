"""A lock between processes. The operating system releases it when the process ends, even after a crash.

Standard library only: dev.py uses it before any package is installed.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

# The locked byte is far behind the text in the file: Windows does not let others read a locked region.
_LOCKED_BYTE = 1 << 30
_RETRY_SECONDS = 0.2

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class FileLock:
    """An exclusive lock on a file. The file can have a text about the process that owns the lock.

    `on_acquired` is called each time that this object acquires the lock.
    """

    def __init__(self, path: Path, on_acquired: Callable[[], None] | None = None) -> None:
        self.path = path
        self._on_acquired = on_acquired
        self._descriptor: int | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Acquire the lock. With `wait=False`, return False immediately if another process has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        while not _try_lock(descriptor):
            if not wait:
                os.close(descriptor)
                return False
            time.sleep(_RETRY_SECONDS)
        self._descriptor = descriptor
        if self._on_acquired is not None:
            self._on_acquired()
        return True

    def release(self) -> None:
        """Release the lock. The file stays: without it two processes could lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The file, while this process has the lock. A child in which it stays open keeps the lock, too."""
        return () if self._descriptor is None else (self._descriptor,)

    def write_owner(self, text: str) -> None:
        """Write a text about this process to the lock file."""
        self.path.write_text(text, encoding="utf-8")

    def read_owner(self) -> str:
        """The text that the last owner wrote with `write_owner`, or an empty string."""
        return self.path.read_text(encoding="utf-8") if self.path.exists() else ""

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
