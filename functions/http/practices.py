"""The best practices: writing, reading, listing."""

from uuid import UUID

from bp_core.practices import reading, writing
from bp_core.practices.models import (
    Likeness,
    NewPractice,
    OwnPracticeQuery,
    Practice,
    PracticeChanges,
    PracticeListItem,
    PracticeQuery,
    Statistics,
)
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage
from bp_core.shared.versions import ExpectedVersions
from functions import logs
from functions.access import PLANT_USER, PRACTICE_OWNER, PRACTICE_VIEWER, SIGNED_IN
from functions.answers import Reply
from functions.bootstrap import Unit
from functions.edge import endpoints
from functions.etags import etag

blueprint, endpoint = endpoints()


def shown(unit: Unit, caller: Caller, practice_id: UUID) -> Reply[Practice]:
    """Show a practice as it is now, after whatever was done to it, with the tag of its version."""
    practice = reading.show(unit.practices, unit.portal.blobs, caller, practice_id, unit.moment.at)
    return Reply(practice, headers={"ETag": etag(practice.version)})


@endpoint("GET", "/api/v1/best-practices", who=SIGNED_IN)
def list_practices(unit: Unit, caller: Caller, query: PracticeQuery) -> LongPage[PracticeListItem]:
    """List the practices that the caller may see."""
    return reading.show_list(unit.practices, unit.portal.blobs, caller, query, unit.moment.at)


@endpoint("GET", "/api/v1/best-practices/my-practices", who=PLANT_USER)
def list_own_practices(unit: Unit, caller: Caller, query: OwnPracticeQuery) -> LongPage[PracticeListItem]:
    """List the practices of the caller's plant, drafts and all."""
    return reading.show_own(unit.practices, unit.portal.blobs, caller, query, unit.moment.at)


@endpoint("GET", "/api/v1/best-practices/recent", who=SIGNED_IN)
def list_recent_practices(unit: Unit) -> list[PracticeListItem]:
    """List the ten newest practices that everybody sees."""
    return reading.show_recent(unit.practices, unit.portal.blobs, unit.moment.at)


@endpoint("POST", "/api/v1/best-practices", who=SIGNED_IN, status=201, errors=("FORBIDDEN",))
def create_practice(unit: Unit, caller: Caller, body: NewPractice) -> Reply[Practice]:
    """Write a practice: a draft, or submitted at once."""
    practice_id = writing.create(unit.practices, unit.ledger, caller, body, moment=unit.moment)
    return shown(unit, caller, practice_id)


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}", who=SIGNED_IN)
def show_practice(unit: Unit, caller: Caller, practice_id: UUID) -> Reply[Practice]:
    """Show everything of a practice, and count that it was read."""
    practice = shown(unit, caller, practice_id)
    try:
        unit.practices.count_view(practice_id)
    except Exception as failure:  # noqa: BLE001 - whatever it is: who reads is not to suffer from counting
        logs.log_failure("view_not_counted", failure)
    return practice


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/statistics", who=PRACTICE_VIEWER)
def show_statistics(unit: Unit, practice_id: UUID) -> Statistics:
    """Tell how often a practice was read, copied and asked about."""
    return unit.practices.statistics(practice_id)


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/similar", who=PRACTICE_VIEWER)
def list_similar_practices(unit: Unit, caller: Caller, practice_id: UUID) -> list[PracticeListItem]:
    """List the practices that are nearest to one by their words."""
    return reading.show_similar(unit.practices, unit.portal.blobs, caller, practice_id, unit.moment.at)


@endpoint("POST", "/api/v1/best-practices/similar", who=SIGNED_IN, transaction=False)
def find_similar_practices(unit: Unit, caller: Caller, body: Likeness) -> list[PracticeListItem]:
    """List the practices that are nearest to what somebody is about to write."""
    return reading.show_like(unit.practices, unit.portal.blobs, caller, body, unit.moment.at)


@endpoint(
    "PATCH",
    "/api/v1/best-practices/{practice_id:guid}",
    who=PRACTICE_OWNER,
    errors=("INVALID_TRANSITION", "BENCHMARKED", "COPIED"),
)
def edit_practice(
    unit: Unit, caller: Caller, practice_id: UUID, expected: ExpectedVersions, body: PracticeChanges
) -> Reply[Practice]:
    """Change what is sent of a practice; `status` is a transition."""
    writing.edit(
        unit.practices, unit.ledger, caller, practice_id, body, expected=expected, moment=unit.moment
    )
    return shown(unit, caller, practice_id)


@endpoint("DELETE", "/api/v1/best-practices/{practice_id:guid}", who=PRACTICE_OWNER, errors=("BENCHMARKED",))
def delete_practice(unit: Unit, practice_id: UUID, expected: ExpectedVersions) -> Reply[None]:
    """Delete a practice: it is found no more, and neither its saving nor its points count."""
    writing.delete(
        unit.practices, unit.ledger, unit.points, practice_id, expected=expected, moment=unit.moment
    )
    return Reply(None, message="The practice is deleted.")
