"""Copying benchmarked practices of other plants, and how far their implementation is (rules 6)."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Protocol, get_args
from uuid import UUID

from pydantic import Field

from bp_core.leaderboard import PlantPoints, Points
from bp_core.notifications import Notice, Notifier, excerpt
from bp_core.practices import life, writing
from bp_core.practices.life import PracticeState, Whereabouts
from bp_core.practices.models import NewPractice, Practice, Status, Title
from bp_core.practices.store import Ledger, PracticeStore
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Moment
from bp_core.shared.errors import Conflict, Forbidden, NotFound
from bp_core.shared.model import Line, PageQuery, Sent, Shown, Timestamp
from bp_core.shared.paging import Page
from bp_core.shared.trail import Trail

ImplementationStatus = Literal["planning", "in_progress", "completed"]
"""How far a copy is implemented."""

ORDER: Final[tuple[ImplementationStatus, ...]] = get_args(ImplementationStatus)
"""The steps of an implementation in their order: one at a time, forwards or back."""

OwnText = Annotated[Line, Field(max_length=20_000)]

CUSTOMISED: Final = ("title", "description", "problem_statement", "solution")
"""What the copying plant may say in its own words."""

NOT_COPIED: Final[dict[str, None]] = dict.fromkeys(("savings_amount", "savings_currency", "savings_period"))
"""The copying plant states what it measured itself (rules 3)."""


class NewCopy(Sent):
    """Which practice is copied, and what the copying plant says in its own words: null for the original's."""

    original_practice_id: UUID
    customized_title: Title | None = None
    customized_description: OwnText | None = None
    customized_problem_statement: OwnText | None = None
    customized_solution: OwnText | None = None
    implementation_status: ImplementationStatus = "planning"


class CopyChanges(Sent):
    """How far a copy is implemented by now."""

    implementation_status: ImplementationStatus


class CopyRecord(Shown):
    """That a plant has copied a practice, and how far it is."""

    id: UUID
    original_practice_id: UUID
    copied_practice_id: UUID
    copying_plant_id: UUID
    copied_date: date
    implementation_status: ImplementationStatus
    created_at: Timestamp
    updated_at: Timestamp


class OwnCopy(CopyRecord):
    """A copy of the caller's plant; `bp_title` is null where the plant no longer sees the original."""

    bp_title: str | None
    origin_plant_id: UUID
    origin_plant_name: str
    copied_title: str
    copied_status: Status


class Copy(Shown):
    """A copy as a list about its original shows it."""

    id: UUID
    copied_practice_id: UUID
    plant_id: UUID
    plant_name: str
    copied_date: date
    implementation_status: ImplementationStatus


class Spread(Shown):
    """A practice and who has copied it, the first one first; no date where it is benchmarked no longer."""

    bp_id: UUID
    bp_title: str
    origin_plant_id: UUID
    origin_plant_name: str
    benchmarked_date: date | None
    copy_count: int
    copies: list[Copy]


class PointsAwarded(Shown):
    """What a copy earned: its origin only if it is the first one (rules 5)."""

    origin_points: int
    copier_points: int
    origin_plant_id: UUID
    copying_plant_id: UUID


class CopyMade(Shown):
    """A new copy: the practice that it is, the record of it, and what it earned."""

    copied_practice: Practice
    copy_record: CopyRecord
    points_awarded: PointsAwarded


