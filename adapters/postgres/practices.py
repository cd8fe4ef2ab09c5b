"""Best practices in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from adapters.postgres.database import Sql
from bp_core.practices import cursors, searching
from bp_core.practices.life import SEEN_BY_ALL, Content, PracticeState, Whereabouts
from bp_core.practices.models import (
    EXCERPT_LENGTH,
    Likeness,
    PracticeQuery,
    SortKey,
    SortOrder,
    Statistics,
    Status,
    StoredListItem,
    StoredPractice,
)
from bp_core.practices.sheet import SheetPractice
from bp_core.practices.store import Transition
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage

# Each sort key's expression; drafts, which have no date, count as the newest.
SORT_KEYS: Final[Mapping[SortKey, sql.SQL]] = {
    "submitted_date": sql.SQL("p.submitted_date"),
    "title": sql.SQL("lower(p.title)"),
    "created_at": sql.SQL("p.created_at"),
    "savings": sql.SQL("p.annualised_savings"),
    "relevance": sql.SQL("ts_rank(p.search_document, {words})::float8"),
}

# The words of a search. The last one is found by its stem, and by all that begins with it as it is written; a
# word that nobody types holds its place while the search is read.
WORDS: Final = sql.SQL("websearch_to_tsquery('english', %(search)s)")
WORDS_BEING_TYPED: Final = sql.SQL("""ts_rewrite(
    websearch_to_tsquery('english', %(head)s || 'zq0last0word'), 'zq0last0word'::tsquery,
    websearch_to_tsquery('english', %(last_word)s) || to_tsquery('simple', %(prefix)s)
)""")

# Marked by their stems, and once more as they are written.
HIGHLIGHT: Final = sql.SQL("""ts_headline('simple', ts_headline('english',
    translate(concat_ws(E'\\n', p.title, p.problem_statement, p.solution), %(less_than)s, %(stand_ins)s),
    {words}, %(marking)s), to_tsquery('simple', %(prefix)s), %(marking)s)""")
MARKING: Final = f'HighlightAll=true, StartSel="{searching.MARK_ON}", StopSel="{searching.MARK_OFF}"'

COUNTED: Final = 10_000
"""How far a list is counted, so that no count reads the whole table."""

# What lies behind a place in the order. Of the keys only the day may be missing, and stands above all others.
BEHIND: Final[Mapping[tuple[SortOrder, bool], sql.SQL]] = {
    ("desc", False): sql.SQL("({key} <= %(key)s AND ({key} < %(key)s OR p.id > %(id)s))"),
    ("desc", True): sql.SQL("({key} IS NOT NULL OR p.id > %(id)s)"),
    ("asc", False): sql.SQL("({key} > %(key)s OR {key} IS NULL OR ({key} = %(key)s AND p.id < %(id)s))"),
    ("asc", True): sql.SQL("({key} IS NULL AND p.id < %(id)s)"),
}

COPY_COUNT: Final = sql.SQL("""
    (SELECT count(*) FROM copied_practices o
     JOIN best_practices copy ON copy.id = o.copied_practice_id AND NOT copy.is_deleted
     WHERE o.original_practice_id = {practice_id})
""")
"""How often a practice was copied: what is deleted of its copies does not count."""

VISIBLE: Final = sql.SQL("(p.status = ANY (%(seen)s) OR %(is_hq)s OR p.plant_id = %(own_plant)s)")

FILTERS: Final[Mapping[str, sql.SQL]] = {
    "category_id": sql.SQL("p.category_id = %(category_id)s"),
    "plant_id": sql.SQL("p.plant_id = %(plant_id)s"),
    "status": sql.SQL("p.status = %(status)s"),
    "search": sql.SQL("p.search_document @@ {words}"),
    "start_date": sql.SQL("p.submitted_date >= %(start_date)s"),
    "end_date": sql.SQL("p.submitted_date <= %(end_date)s"),
    "is_benchmarked": sql.SQL("{is_benchmarked}"),
}

BENCHMARKED: Final[Mapping[bool | None, sql.SQL]] = {
    True: sql.SQL("p.id IN (SELECT practice_id FROM benchmarked_practices)"),
    False: sql.SQL("NOT EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id)"),
}

# What a list tells of the practice `p`.
ITEM: Final = sql.SQL("""
    SELECT p.id, p.title, left(p.description, %(excerpt)s) AS description,
           p.category_id, c.name AS category_name, p.plant_id, plant.name AS plant_name,
           author.full_name AS submitted_by_name, p.submitted_date, p.status,
           p.savings_amount, p.savings_currency, p.savings_period,
           EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id) AS is_benchmarked,
           (SELECT count(*) FROM practice_questions q WHERE q.practice_id = p.id) AS question_count,
           EXISTS (SELECT FROM practice_images i WHERE i.practice_id = p.id) AS has_images,
           (SELECT i.thumbnail_name FROM practice_images i
            WHERE i.practice_id = p.id AND i.thumbnail_name IS NOT NULL
            ORDER BY i.image_type, i.uploaded_at DESC LIMIT 1) AS thumbnail_name,
           p.created_at
    FROM plants plant
    JOIN users author ON author.id = p.submitted_by_user_id
    LEFT JOIN categories c ON c.id = p.category_id
    WHERE plant.id = p.plant_id
