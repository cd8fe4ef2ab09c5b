"""Expensive calls: few of each user at a time, on all instances together."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from adapters.postgres.expensive_calls import SLOTS, PostgresExpensiveCalls
from bp_core.shared.errors import RateLimited, Unavailable
from functions.bootstrap import Portal

LONGEST_CALL: Final = timedelta(minutes=5)
"""How long a slot is in use at most: the host ends every call then (functionTimeout in host.json)."""

RETRY_AFTER: Final = timedelta(seconds=10)


@contextmanager
def expensive_call(portal: Portal, user_id: UUID, now: datetime) -> Iterator[None]:
    """Count the block as an expensive call of a user.

    Raises RateLimited if too many are running.
    """
    calls = PostgresExpensiveCalls(portal.database.autocommit())
    until = now + LONGEST_CALL
    slot = calls.claim(user_id, now, until)
    if slot is None:
        raise RateLimited(
            f"{SLOTS} of your exports and imports are running. Try again when one has finished.",
            retry_after=RETRY_AFTER,
        )
    try:
        yield
    finally:
        with suppress(Unavailable):  # otherwise the slot becomes free by itself
            calls.release(user_id, slot, until)
