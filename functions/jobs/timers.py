"""What runs by the clock. The schedules are settings, in UTC; the work is that of the manual calls."""

from datetime import UTC, datetime, timedelta
from typing import Final

import azure.functions as func

from bp_core import jobs
from bp_core.jobs import Occasion
from bp_core.shared.errors import Conflict
from functions import bootstrap, job_runs, logs, telemetry
from functions.blueprints import new_blueprint

EARLY: Final = timedelta(seconds=5)
"""How far a host's clock may be ahead of ours: a timer that seems to come so early is on time."""

blueprint = new_blueprint()


@blueprint.timer_trigger(arg_name="timer", schedule="%AGGREGATE_SAVINGS_SCHEDULE%", use_monitor=True)
def aggregate_monthly_savings(timer: func.TimerRequest, context: func.Context) -> None:
    """Sum the open months of every plant anew."""
    _run(jobs.AGGREGATE_MONTHLY_SAVINGS, timer, context)


@blueprint.timer_trigger(arg_name="timer", schedule="%RATE_STARS_SCHEDULE%", use_monitor=True)
def rate_stars(timer: func.TimerRequest, context: func.Context) -> None:
    """Rate the months of every plant anew."""
    _run(jobs.RATE_STARS, timer, context)


@blueprint.timer_trigger(arg_name="timer", schedule="%RECONCILE_UPLOADS_SCHEDULE%", use_monitor=True)
def reconcile_uploads(timer: func.TimerRequest, context: func.Context) -> None:
    """Record the uploads that events missed, expire those that never came, report what is lost."""
    _run(jobs.RECONCILE_UPLOADS, timer, context)


@blueprint.timer_trigger(arg_name="timer", schedule="%REBUILD_ROLL_UPS_SCHEDULE%", use_monitor=True)
def rebuild_roll_ups(timer: func.TimerRequest, context: func.Context) -> None:
    """Count and sum all practices anew, and put right what is kept of them."""
    _run(jobs.REBUILD_ROLL_UPS, timer, context)


@blueprint.timer_trigger(arg_name="timer", schedule="%VERIFY_LEADERBOARD_SCHEDULE%", use_monitor=True)
def verify_leaderboard(timer: func.TimerRequest, context: func.Context) -> None:
    """Hold the points that are kept against what is recorded, and put right what differs."""
    _run(jobs.VERIFY_LEADERBOARD, timer, context)


@blueprint.timer_trigger(arg_name="timer", schedule="%PURGE_EXPIRED_SCHEDULE%", use_monitor=True)
def purge_expired(timer: func.TimerRequest, context: func.Context) -> None:
    """Remove old sessions, invites, limits, uploads and quarantined files."""
    _run(jobs.PURGE_EXPIRED, timer, context)


def due_time(status: dict[str, str], now: datetime) -> datetime | None:
    """Tell what time of its schedule a timer runs for, by what the host says comes next.

    None where it is run before its time, by hand, or the host does not say.
    """
    try:
        following = datetime.fromisoformat(status["Next"])
    except (KeyError, ValueError):
        return None
    following = following.astimezone(UTC) if following.tzinfo else following.replace(tzinfo=UTC)
    return following if following <= now + EARLY else None


def _run(name: str, timer: func.TimerRequest, context: func.Context) -> None:
    with telemetry.invocation(context):
        portal = bootstrap.portal()
        status = getattr(timer, "schedule_status", {})  # which the abstract class does not have
        due = due_time(status, portal.clock.now())
        try:
            finished = job_runs.run_nightly(portal, name, Occasion("timer", due, timer.past_due))
        except Conflict as refusal:
            logs.log("job_left_to_another_instance", job=name, code=refusal.code)
        else:
            logs.log(
                "job_finished", job=name, state=finished.state, rows=finished.rows, past_due=timer.past_due
            )