""")

RECENT: Final = sql.SQL("""
SELECT item.* FROM (
    SELECT * FROM best_practices p
    WHERE NOT p.is_deleted AND p.status = ANY (%(seen)s) AND p.submitted_date IS NOT NULL
    ORDER BY p.submitted_date DESC, p.created_at DESC, p.id LIMIT %(at_most)s
) p
CROSS JOIN LATERAL ({item}) item
ORDER BY p.submitted_date DESC, p.created_at DESC, p.id
""").format(item=ITEM)

# Of the words of a text, longest first, so many are looked for: a long text has enough of them.
LIKENESS_WORDS: Final = 40

# The stems that practices have in common with a text: the title's count most (weights A, B, C).
SIMILAR: Final = sql.SQL(r"""
WITH wanted AS (
    SELECT string_agg(
        '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''':ABC', ' | '
    )::tsquery AS words
    FROM (
        SELECT lexeme FROM unnest(to_tsvector('english', %(text)s)) ORDER BY length(lexeme) DESC, lexeme
        LIMIT %(words)s
    ) longest
), p AS (
    SELECT p.*, ts_rank(p.search_document, wanted.words, 1) AS nearness
    FROM best_practices p, wanted
    WHERE p.search_document @@ wanted.words AND NOT p.is_deleted AND {visible}
        AND p.status <> 'draft' AND p.id IS DISTINCT FROM %(but)s
    ORDER BY nearness DESC, p.id LIMIT %(at_most)s
)
SELECT item.* FROM p CROSS JOIN LATERAL ({item}) item ORDER BY p.nearness DESC, p.id
""").format(item=ITEM, visible=VISIBLE)

# The total, one page of a list and one practice more, in one query: the total comes with an empty page, too.
# It is counted in the usual order, along an index that holds what is mostly asked for.
LIST: Final = sql.SQL("""
SELECT total.practices AS total, p.sort_key, {highlight} AS highlight, item.*
FROM (
    SELECT count(*) AS practices
    FROM (
        SELECT FROM best_practices p WHERE {where} ORDER BY p.submitted_date DESC, p.id LIMIT %(counted)s + 1
    ) counted
) total
LEFT JOIN (
    SELECT row_number() OVER (ORDER BY {order}) AS place, {key} AS sort_key, p.*
    FROM best_practices p WHERE {where} AND {behind}
    ORDER BY {order} LIMIT %(limit)s + 1 OFFSET %(offset)s
) p ON true
LEFT JOIN LATERAL ({item}) item ON true
ORDER BY p.place
""")


IN_FULL: Final = sql.SQL("""
SELECT p.title, p.description, c.name AS category_name, plant.name AS plant_name, p.problem_statement,
       p.solution, p.benefits, p.metrics, p.implementation, p.investment, p.savings_amount,
       p.savings_currency, p.savings_period, p.area_implemented, p.status, p.submitted_date,
       author.full_name AS submitted_by_name,
       EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id) AS is_benchmarked,
       (SELECT count(*) FROM practice_questions q WHERE q.practice_id = p.id) AS question_count
