from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bp_core import categories
from bp_core.categories import Category, CategoryChanges, NewCategory, Slug, slug_of
from bp_core.shared.errors import Invalid, NotFound
from tests.unit.bp_core.fakes import Note, NotedTrail
from tests.unit.bp_core.support import CATEGORY, NOW

ENERGY = Category(
    id=CATEGORY,
    name="Energy",
    slug="energy",
    color_class="green",
    icon_name="bolt",
    created_at=datetime(2025, 1, 1, tzinfo=UTC),
    practice_count=3,
)


class MemoryCategories:
    """One category, and those that are made."""

    def __init__(self) -> None:
        self.kept = {CATEGORY: ENERGY}
        self.held: list[UUID] = []
        self.saved: list[Category] = []

    def categories(self) -> list[Category]:
        raise NotImplementedError("no use case of these tests lists categories")

    def category(self, category_id: UUID) -> Category | None:
        return self.kept.get(category_id)

    def add(self, new: NewCategory, slug: str, now: datetime) -> UUID:
        sent = new.model_dump(exclude={"slug"})
        made = Category(id=uuid4(), **sent, slug=slug, created_at=now, practice_count=0)
        self.kept[made.id] = made
        return made.id

    def hold(self, category_id: UUID) -> None:
        self.held.append(category_id)

    def save(self, category: Category) -> None:
        self.kept[category.id] = category
        self.saved.append(category)


def add(name: str, slug: str | None = None) -> tuple[Category, NotedTrail]:
    trail = NotedTrail()
    new = NewCategory(name=name, slug=slug, color_class="blue", icon_name="drop")
    return categories.add(MemoryCategories(), trail, new, NOW.at), trail


def change(**sent: Any) -> tuple[Category, MemoryCategories, NotedTrail]:
    store, trail = MemoryCategories(), NotedTrail()
    return categories.change(store, trail, CATEGORY, CategoryChanges.model_validate(sent)), store, trail


def test_a_category_is_shown_with_its_count() -> None:
    assert categories.show(MemoryCategories(), CATEGORY) is ENERGY


def test_a_category_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        categories.show(MemoryCategories(), uuid4())
    with pytest.raises(NotFound):
        categories.change(MemoryCategories(), NotedTrail(), uuid4(), CategoryChanges(name="Water"))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Energy", "energy"),
        ("Energy & Waste", "energy-waste"),
        ("  5S / Kaizen  ", "5s-kaizen"),
        ("Qualité", "qualite"),
        ("ऊर्जा 4.0", "4-0"),
        ("--Safety--", "safety"),
    ],
)
def test_a_slug_is_made_from_the_letters_and_digits_of_a_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", ["ऊर्जा", "安全", "!!!", "-"])
def test_a_name_without_ascii_letters_or_digits_needs_a_slug(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        add(name)

    assert [fault.field for fault in refusal.value.details] == ["slug"]
    assert add(name, "own-slug")[0].slug == "own-slug"


@given(st.text(max_size=100))
def test_whatever_slug_is_made_is_one_that_would_be_taken(name: str) -> None:
    try:
        slug = slug_of(name)
    except Invalid:
        return
    assert TypeAdapter(Slug).validate_python(slug) == slug


def test_a_new_category_has_its_own_slug_or_one_of_its_name_and_is_kept_in_the_trail() -> None:
    made, trail = add("Water & Air")

    assert (made.name, made.slug, made.practice_count) == ("Water & Air", "water-air", 0)
    after = {"name": "Water & Air", "slug": "water-air", "color_class": "blue", "icon_name": "drop"}
    assert trail.notes == [Note("category.created", "category", made.id, None, after)]


@pytest.mark.parametrize("slug", ["", "Energy", "a--b", "-a", "a-", "a b", "ऊर्जा", "x" * 101])
def test_a_slug_is_lower_case_words_joined_by_hyphens(slug: str) -> None:
    with pytest.raises(ValidationError):
        NewCategory(name="Energy", slug=slug, color_class="blue", icon_name="drop")


def test_a_new_name_leaves_the_slug_as_it_was() -> None:
    changed, store, trail = change(name="Power")

    assert (changed.name, changed.slug) == ("Power", "energy")
    assert (store.held, store.saved) == ([CATEGORY], [changed])
    assert trail.notes == [
        Note("category.changed", "category", CATEGORY, {"name": "Energy"}, {"name": "Power"})
    ]


def test_a_change_that_changes_nothing_keeps_nothing() -> None:
    _, store, trail = change(name="Energy", slug="energy")

    assert (store.saved, trail.notes) == ([], [])
