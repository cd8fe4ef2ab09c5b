"""Runs of jobs in PostgreSQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql

from adapters.postgres.database import Sql
from bp_core.jobs import DIED, JobRun, Occasion
from bp_core.shared.errors import Unavailable

RUN: Final = sql.SQL(
    "id, name, trigger, state, started_at, finished_at, rows, error, scheduled_for, past_due"
)


class PostgresJobs:
    """The record of every run. With a `Sql` in autocommit, what is told here stays, whatever the job does."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def started(self, name: str, occasion: Occasion, at: datetime, lease_until: datetime) -> UUID:
        """Keep a run that starts; what ran before it and is not over has died, and has failed."""
        run_id: UUID = self._sql.value(
            """
            WITH died AS (
                UPDATE job_runs SET state = 'failed', finished_at = %(at)s, error = %(died)s
                WHERE name = %(name)s AND state = 'running'
            )
            INSERT INTO job_runs (name, trigger, state, started_at, scheduled_for, past_due, lease_until)
            VALUES (%(name)s, %(trigger)s, 'running', %(at)s, %(scheduled_for)s, %(past_due)s,
                    %(lease_until)s)
            RETURNING id
            """,
            {"name": name, "at": at, "died": DIED, "lease_until": lease_until, **vars(occasion)},
        )
        return run_id

    def is_done(self, name: str, scheduled_for: datetime) -> bool:
        """Whether a run for this time of the job's schedule was completed."""
        done: bool = self._sql.value(
            """
            SELECT EXISTS (SELECT FROM job_runs WHERE name = %(name)s AND scheduled_for = %(scheduled_for)s
                                                  AND state = 'completed')
            """,
            {"name": name, "scheduled_for": scheduled_for},
        )
        return done

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        """Keep the end of a run: `error` is None where it did what it should."""
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

    def last_runs(self, per_job: int, now: datetime) -> list[JobRun]:
        """List the last runs of every job, latest first; one whose lease ended has failed."""
        return self._sql.rows(
            sql.SQL("""
            SELECT {run}
            FROM (SELECT id, name, trigger, CASE WHEN died THEN 'failed' ELSE state END AS state, started_at,
                         finished_at, rows, CASE WHEN died THEN %(died)s ELSE error END AS error,
                         scheduled_for, past_due,
                         row_number() OVER (PARTITION BY name ORDER BY started_at DESC) AS place
                  FROM (SELECT *, state = 'running' AND lease_until <= %(now)s AS died FROM job_runs) run
                 ) run
            WHERE place <= %(per_job)s ORDER BY started_at DESC, id
            """).format(run=RUN),
            {"per_job": per_job, "now": now, "died": DIED},
            into=JobRun,
        )


def take_turn(transaction: Sql, name: str, *, wait: bool) -> bool:
    """Claim a job until the transaction ends; False if another instance has it.

    Who waits has the turn when the other's ends, if that comes before the time-out of a statement.
    """
    lock = sql.Identifier("pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock")
    query = sql.SQL("SELECT {lock}(hashtextextended('job:' || %(name)s, 0))").format(lock=lock)
    try:
        taken = transaction.value(query, {"name": name})
    except Unavailable as refusal:
        if isinstance(refusal.__cause__, psycopg.errors.QueryCanceled):
            return False
        raise
    return wait or bool(taken)
