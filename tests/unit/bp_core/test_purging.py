from datetime import datetime, timedelta

from bp_core.purging import PurgeLimits, PurgeService
from tests.unit.bp_core.support import NOW, context


class RecordedPurges:
    """Records what would be deleted."""

    def __init__(self) -> None:
        self.limits: list[PurgeLimits] = []
        self.blobs: list[tuple[str, datetime]] = []

    def purge(self, limits: PurgeLimits) -> int:
        self.limits.append(limits)
        return 5

    def delete_older(self, container: str, before: datetime) -> int:
        self.blobs.append((container, before))
        return 2


def test_what_has_ended_is_deleted_after_30_days_and_what_is_only_counted_when_its_time_is_over() -> None:
    purges = RecordedPurges()

    assert PurgeService(purges, purges, context()).purge() == 9

    month, hour = NOW - timedelta(days=30), NOW - timedelta(hours=1)
    assert purges.limits == [PurgeLimits(ended=month, window=hour, failure=hour, key=NOW)]
    assert purges.blobs == [("quarantine", month), ("exports", NOW - timedelta(days=1))]
