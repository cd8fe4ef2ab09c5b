import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from bp_core.practices.cursors import Place, cursor_at, place_of
from bp_core.practices.models import PracticeQuery, SortKey
from bp_core.shared.errors import BadRequest

PRACTICE = UUID("00000000-0000-4000-8000-0000000000a1")


def forged(**changes: object) -> str:
    """A cursor by title with some of its parts replaced."""
    parts = {"by": "title", "order": "desc", "words": "", "key": '"a"', "id": str(PRACTICE), **changes}
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    ("sort_by", "key"),
    [
        ("submitted_date", date(2026, 8, 15)),
        ("submitted_date", None),
        ("title", 'less "scrap" 🙂'),
        ("created_at", datetime(2026, 8, 15, 6, 30, 0, 123456, tzinfo=UTC)),
        ("savings", Decimal("9999999999999.99")),
        ("relevance", 0.6079271078109741),
    ],
)
def test_a_cursor_gives_back_exactly_the_place_it_was_made_of(
    sort_by: SortKey, key: date | str | Decimal | float | None
) -> None:
    query = PracticeQuery(sort_by=sort_by, search="scrap")
    place = Place(key, PRACTICE)

    assert place_of(query.model_copy(update={"cursor": cursor_at(query, place)})) == place


def test_without_a_cursor_a_list_begins_at_its_beginning() -> None:
    assert place_of(PracticeQuery()) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "?",
        "AAAAA",
        forged(by="colour"),
        forged(by="savings"),
        forged(order="asc"),
        forged(words="x"),
        forged(key="null"),
        forged(key="5"),
        forged(key='"a\\u0000"'),
        forged(id="x"),
        forged(id=5),
        forged(more=1),
    ],
)
def test_what_is_no_cursor_of_this_order_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        place_of(PracticeQuery(sort_by="title", cursor=cursor))

    assert [fault.field for fault in refusal.value.details] == ["cursor"]


@pytest.mark.parametrize(
    ("sort_by", "key"),
    [
        ("savings", '"NaN"'),
        ("savings", '"1e30"'),
        ("relevance", "1e300"),
        ("relevance", "-1"),
        ("created_at", '"2026-08-15T06:30:00"'),
        ("submitted_date", '"never"'),
    ],
)
def test_a_forged_key_that_the_database_could_not_compare_is_refused(sort_by: SortKey, key: str) -> None:
    query = PracticeQuery(sort_by=sort_by, cursor=forged(by=sort_by, key=key))
    if sort_by == "relevance":
        real = json.loads(base64.urlsafe_b64decode(cursor_at(query, Place(0.5, PRACTICE)) + "=="))
        query = query.model_copy(update={"cursor": forged(by=sort_by, key=key, words=real["words"])})
    with pytest.raises(BadRequest):
        place_of(query)
