"""A growing delay between failed sign-ins (rules 9).

The delay grows with the failures of all clients at one account, but only clients that failed themselves have
to wait. So strangers who guess slow down each other, and cannot lock out the owner of the account.
"""

from datetime import datetime, timedelta
from typing import Final

from bp_core.auth.ports import FailureCount
from bp_core.shared.errors import RateLimited

COUNTED_FOR: Final = timedelta(hours=1)
"""How long a failure counts."""

FREE_FAILURES: Final = 3
"""The number of failures without a delay."""

LONGEST_DELAY: Final = timedelta(minutes=5)


def delay_after(failures: FailureCount) -> timedelta:
    """Return how long a client must wait after its last failure: 2, 4, 8 ... seconds, at most 5 minutes."""
    excess = failures.all_clients - FREE_FAILURES
    if failures.this_client == 0 or excess <= 0:
        return timedelta(0)
    doublings = min(excess, LONGEST_DELAY.seconds.bit_length())  # more would only overflow: see the maximum
    return min(timedelta(seconds=2**doublings), LONGEST_DELAY)


def require_delay_passed(failures: FailureCount, now: datetime) -> None:
    """Check that the client has waited long enough since its last failure.

    Raises RateLimited.
    """
    if failures.this_client_last_at is None:
        return
    wait = failures.this_client_last_at + delay_after(failures) - now
    if wait > timedelta(0):
        message = "Too many failed attempts to sign in. Wait a moment, then try again."
        raise RateLimited(message, retry_after=wait)
