"""The leaderboard, and its recalculation."""

from uuid import UUID

from bp_core import leaderboard
from bp_core.leaderboard import CalendarYearQuery, LeaderboardTotals, PointsBreakdown, Standing
from functions import job_runs
from functions.access import HEADQUARTERS, SIGNED_IN
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/leaderboard/current", who=SIGNED_IN)
def show_leaderboard(unit: Unit, query: CalendarYearQuery) -> list[Standing]:
    """Show how the plants stand in a calendar year, this one if none is named."""
    return unit.leaderboard.standings(query.year or unit.moment.day.year)


@endpoint("GET", "/api/v1/leaderboard/{plant_id:guid}/breakdown", who=SIGNED_IN)
def show_points_breakdown(unit: Unit, plant_id: UUID, query: CalendarYearQuery) -> PointsBreakdown:
    """Show what a plant's points of a calendar year, this one if none is named, were earned with."""
    return leaderboard.show_breakdown(unit.leaderboard, plant_id, query.year or unit.moment.day.year)


# Not the edge's transaction: the job has one of its own, and keeps a record of a failure.
@endpoint(
    "POST", "/api/v1/leaderboard/recalculate", who=HEADQUARTERS, transaction=False, errors=("JOB_RUNNING",)
)
def recalculate_leaderboard(unit: Unit, query: CalendarYearQuery) -> LeaderboardTotals:
    """Recalculate the points of a calendar year, or of all, and tell what they come to."""
    job_runs.recalculate_leaderboard(unit.portal, query.year)
    return unit.leaderboard.totals(query.year)
