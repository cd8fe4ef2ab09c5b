"""Requests to stop: Ctrl-C, SIGTERM, a closed terminal.

Standard library only: dev.py uses this module before any package is installed.
"""

import signal
import sys
from types import FrameType
from typing import Final

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_NUMBERS: Final = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
_HANGUP: Final = getattr(signal, "SIGHUP", None)


class Stopped(Exception):
    """A signal asked to stop."""


class StopSignals:
    """Records signals. `check`, called between two steps, raises Stopped if there was one.

    A step is never interrupted, so that no process is left half started, and no traceback is shown. Signals
    that `hold` has kept back arrive as soon as there is a StopSignals.
    """

    def __init__(self) -> None:
        self.received = False
        for number in accepted():
            signal.signal(number, self._record)
        release()

    def _record(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True

    def check(self) -> None:
        """Raise Stopped if there was a signal."""
        if self.received:
            raise Stopped


def accepted() -> list[int]:
    """The signals that ask to stop. A closed terminal does not, if nohup has started the process."""
    return [number for number in _NUMBERS if number != _HANGUP or signal.getsignal(number) != signal.SIG_IGN]


def hold() -> None:
    """Keep signals back until `release`, also while another program replaces this one (not on Windows)."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, _NUMBERS)


def release() -> None:
    """Let the signals arrive that `hold` has kept back."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _NUMBERS)
