"""The use cases of the inbox of headquarters: what waits for a decision, and who takes it (rules 2)."""

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from bp_core.notifications import Notice, Notifier
from bp_core.practices import views
from bp_core.practices.editor import PracticeEditor
from bp_core.practices.ports import BlobLinks
from bp_core.practices.workflow import PracticeState
from bp_core.reviews.ports import InboxStore
from bp_core.reviews.schemas import (
    HandOver,
    InboxQuery,
    OverdueReviews,
    StoredWaitingPractice,
    WaitingPractice,
)
from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.calendar import first_day_due_from, plus_working_days, working_days_between
from bp_core.shared.context import Context
from bp_core.shared.errors import AlreadyTaken, Invalid, NotWaiting
from bp_core.shared.paging import Page


@dataclass(frozen=True)
class ReviewRules:
    """The settings of reviews: the working days until a decision is due, in the business time zone."""

    due_working_days: int
    zone: ZoneInfo

    def day_of(self, moment: datetime) -> date:
        """Return the day of a moment."""
        return moment.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """Return the moment at which a day begins."""
        return datetime.combine(day, time(), self.zone)

    def due_date(self, submitted: date) -> date:
        """Return the last day on which a decision about a practice of this day is in time."""
        return plus_working_days(submitted, self.due_working_days)

    def overdue_before(self, today: date) -> datetime:
        """Return the moment before which a practice was submitted if it is overdue today."""
        return self.start_of(first_day_due_from(today, self.due_working_days))


@dataclass(frozen=True)
class InboxService:
    """The use cases of the inbox; all are for headquarters."""

    store: InboxStore
    editor: PracticeEditor
    links: BlobLinks
    notifier: Notifier
    audit_trail: AuditTrail
    rules: ReviewRules
    context: Context

    def search(self, caller: Caller, query: InboxQuery) -> Page[WaitingPractice]:
        """Return one page of the practices that wait for a decision, longest waiting first.

        Raises Forbidden.
        """
        require_headquarters(caller)
        page = self.store.inbox(caller, query, self.rules.overdue_before(self.context.today))
        return page.with_items([self._shown(one) for one in page.items])

    def take(self, caller: Caller, practice_id: UUID) -> WaitingPractice:
        """Become the reviewer of a waiting practice that nobody else has taken.

        Raises Forbidden, NotFound, NotWaiting, AlreadyTaken.
        """
        practice = self._locked(caller, practice_id)
        if practice.reviewer_id not in (None, caller.user_id):
            raise AlreadyTaken("Somebody else has taken this practice. It can be handed over to you.")
        self._set_reviewer(practice, "practice.taken", caller.user_id)
        return self._shown(self.store.waiting(practice_id))

    def hand_over(self, caller: Caller, practice_id: UUID, request: HandOver) -> WaitingPractice:
        """Give a waiting practice to another reviewer, or to nobody, whoever has taken it.

        Notifies the reviewers before and after. Raises Forbidden, NotFound, NotWaiting, and Invalid if the
        new reviewer is not an active headquarters user.
        """
        practice = self._locked(caller, practice_id)
        if request.user_id is not None and not self.store.is_reviewer(request.user_id):
            raise Invalid.of("user_id", "must be an active headquarters user")
        if self._set_reviewer(practice, "practice.handed_over", request.user_id):
            self._tell(practice.reviewer_id, "A practice that you review was handed over", practice)
            self._tell(request.user_id, "A practice was handed over to you for review", practice)
        return self._shown(self.store.waiting(practice_id))

    def remind_overdue(self) -> int:
        """Remind headquarters of overdue practices, each user at most once a day; return how many.

        The reviewer is reminded, or everybody if a practice has none. A reminder replaces older ones that
        nobody has read. Called by a job.
        """
        today = self.context.today
        day_start = self.rules.start_of(today)
        self.store.remove_reminders(day_start)
        found = self.store.overdue(self.rules.overdue_before(today), day_start)
        for overdue in found:
            self.notifier.notify_user(overdue.user_id, self._reminder(overdue))
        return len(found)

    def _locked(self, caller: Caller, practice_id: UUID) -> PracticeState:
        require_headquarters(caller)
        practice = self.editor.lock(practice_id)
        if practice.status != "submitted":
            raise NotWaiting(f"A practice with the status {practice.status} does not wait for a decision.")
        return practice

    def _set_reviewer(self, practice: PracticeState, action: str, reviewer_id: UUID | None) -> bool:
        """Update and record the reviewer; return whether there is another one than before."""
        if reviewer_id == practice.reviewer_id:
            return False
        self.editor.store.set_reviewer(practice.id, reviewer_id)
        before, after = {"reviewer_id": practice.reviewer_id}, {"reviewer_id": reviewer_id}
        self.audit_trail.record(action, "practice", practice.id, before=before, after=after)
        return True

    def _tell(self, user_id: UUID | None, title: str, practice: PracticeState) -> None:
        if user_id is not None:
            notice = Notice("review_handed_over", title, practice.content.title, practice.id)
            self.notifier.notify_user(user_id, notice)

    def _reminder(self, overdue: OverdueReviews) -> Notice:
        since = self.rules.day_of(overdue.oldest)
        message = (
            f"{overdue.taken} that you have taken and {overdue.free} that nobody has taken wait longer than"
            f" {self.rules.due_working_days} working days, the first since {since}."
        )
        return Notice("review_overdue", f"Overdue reviews: {overdue.taken + overdue.free}", message)

    def _shown(self, stored: StoredWaitingPractice) -> WaitingPractice:
        today, submitted = self.context.today, self.rules.day_of(stored.waiting_since)
        due = self.rules.due_date(submitted)
        [item] = views.list_items([stored], self.links, self.context.now)
        return WaitingPractice(
            **item.model_dump(),
            waiting_since=stored.waiting_since,
            age_days=(today - submitted).days,
            working_days_waiting=working_days_between(submitted, today),
            due_date=due,
            is_overdue=due < today,
            reviewer_id=stored.reviewer_id,
            reviewer_name=stored.reviewer_name,
            resubmission=stored.resubmission,
        )
