"""The portal with another clock: the file CLOCK_FILE has the seconds by which it is ahead, and may change."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.clock import SystemClock
from function_host.server import FunctionHost

FILE = Path(os.environ["CLOCK_FILE"])


def shifted() -> datetime:
    """The time of this host."""
    return datetime.now(UTC) + timedelta(seconds=float(FILE.read_text(encoding="utf-8")))


defaults = FunctionHost.__init__.__kwdefaults__
assert defaults is not None
defaults["clock"] = shifted
SystemClock.now = lambda _: shifted()  # type: ignore[method-assign, assignment]
