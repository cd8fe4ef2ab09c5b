"""Changes of state in PostgreSQL."""

from uuid import UUID

from adapters.postgres.database import Sql
from bp_core.reviews import HistoryEntry


class PostgresReviews:
    """The record of what was decided about practices."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def history(self, practice_id: UUID) -> list[HistoryEntry]:
        """List the changes of state of a practice, oldest first."""
        return self._sql.rows(
            """
            SELECT t.from_status, t.to_status, t.by_user_id, u.full_name AS by_name, t.comment, t.at
            FROM practice_transitions t JOIN users u ON u.id = t.by_user_id
            WHERE t.practice_id = %(practice_id)s ORDER BY t.id
            """,
            {"practice_id": practice_id},
            into=HistoryEntry,
        )
