"""A host is killed while timers run on both: no run of a job is done twice, and the runs go on."""

import pytest

from functions.jobs.catalogue import aggregate_monthly_savings
from tests.faults.servers import wait_until
from tests.faults.trial import Site, Size, Trial

TAKEOVER_SECONDS = 60.0
"""The lock of a killed host on its timers ends after 15 seconds."""


@pytest.fixture
def host_settings() -> dict[str, str]:
    return {"AGGREGATE_SAVINGS_SCHEDULE": "*/2 * * * * *"}


def completed(site: Site) -> list[object]:
    """The scheduled times of the completed runs."""
    query = "SELECT scheduled_for FROM job_runs WHERE name = %s AND state = 'completed' ORDER BY started_at"
    return [row[0] for row in site.world.query(query, aggregate_monthly_savings.name)]


def wait_for_runs(site: Site, number: int) -> None:
    """Wait until this many more runs are completed."""
    wanted = len(completed(site)) + number
    wait_until(lambda: len(completed(site)) >= wanted, TAKEOVER_SECONDS, "the timer does not run")


def test_a_timer_on_two_hosts_runs_once_each_time_though_a_host_is_killed(
    trial: Trial, site: Site, size: Size
) -> None:
    kills = size.count(bounded=1, full=6)
    with trial.fault(f"a host killed {kills} times between timers"), trial.load(*trial.writers(4)):
        wait_for_runs(site, 1)
        for number in range(kills):
            host = site.hosts[number % 2]
            host.kill()
            wait_for_runs(site, 2)
            host.restart()
            wait_for_runs(site, 1)
    done = completed(site)
    assert len(set(done)) == len(done)
