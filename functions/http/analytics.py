"""Figures, and their recalculation."""

from bp_core import analytics
from bp_core.analytics import CurrencyQuery, MonthQuery, Overview, StarRating, YearQuery
from bp_core.jobs import JobRun
from bp_core.shared.access import Caller
from functions import job_runs
from functions.access import HEADQUARTERS, SIGNED_IN
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/analytics/overview", who=SIGNED_IN)
def show_overview(unit: Unit, caller: Caller, query: CurrencyQuery) -> Overview:
    """Show this month and the year so far, of the caller's plant or of the company."""
    return analytics.overview(unit.analytics, unit.rules, caller, query.currency, unit.moment.day)


@endpoint("GET", "/api/v1/analytics/star-ratings", who=SIGNED_IN)
def show_star_ratings(unit: Unit, caller: Caller, query: MonthQuery) -> list[StarRating]:
    """Show the stars of a month and the savings that they were given for."""
    return analytics.star_ratings(unit.analytics, unit.rules, caller, query, unit.moment.day)


# Not the edge's transaction: the job has one of its own, and keeps a record of a failure.
@endpoint("POST", "/api/v1/analytics/recalculate-savings", who=HEADQUARTERS, transaction=False)
def recalculate_savings(unit: Unit, query: YearQuery) -> JobRun:
    """Sum and rate a financial year anew, now."""
    return job_runs.recalculate_year(unit.portal, query.year)
