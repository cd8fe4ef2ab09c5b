"""The context of one invocation: its time and its caller."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bp_core.shared.access import Caller


@dataclass
class Context:
    """The time and the caller of an invocation, shared by its services and adapters.

    `now` is in UTC; `today` is the date of `now` in the business time zone (rules 2). Ports are given `now`,
    rules `today`. The edge sets `caller` after authentication; for jobs it stays None.
    """

    now: datetime
    today: date
    request_id: str | None = None
    caller: Caller | None = None

    @classmethod
    def at(cls, now: datetime, zone: ZoneInfo, request_id: str | None = None) -> "Context":
        """Create the context of an invocation that starts at `now`."""
        return cls(now, now.astimezone(zone).date(), request_id)
