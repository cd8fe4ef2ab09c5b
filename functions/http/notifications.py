"""Endpoints of notifications."""

from uuid import UUID

from bp_core.notifications import Notification, NotificationQuery, ReadCount, UnreadCount
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page
from functions.edge.access import SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/notifications", who=SIGNED_IN)
def list_notifications(work: UnitOfWork, caller: Caller, query: NotificationQuery) -> Page[Notification]:
    """List your notifications, newest first."""
    return work.notifications.search(caller, query)


@endpoint("GET", "/api/v1/notifications/unread-count", who=SIGNED_IN)
def count_unread_notifications(work: UnitOfWork, caller: Caller) -> UnreadCount:
    """Count your unread notifications."""
    return work.notifications.unread_count(caller)


@endpoint("PATCH", "/api/v1/notifications/{notification_id:guid}/read", who=SIGNED_IN)
def read_notification(work: UnitOfWork, caller: Caller, notification_id: UUID) -> Notification:
    """Mark one of your notifications as read."""
    return work.notifications.mark_read(caller, notification_id)


@endpoint("PATCH", "/api/v1/notifications/read-all", who=SIGNED_IN)
def read_all_notifications(work: UnitOfWork, caller: Caller) -> ReadCount:
    """Mark all your notifications as read."""
    return work.notifications.mark_all_read(caller)
