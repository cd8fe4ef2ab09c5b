from datetime import datetime, timedelta

from bp_core import purging
from bp_core.purging import Limits
from tests.unit.bp_core.support import NOW


class Attic:
    """Remembers what it was told to remove."""

    def __init__(self) -> None:
        self.limits: list[Limits] = []
        self.blobs: list[tuple[str, datetime]] = []

    def purge(self, limits: Limits) -> int:
        self.limits.append(limits)
        return 5

    def delete_older(self, container: str, before: datetime) -> int:
        self.blobs.append((container, before))
        return 2


def test_what_has_ended_stays_for_30_days_and_what_is_only_counted_until_it_is_over() -> None:
    attic = Attic()

    assert purging.purge(attic, attic, NOW.at) == 7

    month, hour = NOW.at - timedelta(days=30), NOW.at - timedelta(hours=1)
    assert attic.limits == [Limits(ended=month, window=hour, failure=hour, key=NOW.at)]
    assert attic.blobs == [("quarantine", month)]
