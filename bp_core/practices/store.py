"""What the practices need of the world outside."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from bp_core.practices.life import Content, PracticeState, Whereabouts
from bp_core.practices.models import Likeness, PracticeQuery, Status, StoredListItem, StoredPractice
from bp_core.practices.sheet import SheetPractice
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage


@dataclass(frozen=True)
class Transition:
    """A change of state: from which (none for a new practice) to which, by whom, when, with what comment."""

    practice_id: UUID
    from_status: Status | None
    to_status: Status
    by_user_id: UUID
    comment: str | None
    at: datetime


class PracticeStore(Protocol):
    """Where practices are kept. A deleted practice is found by none of these."""

    def add(
        self,
        content: Content,
        *,
        plant_id: UUID,
        author_id: UUID,
        status: Status,
        submitted_date: date | None,
        now: datetime,
    ) -> UUID:
        """Keep a new practice."""
        ...

    def is_shared(self, practice_id: UUID) -> bool:
        """Whether a practice was copied or is a copy."""
        ...

    def add_transition(self, transition: Transition) -> None:
        """Keep a change of state."""
        ...

    def whereabouts(self, practice_id: UUID) -> Whereabouts | None:
        """Find what decides who sees and writes a practice."""
        ...

    def state_for_update(self, practice_id: UUID) -> PracticeState | None:
        """Find a practice and hold it until the transaction ends."""
        ...

    def save(self, practice: PracticeState, now: datetime) -> None:
        """Keep a practice as it is now."""
        ...

    def mark_deleted(self, practice_id: UUID, now: datetime) -> None:
        """Hide a practice for good."""
        ...

    def practice(self, practice_id: UUID) -> StoredPractice | None:
        """Find a practice with everything that belongs to it."""
        ...

    def practices(self, query: PracticeQuery, caller: Caller) -> LongPage[StoredListItem]:
        """List the practices that the caller may see."""
        ...

    def similar(
        self, text: Likeness, caller: Caller, *, but: UUID | None, at_most: int
    ) -> list[StoredListItem]:
        """List practices that the caller may see and that have words in common with a text, nearest first.

        Drafts are left out, and the practice `but`.
        """
        ...

    def recent(self, at_most: int) -> list[StoredListItem]:
        """List the newest practices that everybody sees, newest first."""
        ...

    def in_full(self, practice_ids: Sequence[UUID], caller: Caller) -> list[SheetPractice]:
        """Find what these practices say, in this order; without what the caller may not see."""
        ...


class Ledger(Protocol):
    """Keeps what is counted from practices true when one of them changes."""

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        """Take note of a practice that is new (no before), changed, or gone (no after)."""
        ...


class Points(Protocol):
    """Keeps the points true that plants earn by copying practices (rules 5)."""

    def settled_without(self, practice_id: UUID) -> AbstractContextManager[object]:
        """Take away, when the block ends, what was earned by a copy that goes in it."""
        ...


class Links(Protocol):
    """Makes URLs that read one stored file for a while."""

    def read_url(self, container: str, blob_name: str, now: datetime) -> str:
        """Make a URL that reads one blob for 24 hours."""
        ...
