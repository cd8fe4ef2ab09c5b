"""Endpoints of questions about practices, and their answers."""

from uuid import UUID

from bp_core.questions import Answer, NewQuestion, Question
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden
from bp_core.shared.paging import Page
from bp_core.shared.schemas import LargePageQuery
from functions.edge.endpoint import endpoints
from functions.edge.responses import Reply
from functions.practice_access import PRACTICE_VIEWER, QUESTION_OWNER, QUESTION_VIEWER
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint("GET", "/api/v1/questions/practice/{practice_id:guid}", who=PRACTICE_VIEWER)
def list_questions(
    work: UnitOfWork, caller: Caller, practice_id: UUID, query: LargePageQuery
) -> Page[Question]:
    """List the questions about a practice, oldest first."""
    return work.questions.search(caller, practice_id, query)


@endpoint("POST", "/api/v1/questions/practice/{practice_id:guid}", who=PRACTICE_VIEWER, status=201)
def ask_question(work: UnitOfWork, caller: Caller, practice_id: UUID, body: NewQuestion) -> Question:
    """Ask a question about a practice. The plant of the practice is notified."""
    return work.questions.ask(caller, practice_id, body)


@endpoint("PATCH", "/api/v1/questions/{question_id:guid}/answer", who=QUESTION_OWNER)
def answer_question(work: UnitOfWork, caller: Caller, question_id: UUID, body: Answer) -> Question:
    """Answer a question, or correct the answer. The user who asked is notified."""
    return work.questions.answer(caller, question_id, body)


@endpoint("DELETE", "/api/v1/questions/{question_id:guid}", who=QUESTION_VIEWER, errors=(Forbidden,))
def delete_question(work: UnitOfWork, caller: Caller, question_id: UUID) -> Reply[None]:
    """Delete your own question if it has no answer; headquarters can delete all questions."""
    work.questions.remove(caller, question_id)
    return Reply(None, message="The question was deleted.")
