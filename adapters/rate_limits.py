"""Counters of calls in this process's memory, which hold for this instance only."""

import threading
from datetime import datetime
from typing import Final

MOST_KEYS: Final = 10_000
"""So many callers are remembered; beyond, the one that has not called for longest is forgotten."""


class OwnCounter:
    """Counts calls in windows of time, for this instance."""

    def __init__(self) -> None:
        self._hits: dict[str, tuple[datetime, int]] = {}
        self._lock = threading.Lock()

    def count(self, key: str, window_start: datetime) -> int:
        """Count one more call in a window; tell how many there were, this one included."""
        with self._lock:
            start, hits = self._hits.pop(key, (window_start, 0))
            hits = hits + 1 if start == window_start else 1
            self._hits[key] = (
                window_start,
                hits,
            )  # at the end, so that who has not called for longest is first
            if len(self._hits) > MOST_KEYS:
                del self._hits[next(iter(self._hits))]
            return hits
