"""The ports of practices."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, Protocol
from uuid import UUID

from bp_core.practices.columns import CellValue, Column, Notes, Rows, SpreadsheetPractice
from bp_core.practices.queries import PracticeQuery
from bp_core.practices.schemas import (
    Likeness,
    PracticeContent,
    Statistics,
    Status,
    StoredListItem,
    StoredPractice,
)
from bp_core.practices.workflow import PracticeScope, PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage, Page
from bp_core.shared.schemas import RecentQuery


@dataclass(frozen=True)
class CheckedPractice:
    """A new practice that passed all checks; it has a date if it is submitted."""

    plant_id: UUID
    status: Status
    submitted_date: date | None
    content: PracticeContent


@dataclass(frozen=True)
class Transition:
    """A change of status; `from_status` is None for a new practice."""

    practice_id: UUID
    from_status: Status | None
    to_status: Status
    by_user_id: UUID
    comment: str | None
    at: datetime


class PracticeStore(Protocol):
    """Stores practices. No method returns a deleted practice."""

    def add(self, practice: CheckedPractice, author_id: UUID, now: datetime) -> UUID:
        """Insert a new practice; return its id."""
        ...

    def is_shared(self, practice_id: UUID) -> bool:
        """Whether a practice was copied or is a copy."""
        ...

    def add_transition(self, transition: Transition) -> None:
        """Insert a change of status."""
        ...

    def scope(self, practice_id: UUID) -> PracticeScope | None:
        """Read the plant and status of a practice."""
        ...

    def lock_scope(self, practice_id: UUID) -> PracticeScope | None:
        """Read the plant and status of a practice, and lock it against changes until the transaction ends."""
        ...

    def state_for_update(self, practice_id: UUID) -> PracticeState | None:
        """Read a practice for its rules, and lock it until the transaction ends."""
        ...

    def save(self, practice: PracticeState, now: datetime) -> None:
        """Update a practice."""
        ...

    def set_reviewer(self, practice_id: UUID, reviewer_id: UUID | None) -> None:
        """Update who reviews a practice; this is no new version of it."""
        ...

    def mark_deleted(self, practice_id: UUID, now: datetime) -> None:
        """Mark a practice as deleted."""
        ...

    def practice(self, practice_id: UUID) -> StoredPractice | None:
        """Read a practice with all its details and files."""
        ...

    def practices(self, query: PracticeQuery, caller: Caller) -> LongPage[StoredListItem]:
        """List the practices that the caller may see. Raises BadRequest for a cursor that cannot be used."""
        ...

    def similar(
        self, text: Likeness, caller: Caller, *, but: UUID | None, at_most: int
    ) -> list[StoredListItem]:
        """List practices that the caller may see and that share words with a text, most similar first.

        Without drafts, declined practices, and the practice `but`.
        """
        ...

    def recent(self, query: RecentQuery) -> Page[StoredListItem]:
        """List the public practices, newest first."""
        ...

    def exported(self, query: PracticeQuery, caller: Caller) -> Generator[SpreadsheetPractice]:
        """Yield the practices of the list in its order, few at a time, as they were when the first was read.

        A connection is in use until the end of the iteration. Raises BadRequest for a cursor that cannot be
        used, Unavailable if the database takes too long.
        """
        ...

    def count_view(self, practice_id: UUID) -> None:
        """Count one view of a practice."""
        ...

    def statistics(self, practice_id: UUID) -> Statistics:
        """Count how often a practice was viewed, copied and asked about."""
        ...


class PracticeListener(Protocol):
    """Is called for every change of a practice, in the transaction of the change."""

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        """Handle a practice that was created (`before` is None), changed, or deleted (`after` is None)."""
        ...


class ImportListener(Protocol):
    """Is called once for an import, in its transaction."""

    def practices_imported(self, submitted: int) -> None:
        """Handle an import that created this many submitted practices."""
        ...


class CopyPoints(Protocol):
    """Updates the points of plants for copying practices (rules 5)."""

    def updated_for_copy(self, practice_id: UUID) -> AbstractContextManager[object]:
        """Update the points for a copy after a block that deletes, declines or reopens it.

        Does nothing for a practice that is no copy. The block locks the practice.
        """
        ...


@dataclass(frozen=True)
class ServedAs:
    """How a browser receives a file: the recorded content type, never that of the upload.

    A file with a `saved_name` is saved under it, any other is shown.
    """

    content_type: str
    saved_name: str | None = None


class BlobLinks(Protocol):
    """Signs URLs for reading stored files."""

    def read_url(self, container: str, blob_name: str, now: datetime, served: ServedAs) -> str:
        """Sign a URL that reads one blob for 24 hours. Raises Unavailable."""
        ...


class SpreadsheetFiles(Protocol):
    """Reads and writes spreadsheet files.

    A written file is at its start, and exists until the context ends. Writing needs constant memory, and
    raises Unavailable if there is no room for the file.
    """

    def write_csv(self, columns: Sequence[Column], rows: Rows) -> AbstractContextManager[BinaryIO]:
        """Write a table as CSV (RFC 4180, UTF-8 with a byte order mark)."""
        ...

    def write_xlsx(
        self, columns: Sequence[Column], rows: Rows, notes: Notes = ()
    ) -> AbstractContextManager[BinaryIO]:
        """Write a table as a workbook; `notes` become a second sheet with two columns."""
        ...

    def read_xlsx(self, data: bytes) -> Iterator[tuple[CellValue, ...]]:
        """Read the rows of the first sheet of a workbook. Raises Invalid if the file cannot be read."""
        ...


class ExportStore(Protocol):
    """Stores large exports, which are downloaded by signed URLs and deleted after a day."""

    def put_export(self, prefix: str, extension: str, content: BinaryIO, content_type: str) -> str:
        """Store a file under a new name with this prefix and extension. Raises Unavailable."""
        ...

    def export_url(self, blob_name: str, now: datetime, expires_at: datetime, served: ServedAs) -> str:
        """Sign a URL that downloads an export. Raises Unavailable."""
        ...


class CategoryNames(Protocol):
    """Reads the names of categories."""

    def ids_by_name(self) -> dict[str, UUID]:
        """Return the ids of all categories by name."""
        ...


class PlantNames(Protocol):
    """Reads the names of plants."""

    def ids_by_name(self, *, is_active: bool | None) -> dict[str, UUID]:
        """Return the ids of the plants by name: of all, or only of the active or inactive ones."""
        ...
