"""Running jobs: the same work by the clock and by hand, one instance at a time, every run recorded."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from adapters.postgres.jobs import PostgresJobs, take_turn
from adapters.postgres.purging import PostgresExpired
from adapters.postgres.reconciling import PostgresCensus
from bp_core import jobs, purging, savings
from bp_core.jobs import JobRun, JobTrigger
from bp_core.shared.calendar import Month, financial_year, financial_year_of
from bp_core.uploads.reconciling import reconcile
from functions import logs
from functions.bootstrap import Portal, Unit

Work = Callable[[Unit], int]


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

    def work(unit: Unit) -> int:
        starts_in = unit.rules.year_starts_in
        named = financial_year_of(Month.of(unit.moment.day), starts_in) if year is None else year
        return savings.recalculate(unit.savings, unit.rules, financial_year(named, starts_in))

    return run(portal, jobs.RECALCULATE_SAVINGS, work, "manual")


def _aggregate_open_months(unit: Unit) -> int:
    return savings.aggregate_months(unit.savings, savings.open_months(Month.of(unit.moment.day)))


def _rate_open_months(unit: Unit) -> int:
    return savings.rate_months(unit.savings, unit.rules, savings.open_months(Month.of(unit.moment.day)))


def _reconcile_uploads(unit: Unit) -> int:
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
    return found.rows


def _purge_expired(unit: Unit) -> int:
    return purging.purge(PostgresExpired(unit.sql), unit.portal.blobs, unit.moment.at)


NIGHTLY: Final[Mapping[str, Work]] = {
    jobs.AGGREGATE_MONTHLY_SAVINGS: _aggregate_open_months,
    jobs.RATE_STARS: _rate_open_months,
    jobs.RECONCILE_UPLOADS: _reconcile_uploads,
    jobs.PURGE_EXPIRED: _purge_expired,
}
"""The work of every nightly job, by its name."""


@contextmanager
def _turn(portal: Portal, name: str, work: Work) -> Iterator[Callable[[], int] | None]:
    with portal.unit(transaction=True) as unit:
        yield (lambda: work(unit)) if take_turn(unit.sql, name) else None
