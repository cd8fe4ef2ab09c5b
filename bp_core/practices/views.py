"""Responses for stored practices and files: with signed URLs for their blobs."""

from datetime import datetime

from bp_core.practices.ports import BlobLinks, ServedAs
from bp_core.practices.schemas import (
    Document,
    Image,
    ImageType,
    Practice,
    PracticeListItem,
    StoredDocument,
    StoredImage,
    StoredListItem,
    StoredPractice,
)

THUMBNAILS = "thumbnails"
"""The blob container of the thumbnails."""

THUMBNAIL_TYPE = "image/webp"
"""The content type of the thumbnails."""


def practice(stored: StoredPractice, links: BlobLinks, now: datetime) -> Practice:
    """Return the response for a practice."""
    images = [image(one, links, now) for one in stored.stored_images]
    return Practice(
        **stored.model_dump(exclude={"stored_images", "stored_documents"}),
        images=images,
        documents=[document(one, links, now) for one in stored.stored_documents],
        before_image_url=_newest(images, "before"),
        after_image_url=_newest(images, "after"),
    )


def list_items(stored: list[StoredListItem], links: BlobLinks, now: datetime) -> list[PracticeListItem]:
    """Return the response for practices in a list."""
    return [
        PracticeListItem(
            **one.model_dump(exclude={"thumbnail_name"}),
            thumbnail_url=_thumbnail_url(links, one.thumbnail_name, now),
        )
        for one in stored
    ]


def image(stored: StoredImage, links: BlobLinks, now: datetime) -> Image:
    """Return the response for an image."""
    shown = ServedAs(stored.content_type)
    return Image(
        **stored.model_dump(exclude={"thumbnail_name"}),
        blob_url=links.read_url(stored.blob_container, stored.blob_name, now, shown),
        thumbnail_url=_thumbnail_url(links, stored.thumbnail_name, now),
    )


def document(stored: StoredDocument, links: BlobLinks, now: datetime) -> Document:
    """Return the response for a document."""
    saved = ServedAs(stored.content_type, saved_name=stored.document_name)
    url = links.read_url(stored.blob_container, stored.blob_name, now, saved)
    return Document(**stored.model_dump(), blob_url=url)


def _newest(images: list[Image], image_type: ImageType) -> str | None:
    return next((one.blob_url for one in images if one.image_type == image_type), None)


def _thumbnail_url(links: BlobLinks, thumbnail_name: str | None, now: datetime) -> str | None:
    if thumbnail_name is None:
        return None
    return links.read_url(THUMBNAILS, thumbnail_name, now, ServedAs(THUMBNAIL_TYPE))
