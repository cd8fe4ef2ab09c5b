"""Rate limits: how many requests a caller may send in a window of time.

Sign-in attempts for an account, and uploads, are counted in PostgreSQL, for all instances together. The rest
is counted in memory, for each instance alone, so that it costs no database query.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import azure.functions as func

from adapters.rate_limits import Counter
from bp_core.auth.devices import account_key, known_device
from bp_core.auth.ports import TokenIssuer
from bp_core.shared.errors import RateLimited

LimitGroup = Literal["sign_in", "sign_in_client", "upload", "general", "none"]
"""The limit that a request counts against; `none` for probes, which are not counted.

What counts against `sign_in` by client and account also counts against `sign_in_client`, by client alone.
"""

WINDOWS: Final = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


@dataclass(frozen=True)
class RateLimitStatus:
    """The state of one caller's limit in the current window, this request included."""

    limit: int
    used: int
    resets_in: timedelta

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that report it."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(self.limit - self.used, 0)),
            "RateLimit-Reset": str(whole_seconds(self.resets_in)),
        }

    def require_room(self) -> None:
        """Check that the request is within the limit. Raises RateLimited."""
        if self.used > self.limit:
            raise RateLimited("Too many requests. Try again later.", retry_after=self.resets_in)


@dataclass(frozen=True)
class Rate:
    """A number of requests in a window of time."""

    limit: int
    window: timedelta

    def window_start(self, now: datetime) -> datetime:
        """Return when the current window started: windows start at whole seconds, minutes or hours."""
        seconds = self.window.total_seconds()
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)


@dataclass(frozen=True)
class Limiter:
    """Counts the requests of every caller against a rate."""

    rate: Rate
    counter: Callable[[], Counter]

    def count(self, key: str, now: datetime) -> RateLimitStatus:
        """Count one request of the caller with this key."""
        return self._status(self.counter().count(key, self.rate.window_start(now)), now)

    def foresee(self, key: str, now: datetime) -> RateLimitStatus:
        """Return what `count` would return at least, without counting and without a query."""
        return self._status(self.counter().known(key, self.rate.window_start(now)) + 1, now)

    def _status(self, used: int, now: datetime) -> RateLimitStatus:
        return RateLimitStatus(self.rate.limit, used, self.rate.window_start(now) + self.rate.window - now)


def parse_rate(rate: str) -> Rate | None:
    """Parse a rate such as "100/minute"; None for "off". The settings have checked its form."""
    if rate == "off":
        return None
    limit, _, window = rate.partition("/")
    return Rate(int(limit), WINDOWS[window])


def limiter(rate: str, counter: Callable[[], Counter]) -> Limiter | None:
    """Return the limiter for a rate such as "100/minute"; None for "off"."""
    parsed = parse_rate(rate)
    return Limiter(parsed, counter) if parsed else None


def whole_seconds(wait: timedelta) -> int:
    """Round up to whole seconds, at least one: a caller that waits so long is not too early."""
    return max(1, -int(-wait.total_seconds() // 1))


def named_account(request: func.HttpRequest) -> str:
    """Return a short hash of the e-mail in a sign-in request, before it is validated; "" without one."""
    email = _texts_in(request).get("email")
    return "" if email is None else account_key(email)


def named_device(request: func.HttpRequest, tokens: TokenIssuer, now: datetime) -> UUID | None:
    """Return the device of a sign-in request, if it has signed in to the account that it names before."""
    texts = _texts_in(request)
    return known_device(tokens, texts.get("device_token"), texts.get("email", ""), now)


def _texts_in(request: func.HttpRequest) -> dict[str, str]:
    """Return the texts at the top level of a body that is not validated yet; none if it is not an object."""
    try:
        body = json.loads(request.get_body())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    return {name: value for name, value in body.items() if isinstance(value, str)}
