"""Endpoint of the audit trail."""

from bp_core.audit import AuditEntry, AuditQuery
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page
from functions.edge.access import HEADQUARTERS
from functions.edge.endpoint import endpoints
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/audit", who=HEADQUARTERS)
def list_changes(work: UnitOfWork, caller: Caller, query: AuditQuery) -> Page[AuditEntry]:
    """List the recorded changes, latest first."""
    return work.audit.search(caller, query)
