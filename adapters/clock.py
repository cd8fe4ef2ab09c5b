"""The real clock."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the time of the machine."""

    def now(self) -> datetime:
        """Tell the present moment, in UTC."""
        return datetime.now(UTC)