FROM unnest(%(practice_ids)s::uuid[]) WITH ORDINALITY wanted (id, place)
JOIN best_practices p ON p.id = wanted.id
JOIN plants plant ON plant.id = p.plant_id
JOIN users author ON author.id = p.submitted_by_user_id
LEFT JOIN categories c ON c.id = p.category_id
WHERE NOT p.is_deleted AND {visible}
ORDER BY wanted.place
""")


class PostgresPractices:
    """The best practices; a deleted one is found by none of these."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        content: Content,
        *,
        plant_id: UUID,
        author_id: UUID,
        status: Status,
        submitted_date: date | None,
        now: datetime,
    ) -> UUID:
        """Keep a new practice."""
        practice_id: UUID = self._sql.value(
            """
            INSERT INTO best_practices
                (title, description, category_id, problem_statement, solution, benefits, metrics,
                 implementation, investment, savings_amount, savings_currency, savings_period,
                 area_implemented, plant_id, submitted_by_user_id, status, submitted_date,
                 created_at, updated_at)
            VALUES
                (%(title)s, %(description)s, %(category_id)s, %(problem_statement)s, %(solution)s,
                 %(benefits)s, %(metrics)s, %(implementation)s, %(investment)s, %(savings_amount)s,
                 %(savings_currency)s, %(savings_period)s, %(area_implemented)s, %(plant_id)s,
                 %(author_id)s, %(status)s, %(submitted_date)s, %(now)s, %(now)s)
            RETURNING id
            """,
            {
                **_columns(content),
                "plant_id": plant_id,
                "author_id": author_id,
                "status": status,
                "submitted_date": submitted_date,
                "now": now,
            },
        )
        return practice_id

    def whereabouts(self, practice_id: UUID) -> Whereabouts | None:
        """Find what decides who sees and writes a practice."""
        return self._sql.row(
            "SELECT plant_id, status FROM best_practices WHERE id = %(practice_id)s AND NOT is_deleted",
            {"practice_id": practice_id},
            into=Whereabouts,
        )

    def state_for_update(self, practice_id: UUID) -> PracticeState | None:
        """Find a practice and hold it until the transaction ends."""
        # Held first and read then: who waited for a rival sees the benchmark, too, that the rival left.
        self._sql.run(
            "SELECT FROM best_practices WHERE id = %(practice_id)s FOR NO KEY UPDATE",
            {"practice_id": practice_id},
        )
        rows = self._sql.tuples(
            """
            SELECT p.id, p.plant_id, p.status, p.submitted_date, p.version,
                   EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id),
                   p.title, p.description, p.category_id, p.problem_statement, p.solution, p.benefits,
                   p.metrics, p.implementation, p.investment, p.savings_amount, p.savings_currency,
                   p.savings_period, p.area_implemented
            FROM best_practices p WHERE p.id = %(practice_id)s AND NOT p.is_deleted
            """,
            {"practice_id": practice_id},
        )
        return _state(*rows[0]) if rows else None

    def save(self, practice: PracticeState, now: datetime) -> None:
        """Keep a practice as it is now."""
        self._sql.run(
            """
            UPDATE best_practices SET
                title = %(title)s, description = %(description)s, category_id = %(category_id)s,
                problem_statement = %(problem_statement)s, solution = %(solution)s,
                benefits = %(benefits)s, metrics = %(metrics)s, implementation = %(implementation)s,
                investment = %(investment)s, savings_amount = %(savings_amount)s,
                savings_currency = %(savings_currency)s, savings_period = %(savings_period)s,
                area_implemented = %(area_implemented)s, plant_id = %(plant_id)s, status = %(status)s,
                submitted_date = %(submitted_date)s, updated_at = %(now)s, version = %(version)s
            WHERE id = %(id)s
            """,
            {
                **_columns(practice.content),
                "id": practice.id,
                "plant_id": practice.plant_id,
                "status": practice.status,
                "submitted_date": practice.submitted_date,
                "version": practice.version,
                "now": now,
            },
        )

    def mark_deleted(self, practice_id: UUID, now: datetime) -> None:
        """Hide a practice for good."""
        self._sql.run(
            """
            UPDATE best_practices SET is_deleted = true, updated_at = %(now)s, version = version + 1
            WHERE id = %(practice_id)s
            """,
            {"practice_id": practice_id, "now": now},
        )

    def is_shared(self, practice_id: UUID) -> bool:
        """Whether a practice was copied or is a copy."""
        shared: bool = self._sql.value(
            """
            SELECT EXISTS (SELECT FROM copied_practices
                           WHERE original_practice_id = %(practice_id)s
                              OR copied_practice_id = %(practice_id)s)
            """,
            {"practice_id": practice_id},
        )
        return shared

    def add_transition(self, transition: Transition) -> None:
        """Keep a change of state."""
        self._sql.run(
            """
            INSERT INTO practice_transitions (practice_id, from_status, to_status, by_user_id, comment, at)
            VALUES (%(practice_id)s, %(from_status)s, %(to_status)s, %(by_user_id)s, %(comment)s, %(at)s)
            """,
            vars(transition),
        )

    def practice(self, practice_id: UUID) -> StoredPractice | None:
        """Find a practice with everything that belongs to it, in one query."""
        return self._sql.row(
            sql.SQL("""
            SELECT p.id, p.title, p.description, p.category_id, c.name AS category_name,
                   p.submitted_by_user_id, author.full_name AS submitted_by_name,
                   p.plant_id, plant.name AS plant_name, p.problem_statement, p.solution, p.benefits,
                   p.metrics, p.implementation, p.investment, p.savings_amount, p.savings_currency,
                   p.savings_period, p.area_implemented, p.status, p.submitted_date, p.is_deleted,
                   b.id IS NOT NULL AS is_benchmarked, b.benchmarked_date,
                   (SELECT count(*) FROM practice_questions q WHERE q.practice_id = p.id) AS question_count,
                   {copy_count} AS copy_count,
                   p.created_at, p.updated_at, p.version,
                   (SELECT coalesce(jsonb_agg(i ORDER BY i.uploaded_at DESC, i.id), '[]')
                    FROM practice_images i WHERE i.practice_id = p.id) AS stored_images,
                   (SELECT coalesce(jsonb_agg(d ORDER BY d.uploaded_at DESC, d.id), '[]')
                    FROM practice_documents d WHERE d.practice_id = p.id) AS stored_documents
            FROM best_practices p
            JOIN plants plant ON plant.id = p.plant_id
            JOIN users author ON author.id = p.submitted_by_user_id
            LEFT JOIN categories c ON c.id = p.category_id
            LEFT JOIN benchmarked_practices b ON b.practice_id = p.id
            WHERE p.id = %(practice_id)s AND NOT p.is_deleted
            """).format(copy_count=COPY_COUNT.format(practice_id=sql.SQL("p.id"))),
            {"practice_id": practice_id},
            into=StoredPractice,
        )

    def practices(self, query: PracticeQuery, caller: Caller) -> LongPage[StoredListItem]:
        """List the practices that the caller may see, in one query, in an order that never ties.

        Raises BadRequest for a cursor that is none.
        """
        after = cursors.place_of(query)
        rows = self._sql.mappings(_list(query, after), _values(query, caller, after))
        total = rows[0]["total"]
        found = [row for row in rows if row["id"] is not None]
        items = [_item(row) for row in found[: query.limit]]
        goes_on = len(found) > query.limit
        last = cursors.Place(found[query.limit - 1]["sort_key"], items[-1].id) if goes_on else None
        return LongPage(
            items,
            min(total, COUNTED),
            query.limit,
            query.offset,
            goes_on=goes_on,
            total_capped=total > COUNTED,
            next_cursor=cursors.cursor_at(query, last) if last else None,
        )

    def similar(
        self, text: Likeness, caller: Caller, *, but: UUID | None, at_most: int
    ) -> list[StoredListItem]:
        """List practices that the caller may see and that have words in common with a text, nearest first.

        Drafts are left out, and the practice `but`.
        """
        values = {
            "text": f"{text.title}\n{text.problem_statement or ''}",
            "words": LIKENESS_WORDS,
            "but": but,
            "at_most": at_most,
            "seen": list(SEEN_BY_ALL),
            "is_hq": caller.is_hq,
            "own_plant": caller.plant_id,
            "excerpt": EXCERPT_LENGTH,
        }
        return self._sql.rows(SIMILAR, values, into=StoredListItem)

    def count_view(self, practice_id: UUID) -> None:
        """Count that a practice was read, in a slot drawn by lot, so that readers do not queue."""
        self._sql.run(
            """
            INSERT INTO practice_views AS kept (practice_id, slot, views)
            VALUES (%(practice_id)s, floor(random() * 16), 1)
            ON CONFLICT (practice_id, slot) DO UPDATE SET views = kept.views + 1
            """,
            {"practice_id": practice_id},
        )

    def statistics(self, practice_id: UUID) -> Statistics:
        """Count how often a practice was read, copied and asked about."""
        return self._sql.one(
            sql.SQL("""
            SELECT (SELECT coalesce(sum(views), 0)::bigint FROM practice_views
                    WHERE practice_id = %(practice_id)s) AS view_count,
                   {copy_count} AS copy_count,
                   count(*) AS question_count, count(answered_at) AS answered_count
            FROM practice_questions WHERE practice_id = %(practice_id)s
            """).format(copy_count=COPY_COUNT.format(practice_id=sql.SQL("%(practice_id)s"))),
            {"practice_id": practice_id},
            into=Statistics,
        )

    def recent(self, at_most: int) -> list[StoredListItem]:
        """List the newest practices that everybody sees, newest first."""
        return self._sql.rows(
            RECENT,
            {"seen": list(SEEN_BY_ALL), "at_most": at_most, "excerpt": EXCERPT_LENGTH},
            into=StoredListItem,
        )

    def in_full(self, practice_ids: Sequence[UUID], caller: Caller) -> list[SheetPractice]:
        """Find what these practices say, in this order; without what the caller may not see."""
        return self._sql.rows(
            IN_FULL.format(visible=VISIBLE),
            {
                "practice_ids": list(practice_ids),
                "seen": list(SEEN_BY_ALL),
                "is_hq": caller.is_hq,
                "own_plant": caller.plant_id,
            },
            into=SheetPractice,
        )


