"""Endpoints of reviews: the transitions of a practice, their history, and the inbox of headquarters."""

from uuid import UUID

from bp_core.practices.schemas import Practice, Submission
from bp_core.reviews.schemas import (
    DeclineRequest,
    HandOver,
    HistoryEntry,
    InboxQuery,
    RevisionRequest,
    WaitingPractice,
)
from bp_core.shared.access import Caller
from bp_core.shared.errors import (
    AlreadyTaken,
    InvalidTransition,
    NotWaiting,
    PracticeBenchmarked,
    PracticeCopied,
    PracticeDecided,
)
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.shared.versions import ExpectedVersions
from functions.edge.access import HEADQUARTERS
from functions.edge.endpoint import endpoints
from functions.edge.responses import Reply, versioned
from functions.practice_access import PRACTICE_OWNER
from functions.unit_of_work import UnitOfWork

PRACTICE = "/api/v1/best-practices/{practice_id:guid}"

REVIEW = "/api/v1/reviews/{practice_id:guid}"

blueprint, endpoint = endpoints()


@endpoint("POST", f"{PRACTICE}/submit", who=PRACTICE_OWNER, errors=(InvalidTransition,))
def submit_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions, body: Submission
) -> Reply[Practice]:
    """Submit a practice for review."""
    return versioned(work.reviews.submit(caller, practice_id, body, expected))


@endpoint("POST", f"{PRACTICE}/approve", who=HEADQUARTERS, errors=(InvalidTransition,))
def approve_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Reply[Practice]:
    """Approve a submitted practice; its saving counts from now on."""
    return versioned(work.reviews.approve(caller, practice_id, expected))


@endpoint(
    "POST",
    f"{PRACTICE}/request-revision",
    who=HEADQUARTERS,
    errors=(InvalidTransition, PracticeBenchmarked),
)
def request_revision(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions, body: RevisionRequest
) -> Reply[Practice]:
    """Send a practice back to its plant with a comment; its saving no longer counts."""
    return versioned(work.reviews.request_revision(caller, practice_id, body, expected))


@endpoint("POST", f"{PRACTICE}/decline", who=HEADQUARTERS, errors=(InvalidTransition,))
def decline_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions, body: DeclineRequest
) -> Reply[Practice]:
    """Decline a submitted practice with a reason; it counts nowhere until it is reopened."""
    return versioned(work.reviews.decline(caller, practice_id, body, expected))


@endpoint("POST", f"{PRACTICE}/reopen", who=HEADQUARTERS, errors=(InvalidTransition,))
def reopen_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Reply[Practice]:
    """Submit a declined practice again; it waits for another decision."""
    return versioned(work.reviews.reopen(caller, practice_id, expected))


@endpoint(
    "POST",
    f"{PRACTICE}/withdraw",
    who=PRACTICE_OWNER,
    errors=(InvalidTransition, PracticeDecided, PracticeCopied),
)
def withdraw_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Reply[Practice]:
    """Make a submitted practice a draft again, while headquarters has never decided about it."""
    return versioned(work.reviews.withdraw(caller, practice_id, expected))


@endpoint("GET", f"{PRACTICE}/history", who=PRACTICE_OWNER)
def show_history(work: UnitOfWork, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[HistoryEntry]:
    """List the changes of status of a practice, oldest first."""
    return work.reviews.history(caller, practice_id, query)


@endpoint("GET", "/api/v1/reviews/inbox", who=HEADQUARTERS)
def show_review_inbox(work: UnitOfWork, caller: Caller, query: InboxQuery) -> Page[WaitingPractice]:
    """List the practices that wait for a decision, longest waiting first."""
    return work.review_inbox.search(caller, query)


@endpoint("POST", f"{REVIEW}/take", who=HEADQUARTERS, errors=(NotWaiting, AlreadyTaken))
def take_review(work: UnitOfWork, caller: Caller, practice_id: UUID) -> WaitingPractice:
    """Take a practice for review; a practice that another reviewer has taken is handed over instead."""
    return work.review_inbox.take(caller, practice_id)


@endpoint("POST", f"{REVIEW}/hand-over", who=HEADQUARTERS, errors=(NotWaiting,))
def hand_over_review(work: UnitOfWork, caller: Caller, practice_id: UUID, body: HandOver) -> WaitingPractice:
    """Give the review of a practice to another headquarters user, or to nobody."""
    return work.review_inbox.hand_over(caller, practice_id, body)