class CopyStore(Protocol):
    """Where the copies are kept. One whose practice is deleted is found by none of these."""

    def add(
        self, original_id: UUID, copied_id: UUID, status: ImplementationStatus, moment: Moment
    ) -> CopyRecord | None:
        """Keep that one practice is a copy of another.

        None if its plant has copied that one before, and has not deleted its copy.
        """
        ...

    def copy_for_update(self, copy_id: UUID) -> CopyRecord | None:
        """Find a copy and hold it until the transaction ends."""
        ...

    def save_status(self, copy_id: UUID, status: ImplementationStatus, now: datetime) -> CopyRecord:
        """Keep how far a copy is."""
        ...

    def copies(self, original_id: UUID) -> tuple[Whereabouts | None, list[Copy]]:
        """Find what decides who sees a practice, and its copies, the first one first."""
        ...

    def own(self, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
        """List the copies of the caller's plant, newest first."""
        ...

    def benchmarked(self, query: PageQuery) -> Page[Spread]:
        """List the benchmarked practices with their copies, the most copied and then the newest first."""
        ...

    def deployed(self, query: PageQuery) -> Page[Spread]:
        """List the practices that were copied and that everybody sees, in the same order."""
        ...


@dataclass(frozen=True)
class Copying:
    """Copies practices and follows their implementation."""

    store: CopyStore
    practices: PracticeStore
    points: Points
    ledger: Ledger
    notifier: Notifier
    trail: Trail

    def implement(self, caller: Caller, new: NewCopy, *, moment: Moment) -> tuple[CopyRecord, PointsAwarded]:
        """Copy a benchmarked practice of another plant for the caller's: submitted, dated today, no savings.

        The origin plant is told. Raises NotFound, Conflict (OWN_PRACTICE, NOT_BENCHMARKED, ALREADY_COPIED).
        """
        original = self._copyable(caller, new.original_practice_id)
        with self.points.settled(original.id) as earned:
            copied_id = writing.create(
                self.practices, self.ledger, caller, _copy_of(original, new), moment=moment
            )
            record = self.store.add(original.id, copied_id, new.implementation_status, moment)
            if record is None:
                raise Conflict("Your plant has copied this practice already.", code="ALREADY_COPIED")
        self.trail.note("copy.made", "copy", record.id, after=_facts(record))
        self.notifier.tell_plant(
            original.plant_id,
            Notice(
                "practice_copied",
                "Another plant copies your practice",
                excerpt(original.content.title),
                original.id,
            ),
        )
        return record, _awarded(earned, original.plant_id, record.copying_plant_id)

    def progress(self, caller: Caller, copy_id: UUID, changes: CopyChanges, now: datetime) -> CopyRecord:
        """Take a copy of the caller's plant one step on or back; the step it is at changes nothing.

        Raises NotFound, Forbidden, Conflict (INVALID_TRANSITION).
        """
        before = self.store.copy_for_update(copy_id)
        if before is None:
            raise NotFound("There is no such copy.")
        if not caller.belongs_to(before.copying_plant_id):
            raise Forbidden("This copy belongs to another plant.")
        status = changes.implementation_status
        if status == before.implementation_status:
            return before
        require_step(before.implementation_status, status)
        after = self.store.save_status(copy_id, status, now)
        self.trail.note(
            "copy.changed",
            "copy",
            copy_id,
            before={"implementation_status": before.implementation_status},
            after={"implementation_status": status},
        )
        return after

    def _copyable(self, caller: Caller, practice_id: UUID) -> PracticeState:
        """Hold a practice that the caller's plant may copy; what can never change is told first."""
        original = writing.held(self.practices, practice_id)
        life.require_visible(caller, Whereabouts(original.plant_id, original.status))
        if caller.belongs_to(original.plant_id):
            raise Conflict("A plant does not copy its own practice.", code="OWN_PRACTICE")
        life.require_benchmarked(original)
        return original


def require_step(from_status: ImplementationStatus, to_status: ImplementationStatus) -> None:
    """Check that an implementation goes one step on or back (rules 6).

    Raises Conflict (INVALID_TRANSITION).
    """
    if abs(ORDER.index(to_status) - ORDER.index(from_status)) != 1:
        raise Conflict(
            f"An implementation cannot go from {from_status} to {to_status}.", code="INVALID_TRANSITION"
        )


def show_copies(store: CopyStore, caller: Caller, original_id: UUID) -> list[Copy]:
    """Show the copies of a practice that the caller may see, the first one first.

    Raises NotFound.
    """
    whereabouts, copies = store.copies(original_id)
    life.require_visible(caller, whereabouts)
    return copies


def _copy_of(original: PracticeState, new: NewCopy) -> NewPractice:
    said = {field: getattr(new, f"customized_{field}") for field in CUSTOMISED}
    own_words = {field: text for field, text in said.items() if text is not None}
    content: dict[str, Any] = {**asdict(original.content), **NOT_COPIED, **own_words}
    return NewPractice(**{**content, "benefits": list(original.content.benefits)}, status="submitted")


def _awarded(earned: list[PlantPoints], origin_plant_id: UUID, copying_plant_id: UUID) -> PointsAwarded:
    return PointsAwarded(
        origin_points=sum(points.origin_points for points in earned),
        copier_points=sum(points.copier_points for points in earned),
        origin_plant_id=origin_plant_id,
        copying_plant_id=copying_plant_id,
    )


def _facts(record: CopyRecord) -> dict[str, object]:
    return record.model_dump(exclude={"id", "created_at", "updated_at"})
