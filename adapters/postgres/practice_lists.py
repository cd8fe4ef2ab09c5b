"""The SQL of lists of practices: visibility, filters, sorting, cursors and search."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg import sql

from adapters.postgres import cursors, search
from adapters.postgres.database import matching
from bp_core.practices.queries import PracticeQuery, SortKey, SortOrder
from bp_core.practices.schemas import EXCERPT_LENGTH, StoredListItem
from bp_core.practices.workflow import PUBLIC_STATUSES
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage, Page
from bp_core.shared.schemas import RecentQuery

PUBLIC_VALUES: Final[Mapping[str, Any]] = {"public_statuses": list(PUBLIC_STATUSES)}
ITEM_VALUES: Final[Mapping[str, Any]] = {**PUBLIC_VALUES, "excerpt": EXCERPT_LENGTH}

COPY_COUNT: Final = sql.SQL("""
    (SELECT count(*) FROM counted_copies o WHERE o.original_practice_id = {practice_id})
""")
"""The number of copies of a practice, without deleted and declined copies."""

# The practices that the caller may see (rules 2); `visible_to` returns its parameters.
VISIBLE: Final = sql.SQL("(p.status = ANY (%(public_statuses)s) OR %(is_hq)s OR p.plant_id = %(own_plant)s)")

COPIED_FROM: Final = sql.SQL("""
    (SELECT jsonb_build_object(
        'practice_id', CASE WHEN shown.is_public THEN original.id END,
        'title', CASE WHEN shown.is_public THEN original.title END,
        'plant_id', origin.id, 'plant_name', origin.name)
     FROM copied_practices o
     JOIN best_practices original ON original.id = o.original_practice_id
     JOIN plants origin ON origin.id = original.plant_id
     CROSS JOIN LATERAL (
        SELECT NOT original.is_deleted AND original.status = ANY (%(public_statuses)s) AS is_public
     ) shown
     WHERE o.copied_practice_id = p.id)
""")
"""The original of the practice `p`, NULL if it is no copy. What is not public is named to nobody."""

# The columns of a list item, of the practice `p`.
ITEM: Final = sql.SQL("""
    SELECT p.id, p.title, left(p.description, %(excerpt)s) AS description,
           p.category_id, c.name AS category_name, p.plant_id, plant.name AS plant_name,
           author.full_name AS submitted_by_name, p.submitted_date, p.status,
           p.savings_amount, p.savings_currency, p.savings_period, p.area_implemented,
           EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id) AS is_benchmarked,
           (SELECT count(*) FROM practice_questions q WHERE q.practice_id = p.id) AS question_count,
           EXISTS (SELECT FROM practice_images i WHERE i.practice_id = p.id) AS has_images,
           (SELECT i.thumbnail_name FROM practice_images i
            WHERE i.practice_id = p.id AND i.thumbnail_name IS NOT NULL
            ORDER BY i.image_type, i.uploaded_at DESC LIMIT 1) AS thumbnail_name,
           p.tags, {copied_from} AS copied_from, p.created_at
    FROM plants plant
    JOIN users author ON author.id = p.submitted_by_user_id
    LEFT JOIN categories c ON c.id = p.category_id
    WHERE plant.id = p.plant_id
