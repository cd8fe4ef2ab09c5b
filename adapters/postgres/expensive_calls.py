"""Expensive calls that are running, on all instances together.

A row with an end, and not a lock: a lock would need a connection for as long as the call runs, also while it
writes and stores a file. If a process dies, its row counts until its end.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from adapters.postgres.database import Sql
from bp_core.shared.calendar import CLOCK_SKEW

SLOTS: Final = 2
"""How many expensive calls of one user may run at the same time."""


class PostgresExpensiveCalls:
    """The table `expensive_calls`: a row for each slot of a user that is in use."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def claim(self, user_id: UUID, now: datetime, until: datetime) -> int | None:
        """Claim a slot of a user until a time; return its number, or None if all are in use.

        A slot whose end is further away than any of now was claimed by a clock that was wrong: it is free.
        """
        for slot in range(1, SLOTS + 1):
            claimed = self._sql.run(
                """
                INSERT INTO expensive_calls AS running (user_id, slot, expires_at)
                VALUES (%(user_id)s, %(slot)s, %(until)s)
                ON CONFLICT (user_id, slot) DO UPDATE SET expires_at = EXCLUDED.expires_at
                WHERE running.expires_at <= %(now)s OR running.expires_at > %(latest)s
                """,
                {"user_id": user_id, "slot": slot, "now": now, "until": until, "latest": until + CLOCK_SKEW},
            )
            if claimed:
                return slot
        return None

    def release(self, user_id: UUID, slot: int, until: datetime) -> None:
        """Release a slot that was claimed until a time."""
        self._sql.run(
            """
            DELETE FROM expensive_calls
            WHERE user_id = %(user_id)s AND slot = %(slot)s AND expires_at = %(until)s
            """,
            {"user_id": user_id, "slot": slot, "until": until},
        )
