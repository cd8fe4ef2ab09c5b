import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from adapters.postgres.cursors import Position, cursor_at, position_of
from bp_core.practices.queries import PracticeQuery, SortKey
from bp_core.shared.errors import BadRequest

PRACTICE = UUID("00000000-0000-4000-8000-0000000000a1")
CREATED = datetime(2026, 8, 15, 6, 30, 0, 123456, tzinfo=UTC)
MOMENT = "2026-08-15T06:30:00.123456+00:00"


def forged(**changes: object) -> str:
    """Make a cursor by title with some of its parts replaced."""
    parts = {"by": "title", "order": "desc", "words": "", "key": '"a"', "created_at": MOMENT,
             "id": str(PRACTICE), **changes}  # fmt: skip
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def decoded(cursor: str) -> dict[str, object]:
    parts: dict[str, object] = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    return parts


VALID_KEYS: dict[SortKey, date | Decimal | float] = {
    "submitted_date": date(2026, 8, 15),
    "created_at": datetime(2026, 8, 15, 6, 30, tzinfo=UTC),
    "savings": Decimal("1.50"),
    "relevance": 0.5,
}


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
def test_a_cursor_is_read_as_the_position_that_it_was_made_of(
    sort_by: SortKey, key: date | str | Decimal | float | None
) -> None:
    query = PracticeQuery(sort_by=sort_by, search="scrap")
    position = Position(key, CREATED, PRACTICE)

    assert position_of(query.model_copy(update={"cursor": cursor_at(query, position)})) == position


def test_without_a_cursor_a_list_starts_at_its_first_item() -> None:
    assert position_of(PracticeQuery()) is None


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
        forged(created_at="2026-08-15T06:30:00"),
        forged(created_at="x"),
        forged(created_at=5),
        forged(id="x"),
        forged(id=5),
        forged(more=1),
    ],
)
def test_a_cursor_that_is_damaged_or_of_another_order_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        position_of(PracticeQuery(sort_by="title", cursor=cursor))

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
def test_a_forged_key_that_the_database_cannot_compare_is_refused(sort_by: SortKey, key: str) -> None:
    query = PracticeQuery(sort_by=sort_by, search="scrap")
    cursor = decoded(cursor_at(query, Position(VALID_KEYS[sort_by], CREATED, PRACTICE)))
    assert position_of(query.model_copy(update={"cursor": forged(**cursor)}))

    with pytest.raises(BadRequest):
        position_of(query.model_copy(update={"cursor": forged(**{**cursor, "key": key})}))
