"""Showing practices to those who may see them."""

from datetime import datetime
from uuid import UUID

from bp_core.practices import life
from bp_core.practices.models import (
    Document,
    Image,
    ImageType,
    Likeness,
    OwnPracticeQuery,
    Practice,
    PracticeListItem,
    PracticeQuery,
    StoredDocument,
    StoredImage,
    StoredListItem,
    StoredPractice,
)
from bp_core.practices.sheet import SheetPractice
from bp_core.practices.store import Links, PracticeStore
from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid, NotFound
from bp_core.shared.paging import LongPage

SIMILAR_PRACTICES = 5
"""How many practices are shown that are like one."""

RECENT_PRACTICES = 10
"""How many practices the list of the newest holds."""

THUMBNAILS = "thumbnails"
"""The container that small versions of the photographs lie in."""


def show(store: PracticeStore, links: Links, caller: Caller, practice_id: UUID, now: datetime) -> Practice:
    """Show everything of one practice.

    Raises NotFound where there is none that the caller may see.
    """
    stored = _visible(store, caller, practice_id)
    images = [show_image(links, image, now) for image in stored.stored_images]
    return Practice(
        **stored.model_dump(exclude={"stored_images", "stored_documents"}),
        images=images,
        documents=[show_document(links, document, now) for document in stored.stored_documents],
        before_image_url=_newest(images, "before"),
        after_image_url=_newest(images, "after"),
    )


def show_list(
    store: PracticeStore, links: Links, caller: Caller, query: PracticeQuery, now: datetime
) -> LongPage[PracticeListItem]:
    """Show the part of a list that was asked for.

    Raises Invalid where the question makes no sense, BadRequest for a cursor that is none.
    """
    _require_sense(query)
    page = store.practices(query, caller)
    return LongPage(
        show_items(links, page.items, now),
        page.total,
        page.limit,
        page.offset,
        goes_on=page.goes_on,
        total_capped=page.total_capped,
        next_cursor=page.next_cursor,
    )


def show_own(
    store: PracticeStore, links: Links, caller: Caller, query: OwnPracticeQuery, now: datetime
) -> LongPage[PracticeListItem]:
    """Show the part of the list of the caller's plant that was asked for, drafts and all.

    Raises Invalid where the question makes no sense.
    """
    return show_list(store, links, caller, PracticeQuery(**query.model_dump(), plant_id=caller.plant_id), now)


def show_recent(store: PracticeStore, links: Links, now: datetime) -> list[PracticeListItem]:
    """Show the newest practices that everybody sees."""
    return show_items(links, store.recent(RECENT_PRACTICES), now)


def show_similar(
    store: PracticeStore, links: Links, caller: Caller, practice_id: UUID, now: datetime
) -> list[PracticeListItem]:
    """Show the practices that are nearest to one that the caller may see.

    Raises NotFound.
    """
    own = _visible(store, caller, practice_id)
    text = Likeness(title=own.title, problem_statement=own.problem_statement)
    return show_like(store, links, caller, text, now, but=practice_id)


def show_like(
    store: PracticeStore, links: Links, caller: Caller, text: Likeness, now: datetime, but: UUID | None = None
) -> list[PracticeListItem]:
    """Show the practices that are nearest to a text, but for one."""
    return show_items(links, store.similar(text, caller, but=but, at_most=SIMILAR_PRACTICES), now)


def show_items(links: Links, items: list[StoredListItem], now: datetime) -> list[PracticeListItem]:
    """Show practices as lists do, with URLs that read their thumbnails."""
    return [_list_item(links, item, now) for item in items]


def sheet(store: PracticeStore, caller: Caller, query: PracticeQuery) -> list[SheetPractice]:
    """Tell in full of the practices that the list would hold, in its order.

    Raises Invalid where the question makes no sense.
    """
    _require_sense(query)
    return store.in_full([item.id for item in store.practices(query, caller).items], caller)


def show_image(links: Links, image: StoredImage, now: datetime) -> Image:
    """Show a photograph with URLs to read it and its thumbnail."""
    return Image(
        **image.model_dump(exclude={"thumbnail_name"}),
        blob_url=links.read_url(image.blob_container, image.blob_name, now),
        thumbnail_url=_thumbnail_url(links, image.thumbnail_name, now),
    )


def show_document(links: Links, document: StoredDocument, now: datetime) -> Document:
    """Show a document with a URL to read it."""
    url = links.read_url(document.blob_container, document.blob_name, now)
    return Document(**document.model_dump(), blob_url=url)


def _visible(store: PracticeStore, caller: Caller, practice_id: UUID) -> StoredPractice:
    stored = store.practice(practice_id)
    if stored is None:
        raise NotFound("There is no such practice.")
    life.require_visible(caller, life.Whereabouts(stored.plant_id, stored.status))
    return stored


def _require_sense(query: PracticeQuery) -> None:
    if query.sort_by == "relevance" and query.search is None:
        raise Invalid.of("sort_by", "relevance needs words to search for")
    if query.cursor is not None and query.offset:
        raise Invalid.of("offset", "goes with no cursor")


def _newest(images: list[Image], image_type: ImageType) -> str | None:
    return next((image.blob_url for image in images if image.image_type == image_type), None)


def _list_item(links: Links, item: StoredListItem, now: datetime) -> PracticeListItem:
    thumbnail_url = _thumbnail_url(links, item.thumbnail_name, now)
    return PracticeListItem(**item.model_dump(exclude={"thumbnail_name"}), thumbnail_url=thumbnail_url)


def _thumbnail_url(links: Links, thumbnail_name: str | None, now: datetime) -> str | None:
    return links.read_url(THUMBNAILS, thumbnail_name, now) if thumbnail_name else None
