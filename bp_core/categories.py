"""The categories that practices are filed under."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field, StringConstraints

from bp_core.shared.errors import Invalid, NotFound
from bp_core.shared.model import Line, Sent, Shown, Timestamp
from bp_core.shared.trail import Trail, difference

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
"""A name for addresses: lower-case words of ASCII letters and digits, joined by hyphens."""

CategoryName = Annotated[Line, Field(max_length=100)]


class NewCategory(Sent):
    """A category as it is made; its slug is made from its name if none is given."""

    name: CategoryName
    slug: Slug | None = None
    color_class: Annotated[Line, Field(max_length=200)]
    icon_name: Annotated[Line, Field(max_length=100)]


class CategoryChanges(Sent):
    """What is to be changed of a category: what is not sent stays, the slug, too, when the name changes."""

    name: CategoryName = ""
    slug: Slug = ""
    color_class: Annotated[Line, Field(max_length=200)] = ""
    icon_name: Annotated[Line, Field(max_length=100)] = ""


class Category(Shown):
    """A category, with the number of its practices that everybody may see."""

    id: UUID
    name: str
    slug: str
    color_class: str
    icon_name: str
    created_at: Timestamp
    practice_count: int


class CategoryStore(Protocol):
    """Where the categories are kept."""

    def categories(self) -> list[Category]:
        """List the categories by name."""
        ...

    def category(self, category_id: UUID) -> Category | None:
        """Find one category."""
        ...

    def add(self, new: NewCategory, slug: str, now: datetime) -> UUID:
        """Keep a new category. Raises Conflict (DUPLICATE) if another has its name or slug."""
        ...

    def hold(self, category_id: UUID) -> None:
        """Keep others from changing a category until the transaction ends."""
        ...

    def save(self, category: Category) -> None:
        """Keep a category as it is now. Raises Conflict (DUPLICATE) if another has its name or slug."""
        ...


def show(store: CategoryStore, category_id: UUID) -> Category:
    """Show one category.

    Raises NotFound.
    """
    category = store.category(category_id)
    if category is None:
        raise NotFound("There is no such category.")
    return category


def add(store: CategoryStore, trail: Trail, new: NewCategory, now: datetime) -> Category:
    """Make a category.

    Raises Conflict (DUPLICATE), Invalid for a name that gives no slug.
    """
    category = show(store, store.add(new, new.slug or slug_of(new.name), now))
    trail.note("category.created", "category", category.id, after=_facts(category))
    return category


def change(store: CategoryStore, trail: Trail, category_id: UUID, changes: CategoryChanges) -> Category:
    """Change a category.

    Raises NotFound, Conflict (DUPLICATE).
    """
    store.hold(category_id)
    category = show(store, category_id)
    kept = category.model_copy(update=changes.model_dump(include=changes.model_fields_set))
    changed = difference(_facts(category), _facts(kept))
    if changed.after:
        store.save(kept)
        trail.note("category.changed", "category", category_id, before=changed.before, after=changed.after)
    return kept


def slug_of(name: str) -> str:
    """Make a slug from a name: "Energy & Waste" becomes "energy-waste".

    Raises Invalid for a name without a letter or digit that ASCII has.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not slug:
        raise Invalid.of("slug", "is needed: the name has no letter or digit to make one from")
    return slug


def _facts(category: Category) -> dict[str, object]:
    return category.model_dump(include={"name", "slug", "color_class", "icon_name"})
