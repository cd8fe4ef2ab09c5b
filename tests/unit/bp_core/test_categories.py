from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bp_core.categories import Category, CategoryChanges, CategoryService, NewCategory, Slug, slug_of
from bp_core.shared.errors import Invalid, NotFound
from tests.unit.bp_core.fakes import Note, RecordedAuditTrail
from tests.unit.bp_core.stores import ENERGY, MemoryCategories
from tests.unit.bp_core.support import CATEGORY, HQ, context


def service(
    store: MemoryCategories | None = None, audit_trail: RecordedAuditTrail | None = None
) -> CategoryService:
    return CategoryService(store or MemoryCategories(), audit_trail or RecordedAuditTrail(), context())


def create(name: str, slug: str | None = None) -> tuple[Category, RecordedAuditTrail]:
    audit_trail = RecordedAuditTrail()
    new = NewCategory(name=name, slug=slug, color_class="blue", icon_name="drop")
    return service(audit_trail=audit_trail).create(HQ, new), audit_trail


def edit(**request: Any) -> tuple[Category, MemoryCategories, RecordedAuditTrail]:
    store, audit_trail = MemoryCategories(), RecordedAuditTrail()
    changes = CategoryChanges.model_validate(request)
    return service(store, audit_trail).edit(HQ, CATEGORY, changes), store, audit_trail


def test_a_category_is_shown_with_its_count() -> None:
    assert service().show(CATEGORY) is ENERGY


def test_a_category_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        service().show(uuid4())
    with pytest.raises(NotFound):
        service().edit(HQ, uuid4(), CategoryChanges(name="Water"))


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
        create(name)

    assert [fault.field for fault in refusal.value.details] == ["slug"]
    assert create(name, "own-slug")[0].slug == "own-slug"


@given(st.text(max_size=100))
def test_every_slug_that_is_made_is_valid(name: str) -> None:
    try:
        slug = slug_of(name)
    except Invalid:
        return
    assert TypeAdapter(Slug).validate_python(slug) == slug


def test_a_new_category_without_a_slug_gets_one_of_its_name_and_is_recorded_in_the_audit_trail() -> None:
    made, audit_trail = create("Water & Air")

    assert (made.name, made.slug, made.practice_count) == ("Water & Air", "water-air", 0)
    after = {"name": "Water & Air", "slug": "water-air", "color_class": "blue", "icon_name": "drop"}
    assert audit_trail.notes == [Note("category.created", "category", made.id, None, after)]


@pytest.mark.parametrize("slug", ["", "Energy", "a--b", "-a", "a-", "a b", "ऊर्जा", "x" * 101])
def test_a_slug_is_lower_case_words_joined_by_hyphens(slug: str) -> None:
    with pytest.raises(ValidationError):
        NewCategory(name="Energy", slug=slug, color_class="blue", icon_name="drop")


def test_a_new_name_does_not_change_the_slug() -> None:
    changed, store, audit_trail = edit(name="Power")

    assert (changed.name, changed.slug) == ("Power", "energy")
    assert (store.locked, store.saved) == ([CATEGORY], [changed])
    assert audit_trail.notes == [
        Note("category.changed", "category", CATEGORY, {"name": "Energy"}, {"name": "Power"})
    ]


def test_an_edit_that_changes_nothing_writes_nothing() -> None:
    _, store, audit_trail = edit(name="Energy", slug="energy")

    assert (store.saved, audit_trail.notes) == ([], [])
