"""The timer functions: one for each job with a schedule. Schedules are app settings, in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import azure.functions as func

from bp_core.jobs import RunTrigger
from bp_core.shared.errors import Conflict
from functions import bootstrap, logs, telemetry
from functions.blueprints import new_blueprint
from functions.jobs import runs
from functions.jobs.catalogue import JOBS, Job

EARLY: Final = timedelta(seconds=5)
"""How much earlier than scheduled a timer may fire, because the clock of the host can be ahead."""

blueprint = new_blueprint()


def due_time(status: dict[str, str], now: datetime) -> datetime | None:
    """Return the scheduled time of a timer run: the next occurrence in the status from the host.

    None if the timer was run manually before that time, or the status has no next occurrence.
    """
    try:
        next_run = datetime.fromisoformat(status["Next"])
    except (KeyError, ValueError):
        return None
    next_run = next_run.astimezone(UTC) if next_run.tzinfo else next_run.replace(tzinfo=UTC)
    return next_run if next_run <= now + EARLY else None


def _timer_function(job: Job) -> Callable[[func.TimerRequest, func.Context], None]:
    """Return the function for Azure's indexer, which accepts the trigger parameter and the context only."""

    def invoke(timer: func.TimerRequest, context: func.Context) -> None:
        with telemetry.invocation(context):
            _run(job, timer)

    invoke.__name__ = invoke.__qualname__ = job.name
    invoke.__doc__ = job.description
    return invoke


def _run(job: Job, timer: func.TimerRequest) -> None:
    portal = bootstrap.portal()
    if portal.settings.restored_copy:
        logs.log("job_off", job=job.name, reason="this portal is a restored copy")
        return
    status = getattr(timer, "schedule_status", {})  # not in the abstract class
    due = due_time(status, portal.clock.now())
    try:
        finished = runs.run(portal, job, RunTrigger("timer", due, timer.past_due))
    except Conflict as refusal:
        logs.log("job_left_to_another_instance", job=job.name, code=refusal.code)
        return
    past_due = timer.past_due
    logs.log("job_finished", job=job.name, state=finished.state, rows=finished.rows, past_due=past_due)


for _job in JOBS.values():
    if _job.schedule_setting is not None:
        blueprint.timer_trigger(arg_name="timer", schedule=f"%{_job.schedule_setting}%", use_monitor=True)(
            _timer_function(_job)
        )
