"""The categories of practices."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field, StringConstraints

from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditTrail, difference
from bp_core.shared.context import Context
from bp_core.shared.errors import Invalid, NotFound
from bp_core.shared.paging import Page
from bp_core.shared.schemas import Line, PageQuery, RequestModel, ResponseModel, Timestamp, not_sent
from bp_core.shared.text import slug

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
"""A name for URLs: lower-case words of ASCII letters and digits, joined by hyphens."""

CategoryName = Annotated[Line, Field(max_length=100)]


class NewCategory(RequestModel):
    """A new category; without a slug, it gets one from its name."""

    name: Annotated[CategoryName, Field(examples=["Supa"])]
    slug: Annotated[Slug | None, Field(examples=["quality"])] = None
    color_class: Annotated[Line, Field(max_length=200, examples=["blue"])]
    icon_name: Annotated[Line, Field(max_length=100, examples=["bolt"])]


class CategoryChanges(RequestModel):
    """Changes of a category; a field that is not sent is not changed. A new name does not change the slug."""

    name: Annotated[CategoryName, Field(examples=["Supa"])] = not_sent()
    slug: Annotated[Slug, Field(examples=["quality"])] = not_sent()
    color_class: Annotated[Line, Field(max_length=200, examples=["blue"])] = not_sent()
    icon_name: Annotated[Line, Field(max_length=100, examples=["bolt"])] = not_sent()


class Category(ResponseModel):
    """A category with the number of its public practices."""

    id: UUID
    name: Annotated[str, Field(examples=["Supa"])]
    slug: Annotated[str, Field(examples=["quality"])]
    color_class: Annotated[str, Field(examples=["blue"])]
    icon_name: Annotated[str, Field(examples=["bolt"])]
    created_at: Timestamp
    practice_count: int


class CategoryStore(Protocol):
    """Stores categories."""

    def categories(self, query: PageQuery) -> Page[Category]:
        """List the categories by name."""
        ...

    def category(self, category_id: UUID) -> Category | None:
        """Read one category."""
        ...

    def add(self, new: NewCategory, slug: str, now: datetime) -> UUID:
        """Insert a category; return its id. Raises Duplicate if another category has the name or slug."""
        ...

    def lock(self, category_id: UUID) -> None:
        """Lock a category until the transaction ends."""
        ...

    def save(self, category: Category) -> None:
        """Update a category. Raises Duplicate if another category has the name or slug."""
        ...


@dataclass(frozen=True)
class CategoryService:
    """The use cases of categories: all users read them, headquarters changes them."""

    store: CategoryStore
    audit_trail: AuditTrail
    context: Context

    def search(self, query: PageQuery) -> Page[Category]:
        """Return one page of the categories, by name."""
        return self.store.categories(query)

    def show(self, category_id: UUID) -> Category:
        """Return a category. Raises NotFound."""
        category = self.store.category(category_id)
        if category is None:
            raise NotFound("There is no such category.")
        return category

    def create(self, caller: Caller, new: NewCategory) -> Category:
        """Create a category. Raises Forbidden, Duplicate, Invalid if the name gives no slug."""
        require_headquarters(caller)
        category = self.show(self.store.add(new, new.slug or slug_of(new.name), self.context.now))
        self.audit_trail.record("category.created", "category", category.id, after=_facts(category))
        return category

    def edit(self, caller: Caller, category_id: UUID, changes: CategoryChanges) -> Category:
        """Change a category. Raises Forbidden, NotFound, Duplicate."""
        require_headquarters(caller)
        self.store.lock(category_id)
        category = self.show(category_id)
        updated = category.model_copy(update=changes.sent())
        changed = difference(_facts(category), _facts(updated))
        if changed.after:
            self.store.save(updated)
            self.audit_trail.record(
                "category.changed", "category", category_id, before=changed.before, after=changed.after
            )
        return updated


def slug_of(name: str) -> str:
    """Return the slug for the name of a category: "energy-waste" for "Energy & Waste".

    Raises Invalid if the name has no ASCII letter or digit.
    """
    generated = slug(name)
    if not generated:
        raise Invalid.of("slug", "is required, because the name has no Latin letter or digit")
    return generated


def _facts(category: Category) -> dict[str, object]:
    return category.model_dump(include={"name", "slug", "color_class", "icon_name"})
