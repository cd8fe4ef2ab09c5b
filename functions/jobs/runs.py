"""Running jobs: the same work by the clock and by hand, one instance at a time, every run recorded."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from adapters.postgres.jobs import PostgresJobs, take_turn
from adapters.postgres.purging import PostgresExpired
from adapters.postgres.reconciling import PostgresCensus
from bp_core import jobs, purging, savings
from bp_core.jobs import BY_HAND, JobRun, Occasion, Outcome, Turn
from bp_core.shared.calendar import Month, financial_year, financial_year_of
from bp_core.uploads.reconciling import reconcile
from functions import logs
from functions.bootstrap import Portal, Unit

Work = Callable[[Unit], Outcome]


def run(portal: Portal, name: str, work: Work, occasion: Occasion) -> JobRun:
    """Run a job now.

    Raises Conflict (JOB_RUNNING) if another instance runs it, Conflict (JOB_DONE) if one has done it for the
    same time of its schedule, and whatever the work raises.
    """
    record = PostgresJobs(portal.database.autocommit())
    turn = _turn(portal, name, work, occasion)
    return jobs.run(record, turn, name=name, occasion=occasion, clock=portal.clock)


def run_nightly(portal: Portal, name: str, occasion: Occasion) -> JobRun:
    """Run one of the nightly jobs as its timer does."""
    return run(portal, name, NIGHTLY[name], occasion)


def recalculate_year(portal: Portal, year: int | None) -> JobRun:
    """Sum and rate a financial year anew, this one where none is named."""

    def work(unit: Unit) -> Outcome:
        starts_in = unit.rules.year_starts_in
        named = financial_year_of(Month.of(unit.moment.day), starts_in) if year is None else year
        return Outcome(savings.recalculate(unit.savings, unit.rules, financial_year(named, starts_in)))

    return run(portal, jobs.RECALCULATE_SAVINGS, work, BY_HAND)


def recalculate_leaderboard(portal: Portal, year: int | None) -> JobRun:
    """Make the points that are kept of a calendar year, or of all, what is recorded."""

    def work(unit: Unit) -> Outcome:
        return Outcome(len(unit.leaderboard.recalculate(year)))

    return run(portal, jobs.RECALCULATE_LEADERBOARD, work, BY_HAND)


def _aggregate_open_months(unit: Unit) -> Outcome:
    months = savings.open_months(Month.of(unit.moment.day))
    return Outcome(savings.aggregate_months(unit.savings, months))


def _rate_open_months(unit: Unit) -> Outcome:
    months = savings.open_months(Month.of(unit.moment.day))
    return Outcome(savings.rate_months(unit.savings, unit.rules, months))


def _reconcile_uploads(unit: Unit) -> Outcome:
    # What is recorded is kept at once, in a unit of its own; what is compared belongs to this transaction.
    with unit.portal.unit(transaction=False) as own:
        recorders = (own.image_recorder, own.document_recorder)
        census = PostgresCensus(unit.sql)
        found = reconcile(recorders, census, unit.portal.blobs, unit.trail, unit.moment.at)
    for blob, reason in found.rejected:
        logs.log("upload_rejected", level=logging.WARNING, blob=blob, reason=reason)
    for lost in found.lost:
        logs.log("blob_lost", level=logging.WARNING, id=lost.id, blob=lost.blob_name)
    counts = {name: len(getattr(found, name)) for name in ("recorded", "rejected", "lost", "found")}
    logs.log("uploads_reconciled", **counts, expired=found.expired)
    return Outcome(found.rows)


def _rebuild_roll_ups(unit: Unit) -> Outcome:
    return Outcome(unit.savings.rebuild())


def _purge_expired(unit: Unit) -> Outcome:
    return Outcome(purging.purge(PostgresExpired(unit.sql), unit.portal.blobs, unit.moment.at))


def _verify_leaderboard(unit: Unit) -> Outcome:
    added = unit.leaderboard.recalculate(None)
    for points in added:
        logs.log("leaderboard_put_right", level=logging.ERROR, **asdict(points))
    if not added:
        return Outcome(0)
    return Outcome(
        len(added),
        f"{len(added)} entries of the leaderboard differed from what is recorded; they are put right",
    )


NIGHTLY: Final[Mapping[str, Work]] = {
    jobs.AGGREGATE_MONTHLY_SAVINGS: _aggregate_open_months,
    jobs.RATE_STARS: _rate_open_months,
    jobs.RECONCILE_UPLOADS: _reconcile_uploads,
    jobs.REBUILD_ROLL_UPS: _rebuild_roll_ups,
    jobs.VERIFY_LEADERBOARD: _verify_leaderboard,
    jobs.PURGE_EXPIRED: _purge_expired,
}
"""The work of every nightly job, by its name."""


@contextmanager
def _turn(portal: Portal, name: str, work: Work, occasion: Occasion) -> Iterator[Turn | None]:
    with portal.unit(transaction=True) as unit:
        # Who is due waits for whoever is at it: if that instance dies, the job is done all the same.
        taken = take_turn(unit.sql, name, wait=occasion.scheduled_for is not None)
        yield Turn(lambda: work(unit), unit.jobs) if taken else None