""").format(copied_from=COPIED_FROM)

RECENT: Final = sql.SQL("""
SELECT item.* FROM (
    SELECT * FROM best_practices p
    WHERE NOT p.is_deleted AND p.status = ANY (%(public_statuses)s) AND p.submitted_date IS NOT NULL
    ORDER BY p.submitted_date DESC, p.created_at DESC, p.id LIMIT %(limit)s OFFSET %(offset)s
) p
CROSS JOIN LATERAL ({item}) item
ORDER BY p.submitted_date DESC, p.created_at DESC, p.id
""").format(item=ITEM)

# The same with the number of public practices, which is stored by month. An empty page also returns it.
RECENT_PAGE: Final = sql.SQL("""
SELECT total.practices AS total, recent.*
FROM (SELECT coalesce(sum(submitted), 0) AS practices FROM practice_counts) total
LEFT JOIN ({recent}) recent ON true
ORDER BY recent.submitted_date DESC, recent.created_at DESC, recent.id
""").format(recent=RECENT)

# The expression of each sort key. A draft has no date and sorts as the newest.
SORT_KEYS: Final[Mapping[SortKey, sql.SQL]] = {
    "submitted_date": sql.SQL("p.submitted_date"),
    "title": sql.SQL("lower(p.title)"),
    "created_at": sql.SQL("p.created_at"),
    "savings": sql.SQL("p.annualised_savings"),
    "relevance": sql.SQL("ts_rank(p.search_words, {words})::float8"),
}

FILTERS: Final[Mapping[str, sql.SQL]] = {
    "category_id": sql.SQL("p.category_id = %(category_id)s"),
    "plant_id": sql.SQL("p.plant_id = %(plant_id)s"),
    "status": sql.SQL("p.status = ANY (%(status)s)"),
    "tag": sql.SQL("p.tags @> %(tag)s"),
    "area": sql.SQL(
        "to_tsvector('simple', coalesce(p.area_implemented, '')) @@ phraseto_tsquery('simple', %(area)s)"
    ),
    "min_savings_lakhs": sql.SQL("p.annualised_savings >= %(min_savings_lakhs)s"),
    "start_date": sql.SQL("p.submitted_date >= %(start_date)s"),
    "end_date": sql.SQL("p.submitted_date <= %(end_date)s"),
}

BENCHMARKED: Final[Mapping[bool, sql.SQL]] = {
    True: sql.SQL("p.id IN (SELECT practice_id FROM benchmarked_practices)"),
    False: sql.SQL("NOT EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id)"),
}

WITH_IMAGES: Final[Mapping[bool, sql.SQL]] = {
    True: sql.SQL("EXISTS (SELECT FROM practice_images i WHERE i.practice_id = p.id)"),
    False: sql.SQL("NOT EXISTS (SELECT FROM practice_images i WHERE i.practice_id = p.id)"),
}

# A deleted copy does not count: the plant can copy the practice again.
COPYABLE: Final = sql.SQL("""
    {benchmarked} AND p.plant_id <> %(own_plant)s AND NOT EXISTS (
        SELECT FROM copied_practices o
        JOIN best_practices copy ON copy.id = o.copied_practice_id AND NOT copy.is_deleted
        WHERE o.original_practice_id = p.id AND o.copying_plant_id = %(own_plant)s
    )
""").format(benchmarked=BENCHMARKED[True])

COUNT_LIMIT: Final = 10_000
"""The highest total of a list, so that counting never reads the whole table."""

# The sort orders: ties are broken by the time of creation, newest first, and then by the id. The ascending
# order is the exact reverse of the descending one, so that one index is used for both.
ORDERS: Final[Mapping[SortOrder, sql.SQL]] = {
    "desc": sql.SQL("{key} DESC, p.created_at DESC, p.id"),
    "asc": sql.SQL("{key}, p.created_at, p.id DESC"),
}

# The rows after a position, by sort order and whether its key is NULL. Only the date can be NULL; NULL sorts
# above all dates. The first condition of the descending order is a range of the index.
AFTER_POSITION: Final[Mapping[tuple[SortOrder, bool], sql.SQL]] = {
    ("desc", False): sql.SQL(
        "(({key}, p.created_at) <= (%(key)s, %(created_at)s)"
        " AND (({key}, p.created_at) < (%(key)s, %(created_at)s) OR p.id > %(id)s))"
    ),
    ("desc", True): sql.SQL(
        "({key} IS NOT NULL OR p.created_at < %(created_at)s"
        " OR (p.created_at = %(created_at)s AND p.id > %(id)s))"
    ),
    ("asc", False): sql.SQL(
        "({key} IS NULL OR ({key}, p.created_at) > (%(key)s, %(created_at)s)"
        " OR (({key}, p.created_at) = (%(key)s, %(created_at)s) AND p.id < %(id)s))"
    ),
    ("asc", True): sql.SQL(
        "({key} IS NULL AND (p.created_at > %(created_at)s"
        " OR (p.created_at = %(created_at)s AND p.id < %(id)s)))"
    ),
}

# The total, and one page with one more row, in one statement. An empty page also returns the total. Rows are
# counted in the default order, with an index that includes the columns of the usual filters.
LIST: Final = sql.SQL("""
SELECT total.practices AS total, p.sort_key, {highlight} AS highlight, item.*
FROM (
    SELECT count(*) AS practices
    FROM (
        SELECT FROM best_practices p WHERE {where}
        ORDER BY p.submitted_date DESC, p.created_at DESC, p.id LIMIT %(count_limit)s + 1
    ) counted
) total
LEFT JOIN (
    SELECT row_number() OVER (ORDER BY {order}) AS place, {key} AS sort_key, p.*
    FROM best_practices p WHERE {where} AND {after}
    ORDER BY {order} LIMIT %(limit)s + 1 OFFSET %(offset)s
) p ON true
LEFT JOIN LATERAL ({item}) item ON true
ORDER BY p.place
""")


# The practices of a list in full, without the total and the excerpts. They are sorted before their long texts
# are read.
EXPORT: Final = sql.SQL("""
SELECT {content}, c.name AS category_name, plant.name AS plant_name, p.status, p.submitted_date,
       author.full_name AS submitted_by_name,
       EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id) AS is_benchmarked,
       (SELECT count(*) FROM practice_questions q WHERE q.practice_id = p.id) AS question_count
