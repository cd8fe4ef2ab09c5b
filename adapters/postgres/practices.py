"""Best practices in PostgreSQL."""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb
from typing_extensions import override

from adapters.postgres import cursors, practice_lists
from adapters.postgres.database import Sql, columns, named_values
from adapters.postgres.practice_lists import COPIED_FROM, COPY_COUNT, PUBLIC_VALUES
from bp_core.practices.columns import SpreadsheetPractice
from bp_core.practices.ports import CheckedPractice, PracticeStore, Transition
from bp_core.practices.queries import PracticeQuery
from bp_core.practices.schemas import Likeness, PracticeContent, Statistics, StoredListItem, StoredPractice
from bp_core.practices.workflow import DECISIONS, PracticeScope, PracticeState
from bp_core.reviews.ports import HistoryStore
from bp_core.reviews.schemas import HistoryEntry
from bp_core.shared.access import Caller
from bp_core.shared.paging import LongPage, Page
from bp_core.shared.schemas import PageQuery, RecentQuery

CONTENT: Final = tuple(field.name for field in fields(PracticeContent))
"""The columns of the content of a practice: one for each field of the model."""

STATE: Final = ("plant_id", "status", "submitted_date")

REVIEWER: Final = sql.SQL("""
    (SELECT reviewer.{column} FROM users reviewer
     WHERE reviewer.id = p.reviewer_id AND reviewer.is_active AND reviewer.role = 'hq')
""")
"""The reviewer of the practice `p`, unless they are no active headquarters user any more."""

WAS_DECIDED: Final = sql.SQL("""
    EXISTS (SELECT FROM practice_transitions t WHERE t.practice_id = p.id
            AND t.from_status = 'submitted' AND t.to_status = ANY (%(decisions)s))
""")
"""Whether headquarters has ever decided about the practice `p`."""

COLUMNS: Final = columns(*CONTENT, *STATE)
VALUES: Final = named_values(*CONTENT, *STATE)

LIKENESS_WORDS: Final = 40
"""How many words of a text are searched for, the longest first, so that a long text stays fast."""


