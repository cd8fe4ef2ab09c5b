"""A store of practices in memory, and fakes of what else the services of practices need."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from bp_core.practices.columns import SpreadsheetPractice
from bp_core.practices.ports import CheckedPractice, ServedAs, Transition
from bp_core.practices.queries import PracticeQuery
from bp_core.practices.schemas import Likeness, Statistics, StoredListItem, StoredPractice
from bp_core.practices.workflow import PracticeScope, PracticeState
from bp_core.reviews.schemas import HistoryEntry
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage, Page
from bp_core.shared.schemas import PageQuery, RecentQuery
from tests.unit.bp_core.support import OWNER, PUNE

CREATED: Final = datetime(2025, 6, 20, 8, tzinfo=UTC)


class MemoryPractices:
    """Stores practices as their rules see them; lists show what a test puts into `listed`,
    exports what it puts into `in_spreadsheets`.

    A test puts a scope into `outdated` to simulate that another transaction changes the practice between an
    unlocked and a locked read.
    """

    def __init__(self, *practices: PracticeState) -> None:
        self.states = {one.id: one for one in practices}
        self.outdated: dict[UUID, PracticeScope] = {}
        self.transitions: list[Transition] = []
        self.saved: list[tuple[PracticeState, datetime]] = []
        self.authors: dict[UUID, UUID] = {}
        self.shared: set[UUID] = set()
        self.viewed: list[UUID] = []
        self.listed: list[StoredListItem] = []
        self.in_spreadsheets: list[SpreadsheetPractice] = []

    def add(self, practice: CheckedPractice, author_id: UUID, now: datetime) -> UUID:
        practice_id = uuid4()
        self.states[practice_id] = PracticeState(practice_id, **vars(practice), is_benchmarked=False)
        self.authors[practice_id] = author_id
        return practice_id

    def is_shared(self, practice_id: UUID) -> bool:
        return practice_id in self.shared

    def add_transition(self, transition: Transition) -> None:
        self.transitions.append(transition)

    def scope(self, practice_id: UUID) -> PracticeScope | None:
        return self.outdated.get(practice_id) or self.lock_scope(practice_id)

    def lock_scope(self, practice_id: UUID) -> PracticeScope | None:
        found = self.states.get(practice_id)
        return found.scope if found else None

    def state_for_update(self, practice_id: UUID) -> PracticeState | None:
        return self.states.get(practice_id)

    def save(self, practice: PracticeState, now: datetime) -> None:
        self.states[practice.id] = practice
        self.saved.append((practice, now))

    def set_reviewer(self, practice_id: UUID, reviewer_id: UUID | None) -> None:
        self.states[practice_id] = replace(self.states[practice_id], reviewer_id=reviewer_id)

    def mark_deleted(self, practice_id: UUID, now: datetime) -> None:
        del self.states[practice_id]

    def practice(self, practice_id: UUID) -> StoredPractice | None:
        found = self.states.get(practice_id)
        return stored_practice(found) if found else None

    def practices(self, query: PracticeQuery, caller: Caller) -> LongPage[StoredListItem]:
        part = self.listed[query.offset : query.offset + query.limit]
        has_next = query.offset + len(part) < len(self.listed)
        return LongPage(part, len(self.listed), query.limit, query.offset, has_next=has_next)

    def similar(
        self, text: Likeness, caller: Caller, *, but: UUID | None, at_most: int
    ) -> list[StoredListItem]:
        return [item for item in self.listed if item.id != but][:at_most]

    def recent(self, query: RecentQuery) -> Page[StoredListItem]:
        return Page.of(self.listed, query)

    def exported(self, query: PracticeQuery, caller: Caller) -> Generator[SpreadsheetPractice]:
        yield from self.in_spreadsheets

    def count_view(self, practice_id: UUID) -> None:
        self.viewed.append(practice_id)

    def statistics(self, practice_id: UUID) -> Statistics:
        views = self.viewed.count(practice_id)
        return Statistics(view_count=views, copy_count=0, question_count=0, answered_count=0)

    def history(self, practice_id: UUID, query: PageQuery) -> Page[HistoryEntry]:
        changes = [
            HistoryEntry(
                from_status=one.from_status,
                to_status=one.to_status,
                by_user_id=one.by_user_id,
                by_name="Asha",
                comment=one.comment,
                at=one.at,
            )
            for one in self.transitions
            if one.practice_id == practice_id
        ]
        return Page.of(changes, query)


class RecordedChanges:
    """A listener that records every change."""

    def __init__(self) -> None:
        self.changes: list[tuple[PracticeState | None, PracticeState | None]] = []

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        self.changes.append((before, after))


class RecordedPoints:
    """Points that record for which deleted practices they were updated."""

    def __init__(self) -> None:
        self.updated: list[UUID] = []

    @contextmanager
    def updated_for_copy(self, practice_id: UUID) -> Iterator[None]:
        yield
        self.updated.append(practice_id)


class PlainLinks:
    """URLs that show what they read, and when they were made."""

    def read_url(self, container: str, blob_name: str, now: datetime, served: ServedAs) -> str:
        return f"https://blobs/{container}/{blob_name}?{now:%H%M}"


def stored_practice(state: PracticeState, **changes: Any) -> StoredPractice:
    """Make what a store reads of a practice, without files."""
    shown = StoredPractice(
        **asdict(state.content),
        id=state.id,
        version=state.version,
        category_name="Energy",
        submitted_by_user_id=OWNER.user_id,
        submitted_by_name="Asha",
        plant_id=state.plant_id,
        plant_name="Pune",
        status=state.status,
        submitted_date=state.submitted_date,
        is_deleted=False,
        is_benchmarked=state.is_benchmarked,
        benchmarked_date=None,
        question_count=0,
        copy_count=0,
        copied_from=None,
        created_at=CREATED,
        updated_at=CREATED,
        stored_images=[],
        stored_documents=[],
    )
    return shown.model_copy(update=changes)


def list_item(thumbnail_name: str | None = None) -> StoredListItem:
    """Make a draft of Pune as a list shows it."""
    return StoredListItem(
        id=uuid4(),
        title="Shorter hoses",
        description=None,
        category_id=None,
        category_name=None,
        plant_id=PUNE,
        plant_name="Pune",
        submitted_by_name="Asha",
        submitted_date=None,
        status="draft",
        savings_amount=None,
        savings_currency=None,
        savings_period=None,
        area_implemented=None,
        is_benchmarked=False,
        question_count=0,
        has_images=thumbnail_name is not None,
        tags=[],
        copied_from=None,
        created_at=CREATED,
        thumbnail_name=thumbnail_name,
    )