FROM (
    SELECT p.id, row_number() OVER (ORDER BY {order}) AS place
    FROM best_practices p WHERE {where} AND {after}
    ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
) listed
JOIN best_practices p ON p.id = listed.id
JOIN plants plant ON plant.id = p.plant_id
JOIN users author ON author.id = p.submitted_by_user_id
LEFT JOIN categories c ON c.id = p.category_id
ORDER BY listed.place
""")


def page(
    query: PracticeQuery, caller: Caller, after: cursors.Position | None
) -> tuple[sql.Composed, dict[str, Any]]:
    """Return the statement for one page of a list, and its parameters."""
    typed = search.TypedSearch.of(query.search or "")
    highlight = typed.headline if query.search else sql.SQL("NULL::text")
    statement = LIST.format(**_parts(query, typed, after), highlight=highlight, item=ITEM)
    return statement, {**_values(query, caller, typed, after), **ITEM_VALUES, "count_limit": COUNT_LIMIT}


def export(
    query: PracticeQuery, caller: Caller, after: cursors.Position | None, content: sql.Composed
) -> tuple[sql.Composed, dict[str, Any]]:
    """Return the statement for the practices of a list with these columns, and its parameters."""
    typed = search.TypedSearch.of(query.search or "")
    statement = EXPORT.format(**_parts(query, typed, after), content=content)
    return statement, _values(query, caller, typed, after)


def read_page(query: PracticeQuery, rows: list[dict[str, Any]]) -> LongPage[StoredListItem]:
    """Return the page in the rows of `page`: one more row than the limit means that another page follows."""
    total = rows[0]["total"]
    found = [row for row in rows if row["id"] is not None]
    on_page = found[: query.limit]
    has_more = len(found) > query.limit
    last = _position(on_page[-1]) if has_more else None
    return LongPage(
        [_item(row) for row in on_page],
        min(total, COUNT_LIMIT),
        query.limit,
        query.offset,
        has_next=has_more,
        total_capped=total > COUNT_LIMIT,
        next_cursor=cursors.cursor_at(query, last) if last else None,
    )


def read_recent(query: RecentQuery, rows: list[dict[str, Any]]) -> Page[StoredListItem]:
    """Return the page in the rows of RECENT_PAGE."""
    items = [StoredListItem(**row) for row in rows if row["id"] is not None]
    return Page(items, rows[0]["total"], query.limit, query.offset)


def visible_to(caller: Caller) -> dict[str, Any]:
    """Return the parameters of VISIBLE."""
    return {**PUBLIC_VALUES, "is_hq": caller.is_hq, "own_plant": caller.plant_id}


def _parts(
    query: PracticeQuery, typed: search.TypedSearch, after: cursors.Position | None
) -> dict[str, sql.Composable]:
    """Return what selects and sorts the practices of a list."""
    key = SORT_KEYS[query.sort_by].format(words=typed.tsquery)
    rows_after: sql.Composable = sql.SQL("true")
    if after is not None:
        rows_after = AFTER_POSITION[query.sort_order, after.key is None].format(key=key)
    where = sql.SQL(" AND ").join(_conditions(query, typed.tsquery))
    return {
        "where": where,
        "after": rows_after,
        "key": key,
        "order": ORDERS[query.sort_order].format(key=key),
    }


def _values(
    query: PracticeQuery, caller: Caller, typed: search.TypedSearch, after: cursors.Position | None
) -> dict[str, Any]:
    """Return the parameters of `_parts`."""
    return {
        **query.model_dump(exclude_none=True),
        **visible_to(caller),
        **typed.values,
        **({"key": after.key, "created_at": after.created_at, "id": after.practice_id} if after else {}),
    }


def _conditions(query: PracticeQuery, words: sql.SQL) -> list[sql.Composable]:
    requested = query.model_dump(exclude_none=True)
    conditions: list[sql.Composable] = [sql.SQL("NOT p.is_deleted"), VISIBLE]
    conditions.append(matching(FILTERS, requested))
    if query.is_benchmarked is not None:
        conditions.append(BENCHMARKED[query.is_benchmarked])
    if query.has_images is not None:
        conditions.append(WITH_IMAGES[query.has_images])
    if query.not_copied_by_us:
        conditions.append(COPYABLE)
    if query.search is not None:
        conditions.append(sql.SQL("p.search_words @@ {words}").format(words=words))
    return conditions


def _position(row: dict[str, Any]) -> cursors.Position:
    return cursors.Position(row["sort_key"], row["created_at"], row["id"])


def _item(row: dict[str, Any]) -> StoredListItem:
    marked = row.pop("highlight")
    return StoredListItem(**row, highlight=None if marked is None else search.excerpt(marked))
