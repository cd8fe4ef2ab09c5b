"""The use cases of creating, changing, reading and searching practices (rules 2)."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from uuid import UUID

from bp_core.practices import views, workflow
from bp_core.practices.editor import PracticeEditor, content_of
from bp_core.practices.ports import BlobLinks, CopyPoints, PracticeStore
from bp_core.practices.queries import OwnPracticeQuery, PracticeQuery
from bp_core.practices.schemas import (
    Likeness,
    NewPractice,
    Practice,
    PracticeChanges,
    PracticeListItem,
    Statistics,
    StoredPractice,
)
from bp_core.practices.workflow import PracticeState, RequestedTransition
from bp_core.shared.access import Caller, require_plant_user
from bp_core.shared.context import Context
from bp_core.shared.errors import Forbidden, Invalid, NotFound, PracticeCopied
from bp_core.shared.paging import LongPage, Page
from bp_core.shared.schemas import PageQuery, RecentQuery
from bp_core.shared.versions import ExpectedVersions

SIMILAR_PRACTICES = 5
"""How many similar practices are listed."""


@dataclass(frozen=True)
class PracticeService:
    """The use cases of practices, other than reviews and spreadsheets."""

    store: PracticeStore
    editor: PracticeEditor
    points: CopyPoints
    links: BlobLinks
    context: Context

    def create(self, caller: Caller, new: NewPractice) -> Practice:
        """Create a practice for the caller's plant, or for the plant that headquarters names.

        Raises Invalid if something is missing or wrong, Forbidden for another plant.
        """
        return self.show(caller, self.editor.create(caller, new))

    def edit(
        self, caller: Caller, practice_id: UUID, changes: PracticeChanges, expected: ExpectedVersions = None
    ) -> Practice:
        """Change the fields of a practice that the request contains; `status` requests a transition.

        Raises NotFound, PreconditionFailed, Forbidden, Invalid, InvalidTransition, PracticeBenchmarked,
        PracticeCopied, PracticeDecided.
        """
        with self.points.updated_for_copy(practice_id) if changes.status else nullcontext():
            practice = self.editor.lock_owned(caller, practice_id, expected)
            workflow.require_editor(caller, practice.scope)
            edited = self._edited(caller, practice, changes)
            self.editor.save(caller, practice, edited, changes.comment)
        return self.show(caller, practice_id)

    def delete(self, caller: Caller, practice_id: UUID, expected: ExpectedVersions = None) -> None:
        """Delete a practice in any status; its saving and its points no longer count.

        Raises NotFound, Forbidden, PreconditionFailed, PracticeBenchmarked.
        """
        with self.points.updated_for_copy(practice_id):
            practice = self.editor.lock_owned(caller, practice_id, expected)
            workflow.require_not_benchmarked(practice)
            self.editor.delete(practice)

    def show(self, caller: Caller, practice_id: UUID) -> Practice:
        """Return a practice that the caller may see, with all its details. Raises NotFound."""
        return views.practice(self._visible(caller, practice_id), self.links, self.context.now)

    def count_view(self, practice: Practice) -> None:
        """Count one view of a practice."""
        self.store.count_view(practice.id)

    def search(self, caller: Caller, query: PracticeQuery) -> LongPage[PracticeListItem]:
        """Return one page of the practices that the caller may see.

        Raises Invalid for parameters that cannot be combined, BadRequest for a cursor that cannot be used.
        """
        require_consistent(caller, query)
        page = self.store.practices(query, caller)
        return page.with_items(views.list_items(page.items, self.links, self.context.now))

    def search_own(self, caller: Caller, query: OwnPracticeQuery) -> LongPage[PracticeListItem]:
        """Return one page of the practices of the caller's plant, in every status.

        Raises Forbidden for headquarters, and the errors of `search`.
        """
        require_plant_user(caller)
        return self.search(caller, PracticeQuery(**query.model_dump(), plant_id=caller.plant_id))

    def recent(self, query: RecentQuery) -> Page[PracticeListItem]:
        """Return one page of the public practices, newest first."""
        page = self.store.recent(query)
        return page.with_items(views.list_items(page.items, self.links, self.context.now))

    def similar_to(self, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[PracticeListItem]:
        """Return the practices that are most similar to one that the caller may see. Raises NotFound."""
        own = self._visible(caller, practice_id)
        text = Likeness(title=own.title, problem_statement=own.problem_statement)
        return self._similar(caller, text, query, but=practice_id)

    def similar(self, caller: Caller, text: Likeness, query: PageQuery) -> Page[PracticeListItem]:
        """Return the practices that are most similar to a text."""
        return self._similar(caller, text, query, but=None)

    def statistics(self, caller: Caller, practice_id: UUID) -> Statistics:
        """Count how often a practice was viewed, copied and asked about. Raises NotFound."""
        workflow.require_visible(caller, self.store.scope(practice_id))
        return self.store.statistics(practice_id)

    def _similar(
        self, caller: Caller, text: Likeness, query: PageQuery, *, but: UUID | None
    ) -> Page[PracticeListItem]:
        """Return one page of the practices that are most similar to a text, without the practice `but`."""
        found = self.store.similar(text, caller, but=but, at_most=SIMILAR_PRACTICES)
        return Page.of(views.list_items(found, self.links, self.context.now), query)

    def _edited(self, caller: Caller, practice: PracticeState, changes: PracticeChanges) -> PracticeState:
        sent = changes.model_fields_set
        content = workflow.with_whole_saving(replace(practice.content, **content_of(changes, sent)))
        edited = replace(practice, content=content)
        if edited.status in workflow.PUBLIC_STATUSES:
            workflow.require_complete(edited.content)
        if "plant_id" in sent and changes.plant_id != practice.plant_id:
            edited = self._moved(caller, edited, changes.plant_id)
        if changes.status is not None and changes.status != practice.status:
            requested = RequestedTransition(changes.status, changes.comment, changes.submitted_date)
            return workflow.transition(caller, edited, requested, self.context.today)
        if changes.comment is not None:
            raise Invalid.of("comment", "A comment can only be sent with a change of status.")
        if "submitted_date" in sent:
            return workflow.with_date(caller, edited, changes.submitted_date, self.context.today)
        return edited

    def _moved(self, caller: Caller, practice: PracticeState, plant_id: UUID) -> PracticeState:
        if not caller.is_hq:
            raise Forbidden("Only headquarters can move a practice to another plant.")
        workflow.require_not_benchmarked(practice)
        if self.store.is_shared(practice.id):
            raise PracticeCopied(
                "The practice was copied, or is a copy. It cannot be moved to another plant."
            )
        return replace(practice, plant_id=plant_id)

    def _visible(self, caller: Caller, practice_id: UUID) -> StoredPractice:
        stored = self.store.practice(practice_id)
        if stored is None:
            raise NotFound("There is no such practice.")
        workflow.require_visible(caller, workflow.PracticeScope(stored.plant_id, stored.status))
        return stored


def require_consistent(caller: Caller, query: PracticeQuery) -> None:
    """Check that the parameters of a list fit each other and the caller. Raises Invalid."""
    if query.not_copied_by_us and caller.is_hq:
        raise Invalid.of("not_copied_by_us", "headquarters have no plant that copies practices")
    if query.sort_by == "relevance" and query.search is None:
        raise Invalid.of("sort_by", "relevance requires a search")
    if query.cursor is not None and query.offset:
        raise Invalid.of("offset", "cannot be combined with a cursor")
