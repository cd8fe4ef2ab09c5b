"""The real clock."""

from datetime import UTC, datetime

from typing_extensions import override

from bp_core.shared.calendar import Clock


class SystemClock(Clock):
    """The clock of the machine."""

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)
