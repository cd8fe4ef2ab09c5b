"""Copies of benchmarked practices by other plants, and their implementation (rules 6)."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Protocol, get_args
from uuid import UUID

from pydantic import Field

from bp_core.leaderboard import PlantPoints, PointsUpdater
from bp_core.notifications import Notice, Notifier, excerpt
from bp_core.practices import workflow
from bp_core.practices.editor import PracticeEditor
from bp_core.practices.schemas import NewPractice, Practice, Status, Title
from bp_core.practices.service import PracticeService
from bp_core.practices.workflow import SAVING_FIELDS, PracticeState
from bp_core.shared.access import Caller, require_plant_user
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import AlreadyCopied, Forbidden, InvalidTransition, NotFound, OwnPractice
from bp_core.shared.paging import Page
from bp_core.shared.schemas import Line, PageQuery, RequestModel, ResponseModel, Timestamp

ImplementationStatus = Literal["planning", "in_progress", "completed"]
"""The progress of the implementation of a copy."""

ORDER: Final[tuple[ImplementationStatus, ...]] = get_args(ImplementationStatus)
"""The steps of an implementation, in order."""

OwnText = Annotated[Line, Field(max_length=20_000)]

CUSTOMISED: Final = ("title", "description", "problem_statement", "solution")
"""The fields of the original that the copying plant can replace by its own text."""

NOT_COPIED: Final[dict[str, None]] = dict.fromkeys(SAVING_FIELDS)
"""The saving is not copied: the copying plant enters its own (rules 3)."""


class NewCopy(RequestModel):
    """A new copy of a practice; a `customized_` text replaces the text of the original, null copies it."""

    original_practice_id: UUID
    customized_title: Annotated[Title | None, Field(examples=["Less scrap in soldering"])] = None
    customized_description: Annotated[OwnText | None, Field(examples=["Joints leaked after soldering."])] = (
        None
    )
    customized_problem_statement: Annotated[
        OwnText | None, Field(examples=["One joint in sixty leaked."])
    ] = None
    customized_solution: Annotated[
        OwnText | None, Field(examples=["Nitrogen is fed while the joint cools, more slowly."])
    ] = None
    implementation_status: ImplementationStatus = "planning"


class CopyChanges(RequestModel):
    """The new progress of an implementation."""

    implementation_status: ImplementationStatus


class CopyRecord(ResponseModel):
    """The record of a copy, with the progress of its implementation."""

    id: UUID
    original_practice_id: UUID
    copied_practice_id: UUID
    copying_plant_id: UUID
    copied_date: date
    implementation_status: ImplementationStatus
    created_at: Timestamp
    updated_at: Timestamp


class OwnCopy(CopyRecord):
    """A copy of the caller's plant; `bp_title` is null if the plant can no longer see the original."""

    bp_title: Annotated[str | None, Field(examples=["Less scrap in brazing"])]
    origin_plant_id: UUID
    origin_plant_name: Annotated[str, Field(examples=["Supa"])]
    copied_title: str
    copied_status: Status


class Copy(ResponseModel):
    """A copy in a list of the copies of a practice.

    `copied_practice_id` is null if the caller may not see the copy: a draft of it, or one under revision.
    """

    id: UUID
    copied_practice_id: UUID | None
    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    copied_date: date
    implementation_status: ImplementationStatus


class Spread(ResponseModel):
    """A practice with its copies, oldest first; `benchmarked_date` is null if it is no longer benchmarked."""

    bp_id: UUID
    bp_title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    origin_plant_id: UUID
    origin_plant_name: Annotated[str, Field(examples=["Supa"])]
    benchmarked_date: date | None
    copy_count: int
    copies: list[Copy]


class PointsAwarded(ResponseModel):
    """The points for a copy; the origin earns points for the first copy only (rules 5)."""

    origin_points: int
    copier_points: int
    origin_plant_id: UUID
    copying_plant_id: UUID


class CopyMade(ResponseModel):
    """A new copy: its practice, its record, and the points that it earned."""

    copied_practice: Practice
    copy_record: CopyRecord
    points_awarded: PointsAwarded


