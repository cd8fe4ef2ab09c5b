"""Copying benchmarked practices, and following their implementation."""

from uuid import UUID

from bp_core import copying
from bp_core.copying import Copy, CopyChanges, CopyMade, CopyRecord, NewCopy, OwnCopy, Spread
from bp_core.practices import reading
from bp_core.shared.access import Caller
from bp_core.shared.model import PageQuery
from bp_core.shared.paging import Page
from functions.access import PLANT_USER, SIGNED_IN
from functions.answers import Reply
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint(
    "POST",
    "/api/v1/copy/implement",
    who=PLANT_USER,
    status=201,
    errors=("NOT_FOUND", "NOT_BENCHMARKED", "OWN_PRACTICE", "ALREADY_COPIED"),
)
def copy_practice(unit: Unit, caller: Caller, body: NewCopy) -> Reply[CopyMade]:
    """Copy a benchmarked practice of another plant: a new practice of one's own, and points for both."""
    record, awarded = unit.copying.implement(caller, body, moment=unit.moment)
    practice = reading.show(
        unit.practices, unit.portal.blobs, caller, record.copied_practice_id, unit.moment.at
    )
    made = CopyMade(copied_practice=practice, copy_record=record, points_awarded=awarded)
    return Reply(made, message="The practice is copied.")


@endpoint("GET", "/api/v1/copy/my-implementations", who=PLANT_USER)
def list_own_copies(unit: Unit, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
    """List what one's own plant has copied, newest first."""
    return unit.copies.own(caller, query)


@endpoint("GET", "/api/v1/copy/deployment-status", who=SIGNED_IN)
def list_deployments(unit: Unit, query: PageQuery) -> Page[Spread]:
    """List the practices that were copied with who has copied them, the most copied first."""
    return unit.copies.deployed(query)


@endpoint("GET", "/api/v1/copy/{original_id:guid}/copies", who=SIGNED_IN)
def list_copies(unit: Unit, caller: Caller, original_id: UUID) -> list[Copy]:
    """List who has copied a practice, the first one first."""
    return copying.show_copies(unit.copies, caller, original_id)


@endpoint("PATCH", "/api/v1/copy/{copy_id:guid}", who=PLANT_USER, errors=("INVALID_TRANSITION",))
def edit_copy(unit: Unit, caller: Caller, copy_id: UUID, body: CopyChanges) -> CopyRecord:
    """Tell how far one's own plant is with a copy, a step at a time."""
    return unit.copying.progress(caller, copy_id, body, unit.moment.at)
