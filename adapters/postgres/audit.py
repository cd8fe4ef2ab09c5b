"""The audit trail in PostgreSQL; the table accepts inserts only."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb
from typing_extensions import override

from adapters.postgres.database import Sql, matching
from bp_core.audit import AuditEntry, AuditLog, AuditQuery
from bp_core.shared.auditing import AuditedEntity, AuditTrail, Snapshot
from bp_core.shared.context import Context
from bp_core.shared.paging import Page

FILTERS: Final[Mapping[str, sql.SQL]] = {
    "entity": sql.SQL("a.entity = %(entity)s"),
    "entity_id": sql.SQL("a.entity_id = %(entity_id)s"),
    "user_id": sql.SQL("a.user_id = %(user_id)s"),
    "since": sql.SQL("a.at >= %(since)s"),
    "until": sql.SQL("a.at < %(until)s"),
}

_as_json: Final = partial(json.dumps, default=str)


class PostgresAuditTrail(AuditTrail):
    """Inserts into `audit_log` in the transaction of one invocation."""

    def __init__(self, sql: Sql, context: Context) -> None:
        self._sql = sql
        self._context = context

    @override
    def record(
        self,
        action: str,
        entity: AuditedEntity,
        entity_id: UUID,
        before: Snapshot = None,
        after: Snapshot = None,
    ) -> None:
        caller = self._context.caller
        self._sql.run(
            """
            INSERT INTO audit_log (at, user_id, action, entity, entity_id, before, after, request_id)
            VALUES (%(at)s, %(user_id)s, %(action)s, %(entity)s, %(entity_id)s, %(before)s, %(after)s,
                    %(request_id)s)
            """,
            {
                "at": self._context.now,
                "user_id": caller.user_id if caller else None,
                "action": action,
                "entity": entity,
                "entity_id": entity_id,
                "before": _json(before),
                "after": _json(after),
                "request_id": self._context.request_id,
            },
        )


class PostgresAuditLog(AuditLog):
    """Reads the table `audit_log`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        requested = query.model_dump(exclude_none=True)
        return self._sql.page(
            sql.SQL("""
            SELECT a.id, a.at, a.user_id, u.full_name AS user_name, a.action, a.entity, a.entity_id,
                   a.before, a.after, a.request_id
            FROM audit_log a LEFT JOIN users u ON u.id = a.user_id
            WHERE {where}
            """).format(where=matching(FILTERS, requested)),
            requested,
            order=sql.SQL("at DESC, id DESC"),
            part=query,
            into=AuditEntry,
        )


def _json(facts: Snapshot) -> Jsonb | None:
    return Jsonb(dict(facts), dumps=_as_json) if facts is not None else None
