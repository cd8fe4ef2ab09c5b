"""What headquarters decides about practices, and the record of every change of state (rules 2)."""

from typing import Protocol
from uuid import UUID

from bp_core.practices.models import Comment, Status
from bp_core.shared.model import Sent, Shown, Timestamp


class RevisionRequest(Sent):
    """What the plant is asked to change."""

    comment: Comment


class HistoryEntry(Shown):
    """A change of state; `from_status` is null where the practice was new."""

    from_status: Status | None
    to_status: Status
    by_user_id: UUID
    by_name: str
    comment: str | None
    at: Timestamp


class ReviewStore(Protocol):
    """Where the changes of state are kept."""

    def history(self, practice_id: UUID) -> list[HistoryEntry]:
        """List the changes of state of a practice, oldest first."""
        ...
