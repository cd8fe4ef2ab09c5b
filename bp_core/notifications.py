"""Notifications: what people are told of what concerns them, never of what they did themselves.

They are written in the transaction of what they tell about: both are kept, or neither.
"""

from dataclasses import dataclass
from typing import Final, Literal, Protocol
from uuid import UUID

from bp_core.practices.life import PracticeState
from bp_core.shared.access import Caller
from bp_core.shared.errors import NotFound
from bp_core.shared.model import PageQuery, Shown, Timestamp
from bp_core.shared.paging import Page

NotificationType = Literal[
    "question_asked",
    "question_answered",
    "practice_benchmarked",
    "practice_approved",
    "revision_requested",
    "practice_copied",
    "upload_rejected",
]
"""What people are told of."""

LONGEST_MESSAGE: Final = 2000
"""How long the message of a notification may be, in characters."""


class Notification(Shown):
    """One thing that one person is told; `practice_title` is null where they no longer see the practice."""

    id: UUID
    user_id: UUID
    type: NotificationType
    title: str
    message: str
    related_practice_id: UUID | None
    related_question_id: UUID | None
    practice_title: str | None
    is_read: bool
    created_at: Timestamp


class NotificationQuery(PageQuery):
    """Which notifications are wanted; all of one's own where nothing is said."""

    is_read: bool | None = None


class UnreadCount(Shown):
    """How many notifications a person has not read."""

    unread_count: int


class ReadCount(Shown):
    """How many notifications were marked as read just now."""

    marked_count: int


@dataclass(frozen=True)
class Notice:
    """What is told, whoever is told it."""

    type: NotificationType
    title: str
    message: str
    practice_id: UUID
    question_id: UUID | None = None


class Notifier(Protocol):
    """Tells people, in the transaction of what it tells about; never the caller, nor who is not active."""

    def tell_user(self, user_id: UUID, notice: Notice) -> None:
        """Tell one person."""
        ...

    def tell_plant(self, plant_id: UUID, notice: Notice) -> None:
        """Tell everybody at a plant."""
        ...

    def tell_uploader(self, container: str, blob_name: str, notice: Notice) -> None:
        """Tell who asked for an upload, or everybody at the practice's plant where nobody had asked."""
        ...


class NotificationStore(Protocol):
    """Where the notifications are kept."""

    def notifications(self, caller: Caller, query: NotificationQuery) -> Page[Notification]:
        """List a person's notifications, newest first."""
        ...

    def unread_count(self, user_id: UUID) -> int:
        """Tell how many notifications a person has not read."""
        ...

    def mark_read(self, caller: Caller, notification_id: UUID) -> Notification | None:
        """Mark a notification as read; None if the person has no such one."""
        ...

    def mark_all_read(self, user_id: UUID) -> int:
        """Mark everything that a person has not read; tell how many they were."""
        ...


def read(store: NotificationStore, caller: Caller, notification_id: UUID) -> Notification:
    """Mark one's own notification as read; doing it twice changes nothing.

    Raises NotFound, for anybody else's as well.
    """
    notification = store.mark_read(caller, notification_id)
    if notification is None:
        raise NotFound("There is no such notification.")
    return notification


def excerpt(text: str) -> str:
    """Cut a text to what a message may hold."""
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


@dataclass(frozen=True)
class NotificationLedger:
    """Tells a plant what headquarters decided about its practices, whoever writes the decision."""

    notifier: Notifier

    def practice_changed(self, before: PracticeState | None, after: PracticeState | None) -> None:
        """Tell of an approval, and of a revision that is asked for."""
        if before is None or after is None or before.status == after.status:
            return
        if after.status == "approved":
            notice = Notice("practice_approved", "Your practice is approved", after.content.title, after.id)
            self.notifier.tell_plant(after.plant_id, notice)
        elif after.status == "revision_required":
            title = "Your practice needs a revision"
            notice = Notice("revision_requested", title, after.content.title, after.id)
            self.notifier.tell_plant(after.plant_id, notice)
