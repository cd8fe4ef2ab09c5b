"""Endpoints of copies of benchmarked practices, and their implementation."""

from uuid import UUID

from bp_core.copying import Copy, CopyChanges, CopyMade, CopyRecord, NewCopy, OwnCopy, Spread
from bp_core.shared.access import Caller
from bp_core.shared.errors import AlreadyCopied, InvalidTransition, NotBenchmarked, NotFound, OwnPractice
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from functions.edge.access import PLANT_USER, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.edge.responses import Reply
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint(
    "POST",
    "/api/v1/copy/implement",
    who=PLANT_USER,
    status=201,
    errors=(NotFound, NotBenchmarked, OwnPractice, AlreadyCopied),
)
def copy_practice(work: UnitOfWork, caller: Caller, body: NewCopy) -> Reply[CopyMade]:
    """Copy a benchmarked practice of another plant to your plant; both plants can earn points."""
    return Reply(work.copying.implement(caller, body), message="The practice was copied.")


@endpoint("GET", "/api/v1/copy/my-implementations", who=PLANT_USER)
def list_own_copies(work: UnitOfWork, caller: Caller, query: PageQuery) -> Page[OwnCopy]:
    """List the copies of your plant, newest first."""
    return work.copying.own(caller, query)


@endpoint("GET", "/api/v1/copy/deployment-status", who=SIGNED_IN)
def list_deployments(work: UnitOfWork, caller: Caller, query: PageQuery) -> Page[Spread]:
    """List the practices that were copied with the plants that copied them, most copied first."""
    return work.copying.deployed(caller, query)


@endpoint("GET", "/api/v1/copy/{original_id:guid}/copies", who=SIGNED_IN)
def list_copies(work: UnitOfWork, caller: Caller, original_id: UUID, query: PageQuery) -> Page[Copy]:
    """List the copies of a practice, oldest first."""
    return work.copying.copies(caller, original_id, query)


@endpoint("PATCH", "/api/v1/copy/{copy_id:guid}", who=PLANT_USER, errors=(InvalidTransition,))
def edit_copy(work: UnitOfWork, caller: Caller, copy_id: UUID, body: CopyChanges) -> CopyRecord:
    """Change the implementation status of a copy of your plant, one step at a time."""
    return work.copying.set_progress(caller, copy_id, body)
