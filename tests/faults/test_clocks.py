"""The clocks of two hosts differ by a minute, and steps turn that round; clients fail over between them."""

from pathlib import Path

import pytest

from functions.jobs.catalogue import aggregate_monthly_savings
from tests.faults.servers import wait_until
from tests.faults.trial import Site, Size, Trial

RUN_SECONDS = 90.0


@pytest.fixture
def host_patch() -> str:
    return "tests.faults.patches.other_clock"


@pytest.fixture
def host_settings(tmp_path: Path) -> dict[str, str]:
    """The first host tells the time that is in `clock`; the second gets a file of its own."""
    set_clock(tmp_path / "clock", 0)
    return {"CLOCK_FILE": str(tmp_path / "clock"), "AGGREGATE_SAVINGS_SCHEDULE": "*/5 * * * * *"}


def set_clock(file: Path, seconds: float) -> None:
    """Set by how much a host is ahead; a reader never finds half a number."""
    (file.parent / "next-clock").write_text(str(seconds), encoding="utf-8")
    (file.parent / "next-clock").replace(file)


def runs(site: Site) -> list[object]:
    """The scheduled times of the runs of the timer that were completed."""
    query = "SELECT scheduled_for FROM job_runs WHERE name = %s AND state = 'completed'"
    return [row[0] for row in site.world.query(query, aggregate_monthly_savings.name)]


def test_nothing_is_lost_or_doubled_between_hosts_whose_clocks_differ_by_a_minute_and_step(
    trial: Trial, site: Site, size: Size, tmp_path: Path
) -> None:
    first, second = tmp_path / "clock", tmp_path / "other-clock"
    set_clock(second, 60)
    site.hosts[1].stop()
    site.hosts[1].restart(CLOCK_FILE=str(second))
    writers = size.count(bounded=4, full=24)
    steps = size.count(bounded=1, full=6)
    with trial.fault(f"clocks a minute apart, {steps} steps"):
        with trial.load(*trial.writers(writers), *trial.readers(2)):
            for number in range(steps):
                trial.wait_for_writes(4 * writers)
                for host in (0, 1):  # a client goes to the other host in the middle of what it does
                    with trial.out_of_rotation(host):
                        trial.wait_for_writes(2 * writers)
                set_clock(first, 60 * ((number + 1) % 2))
                set_clock(second, 60 * (number % 2))
            before = len(runs(site))
            wait_until(lambda: len(runs(site)) > before, RUN_SECONDS, "the timer does not run any more")
        done = [due for due in runs(site) if due is not None]
        assert len(set(done)) == len(done)
        assert trial.ledger.statuses[401] == 0
