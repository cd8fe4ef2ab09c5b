"""The audit trail in PostgreSQL, which only ever grows."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from adapters.postgres.database import Sql
from bp_core.audit import AuditEntry, AuditQuery
from bp_core.shared.paging import Page
from bp_core.shared.trail import Facts

FILTERS: Final[Mapping[str, sql.SQL]] = {
    "entity": sql.SQL("a.entity = %(entity)s"),
    "entity_id": sql.SQL("a.entity_id = %(entity_id)s"),
    "user_id": sql.SQL("a.user_id = %(user_id)s"),
    "since": sql.SQL("a.at >= %(since)s"),
    "until": sql.SQL("a.at < %(until)s"),
}

_as_json: Final = partial(json.dumps, default=str)


class PostgresTrail:
    """Writes the trail of one invocation, in whatever transaction the change is made in."""

    def __init__(
        self, sql: Sql, *, at: datetime, by: Callable[[], UUID | None], request_id: str | None
    ) -> None:
        self._sql = sql
        self._at = at
        self._by = by
        self._request_id = request_id

    def note(
        self,
        action: str,
        entity: str,
        entity_id: UUID,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> None:
        """Keep one change."""
        self._sql.run(
            """
            INSERT INTO audit_log (at, user_id, action, entity, entity_id, before, after, request_id)
            VALUES (%(at)s, %(user_id)s, %(action)s, %(entity)s, %(entity_id)s, %(before)s, %(after)s,
                    %(request_id)s)
            """,
            {
                "at": self._at,
                "user_id": self._by(),
                "action": action,
                "entity": entity,
                "entity_id": entity_id,
                "before": _json(before),
                "after": _json(after),
                "request_id": self._request_id,
            },
        )


class PostgresAudit:
    """Reads the trail."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """List the changes, latest first."""
        asked = query.model_dump(exclude_none=True)
        conditions = [condition for field, condition in FILTERS.items() if field in asked]
        where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")
        return self._sql.page(
            sql.SQL("""
            SELECT a.id, a.at, a.user_id, u.full_name AS user_name, a.action, a.entity, a.entity_id,
                   a.before, a.after, a.request_id
            FROM audit_log a LEFT JOIN users u ON u.id = a.user_id
            """)
            + where,
            asked,
            order=sql.SQL("at DESC, id DESC"),
            limit=query.limit,
            offset=query.offset,
            into=AuditEntry,
        )


def _json(facts: Facts | None) -> Jsonb | None:
    return Jsonb(dict(facts), dumps=_as_json) if facts is not None else None
