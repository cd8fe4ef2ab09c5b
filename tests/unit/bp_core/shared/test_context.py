from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bp_core.shared.context import Context

INDIA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2025, 3, 31, 18, 29, 59, tzinfo=UTC), date(2025, 3, 31)),
        (datetime(2025, 3, 31, 18, 30, tzinfo=UTC), date(2025, 4, 1)),
        (datetime(2025, 4, 1, 0, 0, tzinfo=UTC), date(2025, 4, 1)),
        (datetime(2024, 12, 31, 23, 59, tzinfo=UTC), date(2025, 1, 1)),
    ],
)
def test_the_business_day_begins_at_midnight_in_india(now: datetime, day: date) -> None:
    assert Context.at(now, INDIA) == Context(now, day)


def test_west_of_greenwich_the_business_day_begins_later() -> None:
    now = datetime(2025, 4, 1, 3, 0, tzinfo=UTC)

    assert Context.at(now, ZoneInfo("America/New_York")).today == date(2025, 3, 31)
