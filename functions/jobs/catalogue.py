"""The declarations of all jobs.

    @job(schedule_setting="RATE_STARS_SCHEDULE")
    def rate_stars(work: UnitOfWork) -> JobResult: ...

A declaration defines the timer function of the same name, whose schedule is an app setting (NCRONTAB, UTC),
the manual run, the name in the records of runs, and the entry in the documentation.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from adapters.postgres.connections import BACKGROUND
from bp_core.jobs import JobResult
from functions import logs
from functions.unit_of_work import UnitOfWork

Work = Callable[..., JobResult]
"""The work of a job: a function of the unit of work, and of the arguments of a manual call."""


@dataclass(frozen=True)
class Job:
    """A job; without a schedule setting it only runs by manual call."""

    name: str
    description: str
    work: Work
    schedule_setting: str | None


SHOWN_UNKNOWN: Final = 20
"""How many blobs that the database does not know are named in the log."""

JOBS: Final[dict[str, Job]] = {}
"""All jobs by name."""


def job(*, schedule_setting: str | None = None) -> Callable[[Work], Job]:
    """Declare a function as a job of the same name; its docstring is the description."""

    def declare(work: Work) -> Job:
        declared = Job(work.__name__, work.__doc__ or "", work, schedule_setting)
        JOBS[declared.name] = declared
        return declared

    return declare


@job(schedule_setting="AGGREGATE_SAVINGS_SCHEDULE")
def aggregate_monthly_savings(work: UnitOfWork) -> JobResult:
    """Recalculate the savings of the open months of all plants."""
    return JobResult(work.savings.aggregate_open_months())


@job(schedule_setting="RATE_STARS_SCHEDULE")
def rate_stars(work: UnitOfWork) -> JobResult:
    """Recalculate the stars of all plants in the financial years of the open months."""
    return JobResult(work.savings.rate_open_months())


@job(schedule_setting="RECONCILE_UPLOADS_SCHEDULE")
def reconcile_uploads(work: UnitOfWork) -> JobResult:
    """Record uploads whose events were missed, draw missing thumbnails, report lost and failing files."""
    # Each file is committed at once by a second unit of work; the comparison uses the transaction of the job.
    with work.portal.unit_of_work(transaction=False, limits=BACKGROUND) as recording:
        found = work.reconciliation(recording).run()
    for blob, reason in found.rejected:
        logs.log("upload_rejected", level=logging.WARNING, blob=blob, reason=reason)
    for lost in found.lost:
        logs.log("blob_lost", level=logging.WARNING, id=lost.id, blob=lost.blob_name)
    for failed in found.failed:
        logs.log("blob_failed", level=logging.ERROR, **asdict(failed))
    if found.unknown:
        logs.log("blobs_unknown", level=logging.WARNING, blobs=found.unknown[:SHOWN_UNKNOWN])
    logs.log("uploads_reconciled", **found.counts)
    return JobResult(found.rows, data_error=found.error)


@job(schedule_setting="REBUILD_ROLL_UPS_SCHEDULE")
def rebuild_roll_ups(work: UnitOfWork) -> JobResult:
    """Recalculate and correct all stored counts and sums of practices."""
    return JobResult(work.savings.rebuild_roll_ups())


@job(schedule_setting="VERIFY_LEADERBOARD_SCHEDULE")
def verify_leaderboard(work: UnitOfWork) -> JobResult:
    """Compare the stored points with benchmarks and copies, and correct them."""
    corrected = work.leaderboard.recalculate(None)
    for points in corrected:
        logs.log("leaderboard_corrected", level=logging.ERROR, **asdict(points))
    if not corrected:
        return JobResult(0)
    message = f"{len(corrected)} leaderboard entries were wrong and have been corrected"
    return JobResult(len(corrected), data_error=message)


@job(schedule_setting="REMIND_REVIEWERS_SCHEDULE")
def remind_reviewers(work: UnitOfWork) -> JobResult:
    """Remind headquarters of practices that wait for a decision for too long."""
    return JobResult(work.review_inbox.remind_overdue())


@job(schedule_setting="PURGE_EXPIRED_SCHEDULE")
def purge_expired(work: UnitOfWork) -> JobResult:
    """Delete old sessions, invites, rate limits, uploads, quarantined files and exports."""
    return JobResult(work.purging.purge())


@job()
def recalculate_savings(work: UnitOfWork, year: int | None) -> JobResult:
    """Recalculate the savings and stars of a financial year, by default the current one."""
    return JobResult(work.savings.recalculate_year(year))


@job()
def recalculate_leaderboard(work: UnitOfWork, year: int | None) -> JobResult:
    """Recalculate the points of a calendar year, or of all years, from benchmarks and copies."""
    return JobResult(len(work.leaderboard.recalculate(year)))
