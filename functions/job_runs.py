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
from bp_core.jobs import JobRun, JobTrigger, Outcome
from bp_core.shared.calendar import Month, financial_year, financial_year_of
from bp_core.uploads.reconciling import reconcile
from functions import logs
from functions.bootstrap import Portal, Unit

Work = Callable[[Unit], Outcome]


def run(portal: Portal, name: str, work: Work, trigger: JobTrigger) -> JobRun:
    """Run a job now.

    Raises Conflict (JOB_RUNNING) if another instance runs it, and whatever the work raises.
    """
    record = PostgresJobs(portal.database.autocommit())
    return jobs.run(record, _turn(portal, name, work), name=name, trigger=trigger, clock=portal.clock)


def run_nightly(portal: Portal, name: str) -> JobRun:
    """Run one of the nightly jobs as its timer does."""
    return run(portal, name, NIGHTLY[name], "timer")


def recalculate_year(portal: Portal, year: int | None) -> JobRun:
    """Sum and rate a financial year anew, this one where none is named."""

    def work(unit: Unit) -> Outcome:
        starts_in = unit.rules.year_starts_in
        named = financial_year_of(Month.of(unit.moment.day), starts_in) if year is None else year
        return Outcome(savings.recalculate(unit.savings, unit.rules, financial_year(named, starts_in)))

    return run(portal, jobs.RECALCULATE_SAVINGS, work, "manual")


def recalculate_leaderboard(portal: Portal, year: int | None) -> JobRun:
    """Make the points that are kept of a calendar year, or of all, what is recorded."""

    def work(unit: Unit) -> Outcome:
        return Outcome(len(unit.leaderboard.recalculate(year)))

    return run(portal, jobs.RECALCULATE_LEADERBOARD, work, "manual")


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
    jobs.VERIFY_LEADERBOARD: _verify_leaderboard,
    jobs.PURGE_EXPIRED: _purge_expired,
}
"""The work of every nightly job, by its name."""


@contextmanager
def _turn(portal: Portal, name: str, work: Work) -> Iterator[Callable[[], Outcome] | None]:
    with portal.unit(transaction=True) as unit:
        yield (lambda: work(unit)) if take_turn(unit.sql, name) else None
