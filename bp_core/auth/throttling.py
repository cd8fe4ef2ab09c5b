"""A growing delay between failed sign-ins (rules 9).

The delay grows with the failures of all clients at one account, but only clients that failed themselves have
to wait. So strangers who guess slow down each other, and cannot lock out the owner of the account.

A client is a network address, and colleagues can share one. So a device of the owner is a client of its own,
for which only its own failures count. And an address from which people sign in has more failures without a
delay: the same number for every e-mail, so that it does not show which e-mails are known.
"""

from datetime import datetime, timedelta
from typing import Final

from bp_core.auth.ports import FailureCount
from bp_core.shared.errors import RateLimited

COUNTED_FOR: Final = timedelta(hours=1)
"""How long a failure counts."""

KNOWN_FOR: Final = timedelta(days=30)
"""How long an address is known after somebody signed in from it."""

FREE_FAILURES: Final = 3
"""The number of failures without a delay."""

FREE_FAILURES_AT_KNOWN_ADDRESS: Final = 20
"""The number of failures without a delay at an address from which people sign in: a plant, for example."""

LONGEST_DELAY: Final = timedelta(minutes=5)


def delay_after(failures: FailureCount, *, own_device: bool = False) -> timedelta:
    """Return how long a client must wait after its last failure: 2, 4, 8 ... seconds, at most 5 minutes."""
    excess = _excess(failures, own_device=own_device)
    if failures.this_client == 0 or excess <= 0:
        return timedelta(0)
    doublings = min(excess, LONGEST_DELAY.seconds.bit_length())  # more would only overflow: see the maximum
    return min(timedelta(seconds=2**doublings), LONGEST_DELAY)


def require_delay_passed(failures: FailureCount, now: datetime, *, own_device: bool = False) -> None:
    """Check that the client has waited long enough since its last failure.

    Raises RateLimited.
    """
    if failures.this_client_last_at is None:
        return
    wait = failures.this_client_last_at + delay_after(failures, own_device=own_device) - now
    if wait > timedelta(0):
        message = "Too many failed attempts to sign in. Wait a moment, then try again."
        raise RateLimited(message, retry_after=wait)


def _excess(failures: FailureCount, *, own_device: bool) -> int:
    """Return how many failures count for the delay."""
    if own_device:
        return failures.this_client - FREE_FAILURES
    free = FREE_FAILURES_AT_KNOWN_ADDRESS if failures.address_is_known else FREE_FAILURES
    return failures.all_clients - free
