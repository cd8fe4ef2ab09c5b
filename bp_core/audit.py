"""Looking into the audit trail."""

from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.shared.model import Instant, PageQuery, Shown, Text, Timestamp
from bp_core.shared.paging import Page


class AuditQuery(PageQuery):
    """Which changes are wanted: `from` and `to` are moments with a time zone, `to` not included."""

    entity: Annotated[Text, Field(max_length=50)] | None = None
    entity_id: UUID | None = None
    user_id: UUID | None = None
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None


class AuditEntry(Shown):
    """A change: what was done to which thing, by whom (null: by the portal itself, or before signing in)."""

    id: int
    at: Timestamp
    user_id: UUID | None
    user_name: str | None
    action: str
    entity: str
    entity_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


class AuditStore(Protocol):
    """Where the trail is kept."""

    def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """List the changes, latest first."""
        ...
