"""The use cases of the transitions of practices, and of their history (rules 2)."""

from dataclasses import dataclass
from uuid import UUID

from bp_core.practices import workflow
from bp_core.practices.editor import PracticeEditor
from bp_core.practices.ports import CopyPoints
from bp_core.practices.schemas import Practice, Submission
from bp_core.practices.service import PracticeService
from bp_core.practices.workflow import RequestedTransition
from bp_core.reviews.ports import HistoryStore
from bp_core.reviews.schemas import DeclineRequest, HistoryEntry, RevisionRequest
from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.shared.versions import ExpectedVersions


@dataclass(frozen=True)
class ReviewService:
    """The use cases of reviews."""

    store: HistoryStore
    editor: PracticeEditor
    practices: PracticeService
    points: CopyPoints

    def submit(
        self, caller: Caller, practice_id: UUID, submission: Submission, expected: ExpectedVersions = None
    ) -> Practice:
        """Submit a practice that the caller owns.

        Raises NotFound, Forbidden, PreconditionFailed, InvalidTransition, Invalid.
        """
        requested = RequestedTransition("submitted", submitted_date=submission.submitted_date)
        return self._move(caller, practice_id, requested, expected)

    def approve(self, caller: Caller, practice_id: UUID, expected: ExpectedVersions = None) -> Practice:
        """Approve a submitted practice, for headquarters; its saving counts from now on.

        Raises NotFound, Forbidden, PreconditionFailed, InvalidTransition.
        """
        require_headquarters(caller)
        return self._move(caller, practice_id, RequestedTransition("approved"), expected)

    def request_revision(
        self, caller: Caller, practice_id: UUID, request: RevisionRequest, expected: ExpectedVersions = None
    ) -> Practice:
        """Send a practice back to its plant, for headquarters; its saving no longer counts.

        Raises NotFound, Forbidden, PreconditionFailed, InvalidTransition, PracticeBenchmarked.
        """
        require_headquarters(caller)
        requested = RequestedTransition("revision_required", comment=request.comment)
        return self._move(caller, practice_id, requested, expected)

    def decline(
        self, caller: Caller, practice_id: UUID, refusal: DeclineRequest, expected: ExpectedVersions = None
    ) -> Practice:
        """Decline a submitted practice, for headquarters; it counts nowhere until it is reopened.

        Raises NotFound, Forbidden, PreconditionFailed, InvalidTransition.
        """
        require_headquarters(caller)
        requested = RequestedTransition("declined", comment=refusal.reason)
        return self._move(caller, practice_id, requested, expected)

    def reopen(self, caller: Caller, practice_id: UUID, expected: ExpectedVersions = None) -> Practice:
        """Submit a declined practice again, for headquarters; its date stays.

        Raises NotFound, Forbidden, PreconditionFailed, InvalidTransition.
        """
        require_headquarters(caller)
        requested = RequestedTransition("submitted", from_status="declined")
        return self._move(caller, practice_id, requested, expected)

    def withdraw(self, caller: Caller, practice_id: UUID, expected: ExpectedVersions = None) -> Practice:
        """Make a submitted practice a draft again, for its plant, while nobody has decided about it.

        Raises NotFound, Forbidden, PreconditionFailed, InvalidTransition, PracticeDecided, PracticeCopied.
        """
        return self._move(caller, practice_id, RequestedTransition("draft"), expected)

    def history(self, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[HistoryEntry]:
        """Return one page of the changes of status of a practice that the caller owns, oldest first.

        Raises NotFound, Forbidden.
        """
        workflow.require_owner(caller, self.store.scope(practice_id))
        return self.store.history(practice_id, query)

    def _move(
        self, caller: Caller, practice_id: UUID, requested: RequestedTransition, expected: ExpectedVersions
    ) -> Practice:
        with self.points.updated_for_copy(practice_id):
            practice = self.editor.lock_owned(caller, practice_id, expected)
            moved = workflow.transition(caller, practice, requested, self.editor.context.today)
            self.editor.save(caller, practice, moved, requested.comment)
        return self.practices.show(caller, practice_id)
