"""Runs of jobs in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from adapters.postgres.database import Sql
from bp_core.jobs import JobRun, JobTrigger


class PostgresJobs:
    """The record of every run. With a `Sql` in autocommit, what is told here stays, whatever the job does."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def started(self, name: str, trigger: JobTrigger, at: datetime) -> UUID:
        """Keep a run that starts."""
        run_id: UUID = self._sql.value(
            """
            INSERT INTO job_runs (name, trigger, state, started_at)
            VALUES (%(name)s, %(trigger)s, 'running', %(at)s) RETURNING id
            """,
            {"name": name, "trigger": trigger, "at": at},
        )
        return run_id

    def finished(self, run_id: UUID, *, rows: int | None, error: str | None, at: datetime) -> JobRun:
        """Keep the end of a run: `error` is None where it did what it should."""
        return self._sql.one(
            """
            UPDATE job_runs SET state = %(state)s, finished_at = %(at)s, rows = %(rows)s, error = %(error)s
            WHERE id = %(run_id)s
            RETURNING id, name, trigger, state, started_at, finished_at, rows, error
            """,
            {
                "run_id": run_id,
                "state": "completed" if error is None else "failed",
                "rows": rows,
                "error": error,
                "at": at,
            },
            into=JobRun,
        )

    def last_runs(self, per_job: int) -> list[JobRun]:
        """List the last runs of every job, latest first."""
        return self._sql.rows(
            """
            SELECT id, name, trigger, state, started_at, finished_at, rows, error
            FROM (SELECT *, row_number() OVER (PARTITION BY name ORDER BY started_at DESC) AS place
                  FROM job_runs) run
            WHERE place <= %(per_job)s ORDER BY started_at DESC, id
            """,
            {"per_job": per_job},
            into=JobRun,
        )


def take_turn(transaction: Sql, name: str) -> bool:
    """Claim a job until the transaction ends; False if another instance has it."""
    taken: bool = transaction.value(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('job:' || %(name)s, 0))", {"name": name}
    )
    return taken
