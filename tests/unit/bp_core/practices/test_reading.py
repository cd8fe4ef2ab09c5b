from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from bp_core.practices import reading
from bp_core.practices.models import (
    ImageType,
    PracticeQuery,
    Status,
    StoredDocument,
    StoredImage,
    StoredListItem,
    StoredPractice,
)
from bp_core.shared.errors import Invalid, NotFound
from tests.unit.bp_core.practices.fakes import MemoryPractices, PlainLinks
from tests.unit.bp_core.support import CATEGORY, HQ, NEIGHBOUR, NOW, OWNER, PUNE

WRITTEN = datetime(2025, 6, 20, 8, tzinfo=UTC)


def stored_image(image_type: ImageType, epoch_ms: int, *, thumbnail: bool = True) -> StoredImage:
    name = f"practices/p/{image_type}_{epoch_ms}.jpg"
    return StoredImage(
        id=uuid4(),
        practice_id=uuid4(),
        image_type=image_type,
        blob_container="best-practices",
        blob_name=name,
        thumbnail_name=f"{name}.webp" if thumbnail else None,
        file_size=1234,
        content_type="image/jpeg",
        width=40,
        height=30,
        uploaded_at=WRITTEN + timedelta(milliseconds=epoch_ms),
    )


def stored_practice(status: Status, *images: StoredImage) -> StoredPractice:
    return StoredPractice(
        id=uuid4(),
        title="Shorter hoses",
        description=None,
        category_id=CATEGORY,
        category_name="Energy",
        submitted_by_user_id=OWNER.user_id,
        submitted_by_name="Asha",
        plant_id=PUNE,
        plant_name="Pune",
        problem_statement=None,
        solution=None,
        benefits=["Less air"],
        metrics=None,
        implementation=None,
        investment=None,
        savings_amount=Decimal("1.50"),
        savings_currency="lakhs",
        savings_period="monthly",
        area_implemented=None,
        status=status,
        submitted_date=date(2025, 6, 20),
        is_deleted=False,
        is_benchmarked=False,
        benchmarked_date=None,
        question_count=0,
        copy_count=0,
        created_at=WRITTEN,
        updated_at=WRITTEN,
        version=1,
        stored_images=list(images),
        stored_documents=[],
    )


def list_item(thumbnail_name: str | None) -> StoredListItem:
    return StoredListItem(
        id=uuid4(),
        title="Shorter hoses",
        description=None,
        category_id=None,
        category_name=None,
        plant_id=PUNE,
        plant_name="Pune",
        submitted_by_name="Asha",
        submitted_date=None,
        status="draft",
        savings_amount=None,
        savings_currency=None,
        savings_period=None,
        is_benchmarked=False,
        question_count=0,
        has_images=thumbnail_name is not None,
        created_at=WRITTEN,
        thumbnail_name=thumbnail_name,
    )


def store_with(shown: StoredPractice) -> tuple[MemoryPractices, UUID]:
    store = MemoryPractices()
    store.shown[shown.id] = shown
    return store, shown.id


def test_a_practice_is_shown_with_urls_that_read_its_photographs() -> None:
    store, practice_id = store_with(stored_practice("approved", stored_image("before", 1)))

    shown = reading.show(store, PlainLinks(), NEIGHBOUR, practice_id, NOW.at)

    (image,) = shown.images
    assert image.blob_url == "https://blobs/best-practices/practices/p/before_1.jpg?0930"
    assert image.thumbnail_url == "https://blobs/thumbnails/practices/p/before_1.jpg.webp?0930"
    assert shown.savings_amount == Decimal("1.50")


def test_the_newest_photograph_of_each_kind_stands_for_its_practice() -> None:
    images = [stored_image("after", 3), stored_image("before", 2), stored_image("after", 1)]
    store, practice_id = store_with(stored_practice("approved", *images))

    shown = reading.show(store, PlainLinks(), OWNER, practice_id, NOW.at)

    assert shown.before_image_url == shown.images[1].blob_url
    assert shown.after_image_url == shown.images[0].blob_url


def test_a_photograph_has_no_thumbnail_url_until_its_thumbnail_is_made() -> None:
    store, practice_id = store_with(stored_practice("approved", stored_image("after", 1, thumbnail=False)))

    shown = reading.show(store, PlainLinks(), OWNER, practice_id, NOW.at)

    assert shown.images[0].thumbnail_url is None
    assert shown.before_image_url is None


def test_a_draft_is_not_shown_to_another_plant() -> None:
    store, practice_id = store_with(stored_practice("draft"))

    assert reading.show(store, PlainLinks(), OWNER, practice_id, NOW.at).status == "draft"
    with pytest.raises(NotFound):
        reading.show(store, PlainLinks(), NEIGHBOUR, practice_id, NOW.at)


def test_a_practice_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        reading.show(MemoryPractices(), PlainLinks(), HQ, uuid4(), NOW.at)


def test_a_document_is_shown_with_a_url_that_reads_it() -> None:
    document = StoredDocument(
        id=uuid4(),
        practice_id=uuid4(),
        document_name="Drawing",
        blob_container="supporting-documents",
        blob_name="documents/p/drawing_1.pdf",
        file_size=99,
        content_type="application/pdf",
        uploaded_at=WRITTEN,
    )

    shown = reading.show_document(PlainLinks(), document, NOW.at)

    assert shown.blob_url == "https://blobs/supporting-documents/documents/p/drawing_1.pdf?0930"


def test_a_list_shows_thumbnails_where_there_are_any_and_tells_how_it_goes_on() -> None:
    store = MemoryPractices()
    store.listed = [list_item("practices/p/after_1.jpg.webp"), list_item(None), list_item(None)]

    page = reading.show_list(store, PlainLinks(), OWNER, PracticeQuery(limit=2), NOW.at)

    assert [item.thumbnail_url for item in page.items] == [
        "https://blobs/thumbnails/practices/p/after_1.jpg.webp?0930",
        None,
    ]
    assert (page.total, page.has_more) == (3, True)


@pytest.mark.parametrize("search", [None, "", "  "])
def test_relevance_needs_words_to_search_for(search: str | None) -> None:
    query = PracticeQuery(sort_by="relevance", search=search)

    with pytest.raises(Invalid) as refusal:
        reading.show_list(MemoryPractices(), PlainLinks(), OWNER, query, NOW.at)

    assert [fault.field for fault in refusal.value.details] == ["sort_by"]
