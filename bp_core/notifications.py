"""Notifications: users are notified of changes by others that concern them.

Notifications are inserted in the transaction of the change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Protocol
from uuid import UUID

from pydantic import Field
from typing_extensions import override

from bp_core.practices.ports import ImportListener, PracticeListener
from bp_core.practices.schemas import Status
from bp_core.practices.workflow import PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.errors import NotFound
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery, ResponseModel, Timestamp

NotificationType = Literal[
    "question_asked",
    "question_answered",
    "practice_benchmarked",
    "practice_approved",
    "revision_requested",
    "practice_declined",
    "practice_reopened",
    "practice_submitted",
    "practice_resubmitted",
    "practice_withdrawn",
    "practices_imported",
    "review_handed_over",
    "review_overdue",
    "user_registered",
    "practice_copied",
    "upload_rejected",
]
"""The events that users are notified of."""

LONGEST_MESSAGE: Final = 2000
"""The maximum length of the message of a notification, in characters."""


class Notification(ResponseModel):
    """A notification of a user; `practice_title` is null if the user can no longer see the practice."""

    id: UUID
    user_id: UUID
    type: NotificationType
    title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    message: Annotated[str, Field(examples=["It is kept."])]
    related_practice_id: UUID | None
    related_question_id: UUID | None
    practice_title: Annotated[str | None, Field(examples=["Less scrap in brazing"])]
    is_read: bool
    created_at: Timestamp


class NotificationQuery(PageQuery):
    """Filters the caller's notifications; by default all are listed."""

    is_read: bool | None = None


class UnreadCount(ResponseModel):
    """The number of unread notifications."""

    unread_count: int


class ReadCount(ResponseModel):
    """The number of notifications that were marked as read."""

    marked_count: int


@dataclass(frozen=True)
class Notice:
    """The content of a notification, without its recipients; it may be about no practice."""

    type: NotificationType
    title: str
    message: str
    practice_id: UUID | None = None
    question_id: UUID | None = None


class Notifier(Protocol):
    """Notifies users in the transaction of the change.

    Never the caller, inactive users, or users who may not see the practice.
    """

    def notify_user(self, user_id: UUID, notice: Notice) -> None:
        """Notify one user."""
        ...

    def notify_plant(self, plant_id: UUID, notice: Notice) -> None:
        """Notify all users of a plant."""
        ...

    def notify_headquarters(self, notice: Notice) -> None:
        """Notify all headquarters users."""
        ...

    def notify_of_registration(self, user_id: UUID, notice: Notice) -> None:
        """Notify headquarters of a user who waits for activation, except who has an unread notice like it.

        So many registrations make one notice for each. For a user who does not exist it does nothing, with
        the same statement.
        """
        ...

    def notify_uploader(self, container: str, blob_name: str, notice: Notice) -> None:
        """Notify the user who requested an upload; without one, all users of the plant of the practice."""
        ...


class NotificationStore(Protocol):
    """Stores notifications."""

    def notifications(self, caller: Caller, query: NotificationQuery) -> Page[Notification]:
        """List the caller's notifications, newest first."""
        ...

    def unread_count(self, user_id: UUID) -> int:
        """Count the unread notifications of a user."""
        ...

    def mark_read(self, caller: Caller, notification_id: UUID) -> Notification | None:
        """Mark a notification as read; None if the caller has no such notification."""
        ...

    def mark_all_read(self, user_id: UUID) -> int:
        """Mark all notifications of a user as read; return how many were unread."""
        ...


@dataclass(frozen=True)
class NotificationService:
    """The use cases of the caller's own notifications."""

    store: NotificationStore

    def search(self, caller: Caller, query: NotificationQuery) -> Page[Notification]:
        """Return one page of the caller's notifications, newest first."""
        return self.store.notifications(caller, query)

    def unread_count(self, caller: Caller) -> UnreadCount:
        """Count the caller's unread notifications."""
        return UnreadCount(unread_count=self.store.unread_count(caller.user_id))

    def mark_read(self, caller: Caller, notification_id: UUID) -> Notification:
        """Mark one of the caller's notifications as read. Raises NotFound."""
        notification = self.store.mark_read(caller, notification_id)
        if notification is None:
            raise NotFound("There is no such notification.")
        return notification

    def mark_all_read(self, caller: Caller) -> ReadCount:
        """Mark all of the caller's notifications as read."""
        return ReadCount(marked_count=self.store.mark_all_read(caller.user_id))


def excerpt(text: str) -> str:
    """Cut a text to the maximum length of a message."""
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


_DECISIONS: Final[Mapping[Status, tuple[NotificationType, str]]] = {
    "approved": ("practice_approved", "Your practice is approved"),
    "revision_required": ("revision_requested", "Your practice needs a revision"),
    "declined": ("practice_declined", "Your practice is declined"),
}
_REOPENED: Final[tuple[NotificationType, str]] = ("practice_reopened", "Your practice is reviewed again")


@dataclass(frozen=True)
class DecisionNotifier(PracticeListener):
    """Notifies a plant of every decision of headquarters about its practice."""

    notifier: Notifier

    @override
    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        if before is None or after is None or before.status == after.status:
            return
        decision = _REOPENED if before.status == "declined" else _DECISIONS.get(after.status)
        if decision is not None:
            notice = Notice(*decision, after.content.title, after.id)
            self.notifier.notify_plant(after.plant_id, notice)


@dataclass(frozen=True)
class SubmissionNotifier(PracticeListener, ImportListener):
    """Notifies headquarters of practices that wait for a decision, or no longer do.

    A resubmission and a withdrawal concern the reviewer, if the practice has one. An import is announced
    once, however many practices it has.
    """

    notifier: Notifier

    @override
    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        from_status = before.status if before else "draft"
        if after is not None and after.status == "submitted" and from_status != "submitted":
            self._submitted(after, is_first=from_status == "draft")
        elif before is not None and from_status == "submitted" and (after is None or after.status == "draft"):
            self._withdrawn(before, "deleted" if after is None else "withdrawn")

    @override
    def practices_imported(self, submitted: int) -> None:
        if submitted == 0:
            return
        message = f"{submitted} imported practices wait for a decision."
        notice = Notice("practices_imported", "Practices were imported", message)
        self.notifier.notify_headquarters(notice)

    def _submitted(self, practice: PracticeState, *, is_first: bool) -> None:
        kind: NotificationType = "practice_submitted" if is_first else "practice_resubmitted"
        title = "A practice was submitted" if is_first else "A practice was submitted again"
        notice = Notice(kind, title, practice.content.title, practice.id)
        if practice.reviewer_id is None:
            self.notifier.notify_headquarters(notice)
        else:
            self.notifier.notify_user(practice.reviewer_id, notice)

    def _withdrawn(self, practice: PracticeState, how: str) -> None:
        if practice.reviewer_id is not None:
            title = f"A practice that you review was {how}"
            practice_id = None if how == "deleted" else practice.id
            notice = Notice("practice_withdrawn", title, practice.content.title, practice_id)
            self.notifier.notify_user(practice.reviewer_id, notice)