class PostgresPractices(PracticeStore, HistoryStore):
    """The tables `best_practices`, `practice_transitions` and `practice_views`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def add(self, practice: CheckedPractice, author_id: UUID, now: datetime) -> UUID:
        practice_id: UUID = self._sql.value(
            sql.SQL("""
            INSERT INTO best_practices ({columns}, submitted_by_user_id, created_at, updated_at)
            VALUES ({values}, %(author_id)s, %(now)s, %(now)s)
            RETURNING id
            """).format(columns=COLUMNS, values=VALUES),
            {**_values(practice), "author_id": author_id, "now": now},
        )
        return practice_id

    @override
    def scope(self, practice_id: UUID) -> PracticeScope | None:
        return self._sql.row(
            "SELECT plant_id, status FROM best_practices WHERE id = %(practice_id)s AND NOT is_deleted",
            {"practice_id": practice_id},
            into=PracticeScope,
        )

    @override
    def lock_scope(self, practice_id: UUID) -> PracticeScope | None:
        return self._sql.row(
            """
            SELECT plant_id, status FROM best_practices
            WHERE id = %(practice_id)s AND NOT is_deleted FOR SHARE
            """,
            {"practice_id": practice_id},
            into=PracticeScope,
        )

    @override
    def state_for_update(self, practice_id: UUID) -> PracticeState | None:
        # The lock needs a statement of its own. Only the snapshot of a second statement has the rows that
        # another transaction wrote to other tables, for example a benchmark, while this one waited.
        self._sql.run(
            "SELECT FROM best_practices WHERE id = %(practice_id)s FOR NO KEY UPDATE",
            {"practice_id": practice_id},
        )
        rows = self._sql.mappings(
            sql.SQL("""
            SELECT id, {columns}, version, {reviewer} AS reviewer_id, {was_decided} AS was_decided,
                   EXISTS (SELECT FROM benchmarked_practices b WHERE b.practice_id = p.id) AS is_benchmarked,
                   EXISTS (SELECT FROM copied_practices c WHERE c.copied_practice_id = p.id) AS is_copy
            FROM best_practices p WHERE id = %(practice_id)s AND NOT is_deleted
            """).format(
                columns=COLUMNS,
                reviewer=REVIEWER.format(column=sql.Identifier("id")),
                was_decided=WAS_DECIDED,
            ),
            {"practice_id": practice_id, "decisions": list(DECISIONS)},
        )
        for row in rows:
            content = PracticeContent(**_with_tuples({name: row.pop(name) for name in CONTENT}))
            return PracticeState(**row, content=content)
        return None

    @override
    def save(self, practice: PracticeState, now: datetime) -> None:
        self._sql.run(
            sql.SQL("""
            UPDATE best_practices SET ({columns}, reviewer_id, version, updated_at)
                = ({values}, %(reviewer_id)s, %(version)s, %(now)s)
            WHERE id = %(id)s
            """).format(columns=COLUMNS, values=VALUES),
            {
                **_values(practice),
                "id": practice.id,
                "reviewer_id": practice.reviewer_id,
                "version": practice.version,
                "now": now,
            },
        )

    @override
    def set_reviewer(self, practice_id: UUID, reviewer_id: UUID | None) -> None:
        self._sql.run(
            "UPDATE best_practices SET reviewer_id = %(reviewer_id)s WHERE id = %(practice_id)s",
            {"practice_id": practice_id, "reviewer_id": reviewer_id},
        )

    @override
    def mark_deleted(self, practice_id: UUID, now: datetime) -> None:
        self._sql.run(
            """
            UPDATE best_practices SET is_deleted = true, updated_at = %(now)s, version = version + 1
            WHERE id = %(practice_id)s
            """,
            {"practice_id": practice_id, "now": now},
        )

    @override
    def is_shared(self, practice_id: UUID) -> bool:
        shared: bool = self._sql.value(
            """
            SELECT EXISTS (SELECT FROM copied_practices
                           WHERE original_practice_id = %(practice_id)s
                              OR copied_practice_id = %(practice_id)s)
            """,
            {"practice_id": practice_id},
        )
        return shared

    @override
    def add_transition(self, transition: Transition) -> None:
        self._sql.run(
            """
            INSERT INTO practice_transitions (practice_id, from_status, to_status, by_user_id, comment, at)
            VALUES (%(practice_id)s, %(from_status)s, %(to_status)s, %(by_user_id)s, %(comment)s, %(at)s)
            """,
            vars(transition),
        )

    @override
    def history(self, practice_id: UUID, query: PageQuery) -> Page[HistoryEntry]:
        return self._sql.page(
            sql.SQL("""
            SELECT t.id, t.from_status, t.to_status, t.by_user_id, u.full_name AS by_name, t.comment, t.at
            FROM practice_transitions t JOIN users u ON u.id = t.by_user_id
            WHERE t.practice_id = %(practice_id)s
            """),
            {"practice_id": practice_id},
            order=sql.SQL("id"),
            part=query,
            into=HistoryEntry,
        )

    @override
    def practice(self, practice_id: UUID) -> StoredPractice | None:
        return self._sql.row(
            sql.SQL("""
            SELECT p.id, {content}, c.name AS category_name, p.submitted_by_user_id,
                   author.full_name AS submitted_by_name, p.plant_id, plant.name AS plant_name, p.status,
                   p.submitted_date, p.is_deleted, b.id IS NOT NULL AS is_benchmarked, b.benchmarked_date,
                   (SELECT count(*) FROM practice_questions q WHERE q.practice_id = p.id) AS question_count,
                   {copy_count} AS copy_count, {copied_from} AS copied_from, p.created_at,
                   p.updated_at, p.version,
                   CASE WHEN p.status NOT IN ('draft', 'approved') THEN {reviewer} END AS reviewer_name,
                   CASE WHEN p.status = 'declined' THEN
                       (SELECT t.comment FROM practice_transitions t
                        WHERE t.practice_id = p.id AND t.to_status = 'declined' ORDER BY t.id DESC LIMIT 1)
                   END AS declined_reason,
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
            """).format(
                content=columns(*CONTENT, table="p"),
                reviewer=REVIEWER.format(column=sql.Identifier("full_name")),
                copy_count=COPY_COUNT.format(practice_id=sql.SQL("p.id")),
                copied_from=COPIED_FROM,
            ),
            {"practice_id": practice_id, **PUBLIC_VALUES},
            into=StoredPractice,
        )

    @override
    def practices(self, query: PracticeQuery, caller: Caller) -> LongPage[StoredListItem]:
        after = cursors.position_of(query)
        rows = self._sql.mappings(*practice_lists.page(query, caller, after))
        return practice_lists.read_page(query, rows)

    @override
    def similar(
        self, text: Likeness, caller: Caller, *, but: UUID | None, at_most: int
    ) -> list[StoredListItem]:
        # Ranked by the word stems that a practice shares with the text; the title counts most (A, B, C).
        return self._sql.rows(
            sql.SQL(r"""
            WITH wanted AS (
                SELECT string_agg(
                    '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''':ABC', ' | '
                )::tsquery AS words
                FROM (
                    SELECT lexeme FROM unnest(to_tsvector('english', %(text)s))
                    ORDER BY length(lexeme) DESC, lexeme LIMIT %(words)s
                ) longest
            ), p AS (
                SELECT p.*, ts_rank(p.search_words, wanted.words, 1) AS similarity
                FROM best_practices p, wanted
                WHERE p.search_words @@ wanted.words AND NOT p.is_deleted AND {visible}
                    AND p.status NOT IN ('draft', 'declined') AND p.id IS DISTINCT FROM %(but)s
                ORDER BY similarity DESC, p.id LIMIT %(at_most)s
            )
            SELECT item.* FROM p CROSS JOIN LATERAL ({item}) item ORDER BY p.similarity DESC, p.id
            """).format(item=practice_lists.ITEM, visible=practice_lists.VISIBLE),
            {
                **practice_lists.visible_to(caller),
                **practice_lists.ITEM_VALUES,
                "text": f"{text.title}\n{text.problem_statement or ''}",
                "words": LIKENESS_WORDS,
                "but": but,
                "at_most": at_most,
            },
            into=StoredListItem,
        )

    @override
    def recent(self, query: RecentQuery) -> Page[StoredListItem]:
        values = {**practice_lists.ITEM_VALUES, **query.model_dump()}
        rows = self._sql.mappings(practice_lists.RECENT_PAGE, values)
        return practice_lists.read_recent(query, rows)

    @override
    def exported(self, query: PracticeQuery, caller: Caller) -> Generator[SpreadsheetPractice]:
        content = columns(*CONTENT, table="p")
        statement, values = practice_lists.export(query, caller, cursors.position_of(query), content)
        with closing(self._sql.stream(statement, values)) as rows:
            for row in rows:
                yield SpreadsheetPractice(**_with_tuples(row))

    @override
    def count_view(self, practice_id: UUID) -> None:
        # Views are counted in one of 16 random rows, so that concurrent readers do not wait for a lock.
        self._sql.run(
            """
            INSERT INTO practice_views AS v (practice_id, slot, views)
            VALUES (%(practice_id)s, floor(random() * 16), 1)
            ON CONFLICT (practice_id, slot) DO UPDATE SET views = v.views + 1
            """,
            {"practice_id": practice_id},
        )

    @override
    def statistics(self, practice_id: UUID) -> Statistics:
        return self._sql.one(
            sql.SQL("""
            SELECT (SELECT coalesce(sum(views), 0)::bigint FROM practice_views
                    WHERE practice_id = %(practice_id)s) AS view_count,
                   {copy_count} AS copy_count, count(*) AS question_count,
                   count(answered_at) AS answered_count
            FROM practice_questions WHERE practice_id = %(practice_id)s
            """).format(copy_count=COPY_COUNT.format(practice_id=sql.SQL("%(practice_id)s"))),
            {"practice_id": practice_id},
            into=Statistics,
        )


def _values(practice: CheckedPractice | PracticeState) -> dict[str, Any]:
    content = asdict(practice.content)
    state = {name: getattr(practice, name) for name in STATE}
    lists = {"benefits": Jsonb(list(practice.content.benefits)), "tags": list(practice.content.tags)}
    return {**content, **state, **lists}


def _with_tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a practice with tuples instead of lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
