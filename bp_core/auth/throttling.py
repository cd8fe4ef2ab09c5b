"""A growing delay between failed attempts to sign in (rules 9).

Failures are counted per account, and the delay grows with all of them; but only a client that has failed
itself has to wait. So a stranger who guesses slows down strangers who guess, and never locks the owner out.
"""

from datetime import datetime, timedelta
from typing import Final

from bp_core.auth.store import Failures
from bp_core.shared.errors import RateLimited

COUNTED_FOR: Final = timedelta(hours=1)
"""How long a failure counts."""

FREE_FAILURES: Final = 3
"""So many mistypings cost nothing."""

LONGEST_DELAY: Final = timedelta(minutes=5)


def delay_after(failures: Failures) -> timedelta:
    """Tell how long a client must wait after its last failure: 2, 4, 8 ... seconds, 5 minutes at most."""
    excess = failures.everybodys - FREE_FAILURES
    if failures.own == 0 or excess <= 0:
        return timedelta(0)
    doublings = min(excess, LONGEST_DELAY.seconds.bit_length())  # no need to count beyond the cap
    return min(timedelta(seconds=2**doublings), LONGEST_DELAY)


def require_patience(failures: Failures, now: datetime) -> None:
    """Refuse an attempt that comes too soon after this client's last failure.

    Raises RateLimited.
    """
    if failures.own_last_at is None:
        return
    wait = failures.own_last_at + delay_after(failures) - now
    if wait > timedelta(0):
        raise RateLimited("Too many failed attempts to sign in; wait a little.", retry_after=wait)
