"""Runs of jobs in PostgreSQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.jobs import STOPPED, JobRun, JobStore, RunTrigger
from bp_core.shared.errors import Unavailable
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

RUN: Final = sql.SQL(
    "id, name, trigger, state, started_at, finished_at, rows, error, scheduled_for, past_due"
)


class PostgresJobs(JobStore):
    """The table `job_runs`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def started(self, name: str, trigger: RunTrigger, at: datetime, lease_until: datetime) -> UUID:
        run_id: UUID = self._sql.value(
            """
            WITH stopped AS (
                UPDATE job_runs SET state = 'failed', finished_at = %(at)s, error = %(stopped)s
                WHERE name = %(name)s AND state = 'running'
            )
            INSERT INTO job_runs (name, trigger, state, started_at, scheduled_for, past_due, lease_until)
            VALUES (%(name)s, %(trigger)s, 'running', %(at)s, %(scheduled_for)s, %(past_due)s,
                    %(lease_until)s)
            RETURNING id
            """,
            {
                "name": name,
                "trigger": trigger.kind,
                "at": at,
                "scheduled_for": trigger.scheduled_for,
                "past_due": trigger.past_due,
                "lease_until": lease_until,
                "stopped": STOPPED,
            },
        )
        return run_id

    @override
    def is_done(self, name: str, scheduled_for: datetime) -> bool:
        done: bool = self._sql.value(
            """
            SELECT EXISTS (SELECT FROM job_runs WHERE name = %(name)s AND scheduled_for = %(scheduled_for)s
                                                  AND state = 'completed')
            """,
            {"name": name, "scheduled_for": scheduled_for},
        )
        return done

    @override
    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        return self._sql.one(
            sql.SQL("""
            UPDATE job_runs SET state = %(state)s, finished_at = %(at)s, rows = %(rows)s, error = %(error)s
            WHERE id = %(run_id)s RETURNING {run}
            """).format(run=RUN),
            {
                "run_id": run_id,
                "state": "completed" if error is None else "failed",
                "rows": rows,
                "error": error,
                "at": at,
            },
            into=JobRun,
        )

    @override
    def last_runs(self, per_job: int, now: datetime, query: PageQuery) -> Page[JobRun]:
        return self._sql.page(
            sql.SQL("""
            SELECT {run}
            FROM (
                SELECT id, name, trigger, started_at, finished_at, rows, scheduled_for, past_due,
                       CASE WHEN is_stopped THEN 'failed' ELSE state END AS state,
                       CASE WHEN is_stopped THEN %(stopped)s ELSE error END AS error,
                       row_number() OVER (PARTITION BY name ORDER BY started_at DESC) AS place
                FROM (
                    SELECT *, state = 'running' AND lease_until <= %(now)s AS is_stopped FROM job_runs
                ) run
            ) run
            WHERE place <= %(per_job)s
            """).format(run=RUN),
            {"per_job": per_job, "now": now, "stopped": STOPPED},
            order=sql.SQL("started_at DESC, id"),
            part=query,
            into=JobRun,
        )


def claim_job(transaction: Sql, name: str, *, wait: bool) -> bool:
    """Claim a job until the transaction ends; return False if another instance runs it.

    With `wait`, waits for the other instance, at most for the statement timeout.
    """
    lock = sql.Identifier("pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock")
    query = sql.SQL("SELECT {lock}(hashtextextended('job:' || %(name)s, 0))").format(lock=lock)
    try:
        locked = transaction.value(query, {"name": name})
    except Unavailable as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            return False
        raise
    return wait or bool(locked)
