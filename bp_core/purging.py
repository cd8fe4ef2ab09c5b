"""Deletion of expired rows, of old quarantined files and of exports."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bp_core.auth.throttling import COUNTED_FOR
from bp_core.shared.context import Context
from bp_core.uploads.kinds import QUARANTINE

RETENTION: Final = timedelta(days=30)
"""How long ended sessions, expired invites and uploads, and quarantined files stay for investigation."""

EXPORTS: Final = "exports"
"""The container of large exports."""

EXPORT_RETENTION: Final = timedelta(days=1)
"""How long a large export is stored."""

LONGEST_WINDOW: Final = timedelta(hours=1)
"""The longest window of a rate limit."""


@dataclass(frozen=True)
class PurgeLimits:
    """The times before which rows are deleted.

    `ended` is for sessions, invites and uploads, `window` for rate limits, `failure` for failed sign-ins,
    `key` for idempotency keys and password resets.
    """

    ended: datetime
    window: datetime
    failure: datetime
    key: datetime


class ExpiredStore(Protocol):
    """Deletes expired rows."""

    def purge(self, limits: PurgeLimits) -> int:
        """Delete all rows that are older than their limit; return how many."""
        ...


class ExpiredBlobs(Protocol):
    """Deletes old blobs."""

    def delete_older(self, container: str, before: datetime) -> int:
        """Delete the blobs of a container that were written before a time; return how many."""
        ...


@dataclass(frozen=True)
class PurgeService:
    """Deletes expired rows and blobs. Called by a job."""

    store: ExpiredStore
    blobs: ExpiredBlobs
    context: Context

    def purge(self) -> int:
        """Delete expired rows and blobs; return how many. Raises Unavailable."""
        now = self.context.now
        limits = PurgeLimits(
            ended=now - RETENTION, window=now - LONGEST_WINDOW, failure=now - COUNTED_FOR, key=now
        )
        deleted = self.store.purge(limits) + self.blobs.delete_older(QUARANTINE, limits.ended)
        return deleted + self.blobs.delete_older(EXPORTS, now - EXPORT_RETENTION)
