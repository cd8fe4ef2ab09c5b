"""Endpoints of the leaderboard."""

from uuid import UUID

from bp_core.leaderboard import (
    CalendarYearQuery,
    LeaderboardTotals,
    PointsBreakdown,
    Standing,
    StandingsQuery,
)
from bp_core.shared.access import Caller
from bp_core.shared.errors import JobRunning
from bp_core.shared.paging import Page
from functions.edge.access import HEADQUARTERS, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.jobs import catalogue, runs
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/leaderboard/current", who=SIGNED_IN)
def show_leaderboard(work: UnitOfWork, query: StandingsQuery) -> Page[Standing]:
    """Return the leaderboard of a calendar year, by default of the current one."""
    return work.leaderboard.standings(query)


@endpoint("GET", "/api/v1/leaderboard/{plant_id:guid}/breakdown", who=SIGNED_IN)
def show_points_breakdown(work: UnitOfWork, plant_id: UUID, query: CalendarYearQuery) -> PointsBreakdown:
    """Return the single earnings of a plant in a calendar year, by default the current one."""
    return work.leaderboard.breakdown(plant_id, query)


# Without a transaction for the request: the job opens its own, and records a failure.
@endpoint(
    "POST", "/api/v1/leaderboard/recalculate", who=HEADQUARTERS, transaction=False, errors=(JobRunning,)
)
def recalculate_leaderboard(work: UnitOfWork, caller: Caller, query: CalendarYearQuery) -> LeaderboardTotals:
    """Recalculate the points of a calendar year, by default of all years, and return the totals."""
    runs.run_manually(work, caller, catalogue.recalculate_leaderboard, query.year)
    return work.leaderboard.totals(caller, query)
