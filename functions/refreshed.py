"""Values that are expensive to compute, and asked for by many."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Computed(Generic[Value]):
    value: Value
    at: float


class Refreshed(Generic[Value]):
    """A value that is computed again if it is older than `lifetime`, by one caller at a time.

    Meanwhile the others get the last value. Only before there is one, callers wait for each other. `compute`
    must not raise.
    """

    def __init__(self, compute: Callable[[], Value], lifetime: timedelta) -> None:
        self._compute = compute
        self._lifetime = lifetime.total_seconds()
        self._turn = threading.Lock()
        self._last: _Computed[Value] | None = None

    def get(self) -> Value:
        """Return the value."""
        last = self._last
        if last is not None and monotonic() - last.at < self._lifetime:
            return last.value
        if not self._turn.acquire(blocking=last is None):
            assert last is not None  # noqa: S101 - for the type checker: otherwise the lock was waited for
            return last.value
        try:
            if self._last is None or self._last is last:
                value = self._compute()
                self._last = _Computed(value, monotonic())
            return self._last.value
        finally:
            self._turn.release()