def _list(query: PracticeQuery, after: cursors.Place | None) -> sql.Composed:
    asked = query.model_dump(exclude_none=True)
    words = _words(query)
    key = SORT_KEYS[query.sort_by].format(words=words)
    conditions: list[sql.Composable] = [sql.SQL("NOT p.is_deleted"), VISIBLE]
    parts = {"words": words, "is_benchmarked": BENCHMARKED.get(query.is_benchmarked)}
    conditions += [condition.format(**parts) for field, condition in FILTERS.items() if field in asked]
    behind = BEHIND[query.sort_order, after.key is None].format(key=key) if after else sql.SQL("true")
    return LIST.format(
        highlight=HIGHLIGHT.format(words=words) if query.search else sql.SQL("NULL::text"),
        item=ITEM,
        where=sql.SQL(" AND ").join(conditions),
        behind=behind,
        key=key,
        order=_order(query, key),
    )


def _values(query: PracticeQuery, caller: Caller, after: cursors.Place | None) -> dict[str, Any]:
    search = searching.typed(query.search or "")
    return {
        **query.model_dump(exclude_none=True),
        "seen": list(SEEN_BY_ALL),
        "is_hq": caller.is_hq,
        "own_plant": caller.plant_id,
        "excerpt": EXCERPT_LENGTH,
        "counted": COUNTED,
        "head": search.head,
        "last_word": search.last_word,
        "prefix": search.prefix,
        "marking": MARKING,
        "less_than": f"<{searching.MARK_ON}{searching.MARK_OFF}",
        "stand_ins": searching.LESS_THAN,
        **({"key": after.key, "id": after.practice_id} if after else {}),
    }


