"""What people are told of what concerns them."""

from uuid import UUID

from bp_core import notifications
from bp_core.notifications import Notification, NotificationQuery, ReadCount, UnreadCount
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page
from functions.access import SIGNED_IN
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/notifications", who=SIGNED_IN)
def list_notifications(unit: Unit, caller: Caller, query: NotificationQuery) -> Page[Notification]:
    """List one's own notifications, newest first."""
    return unit.notifications.notifications(caller, query)


@endpoint("GET", "/api/v1/notifications/unread-count", who=SIGNED_IN)
def count_unread_notifications(unit: Unit, caller: Caller) -> UnreadCount:
    """Tell how many of one's own notifications are unread."""
    return UnreadCount(unread_count=unit.notifications.unread_count(caller.user_id))


@endpoint("PATCH", "/api/v1/notifications/{notification_id:guid}/read", who=SIGNED_IN)
def read_notification(unit: Unit, caller: Caller, notification_id: UUID) -> Notification:
    """Mark one of one's own notifications as read."""
    return notifications.read(unit.notifications, caller, notification_id)


@endpoint("PATCH", "/api/v1/notifications/read-all", who=SIGNED_IN)
def read_all_notifications(unit: Unit, caller: Caller) -> ReadCount:
    """Mark all of one's own notifications as read."""
    return ReadCount(marked_count=unit.notifications.mark_all_read(caller.user_id))
