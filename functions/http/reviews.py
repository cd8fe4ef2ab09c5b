"""Taking practices from state to state, and the record of it."""

from uuid import UUID

from bp_core.practices import writing
from bp_core.practices.models import Practice, Submission
from bp_core.reviews import HistoryEntry, RevisionRequest
from bp_core.shared.access import Caller
from bp_core.shared.versions import ExpectedVersions
from functions.access import HEADQUARTERS, PRACTICE_OWNER
from functions.answers import Reply
from functions.bootstrap import Unit
from functions.edge import endpoints
from functions.http.practices import shown

blueprint, endpoint = endpoints()


@endpoint(
    "POST",
    "/api/v1/best-practices/{practice_id:guid}/submit",
    who=PRACTICE_OWNER,
    errors=("INVALID_TRANSITION",),
)
def submit_practice(
    unit: Unit, caller: Caller, practice_id: UUID, expected: ExpectedVersions, body: Submission
) -> Reply[Practice]:
    """Submit a practice for review."""
    writing.move(
        unit.practices,
        unit.ledger,
        caller,
        practice_id,
        "submitted",
        submitted_date=body.submitted_date,
        expected=expected,
        moment=unit.moment,
    )
    return shown(unit, caller, practice_id)


@endpoint(
    "POST",
    "/api/v1/best-practices/{practice_id:guid}/approve",
    who=HEADQUARTERS,
    errors=("INVALID_TRANSITION",),
)
def approve_practice(
    unit: Unit, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Reply[Practice]:
    """Approve a submitted practice: its saving counts from now on."""
    writing.move(
        unit.practices, unit.ledger, caller, practice_id, "approved", expected=expected, moment=unit.moment
    )
    return shown(unit, caller, practice_id)


@endpoint(
    "POST",
    "/api/v1/best-practices/{practice_id:guid}/request-revision",
    who=HEADQUARTERS,
    errors=("INVALID_TRANSITION", "BENCHMARKED"),
)
def request_revision(
    unit: Unit, caller: Caller, practice_id: UUID, expected: ExpectedVersions, body: RevisionRequest
) -> Reply[Practice]:
    """Send a practice back to its plant with a comment; its saving no longer counts."""
    writing.move(
        unit.practices,
        unit.ledger,
        caller,
        practice_id,
        "revision_required",
        comment=body.comment,
        expected=expected,
        moment=unit.moment,
    )
    return shown(unit, caller, practice_id)


@endpoint("GET", "/api/v1/best-practices/{practice_id:guid}/history", who=PRACTICE_OWNER)
def show_history(unit: Unit, practice_id: UUID) -> list[HistoryEntry]:
    """List the changes of state of a practice, oldest first."""
    return unit.reviews.history(practice_id)
