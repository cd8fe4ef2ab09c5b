"""Events of photographs arrive too often, late, out of order and for deleted things; hosts die meanwhile."""

import time
from datetime import timedelta

from tests.faults.chains import Behaviour
from tests.faults.photographs import PLANS, Album, Photographer
from tests.faults.servers import wait_until
from tests.faults.trial import Site, Size, Trial

CLEARED_SECONDS = 60.0
PLANS_SECONDS = 120.0
PAUSE_SECONDS = 2.0
"""How long the clients work between two kills."""


def photographers(trial: Trial, site: Site, album: Album, number: int) -> list[Behaviour]:
    return [
        Photographer(trial.client(index), site.plants[index % 7], site.hosts, album, first=6 * index)
        for index in range(number)
    ]


def wait_until_drawn(site: Site, album: Album) -> None:
    wait_until(
        lambda: not album.undrawn(site.world), CLEARED_SECONDS, "not every photograph has its thumbnail"
    )


def nights(site: Site, number: int) -> None:
    """Let some nights pass: the reconciliation runs in the process of the test."""
    start = site.world.clock.at
    for _ in range(number):
        site.world.clock.advance(timedelta(days=1))
        site.world.run_timer("reconcile_uploads")
    site.world.clock.at = start


def test_events_in_any_number_and_order_and_for_deleted_things_record_each_photograph_once(
    trial: Trial, site: Site, size: Size
) -> None:
    album = Album()
    rounds = size.count(bounded=1, full=10)
    clients = photographers(trial, site, album, 3)
    with trial.fault("1, 2 and 20 blob events: late, out of order, for deleted photographs and practices"):
        with trial.load(*clients, *trial.readers(1)):
            wait_until(
                lambda: all(album.plans[plan] >= rounds for plan in PLANS),
                PLANS_SECONDS * rounds,
                "not every plan was followed",
            )
        wait_until_drawn(site, album)
        wait_until(lambda: not album.left(site.world), CLEARED_SECONDS, "deleted photographs are left")
    assert site.world.blob_names("quarantine") == []


def test_photographs_are_recorded_once_or_deleted_entirely_when_hosts_are_killed_in_their_triggers(
    trial: Trial, site: Site, size: Size
) -> None:
    album = Album()
    kills = size.count(bounded=1, full=10)
    clients = photographers(trial, site, album, 3)
    with trial.fault(f"a host killed {kills} times in its blob triggers"):
        with trial.load(*clients, *trial.writers(2)):
            wait_until(lambda: album.kept and album.deleted, PLANS_SECONDS, "nothing was deleted")
            for kill in range(kills):
                time.sleep(size.pick(bounded=1.0, full=PAUSE_SECONDS))
                host = site.hosts[kill % 2]
                host.kill()
                time.sleep(size.pick(bounded=0.2, full=1.0))
                host.restart()
        nights(site, 2)
        wait_until_drawn(site, album)
        assert album.left(site.world) == []
