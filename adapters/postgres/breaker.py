"""A circuit breaker: while the database is known to be away, calls are refused at once instead of waiting."""

import math
import threading
import time
from collections.abc import Callable
from typing import Final

PROBE_INTERVAL: Final = 1.0
"""Seconds between two calls that are let through while the breaker is open."""

GRACE: Final = 1.0
"""If a connection worked within this many seconds, a failed attempt to connect does not open the breaker."""


class Breaker:
    """Decides whether a call may wait for a connection.

    Closed: every call may. Open: one call in PROBE_INTERVAL may, as a probe; the others are refused.
    It opens when connecting has failed for some time and no connection works.
    It closes as soon as one works.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._is_open = False
        self._worked_at = -math.inf
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the database is known to be away."""
        return self._is_open

    def succeeded(self) -> None:
        """Note that a connection works."""
        with self._lock:
            self._worked_at = self._clock()
            self._is_open = False

    def failed(self) -> None:
        """Note that connecting has failed for some time."""
        with self._lock:
            now = self._clock()
            if not self._is_open and now - self._worked_at > GRACE:
                self._is_open = True
                self._next_probe = now + PROBE_INTERVAL

    def admits(self) -> bool:
        """Whether a call may wait for a connection."""
        if not self._is_open:
            return True
        with self._lock:
            now = self._clock()
            if now < self._next_probe:
                return False
            self._next_probe = now + PROBE_INTERVAL
            return True
