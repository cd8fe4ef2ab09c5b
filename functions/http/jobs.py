"""The record of the jobs."""

from bp_core.jobs import RUNS_SHOWN, JobRun
from functions.access import HEADQUARTERS
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/jobs", who=HEADQUARTERS)
def list_job_runs(unit: Unit) -> list[JobRun]:
    """List the last runs of every job, latest first."""
    return unit.jobs.last_runs(RUNS_SHOWN, unit.moment.at)
