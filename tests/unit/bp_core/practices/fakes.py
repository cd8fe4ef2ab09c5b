"""Practices in memory, and a ledger that only takes notes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID, uuid4

from bp_core.practices.life import Content, PracticeState, Whereabouts
from bp_core.practices.models import Likeness, PracticeQuery, Status, StoredListItem, StoredPractice
from bp_core.practices.sheet import SheetPractice
from bp_core.practices.store import Transition
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage


class MemoryPractices:
    """Keeps practices as their rules see them, and serves what is put into `shown` and `listed`."""

    def __init__(self, *practices: PracticeState) -> None:
        self.states = {one.id: one for one in practices}
        self.transitions: list[Transition] = []
        self.saved: list[tuple[PracticeState, datetime]] = []
        self.authors: dict[UUID, UUID] = {}
        self.shared: set[UUID] = set()
        self.shown: dict[UUID, StoredPractice] = {}
        self.listed: list[StoredListItem] = []

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
        practice_id = uuid4()
        self.states[practice_id] = PracticeState(
            practice_id, plant_id, status, submitted_date, is_benchmarked=False, content=content
        )
        self.authors[practice_id] = author_id
        return practice_id

    def whereabouts(self, practice_id: UUID) -> Whereabouts | None:
        found = self.states.get(practice_id)
        return Whereabouts(found.plant_id, found.status) if found else None

    def state_for_update(self, practice_id: UUID) -> PracticeState | None:
        return self.states.get(practice_id)

    def save(self, practice: PracticeState, now: datetime) -> None:
        self.states[practice.id] = replace(practice)
        self.saved.append((practice, now))

    def mark_deleted(self, practice_id: UUID, now: datetime) -> None:
        del self.states[practice_id]

    def is_shared(self, practice_id: UUID) -> bool:
        return practice_id in self.shared

    def add_transition(self, transition: Transition) -> None:
        self.transitions.append(transition)

    def practice(self, practice_id: UUID) -> StoredPractice | None:
        return self.shown.get(practice_id)

    def practices(self, query: PracticeQuery, caller: Caller) -> LongPage[StoredListItem]:
        part = self.listed[query.offset : query.offset + query.limit]
        goes_on = query.offset + len(part) < len(self.listed)
        return LongPage(part, len(self.listed), query.limit, query.offset, goes_on=goes_on)

    def similar(
        self, text: Likeness, caller: Caller, *, but: UUID | None, at_most: int
    ) -> list[StoredListItem]:
        return [item for item in self.listed if item.id != but][:at_most]

    def recent(self, at_most: int) -> list[StoredListItem]:
        return self.listed[:at_most]

    def in_full(self, practice_ids: Sequence[UUID], caller: Caller) -> list[SheetPractice]:
        raise NotImplementedError("no use case of these tests takes practices out")


class NotedChanges:
    """A ledger that notes what it is told."""

    def __init__(self) -> None:
        self.changes: list[tuple[PracticeState | None, PracticeState | None]] = []

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        self.changes.append((before, after))


class NotedPoints:
    """Points that note whose deletion they were settled around."""

    def __init__(self) -> None:
        self.settled: list[UUID] = []

    @contextmanager
    def settled_without(self, practice_id: UUID) -> Iterator[None]:
        yield
        self.settled.append(practice_id)


class PlainLinks:
    """URLs that say what they read, and when they were made."""

    def read_url(self, container: str, blob_name: str, now: datetime) -> str:
        return f"https://blobs/{container}/{blob_name}?{now:%H%M}"
