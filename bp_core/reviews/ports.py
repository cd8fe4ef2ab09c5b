"""The ports of reviews."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from bp_core.practices.workflow import PracticeScope
from bp_core.reviews.schemas import HistoryEntry, InboxQuery, OverdueReviews, StoredWaitingPractice
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery


class HistoryStore(Protocol):
    """Reads the recorded changes of status."""

    def scope(self, practice_id: UUID) -> PracticeScope | None:
        """Read the plant and status of a practice."""
        ...

    def history(self, practice_id: UUID, query: PageQuery) -> Page[HistoryEntry]:
        """List the changes of status of a practice, oldest first."""
        ...


class InboxStore(Protocol):
    """Reads the practices that wait for a decision. A reviewer is always an active headquarters user."""

    def inbox(
        self, caller: Caller, query: InboxQuery, overdue_before: datetime
    ) -> Page[StoredWaitingPractice]:
        """List the waiting practices, longest waiting first; those since before a time are overdue."""
        ...

    def waiting(self, practice_id: UUID) -> StoredWaitingPractice:
        """Read one waiting practice."""
        ...

    def is_reviewer(self, user_id: UUID) -> bool:
        """Whether a user is an active headquarters user."""
        ...

    def overdue(self, overdue_before: datetime, day_start: datetime) -> list[OverdueReviews]:
        """Count the overdue practices of each headquarters user who was not reminded since a time."""
        ...

    def remove_reminders(self, before: datetime) -> None:
        """Delete the unread reminders that were made before a time."""
        ...
