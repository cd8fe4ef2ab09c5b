"""Questions about practices, and their answers."""

from uuid import UUID

from bp_core import questions
from bp_core.questions import Answer, NewQuestion, Question
from bp_core.shared.access import Caller
from bp_core.shared.model import PageQuery
from bp_core.shared.paging import Page
from functions.access import PRACTICE_VIEWER, QUESTION_OWNER, QUESTION_VIEWER
from functions.answers import Reply
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/questions/practice/{practice_id:guid}", who=PRACTICE_VIEWER)
def list_questions(unit: Unit, practice_id: UUID, query: PageQuery) -> Page[Question]:
    """List the questions about a practice, oldest first."""
    return unit.questions.questions(practice_id, query)


@endpoint("POST", "/api/v1/questions/practice/{practice_id:guid}", who=PRACTICE_VIEWER, status=201)
def ask_question(unit: Unit, caller: Caller, practice_id: UUID, body: NewQuestion) -> Question:
    """Ask about a practice; its plant is told."""
    return questions.ask(
        unit.questions,
        unit.practices,
        unit.notifier,
        unit.trail,
        caller,
        practice_id,
        body,
        unit.moment.at,
    )


@endpoint("PATCH", "/api/v1/questions/{question_id:guid}/answer", who=QUESTION_OWNER)
def answer_question(unit: Unit, caller: Caller, question_id: UUID, body: Answer) -> Question:
    """Answer a question, or correct the answer; the asker is told."""
    return questions.answer(
        unit.questions, unit.notifier, unit.trail, caller, question_id, body, unit.moment.at
    )


@endpoint("DELETE", "/api/v1/questions/{question_id:guid}", who=QUESTION_VIEWER, errors=("FORBIDDEN",))
def delete_question(unit: Unit, caller: Caller, question_id: UUID) -> Reply[None]:
    """Take back one's own question while it has no answer; headquarters remove any."""
    questions.remove(unit.questions, unit.trail, caller, question_id)
    return Reply(None, message="The question is deleted.")