def _words(query: PracticeQuery) -> sql.SQL:
    return WORDS if searching.typed(query.search or "").last_word is None else WORDS_BEING_TYPED


def _order(query: PracticeQuery, key: sql.Composed) -> sql.Composed:
    descending = query.sort_order == "desc"
    return sql.SQL("{key} {way}, p.id {tie}").format(
        key=key,
        way=sql.SQL("DESC" if descending else "ASC"),
        tie=sql.SQL("ASC" if descending else "DESC"),  # the exact reverse: one index serves both ways
    )


def _item(row: dict[str, Any]) -> StoredListItem:
    marked = row.pop("highlight")
    return StoredListItem(**row, highlight=searching.excerpt(marked) if marked is not None else None)


def _columns(content: Content) -> dict[str, Any]:
    return {**asdict(content), "benefits": Jsonb(list(content.benefits))}


def _state(
    practice_id: UUID,
    plant_id: UUID,
    status: Status,
    submitted_date: date | None,
    version: int,
    is_benchmarked: bool,
    *content: Any,
) -> PracticeState:
    fields = dict(zip(Content.__dataclass_fields__, content, strict=True))
    fields["benefits"] = tuple(fields["benefits"])
    return PracticeState(
        practice_id, plant_id, status, submitted_date, is_benchmarked, Content(**fields), version
    )
