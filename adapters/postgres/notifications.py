"""Notifications in PostgreSQL."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from adapters.postgres.practice_lists import PUBLIC_VALUES, VISIBLE, visible_to
from bp_core.notifications import Notice, Notification, NotificationQuery, NotificationStore, Notifier
from bp_core.shared.access import Caller
from bp_core.shared.context import Context
from bp_core.shared.paging import Page

# The current title of the practice; NULL if the user can no longer see the practice.
COLUMNS: Final = sql.SQL("""
n.id, n.user_id, n.type, n.title, n.message, n.related_practice_id, n.related_question_id,
(SELECT p.title FROM best_practices p
 WHERE p.id = n.related_practice_id AND NOT p.is_deleted
   AND {visible}) AS practice_title,
n.is_read, n.created_at
""").format(visible=VISIBLE)

# Whether the user u may see the practice that a notice is about, now, in the transaction of the change.
MAY_SEE: Final = sql.SQL("""
(%(practice_id)s::uuid IS NULL OR EXISTS (
    SELECT FROM best_practices p WHERE p.id = %(practice_id)s AND NOT p.is_deleted
      AND (p.status = ANY (%(public_statuses)s) OR u.role = 'hq' OR p.plant_id = u.plant_id)))
""")

# The notifications of a user: all, or only the read or unread ones.
OWN: Final[Mapping[bool | None, sql.SQL]] = {
    None: sql.SQL("n.user_id = %(user_id)s"),
    True: sql.SQL("n.user_id = %(user_id)s AND n.is_read"),
    False: sql.SQL("n.user_id = %(user_id)s AND NOT n.is_read"),
}


class PostgresNotifier(Notifier):
    """Inserts notifications in the transaction of one invocation."""

    def __init__(self, sql: Sql, context: Context) -> None:
        self._sql = sql
        self._context = context

    @override
    def notify_user(self, user_id: UUID, notice: Notice) -> None:
        self._notify(notice, sql.SQL("u.id = %(user_id)s"), {"user_id": user_id})

    @override
    def notify_plant(self, plant_id: UUID, notice: Notice) -> None:
        self._notify(notice, sql.SQL("u.plant_id = %(plant_id)s"), {"plant_id": plant_id})

    @override
    def notify_headquarters(self, notice: Notice) -> None:
        self._notify(notice, sql.SQL("u.role = 'hq'"), {})

    @override
    def notify_of_registration(self, user_id: UUID, notice: Notice) -> None:
        recipients = sql.SQL("""
            u.role = 'hq'
            AND EXISTS (SELECT FROM users r WHERE r.id = %(registered_id)s AND NOT r.is_active)
            AND NOT EXISTS (SELECT FROM notifications n
                            WHERE n.user_id = u.id AND n.type = 'user_registered' AND NOT n.is_read)
        """)
        self._notify(notice, recipients, {"registered_id": user_id})

    @override
    def notify_uploader(self, container: str, blob_name: str, notice: Notice) -> None:
        recipients = sql.SQL("""
            CASE WHEN EXISTS (SELECT FROM uploads a WHERE a.container = %(container)s
                              AND a.blob_name = %(blob_name)s AND a.user_id IS NOT NULL)
            THEN u.id = (SELECT a.user_id FROM uploads a
                         WHERE a.container = %(container)s AND a.blob_name = %(blob_name)s)
            ELSE u.plant_id = (SELECT p.plant_id FROM best_practices p WHERE p.id = %(practice_id)s) END
        """)
        # About their own file only: they learn of it also if they may no longer see the practice.
        values = {"container": container, "blob_name": blob_name}
        self._notify(notice, recipients, values, condition=sql.SQL("true"))

    def _notify(
        self, notice: Notice, recipients: sql.SQL, values: dict[str, Any], *, condition: sql.SQL = MAY_SEE
    ) -> None:
        caller = self._context.caller
        self._sql.run(
            sql.SQL("""
            INSERT INTO notifications
                (user_id, type, title, message, related_practice_id, related_question_id, created_at)
            SELECT u.id, %(type)s, %(title)s, %(message)s, %(practice_id)s, %(question_id)s, %(now)s
            FROM users u
            WHERE u.is_active AND u.id IS DISTINCT FROM %(caller_id)s AND {recipients} AND {condition}
            """).format(recipients=recipients, condition=condition),
            {
                **vars(notice),
                **values,
                **PUBLIC_VALUES,
                "now": self._context.now,
                "caller_id": caller.user_id if caller else None,
            },
        )


class PostgresNotifications(NotificationStore):
    """The table `notifications`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def notifications(self, caller: Caller, query: NotificationQuery) -> Page[Notification]:
        rows = self._sql.mappings(
            # The page is read with the index on (user_id, created_at); the total needs no join.
            sql.SQL("""
            SELECT total.notifications AS total, part.*
            FROM (SELECT count(*) AS notifications FROM notifications n WHERE {where}) total
            LEFT JOIN (
                SELECT {columns} FROM notifications n WHERE {where}
                ORDER BY n.created_at DESC, n.id LIMIT %(limit)s OFFSET %(offset)s
            ) part ON true
            ORDER BY part.created_at DESC, part.id
            """).format(where=OWN[query.is_read], columns=COLUMNS),
            {**_reader(caller), "limit": query.limit, "offset": query.offset},
        )
        items = [Notification(**row) for row in rows if row["id"] is not None]
        return Page(items, rows[0]["total"], query.limit, query.offset)

    @override
    def unread_count(self, user_id: UUID) -> int:
        count: int = self._sql.value(
            "SELECT count(*) FROM notifications WHERE user_id = %(user_id)s AND NOT is_read",
            {"user_id": user_id},
        )
        return count

    @override
    def mark_read(self, caller: Caller, notification_id: UUID) -> Notification | None:
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

    @override
    def mark_all_read(self, user_id: UUID) -> int:
        return self._sql.run(
            "UPDATE notifications SET is_read = true WHERE user_id = %(user_id)s AND NOT is_read",
            {"user_id": user_id},
        )


def _reader(caller: Caller) -> dict[str, Any]:
    return {"user_id": caller.user_id, **visible_to(caller)}
