"""Hosts are killed: at random moments of calls, between two steps of one call, of a trigger, and in jobs."""

import asyncio
import time
from pathlib import Path

import pytest

from functions.jobs.catalogue import JOBS
from tests.faults.chains import upload
from tests.faults.clients import User
from tests.faults.hosts import Host
from tests.faults.servers import wait_until
from tests.faults.trial import Site, Size, Trial

PAUSE_SECONDS = 60.0

CALLS = {
    "before the commit": "after functions.edge.idempotency:IdempotentRequest._save",
    "between the commit and the answer": "after functions.edge.invocation:Invocation._answer",
}
RECORDING = {
    "during the examination": "before adapters.files.examiner:FileExaminer.examine",
    "between blob and row": "before adapters.postgres.uploads:PostgresFiles.record",
    "before the row is committed": "after adapters.postgres.uploads:PostgresFiles.record",
    "between row and thumbnail": "before adapters.storage.blobs:AzureBlobs.put",
    "before the thumbnail is noted": "before adapters.postgres.uploads:PostgresFiles.set_thumbnail",
}
JOB_WORK = {
    "aggregate_monthly_savings": "bp_core.savings:SavingsService.aggregate_open_months",
    "verify_leaderboard": "bp_core.leaderboard:LeaderboardService.recalculate",
    "reconcile_uploads": "bp_core.uploads.reconciliation:Reconciliation.run",
    "rate_stars": "bp_core.savings:SavingsService.rate_open_months",
    "rebuild_roll_ups": "bp_core.savings:SavingsService.rebuild_roll_ups",
    "purge_expired": "bp_core.purging:PurgeService.purge",
    "remind_reviewers": "bp_core.reviews.inbox:InboxService.remind_overdue",
}
"""The work of each job with a schedule, after which its transaction is still open."""

DAMAGE = (
    "UPDATE monthly_savings SET annualised_savings = annualised_savings + 12, stars = 5",
    "UPDATE practice_counts SET submitted = submitted + 1",
    "UPDATE leaderboard_entries SET origin_points = origin_points + 7, total_points = total_points + 7",
)
"""Wrong figures, which the jobs have to correct."""


@pytest.fixture
def host_patch() -> str:
    return "tests.faults.patches.pausing"


@pytest.fixture
def pause_file(tmp_path: Path) -> Path:
    return tmp_path / "paused"


def arm(host: Host, place: str, pause_file: Path) -> None:
    """Start a stopped host again such that it pauses at a place, once."""
    pause_file.unlink(missing_ok=True)
    host.restart(PAUSE_AT=place, PAUSE_FILE=str(pause_file))


def kill_when_paused(host: Host, pause_file: Path) -> None:
    """Kill the host as soon as it pauses."""
    wait_until(
        lambda: pause_file.exists() and pause_file.read_text(encoding="utf-8"),
        PAUSE_SECONDS,
        "the host did not get to its pause",
    )
    assert pause_file.read_text(encoding="utf-8") == str(host.process.pid)
    host.kill()


def test_hosts_killed_in_the_middle_of_calls_lose_and_double_nothing(
    trial: Trial, site: Site, size: Size
) -> None:
    kills, writers = size.count(bounded=2, full=20), size.count(bounded=16, full=64)
    name = f"a host killed {kills} times under {writers} writers"
    with trial.fault(name), trial.load(*trial.writers(writers), *trial.readers(4)):
        for number in range(kills):
            trial.wait_for_writes(writers)
            host = site.hosts[number % 2]
            host.kill()
            time.sleep(size.pick(bounded=0.2, full=1.0))
            host.restart()
        trial.wait_for_writes(writers)


def test_a_host_killed_just_before_or_after_the_commit_of_a_call_loses_and_doubles_nothing(
    trial: Trial, site: Site, pause_file: Path
) -> None:
    name = f"a host killed {' and '.join(CALLS)}"
    host = site.hosts[0]
    with trial.fault(name):
        for place in CALLS.values():
            host.kill()
            arm(host, place, pause_file)
            with trial.load(*trial.writers(1)):
                kill_when_paused(host, pause_file)
            host.restart(PAUSE_AT="")


async def upload_one(trial: Trial, author: User, practice_id: str) -> None:
    """Upload a photograph without confirming it, so that the trigger records it."""
    client = trial.client()
    try:
        await upload(client, author, practice_id, confirmed=False)
    finally:
        await client.close()


def test_a_host_killed_at_any_step_of_a_trigger_leaves_one_row_with_its_blobs(
    trial: Trial, site: Site, size: Size, pause_file: Path
) -> None:
    author = site.plants[0]
    practice_id = str(site.world.practice(author.person)["id"])
    host, other = site.hosts
    places = list(RECORDING.values()) if size.is_full else [RECORDING["between blob and row"]]
    with trial.fault(f"a host killed in a trigger at {len(places)} steps"):
        other.stop()
        host.kill()
        for place in places:
            arm(host, place, pause_file)
            asyncio.run(upload_one(trial, author, practice_id))
            kill_when_paused(host, pause_file)
        host.restart(PAUSE_AT="")
        other.restart()


def test_a_host_killed_in_the_transaction_of_a_job_leaves_nothing_of_it_and_the_next_run_completes(
    trial: Trial, site: Site, size: Size, pause_file: Path
) -> None:
    jobs = list(JOB_WORK)[: size.count(bounded=2, full=len(JOB_WORK))]
    host = site.hosts[0]
    with trial.fault(f"a host killed in {len(jobs)} jobs"), trial.load(*trial.writers(4)):
        trial.wait_for_writes(40)
        for statement in DAMAGE:
            site.world.query(statement)
        for job in jobs:
            host.kill()
            arm(host, f"after {JOB_WORK[job]}", pause_file)
            host.run_function(job)
            kill_when_paused(host, pause_file)
            host.restart(PAUSE_AT="")
            trial.run_job(job)
        for job in list(JOB_WORK)[:5]:
            trial.run_job(job)


def test_every_job_with_a_schedule_is_killed() -> None:
    assert set(JOB_WORK) == {name for name, job in JOBS.items() if job.schedule_setting}
