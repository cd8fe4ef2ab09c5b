"""Questions about practices, and the answers of the plant that wrote them."""

from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.notifications import Notice, Notifier, excerpt
from bp_core.practices import life
from bp_core.practices.life import Whereabouts
from bp_core.practices.store import PracticeStore
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound
from bp_core.shared.model import Line, PageQuery, Sent, Shown, Timestamp
from bp_core.shared.paging import Page
from bp_core.shared.trail import Trail, difference


class NewQuestion(Sent):
    """A question as it is asked."""

    question_text: Annotated[Line, Field(max_length=2000)]


class Answer(Sent):
    """An answer, or the correction of one."""

    answer_text: Annotated[Line, Field(max_length=4000)]


class Question(Shown):
    """A question, with its answer once there is one."""

    id: UUID
    practice_id: UUID
    asked_by_user_id: UUID
    asked_by_name: str
    question_text: str
    answer_text: str | None
    answered_by_user_id: UUID | None
    answered_by_name: str | None
    answered_at: Timestamp | None
    created_at: Timestamp


class QuestionStore(Protocol):
    """Where the questions are kept; those of a deleted practice are not found."""

    def questions(self, practice_id: UUID, query: PageQuery) -> Page[Question]:
        """List the questions about a practice, oldest first."""
        ...

    def whereabouts(self, question_id: UUID) -> Whereabouts | None:
        """Find what decides who sees and writes the practice that a question is about."""
        ...

    def add(self, practice_id: UUID, asker_id: UUID, text: str, now: datetime) -> Question:
        """Keep a new question."""
        ...

    def question_for_update(self, question_id: UUID) -> Question | None:
        """Find a question and hold it until the transaction ends."""
        ...

    def answer(self, question_id: UUID, answerer_id: UUID, text: str, now: datetime) -> Question:
        """Keep an answer in place of the one before."""
        ...

    def remove(self, question_id: UUID) -> None:
        """Forget a question."""
        ...


def ask(
    store: QuestionStore,
    practices: PracticeStore,
    notifier: Notifier,
    trail: Trail,
    caller: Caller,
    practice_id: UUID,
    new: NewQuestion,
    now: datetime,
) -> Question:
    """Ask about a practice that the caller sees; its plant is told.

    Raises NotFound.
    """
    practice = life.require_visible(caller, practices.whereabouts(practice_id))
    question = store.add(practice_id, caller.user_id, new.question_text, now)
    trail.note("question.asked", "question", question.id, after=_facts(question))
    notifier.tell_plant(
        practice.plant_id,
        Notice(
            "question_asked",
            "A question about your practice",
            excerpt(question.question_text),
            practice_id,
            question.id,
        ),
    )
    return question


def answer(
    store: QuestionStore,
    notifier: Notifier,
    trail: Trail,
    caller: Caller,
    question_id: UUID,
    sent: Answer,
    now: datetime,
) -> Question:
    """Answer a question about a practice that is the caller's to write, or correct the answer.

    The asker is told. The same answer again changes nothing. Raises NotFound.
    """
    before = _held(store, question_id)
    if before.answer_text == sent.answer_text:
        return before
    after = store.answer(question_id, caller.user_id, sent.answer_text, now)
    changed = difference(_facts(before), _facts(after))
    trail.note("question.answered", "question", question_id, before=changed.before, after=changed.after)
    title = "Your question was answered" if before.answer_text is None else "An answer to you was corrected"
    notice = Notice("question_answered", title, excerpt(sent.answer_text), after.practice_id, question_id)
    notifier.tell_user(after.asked_by_user_id, notice)
    return after


def remove(store: QuestionStore, trail: Trail, caller: Caller, question_id: UUID) -> None:
    """Take back one's own question while it has no answer; headquarters take back any.

    Raises NotFound, Forbidden.
    """
    question = _held(store, question_id)
    if not caller.is_hq:
        if question.asked_by_user_id != caller.user_id:
            raise Forbidden("A question is taken back by whoever asked it.")
        if question.answer_text is not None:
            raise Forbidden("An answered question is removed by headquarters only.")
    store.remove(question_id)
    trail.note("question.deleted", "question", question_id, before=_facts(question))


def _held(store: QuestionStore, question_id: UUID) -> Question:
    question = store.question_for_update(question_id)
    if question is None:
        raise NotFound("There is no such question.")
    return question


def _facts(question: Question) -> dict[str, object]:
    return question.model_dump(
        include={"practice_id", "asked_by_user_id", "question_text", "answer_text", "answered_by_user_id"}
    )
