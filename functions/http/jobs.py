"""Endpoint of job runs."""

from bp_core.jobs import JobRun
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from functions.edge.access import HEADQUARTERS
from functions.edge.endpoint import endpoints
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/jobs", who=HEADQUARTERS)
def list_job_runs(work: UnitOfWork, caller: Caller, query: PageQuery) -> Page[JobRun]:
    """List the last runs of every job, latest first."""
    return work.jobs.last_runs(caller, query)
