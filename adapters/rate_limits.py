"""Counters for rate limits: the port, and the counter in the memory of this process."""

import threading
from datetime import datetime
from typing import Final, Protocol

from typing_extensions import override

MAX_KEYS: Final = 10_000
"""How many callers are remembered; after that, the one with the oldest request is forgotten."""


class Counter(Protocol):
    """Counts requests in windows of time."""

    def count(self, key: str, window_start: datetime) -> int:
        """Count one more request in a window; return how many there were, this one included."""
        ...

    def known(self, key: str, window_start: datetime) -> int:
        """Return how many requests were counted in a window, as far as this process knows."""
        ...


class MemoryCounter(Counter):
    """Counts the requests that this process gets."""

    def __init__(self) -> None:
        self._hits: dict[str, tuple[datetime, int]] = {}
        self._lock = threading.Lock()

    @override
    def count(self, key: str, window_start: datetime) -> int:
        with self._lock:
            start, hits = self._hits.pop(key, (window_start, 0))
            hits = hits + 1 if start == window_start else 1
            # Inserted at the end: the first key is that of the oldest request.
            self._hits[key] = (window_start, hits)
            if len(self._hits) > MAX_KEYS:
                del self._hits[next(iter(self._hits))]
            return hits

    @override
    def known(self, key: str, window_start: datetime) -> int:
        start, hits = self._hits.get(key, (window_start, 0))
        return hits if start == window_start else 0
