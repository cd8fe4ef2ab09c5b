"""Runs jobs, by timer or manual call: on one instance at a time, and every run is recorded."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.postgres.connections import BACKGROUND
from adapters.postgres.jobs import PostgresJobs, claim_job
from bp_core.jobs import MANUAL, ClaimedJob, JobRun, JobRunner, RunTrigger
from bp_core.shared.access import Caller, require_headquarters
from functions.bootstrap import Portal
from functions.jobs.catalogue import Job
from functions.unit_of_work import UnitOfWork


def run_manually(work: UnitOfWork, caller: Caller, job: Job, *arguments: object) -> JobRun:
    """Run a job now, for headquarters.

    Raises Forbidden, JobRunning if the job is already running, and the errors of the job.
    """
    require_headquarters(caller)
    return run(work.portal, job, MANUAL, *arguments)


def run(portal: Portal, job: Job, trigger: RunTrigger, *arguments: object) -> JobRun:
    """Run a job now.

    Raises JobRunning if the job is already running, JobDone if another instance has completed this scheduled
    run, and the errors of the job.
    """
    runner = JobRunner(PostgresJobs(portal.database.autocommit()), portal.clock)
    return runner.run(job.name, trigger, _claim(portal, job, trigger, arguments))


@contextmanager
def _claim(
    portal: Portal, job: Job, trigger: RunTrigger, arguments: tuple[object, ...]
) -> Iterator[ClaimedJob | None]:
    """Claim a job for one transaction; yields None if another instance runs it."""
    with portal.database.transaction(BACKGROUND) as sql:
        work = UnitOfWork(portal, sql, portal.new_context())
        # A scheduled run waits for the instance that runs the job, and takes over if that fails.
        claimed = claim_job(sql, job.name, wait=trigger.scheduled_for is not None)
        yield ClaimedJob(lambda: job.work(work, *arguments), PostgresJobs(sql)) if claimed else None
