"""Endpoints of creating, changing, reading and searching practices."""

from uuid import UUID

from bp_core.practices.queries import OwnPracticeQuery, PracticeQuery
from bp_core.practices.schemas import (
    Likeness,
    NewPractice,
    Practice,
    PracticeChanges,
    PracticeListItem,
    Statistics,
)
from bp_core.shared.access import Caller
from bp_core.shared.errors import (
    Forbidden,
    InvalidTransition,
    PracticeBenchmarked,
    PracticeCopied,
    PracticeDecided,
)
from bp_core.shared.paging import LongPage, Page
from bp_core.shared.schemas import PageQuery, RecentQuery
from bp_core.shared.versions import ExpectedVersions
from functions import logs
from functions.edge.access import PLANT_USER, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.edge.responses import Reply, versioned
from functions.practice_access import PRACTICE_OWNER, PRACTICE_VIEWER
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/best-practices", who=SIGNED_IN)
def list_practices(work: UnitOfWork, caller: Caller, query: PracticeQuery) -> LongPage[PracticeListItem]:
    """List the practices that the caller may see."""
    return work.practices.search(caller, query)


@endpoint("GET", "/api/v1/best-practices/my-practices", who=PLANT_USER)
def list_own_practices(
    work: UnitOfWork, caller: Caller, query: OwnPracticeQuery
) -> LongPage[PracticeListItem]:
    """List the practices of your plant, in every status."""
    return work.practices.search_own(caller, query)


@endpoint("GET", "/api/v1/best-practices/recent", who=SIGNED_IN)
def list_recent_practices(work: UnitOfWork, query: RecentQuery) -> Page[PracticeListItem]:
    """List the newest public practices, ten by default."""
    return work.practices.recent(query)


@endpoint("POST", "/api/v1/best-practices", who=SIGNED_IN, status=201, errors=(Forbidden,))
def create_practice(work: UnitOfWork, caller: Caller, body: NewPractice) -> Reply[Practice]:
    """Create a practice, as a draft or submitted."""
    return versioned(work.practices.create(caller, body))


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}", who=SIGNED_IN)
def show_practice(work: UnitOfWork, caller: Caller, practice_id: UUID) -> Reply[Practice]:
    """Return a practice with all its details, and count the view."""
    practice = work.practices.show(caller, practice_id)
    try:
        work.practices.count_view(practice)
    except Exception as error:  # noqa: BLE001 - the practice is returned even if the view cannot be counted
        logs.log_failure("view_not_counted", error)
    return versioned(practice)


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/statistics", who=PRACTICE_VIEWER)
def show_statistics(work: UnitOfWork, caller: Caller, practice_id: UUID) -> Statistics:
    """Count the views, copies and questions of a practice."""
    return work.practices.statistics(caller, practice_id)


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/similar", who=PRACTICE_VIEWER)
def list_similar_practices(
    work: UnitOfWork, caller: Caller, practice_id: UUID, query: PageQuery
) -> Page[PracticeListItem]:
    """List the practices whose words are most similar to a practice, at most five."""
    return work.practices.similar_to(caller, practice_id, query)


@endpoint("POST", "/api/v1/best-practices/similar", who=SIGNED_IN, transaction=False)
def find_similar_practices(
    work: UnitOfWork, caller: Caller, query: PageQuery, body: Likeness
) -> Page[PracticeListItem]:
    """List the practices whose words are most similar to a text, for example of a planned practice."""
    return work.practices.similar(caller, body, query)


@endpoint(
    "PATCH",
    "/api/v1/best-practices/{practice_id:guid}",
    who=PRACTICE_OWNER,
    errors=(InvalidTransition, PracticeBenchmarked, PracticeCopied, PracticeDecided),
)
def edit_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions, body: PracticeChanges
) -> Reply[Practice]:
    """Change the fields of a practice that are sent; `status` requests a transition."""
    return versioned(work.practices.edit(caller, practice_id, body, expected))


@endpoint(
    "DELETE", "/api/v1/best-practices/{practice_id:guid}", who=PRACTICE_OWNER, errors=(PracticeBenchmarked,)
)
def delete_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Reply[None]:
    """Delete a practice; its saving and its points no longer count."""
    work.practices.delete(caller, practice_id, expected)
    return Reply(None, message="The practice was deleted.")
