"""The storage is killed under uploads, and is down for a while."""

import time

from tests.faults.trial import Site, Size, Trial

INDEX_SECONDS = 6.0
"""Azurite writes its index every five seconds, so that a kill loses younger blobs and containers. Azure
loses none."""


def test_no_recorded_photograph_is_lost_or_doubled_when_the_storage_is_killed(
    trial: Trial, site: Site, size: Size
) -> None:
    outages = [3.0, 10.0, 3.0, 3.0] if size.is_full else [1.0]
    uploaders = size.count(bounded=6, full=16)
    name = f"the storage killed {len(outages)} times under {uploaders} uploads"
    with trial.fault(name):
        with trial.load(*trial.uploaders(uploaders), *trial.writers(2)):
            for seconds in outages:
                trial.wait_for_uploads(uploaders)
                time.sleep(size.pick(bounded=INDEX_SECONDS, full=8.0))
                site.azurite.kill()
                trial.ledger.forgive_uploads(since=time.monotonic() - INDEX_SECONDS)
                time.sleep(seconds)
                site.azurite.start()
            trial.wait_for_uploads(uploaders)
        trial.pass_a_night()  # it draws the thumbnails again that were lost, too
