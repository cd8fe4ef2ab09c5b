"""Cursors of the list of practices: the position of the last practice of a page in the sort order.

The order is that of the sort key, then of the time of creation, then of the id.

The next page starts after this position. So no practice is skipped or repeated when new ones are added.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bp_core.practices.queries import OwnPracticeQuery, SortKey, SortOrder
from bp_core.shared.errors import BadRequest, FieldError
from bp_core.shared.schemas import Text

MOMENT: Final = TypeAdapter(AwareDatetime)

KEY_TYPES: Final[Mapping[SortKey, TypeAdapter[Any]]] = {
    "submitted_date": TypeAdapter(date | None),
    "title": TypeAdapter(Annotated[Text, Field(max_length=2000)]),
    "created_at": MOMENT,
    "savings": TypeAdapter(Annotated[Decimal, Field(max_digits=24, decimal_places=2)]),
    "relevance": TypeAdapter(Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]),
}
"""The type of each sort key; a draft has no date."""


@dataclass(frozen=True)
class Position:
    """A position in the sort order: the sort key of a practice; its creation and its id break ties."""

    key: date | str | Decimal | float | None
    created_at: datetime
    practice_id: UUID


class _Cursor(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    by: SortKey
    order: SortOrder
    words: str
    key: str
    created_at: str
    id: str


def cursor_at(query: OwnPracticeQuery, position: Position) -> str:
    """Return the cursor of a position."""
    cursor = _Cursor(
        by=query.sort_by,
        order=query.sort_order,
        words=_search_hash(query),
        key=KEY_TYPES[query.sort_by].dump_json(position.key).decode(),
        created_at=position.created_at.isoformat(),
        id=str(position.practice_id),
    )
    return base64.urlsafe_b64encode(cursor.model_dump_json().encode()).decode().rstrip("=")


def position_of(query: OwnPracticeQuery) -> Position | None:
    """Return the position of a query's cursor; None without a cursor.

    Raises BadRequest if the cursor cannot be read, or belongs to another sort order or search.
    """
    if query.cursor is None:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        cursor = _Cursor.model_validate_json(base64.b64decode(padded, altchars=b"-_", validate=True))
        if (cursor.by, cursor.order, cursor.words) != (query.sort_by, query.sort_order, _search_hash(query)):
            raise _unreadable("belongs to a list with another order or search")
        key = KEY_TYPES[cursor.by].validate_json(cursor.key)
        return Position(key, MOMENT.validate_python(cursor.created_at), UUID(cursor.id))
    except (binascii.Error, ValidationError, ValueError):
        raise _unreadable("cannot be read") from None


def _search_hash(query: OwnPracticeQuery) -> str:
    """Return a hash of the search if the order depends on it, else an empty text."""
    if query.sort_by != "relevance":
        return ""
    return hashlib.sha256((query.search or "").encode()).hexdigest()[:16]


def _unreadable(message: str) -> BadRequest:
    return BadRequest("The cursor cannot be used.", details=(FieldError("cursor", message),))
