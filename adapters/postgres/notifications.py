"""Notifications in PostgreSQL."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from bp_core.notifications import Notice, Notification, NotificationQuery
from bp_core.practices.life import SEEN_BY_ALL
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page

# The title is the practice's of today, and no secret of a practice that went back to being a draft.
COLUMNS: Final = sql.SQL("""
n.id, n.user_id, n.type, n.title, n.message, n.related_practice_id, n.related_question_id,
(SELECT p.title FROM best_practices p
 WHERE p.id = n.related_practice_id AND NOT p.is_deleted
   AND (p.status = ANY (%(seen)s) OR %(is_hq)s OR p.plant_id = %(own_plant)s)) AS practice_title,
n.is_read, n.created_at
""")

# The part is read along the index on (user_id, created_at): what is not shown is counted, but not joined.
LIST: Final = sql.SQL("""
SELECT total.notifications AS total, part.*
FROM (SELECT count(*) AS notifications FROM notifications n WHERE {where}) total
LEFT JOIN (
    SELECT {columns} FROM notifications n WHERE {where}
    ORDER BY n.created_at DESC, n.id LIMIT %(limit)s OFFSET %(offset)s
) part ON true
ORDER BY part.created_at DESC, part.id
""")

MINE: Final[Mapping[bool | None, sql.SQL]] = {
    None: sql.SQL("n.user_id = %(user_id)s"),
    True: sql.SQL("n.user_id = %(user_id)s AND n.is_read"),
    False: sql.SQL("n.user_id = %(user_id)s AND NOT n.is_read"),
}

TELL: Final = sql.SQL("""
INSERT INTO notifications
    (user_id, type, title, message, related_practice_id, related_question_id, created_at)
SELECT u.id, %(type)s, %(title)s, %(message)s, %(practice_id)s, %(question_id)s, %(at)s
FROM users u
WHERE u.is_active AND u.id IS DISTINCT FROM %(by)s AND {audience}
""")


class PostgresNotifier:
    """Tells people in one invocation, in whatever transaction the change is made in."""

    def __init__(self, sql: Sql, *, at: datetime, by: Callable[[], UUID | None]) -> None:
        self._sql = sql
        self._at = at
        self._by = by

    def tell_user(self, user_id: UUID, notice: Notice) -> None:
        """Tell one person."""
        self._tell(notice, sql.SQL("u.id = %(user_id)s"), {"user_id": user_id})

    def tell_plant(self, plant_id: UUID, notice: Notice) -> None:
        """Tell everybody at a plant."""
        self._tell(notice, sql.SQL("u.plant_id = %(plant_id)s"), {"plant_id": plant_id})

    def tell_uploader(self, container: str, blob_name: str, notice: Notice) -> None:
        """Tell who asked for an upload, or everybody at the practice's plant where nobody had asked."""
        audience = sql.SQL("""
            CASE WHEN EXISTS (SELECT FROM uploads a WHERE a.container = %(container)s
                              AND a.blob_name = %(blob_name)s AND a.user_id IS NOT NULL)
            THEN u.id = (SELECT a.user_id FROM uploads a
                         WHERE a.container = %(container)s AND a.blob_name = %(blob_name)s)
            ELSE u.plant_id = (SELECT p.plant_id FROM best_practices p WHERE p.id = %(practice_id)s) END
        """)
        self._tell(notice, audience, {"container": container, "blob_name": blob_name})

    def _tell(self, notice: Notice, audience: sql.SQL, values: dict[str, Any]) -> None:
        told = {**vars(notice), **values, "at": self._at, "by": self._by()}
        self._sql.run(TELL.format(audience=audience), told)


class PostgresNotifications:
    """What people were told."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def notifications(self, caller: Caller, query: NotificationQuery) -> Page[Notification]:
        """List a person's notifications, newest first, in one query."""
        rows = self._sql.mappings(
            LIST.format(where=MINE[query.is_read], columns=COLUMNS),
            {**_reader(caller), "limit": query.limit, "offset": query.offset},
        )
        items = [Notification(**row) for row in rows if row["id"] is not None]
        return Page(items, rows[0]["total"], query.limit, query.offset)

    def unread_count(self, user_id: UUID) -> int:
        """Tell how many notifications a person has not read."""
        count: int = self._sql.value(
            "SELECT count(*) FROM notifications WHERE user_id = %(user_id)s AND NOT is_read",
            {"user_id": user_id},
        )
        return count

    def mark_read(self, caller: Caller, notification_id: UUID) -> Notification | None:
        """Mark a notification as read; None if the person has no such one."""
        return self._sql.row(
            sql.SQL("""
            WITH n AS (
                UPDATE notifications SET is_read = true
                WHERE id = %(notification_id)s AND user_id = %(user_id)s RETURNING *
            )
            SELECT {columns} FROM n
            """).format(columns=COLUMNS),
            {**_reader(caller), "notification_id": notification_id},
            into=Notification,
        )

    def mark_all_read(self, user_id: UUID) -> int:
        """Mark everything that a person has not read; tell how many they were."""
        return self._sql.run(
            "UPDATE notifications SET is_read = true WHERE user_id = %(user_id)s AND NOT is_read",
            {"user_id": user_id},
        )


def _reader(caller: Caller) -> dict[str, Any]:
    return {
        "user_id": caller.user_id,
        "seen": list(SEEN_BY_ALL),
        "is_hq": caller.is_hq,
        "own_plant": caller.plant_id,
    }
