from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from bp_core.practices import views
from bp_core.practices.schemas import (
    ImageType,
    Practice,
    StoredDocument,
    StoredImage,
)
from tests.unit.bp_core.practices.fakes import CREATED, PlainLinks, stored_practice
from tests.unit.bp_core.support import NOW, content, practice, saving


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
        uploaded_at=CREATED + timedelta(milliseconds=epoch_ms),
    )


def shown_with(*images: StoredImage) -> Practice:
    approved = practice("approved", content=content(**saving("1.50")))
    return views.practice(stored_practice(approved, stored_images=list(images)), PlainLinks(), NOW)


def test_a_practice_is_shown_with_urls_that_read_its_photographs() -> None:
    shown = shown_with(stored_image("before", 1))

    (image,) = shown.images
    assert image.blob_url == "https://blobs/best-practices/practices/p/before_1.jpg?0930"
    assert image.thumbnail_url == "https://blobs/thumbnails/practices/p/before_1.jpg.webp?0930"
    assert shown.savings_amount == Decimal("1.50")


def test_the_newest_photograph_of_each_kind_represents_its_practice() -> None:
    shown = shown_with(stored_image("after", 3), stored_image("before", 2), stored_image("after", 1))

    assert shown.before_image_url == shown.images[1].blob_url
    assert shown.after_image_url == shown.images[0].blob_url


def test_a_photograph_has_no_thumbnail_url_until_its_thumbnail_is_made() -> None:
    shown = shown_with(stored_image("after", 1, thumbnail=False))

    assert shown.images[0].thumbnail_url is None
    assert shown.before_image_url is None


def test_a_document_is_shown_with_a_url_that_reads_it() -> None:
    document = StoredDocument(
        id=uuid4(),
        practice_id=uuid4(),
        document_name="Drawing",
        blob_container="supporting-documents",
        blob_name="documents/p/drawing_1.pdf",
        file_size=99,
        content_type="application/pdf",
        uploaded_at=CREATED,
    )

    shown = views.document(document, PlainLinks(), NOW)

    assert shown.blob_url == "https://blobs/supporting-documents/documents/p/drawing_1.pdf?0930"
