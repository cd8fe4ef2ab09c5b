"""The inbox of headquarters in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres import practice_lists
from adapters.postgres.database import Sql, matching
from adapters.postgres.practices import REVIEWER, WAS_DECIDED
from bp_core.practices.workflow import DECISIONS
from bp_core.reviews.ports import InboxStore
from bp_core.reviews.schemas import InboxQuery, OverdueReviews, StoredWaitingPractice
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page

REVIEWER_ID: Final = REVIEWER.format(column=sql.Identifier("id"))

# What waits for a decision: the index best_practices_waiting_idx has these rows, in this order.
WAITING: Final = sql.SQL("p.status = 'submitted' AND NOT p.is_deleted")
LONGEST_WAITING: Final = sql.SQL("p.waiting_since, p.id")

# A list item of the practice `p`, and what the inbox shows beside it.
ITEM: Final = sql.SQL("""
    SELECT item.*, p.waiting_since, {reviewer_id} AS reviewer_id, {reviewer_name} AS reviewer_name,
           {was_decided} AS resubmission
    FROM ({item}) item
""").format(
    item=practice_lists.ITEM,
    reviewer_id=REVIEWER_ID,
    reviewer_name=REVIEWER.format(column=sql.Identifier("full_name")),
    was_decided=WAS_DECIDED,
)

VALUES: Final[Mapping[str, Any]] = {**practice_lists.ITEM_VALUES, "decisions": list(DECISIONS)}

FILTERS: Final[Mapping[str, sql.SQL]] = {
    "plant_id": sql.SQL("p.plant_id = %(plant_id)s"),
    "category_id": sql.SQL("p.category_id = %(category_id)s"),
}

OVERDUE: Final[Mapping[bool, sql.SQL]] = {
    True: sql.SQL("p.waiting_since < %(overdue_before)s"),
    False: sql.SQL("p.waiting_since >= %(overdue_before)s"),
}

# The column is compared first: it has an index, and most practices have no reviewer to look up.
TAKEN_BY: Final = sql.SQL("p.reviewer_id = %(taken_by)s AND {reviewer_id} IS NOT NULL").format(
    reviewer_id=REVIEWER_ID
)
TAKEN_BY_NOBODY: Final = sql.SQL("(p.reviewer_id IS NULL OR {reviewer_id} IS NULL)").format(
    reviewer_id=REVIEWER_ID
)


class PostgresInbox(InboxStore):
    """The practices that wait for a decision."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def inbox(
        self, caller: Caller, query: InboxQuery, overdue_before: datetime
    ) -> Page[StoredWaitingPractice]:
        requested = query.model_dump(exclude_none=True)
        rows = self._sql.mappings(
            sql.SQL("""
            SELECT total.practices AS total, item.*
            FROM (SELECT count(*) AS practices FROM best_practices p WHERE {where}) total
            LEFT JOIN (
                SELECT * FROM best_practices p WHERE {where}
                ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
            ) p ON true
            LEFT JOIN LATERAL ({item}) item ON true
            ORDER BY {order}
            """).format(where=_where(query, requested), order=LONGEST_WAITING, item=ITEM),
            {
                **VALUES,
                **requested,
                "taken_by": caller.user_id if query.reviewer == "me" else query.reviewer,
                "overdue_before": overdue_before,
            },
        )
        total = rows[0]["total"]
        items = [StoredWaitingPractice(**row) for row in rows if row["id"] is not None]
        return Page(items, total, query.limit, query.offset)

    @override
    def waiting(self, practice_id: UUID) -> StoredWaitingPractice:
        return self._sql.one(
            sql.SQL("""
            SELECT item.* FROM best_practices p CROSS JOIN LATERAL ({item}) item
            WHERE p.id = %(practice_id)s AND {waiting}
            """).format(item=ITEM, waiting=WAITING),
            {**VALUES, "practice_id": practice_id},
            into=StoredWaitingPractice,
        )

    @override
    def is_reviewer(self, user_id: UUID) -> bool:
        found: bool = self._sql.value(
            "SELECT EXISTS (SELECT FROM users WHERE id = %(id)s AND is_active AND role = 'hq')",
            {"id": user_id},
        )
        return found

    @override
    def overdue(self, overdue_before: datetime, day_start: datetime) -> list[OverdueReviews]:
        return self._sql.rows(
            sql.SQL("""
            WITH overdue AS (
                SELECT p.waiting_since, {reviewer_id} AS reviewer_id
                FROM best_practices p WHERE {waiting} AND {is_overdue}
            )
            SELECT u.id AS user_id, count(o.reviewer_id) AS taken,
                   count(*) FILTER (WHERE o.reviewer_id IS NULL) AS free, min(o.waiting_since) AS oldest
            FROM users u JOIN overdue o ON o.reviewer_id = u.id OR o.reviewer_id IS NULL
            WHERE u.is_active AND u.role = 'hq' AND NOT EXISTS (
                SELECT FROM notifications n
                WHERE n.user_id = u.id AND n.type = 'review_overdue' AND n.created_at >= %(day_start)s)
            GROUP BY u.id ORDER BY u.id
            """).format(reviewer_id=REVIEWER_ID, waiting=WAITING, is_overdue=OVERDUE[True]),
            {"overdue_before": overdue_before, "day_start": day_start},
            into=OverdueReviews,
        )

    @override
    def remove_reminders(self, before: datetime) -> None:
        self._sql.run(
            """
            DELETE FROM notifications
            WHERE type = 'review_overdue' AND NOT is_read AND created_at < %(before)s
            """,
            {"before": before},
        )


def _where(query: InboxQuery, requested: Mapping[str, object]) -> sql.Composed:
    conditions: list[sql.Composable] = [WAITING, matching(FILTERS, requested)]
    if query.overdue is not None:
        conditions.append(OVERDUE[query.overdue])
    if query.reviewer is not None:
        conditions.append(TAKEN_BY_NOBODY if query.reviewer == "none" else TAKEN_BY)
    return sql.SQL(" AND ").join(conditions)
