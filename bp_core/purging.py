"""Removing what is of no use any more: what has ended, run out, or was refused, a while ago."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bp_core.auth.throttling import COUNTED_FOR
from bp_core.uploads.kinds import QUARANTINE

KEPT_FOR: Final = timedelta(days=30)
"""How long what has ended is kept, for who looks into it: sessions, invites, uploads, quarantine."""

LONGEST_WINDOW: Final = timedelta(hours=1)
"""The longest window in which calls are counted."""


@dataclass(frozen=True)
class Limits:
    """What lies before these moments goes: what has ended, windows, failed sign-ins, idempotency keys."""

    ended: datetime
    window: datetime
    failure: datetime
    key: datetime


class ExpiredStore(Protocol):
    """Where things are kept that run out."""

    def purge(self, limits: Limits) -> int:
        """Remove all that lies before its limit; tell how many rows that were."""
        ...


class ExpiredBlobs(Protocol):
    """Where refused blobs are kept."""

    def delete_older(self, container: str, before: datetime) -> int:
        """Delete the blobs of a container that were written before some moment; tell how many."""
        ...


def purge(store: ExpiredStore, blobs: ExpiredBlobs, now: datetime) -> int:
    """Remove what has run out; tell how many rows and blobs that were. Raises Unavailable."""
    limits = Limits(ended=now - KEPT_FOR, window=now - LONGEST_WINDOW, failure=now - COUNTED_FOR, key=now)
    return store.purge(limits) + blobs.delete_older(QUARANTINE, limits.ended)
