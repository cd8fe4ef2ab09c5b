"""Cursors: where a part of the list of practices ended, so that the next one goes on right behind it.

A cursor holds the last practice's place in the order. Rows that are added meanwhile make it skip or repeat
none.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bp_core.practices.models import OwnPracticeQuery, SortKey, SortOrder
from bp_core.shared.errors import BadRequest, FieldError
from bp_core.shared.model import Text

PLACES: Final[Mapping[SortKey, TypeAdapter[Any]]] = {
    "submitted_date": TypeAdapter(date | None),
    "title": TypeAdapter(Annotated[Text, Field(max_length=2000)]),
    "created_at": TypeAdapter(AwareDatetime),
    "savings": TypeAdapter(Annotated[Decimal, Field(max_digits=24, decimal_places=2)]),
    "relevance": TypeAdapter(Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]),
}
"""What stands for a practice in each order; a draft has no date."""


@dataclass(frozen=True)
class Place:
    """A practice's place in an order: what it is sorted by, and its id, which breaks ties."""

    key: date | str | Decimal | float | None
    practice_id: UUID


class _Cursor(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    by: SortKey
    order: SortOrder
    words: str
    key: str
    id: str


def cursor_at(query: OwnPracticeQuery, place: Place) -> str:
    """Write a cursor for whoever wants to go on behind a place."""
    cursor = _Cursor(
        by=query.sort_by,
        order=query.sort_order,
        words=_words(query),
        key=PLACES[query.sort_by].dump_json(place.key).decode(),
        id=str(place.practice_id),
    )
    return base64.urlsafe_b64encode(cursor.model_dump_json().encode()).decode().rstrip("=")


def place_of(query: OwnPracticeQuery) -> Place | None:
    """Read the place behind which a list is to go on; None for its beginning.

    Raises BadRequest for what is no cursor, or one of another order.
    """
    if query.cursor is None:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        cursor = _Cursor.model_validate_json(base64.b64decode(padded, altchars=b"-_", validate=True))
        if (cursor.by, cursor.order, cursor.words) != (query.sort_by, query.sort_order, _words(query)):
            raise _unreadable("belongs to another order")
        return Place(PLACES[cursor.by].validate_json(cursor.key), UUID(cursor.id))
    except (binascii.Error, ValidationError, ValueError):
        raise _unreadable("cannot be read") from None


def _words(query: OwnPracticeQuery) -> str:
    """Tell searches apart where the order depends on them."""
    if query.sort_by != "relevance":
        return ""
    return hashlib.sha256((query.search or "").encode()).hexdigest()[:16]


def _unreadable(message: str) -> BadRequest:
    return BadRequest("The cursor cannot be used.", details=(FieldError("cursor", message),))
