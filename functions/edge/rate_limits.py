"""How often a caller may call: three groups of calls, each with its own rate.

Sign-in attempts and uploads are counted in PostgreSQL, for all instances together; all other calls in memory,
for each instance by itself, so that they cost no round trip.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

import azure.functions as func

from bp_core.shared.errors import RateLimited

LimitGroup = Literal["sign_in", "upload", "general", "none"]
"""What a call counts as; `none` for probes, which are not counted."""

WINDOWS: Final = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


class Counter(Protocol):
    """Counts calls in windows of time."""

    def count(self, key: str, window_start: datetime) -> int:
        """Count one more call in a window; tell how many there were, this one included."""
        ...


@dataclass(frozen=True)
class Standing:
    """How a caller stands within a window."""

    most: int
    used: int
    resets_in: timedelta

    @property
    def headers(self) -> dict[str, str]:
        """Tell it to the caller."""
        return {
            "RateLimit-Limit": str(self.most),
            "RateLimit-Remaining": str(max(self.most - self.used, 0)),
            "RateLimit-Reset": str(whole_seconds(self.resets_in)),
        }

    def require_room(self) -> None:
        """Refuse a call too many.

        Raises RateLimited.
        """
        if self.used > self.most:
            raise RateLimited("Too many calls; wait a little.", retry_after=self.resets_in)


@dataclass(frozen=True)
class Limiter:
    """Takes so many calls of one caller in each window of time."""

    most: int
    window: timedelta
    counter: Callable[[], Counter]

    def count(self, key: str, now: datetime) -> Standing:
        """Count a call."""
        start = datetime.fromtimestamp(
            now.timestamp() // self.window.total_seconds() * self.window.total_seconds(), UTC
        )
        used = self.counter().count(key, start)
        return Standing(self.most, used, start + self.window - now)


def limiter(rate: str, counter: Callable[[], Counter]) -> Limiter | None:
    """Read a rate such as "100/minute"; None for "off"."""
    if rate == "off":
        return None
    most, _, unit = rate.partition("/")
    return Limiter(int(most), WINDOWS[unit], counter)


def whole_seconds(wait: timedelta) -> int:
    """Round a wait up to seconds, at least one: who waits so long is in time."""
    return max(1, -int(-wait.total_seconds() // 1))


def named_account(request: func.HttpRequest) -> str:
    """Tell whom a sign-in names, as a short hash, before it is read properly; "" where it does not say."""
    try:
        body = json.loads(request.get_body())
    except (ValueError, RecursionError):
        return ""
    email = body.get("email") if isinstance(body, dict) else None
    if not isinstance(email, str):
        return ""
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:32]
