"""What the commands `backup` and `restore` share: errors, signals, and lines of progress."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import psycopg
from azure.core.exceptions import AzureError

from local.backups.archive import BackupError
from local.errors import SetupError

EMBEDDED: Final = ("DATABASE_URL", "AzureWebJobsStorage")
"""Settings that replace an embedded service."""

INTERVAL_SECONDS: Final = 1.0
KILOBYTE: Final = 1024


def run_command(name: str, work: Callable[[], None]) -> int:
    """Run a command and print its error, if any. Returns the exit status."""
    _interrupt_on_signals()
    try:
        _require_embedded()
        work()
    except (SetupError, psycopg.Error, AzureError, OSError) as error:
        print(f"\nThe {name} failed, and nothing was changed. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nThe {name} was stopped, and nothing was changed.", file=sys.stderr)
        return 130
    return 0


def _interrupt_on_signals() -> None:
    """Let the first of these signals raise KeyboardInterrupt; the others do not disturb the cleanup."""

    def interrupt(_number: int, _frame: object) -> None:
        ignore_signals()
        raise KeyboardInterrupt

    for number in _stop_signals():
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(number, interrupt)


def ignore_signals() -> None:
    """Let nothing interrupt this process from now on: it is about to end."""
    for number in _stop_signals():
        signal.signal(number, signal.SIG_IGN)


def _stop_signals() -> list[int]:
    return [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _require_embedded() -> None:
    if external := [name for name in EMBEDDED if os.environ.get(name)]:
        raise BackupError(
            f"{' and '.join(external)} in the environment points to external data. Only embedded data are\n"
            "backed up and restored. Use pg_dump and pg_restore for an external PostgreSQL, and copy the\n"
            "files of an external Azurite while it is stopped; for Azure see docs/deployment.md."
        )


class Lines:
    """Lines of progress on standard output: at most one a second, and the last one of each kind."""

    def __init__(self) -> None:
        self._shown_at = 0.0
        self._pending = ""

    def show(self, line: str) -> None:
        """Show a line, or remember it if the last one was shown less than a second ago."""
        if self._pending and self._pending.partition(":")[0] != line.partition(":")[0]:
            self.flush()
        self._pending = line
        if time.monotonic() - self._shown_at >= INTERVAL_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Show the remembered line."""
        if self._pending:
            with suppress(OSError):  # a closed terminal must not stop a backup
                print(self._pending, flush=True)
            self._shown_at = time.monotonic()
        self._pending = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()


def size_of(count: int) -> str:
    """A number of bytes for people: `3.4 MB`."""
    megabytes = count / KILOBYTE / KILOBYTE
    return f"{megabytes:.1f} MB"
