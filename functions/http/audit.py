"""The audit trail, for headquarters."""

from bp_core.audit import AuditEntry, AuditQuery
from bp_core.shared.paging import Page
from functions.access import HEADQUARTERS
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/audit", who=HEADQUARTERS)
def list_changes(unit: Unit, query: AuditQuery) -> Page[AuditEntry]:
    """List what was changed, latest first."""
    return unit.audit.entries(query)
