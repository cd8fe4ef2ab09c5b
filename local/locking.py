"""A lock between processes, held by the operating system: it ends with its holder, however that one dies.

Standard library only, since dev.py uses it before anything is installed.
"""

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

# The locked byte lies far behind the text in the file: Windows forbids others to read a locked region.
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
    """An exclusive lock on a file, which may hold a line about the holder for those who find it locked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; with `wait=False` return False at once where another process holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        while not _try_lock(descriptor):
            if not wait:
                os.close(descriptor)
                return False
            time.sleep(_RETRY_SECONDS)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; the file stays, for deleting it would let two processes lock two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def describe_holder(self, text: str) -> None:
        """Leave `text` in the lock's file for `holder`."""
        self.path.write_text(text, encoding="utf-8")

    def holder(self) -> str:
        """What the last holder left with `describe_holder`, or an empty string."""
        return self.path.read_text(encoding="utf-8") if self.path.exists() else ""

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
