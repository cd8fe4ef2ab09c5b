"""The categories."""

from uuid import UUID

from bp_core import categories
from bp_core.categories import Category, CategoryChanges, NewCategory
from functions.access import HEADQUARTERS, SIGNED_IN
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/categories", who=SIGNED_IN)
def list_categories(unit: Unit) -> list[Category]:
    """List the categories by name."""
    return unit.categories.categories()


@endpoint("GET", "/api/v1/categories/{category_id:guid}", who=SIGNED_IN)
def show_category(unit: Unit, category_id: UUID) -> Category:
    """Show a category."""
    return categories.show(unit.categories, category_id)


@endpoint("POST", "/api/v1/categories", who=HEADQUARTERS, status=201, errors=("DUPLICATE",))
def create_category(unit: Unit, body: NewCategory) -> Category:
    """Make a category."""
    return categories.add(unit.categories, unit.trail, body, unit.moment.at)


@endpoint("PATCH", "/api/v1/categories/{category_id:guid}", who=HEADQUARTERS, errors=("DUPLICATE",))
def edit_category(unit: Unit, category_id: UUID, body: CategoryChanges) -> Category:
    """Change a category."""
    return categories.change(unit.categories, unit.trail, category_id, body)
