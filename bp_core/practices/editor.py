"""Locking, saving and deleting practices, shared by all use cases that change them."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from bp_core.practices import workflow
from bp_core.practices.ports import CheckedPractice, PracticeListener, PracticeStore, Transition
from bp_core.practices.schemas import ContentRequest, NewPractice, PracticeContent, Status
from bp_core.practices.workflow import PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.context import Context
from bp_core.shared.errors import Forbidden, Invalid, NotFound
from bp_core.shared.versions import ExpectedVersions, require_expected

CONTENT_FIELDS = frozenset(PracticeContent.__dataclass_fields__)
LIST_FIELDS = frozenset({"benefits", "tags"})


@dataclass(frozen=True)
class PracticeEditor:
    """Locks and saves practices, and notifies the listeners of changes.

    Each use case checks the rights of its caller on the practice that `lock` returns.
    """

    store: PracticeStore
    listener: PracticeListener
    context: Context

    def lock(self, practice_id: UUID, expected: ExpectedVersions = None) -> PracticeState:
        """Read a practice and lock it until the transaction ends.

        Raises NotFound, PreconditionFailed.
        """
        practice = self.store.state_for_update(practice_id)
        if practice is None:
            raise NotFound("There is no such practice.")
        require_expected(practice.version, expected)
        return practice

    def lock_owned(
        self, caller: Caller, practice_id: UUID, expected: ExpectedVersions = None
    ) -> PracticeState:
        """Read and lock a practice that the caller owns.

        Raises NotFound, Forbidden, PreconditionFailed.
        """
        practice = self.lock(practice_id)
        workflow.require_owner(caller, practice.scope)
        require_expected(practice.version, expected)
        return practice

    def create(self, caller: Caller, new: NewPractice) -> UUID:
        """Insert a practice of the caller's plant, or of the plant that headquarters names; return its id.

        Raises Invalid if something is missing or wrong, Forbidden for another plant.
        """
        practice = checked(caller, new, self.context.today)
        practice_id = self.store.add(practice, caller.user_id, self.context.now)
        self._add_transition(caller, practice_id, None, practice.status)
        self.listener.practice_changed(
            None, PracticeState(practice_id, **vars(practice), is_benchmarked=False)
        )
        return practice_id

    def save(
        self, caller: Caller, before: PracticeState, after: PracticeState, comment: str | None = None
    ) -> PracticeState:
        """Save a locked practice, and record its transition if the status changed.

        Returns the practice with its new version. If nothing changed, nothing is saved.
        """
        if after == before:
            return before
        saved = replace(after, version=before.version + 1)
        if after.status != before.status:
            self._add_transition(caller, before.id, before.status, after.status, comment)
        self.store.save(saved, self.context.now)
        if replace(after, is_benchmarked=before.is_benchmarked) != before:
            self.listener.practice_changed(before, saved)
        return saved

    def delete(self, practice: PracticeState) -> None:
        """Mark a locked practice as deleted; reads no longer find it."""
        self.store.mark_deleted(practice.id, self.context.now)
        self.listener.practice_changed(practice, None)

    def _add_transition(
        self,
        caller: Caller,
        practice_id: UUID,
        from_status: Status | None,
        to_status: Status,
        comment: str | None = None,
    ) -> None:
        at = self.context.now
        self.store.add_transition(
            Transition(practice_id, from_status, to_status, caller.user_id, comment, at)
        )


def checked(caller: Caller, new: NewPractice, today: date) -> CheckedPractice:
    """Check a new practice of the caller's plant, or of the plant that headquarters names.

    Raises Invalid if something is missing or wrong, Forbidden for another plant.
    """
    content = workflow.with_whole_saving(PracticeContent(**content_of(new, CONTENT_FIELDS)))
    submitted_date = None
    if new.status == "submitted":
        workflow.require_complete(content)
        submitted_date = workflow.submission_date(caller, new.submitted_date, today)
    elif new.submitted_date is not None:
        raise Invalid.of("submitted_date", "A draft has no date. It gets its date when it is submitted.")
    return CheckedPractice(_plant_of(caller, new.plant_id), new.status, submitted_date, content)


def content_of(request: ContentRequest, fields: AbstractSet[str]) -> dict[str, Any]:
    """Return the fields of a request that are content of a practice; a list that is null is empty."""
    content = {field: getattr(request, field) for field in fields & CONTENT_FIELDS}
    lists = {field: tuple(content[field] or ()) for field in LIST_FIELDS & content.keys()}
    return {**content, **lists}


def _plant_of(caller: Caller, requested: UUID | None) -> UUID:
    if caller.plant_id is None:
        if requested is None:
            raise Invalid.of("plant_id", "Headquarters must name the plant of the practice.")
        return requested
    if requested not in (None, caller.plant_id):
        raise Forbidden("Plant users can create practices for their own plant only.")
    return caller.plant_id
