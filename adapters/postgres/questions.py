"""Questions and answers in PostgreSQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.practices.workflow import PracticeScope
from bp_core.questions import Question, QuestionStore
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

QUESTION: Final = sql.SQL("""
SELECT q.id, q.practice_id, q.asked_by_user_id, asker.full_name AS asked_by_name, q.question_text,
       q.answer_text, q.answered_by_user_id, answerer.full_name AS answered_by_name, q.answered_at,
       q.created_at
FROM practice_questions q
JOIN best_practices p ON p.id = q.practice_id AND NOT p.is_deleted
JOIN users asker ON asker.id = q.asked_by_user_id
LEFT JOIN users answerer ON answerer.id = q.answered_by_user_id
""")


class PostgresQuestions(QuestionStore):
    """The table `practice_questions`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def questions(self, practice_id: UUID, query: PageQuery) -> Page[Question]:
        return self._sql.page(
            QUESTION + sql.SQL("WHERE q.practice_id = %(practice_id)s"),
            {"practice_id": practice_id},
            order=sql.SQL("created_at, id"),
            part=query,
            into=Question,
        )

    @override
    def scope(self, question_id: UUID) -> PracticeScope | None:
        return self._sql.row(
            """
            SELECT p.plant_id, p.status
            FROM practice_questions q JOIN best_practices p ON p.id = q.practice_id
            WHERE q.id = %(question_id)s AND NOT p.is_deleted
            """,
            {"question_id": question_id},
            into=PracticeScope,
        )

    @override
    def add(self, practice_id: UUID, asker_id: UUID, text: str, now: datetime) -> Question:
        question_id = self._sql.value(
            """
            INSERT INTO practice_questions (practice_id, asked_by_user_id, question_text, created_at)
            VALUES (%(practice_id)s, %(asker_id)s, %(text)s, %(now)s) RETURNING id
            """,
            {"practice_id": practice_id, "asker_id": asker_id, "text": text, "now": now},
        )
        return self._question(question_id)

    @override
    def question_for_update(self, question_id: UUID) -> Question | None:
        query = QUESTION + sql.SQL("WHERE q.id = %(question_id)s FOR UPDATE OF q")
        return self._sql.row(query, {"question_id": question_id}, into=Question)

    @override
    def answer(self, question_id: UUID, answerer_id: UUID, text: str, now: datetime) -> Question:
        self._sql.run(
            """
            UPDATE practice_questions
            SET answer_text = %(text)s, answered_by_user_id = %(answerer_id)s, answered_at = %(now)s
            WHERE id = %(question_id)s
            """,
            {"question_id": question_id, "answerer_id": answerer_id, "text": text, "now": now},
        )
        return self._question(question_id)

    @override
    def remove(self, question_id: UUID) -> None:
        self._sql.run("DELETE FROM practice_questions WHERE id = %(id)s", {"id": question_id})

    def _question(self, question_id: UUID) -> Question:
        query = QUESTION + sql.SQL("WHERE q.id = %(question_id)s")
        return self._sql.one(query, {"question_id": question_id}, into=Question)