class CopyStore(Protocol):
    """Stores copies. No method returns a copy whose practice is deleted."""

    def add(
        self, original_id: UUID, copied_id: UUID, status: ImplementationStatus, context: Context
    ) -> CopyRecord | None:
        """Insert the record of a copy.

        Returns None if the plant has already copied the original and has not deleted that copy.
        """
        ...

    def copy_for_update(self, copy_id: UUID) -> CopyRecord | None:
        """Read a copy, and lock it until the transaction ends."""
        ...

    def save_status(self, copy_id: UUID, status: ImplementationStatus, now: datetime) -> CopyRecord:
        """Update the progress of an implementation."""
        ...

    def copies(self, caller: Caller, original_id: UUID, query: PageQuery) -> Page[Copy]:
        """List the copies of a practice, oldest first, with the ids of those that the caller may see."""
        ...

    def own(self, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
        """List the copies of the caller's plant, newest first."""
        ...

    def benchmarked(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        """List the benchmarked practices with their copies: most copied first, then newest benchmark."""
        ...

    def deployed(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        """List the public practices that were copied, with their copies, in the same order."""
        ...


@dataclass(frozen=True)
class CopyService:
    """The use cases of copies and their implementation."""

    store: CopyStore
    editor: PracticeEditor
    practices: PracticeService
    points: PointsUpdater
    notifier: Notifier
    audit_trail: AuditTrail

    def implement(self, caller: Caller, new: NewCopy) -> CopyMade:
        """Copy a benchmarked practice of another plant to the caller's plant.

        The copy is submitted, dated today, and has no saving. Notifies the origin plant.
        Raises Forbidden, NotFound, OwnPractice, NotBenchmarked, AlreadyCopied.
        """
        require_plant_user(caller)
        original = self._copyable(caller, new.original_practice_id)
        with self.points.updated(original.id) as earned:
            copied_id = self.editor.create(caller, _copy_of(original, new))
            status = new.implementation_status
            record = self.store.add(original.id, copied_id, status, self.editor.context)
            if record is None:
                raise AlreadyCopied("Your plant has already copied this practice.")
        self.audit_trail.record("copy.made", "copy", record.id, after=_facts(record))
        title = excerpt(original.content.title)
        notice = Notice("practice_copied", "Another plant copied your practice", title, original.id)
        self.notifier.notify_plant(original.plant_id, notice)
        return CopyMade(
            copied_practice=self.practices.show(caller, copied_id),
            copy_record=record,
            points_awarded=_awarded(earned, original.plant_id, record.copying_plant_id),
        )

    def set_progress(self, caller: Caller, copy_id: UUID, changes: CopyChanges) -> CopyRecord:
        """Move the implementation of a copy of the caller's plant one step forward or back.

        Raises Forbidden, NotFound, InvalidTransition for a step that is not the next or previous one.
        """
        require_plant_user(caller)
        before = self.store.copy_for_update(copy_id)
        if before is None:
            raise NotFound("There is no such copy.")
        if not caller.belongs_to(before.copying_plant_id):
            raise Forbidden("This copy belongs to another plant.")
        status = changes.implementation_status
        if status == before.implementation_status:
            return before
        require_step(before.implementation_status, status)
        after = self.store.save_status(copy_id, status, self.editor.context.now)
        self.audit_trail.record(
            "copy.changed",
            "copy",
            copy_id,
            before={"implementation_status": before.implementation_status},
            after={"implementation_status": status},
        )
        return after

    def copies(self, caller: Caller, original_id: UUID, query: PageQuery) -> Page[Copy]:
        """Return one page of the copies of a practice that the caller may see, oldest first.

        Raises NotFound.
        """
        workflow.require_visible(caller, self.editor.store.scope(original_id))
        return self.store.copies(caller, original_id, query)

    def own(self, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
        """Return one page of the copies of the caller's plant, newest first. Raises Forbidden."""
        require_plant_user(caller)
        return self.store.own(caller, query)

    def benchmarked(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        """Return one page of the benchmarked practices with their copies, most copied first."""
        return self.store.benchmarked(caller, query)

    def deployed(self, caller: Caller, query: PageQuery) -> Page[Spread]:
        """Return one page of the public practices that were copied, with their copies, most copied first."""
        return self.store.deployed(caller, query)

    def _copyable(self, caller: Caller, practice_id: UUID) -> PracticeState:
        """Read and lock a practice that the caller's plant can copy."""
        original = self.editor.lock(practice_id)
        workflow.require_visible(caller, original.scope)
        if caller.belongs_to(original.plant_id):
            raise OwnPractice("A plant cannot copy its own practice.")
        workflow.require_benchmarked(original)
        return original


def require_step(from_status: ImplementationStatus, to_status: ImplementationStatus) -> None:
    """Check that an implementation moves one step forward or back (rules 6). Raises InvalidTransition."""
    if abs(ORDER.index(to_status) - ORDER.index(from_status)) != 1:
        raise InvalidTransition(f"An implementation cannot go from {from_status} to {to_status}.")


def _copy_of(original: PracticeState, new: NewCopy) -> NewPractice:
    texts = {field: getattr(new, f"customized_{field}") for field in CUSTOMISED}
    customised = {field: text for field, text in texts.items() if text is not None}
    content: dict[str, Any] = {**asdict(original.content), **NOT_COPIED, **customised}
    return NewPractice(**content, status="submitted")


def _awarded(earned: list[PlantPoints], origin_plant_id: UUID, copying_plant_id: UUID) -> PointsAwarded:
    return PointsAwarded(
        origin_points=sum(points.origin_points for points in earned),
        copier_points=sum(points.copier_points for points in earned),
        origin_plant_id=origin_plant_id,
        copying_plant_id=copying_plant_id,
    )


def _facts(record: CopyRecord) -> dict[str, object]:
    return record.model_dump(exclude={"id", "created_at", "updated_at"})
