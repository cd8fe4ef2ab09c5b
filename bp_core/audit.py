"""Reading the audit trail."""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditedEntity
from bp_core.shared.paging import Page
from bp_core.shared.schemas import Instant, PageQuery, ResponseModel, Timestamp


class AuditQuery(PageQuery):
    """Filters the audit trail: from `from` (inclusive) to `to` (exclusive), both with a time zone."""

    entity: AuditedEntity | None = None
    entity_id: UUID | None = None
    user_id: UUID | None = None
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None


class AuditEntry(ResponseModel):
    """A recorded change; `user_id` is null if a job made it, or a caller who was not signed in."""

    id: int
    at: Timestamp
    user_id: UUID | None
    user_name: Annotated[str | None, Field(examples=["Asha Rao"])]
    action: Annotated[str, Field(examples=["practice.approved"])]
    entity: Annotated[str, Field(examples=["practice"])]
    entity_id: UUID | None
    before: Annotated[dict[str, Any] | None, Field(examples=[{"status": "submitted"}])]
    after: Annotated[dict[str, Any] | None, Field(examples=[{"status": "approved"}])]
    request_id: Annotated[str | None, Field(examples=["b1946ac92492d2347c62"])]


class AuditLog(Protocol):
    """Reads the audit trail."""

    def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """List the changes, latest first."""
        ...


@dataclass(frozen=True)
class AuditService:
    """The use case of reading the audit trail."""

    log: AuditLog

    def search(self, caller: Caller, query: AuditQuery) -> Page[AuditEntry]:
        """Return one page of the changes, latest first, for headquarters. Raises Forbidden."""
        require_headquarters(caller)
        return self.log.entries(query)
