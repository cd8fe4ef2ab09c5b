"""Endpoints of categories."""

from uuid import UUID

from bp_core.categories import Category, CategoryChanges, NewCategory
from bp_core.shared.access import Caller
from bp_core.shared.errors import Duplicate
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from functions.edge.access import HEADQUARTERS, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/categories", who=SIGNED_IN)
def list_categories(work: UnitOfWork, query: PageQuery) -> Page[Category]:
    """List the categories by name."""
    return work.categories.search(query)


@endpoint("GET", "/api/v1/categories/{category_id:guid}", who=SIGNED_IN)
def show_category(work: UnitOfWork, category_id: UUID) -> Category:
    """Return a category."""
    return work.categories.show(category_id)


@endpoint("POST", "/api/v1/categories", who=HEADQUARTERS, status=201, errors=(Duplicate,))
def create_category(work: UnitOfWork, caller: Caller, body: NewCategory) -> Category:
    """Create a category."""
    return work.categories.create(caller, body)


@endpoint("PATCH", "/api/v1/categories/{category_id:guid}", who=HEADQUARTERS, errors=(Duplicate,))
def edit_category(work: UnitOfWork, caller: Caller, category_id: UUID, body: CategoryChanges) -> Category:
    """Change a category."""
    return work.categories.edit(caller, category_id, body)
