"""PostgreSQL is killed under writers, again and again."""

import time

from tests.faults.trial import Site, Size, Trial

PAUSE_SECONDS = 3.0
"""How long the clients write between two kills."""


def test_no_acknowledged_write_is_lost_or_doubled_when_postgresql_is_killed(
    trial: Trial, site: Site, size: Size
) -> None:
    outages = [3.0, 30.0, 3.0, 3.0, 3.0, 3.0, 30.0, 3.0, 3.0, 3.0] if size.is_full else [1.0, 0.0]
    writers = size.count(bounded=16, full=64)
    think = size.pick(bounded=0.0, full=0.2)
    name = f"PostgreSQL killed {len(outages)} times under {writers} writers"
    with trial.fault(name), trial.load(*trial.writers(writers, think_seconds=think), *trial.readers(4)):
        for seconds in outages:
            trial.wait_for_writes(writers)
            time.sleep(size.pick(bounded=0.5, full=PAUSE_SECONDS))
            site.postgres.kill()
            time.sleep(seconds)
            site.postgres.start()
        trial.wait_for_writes(writers)
