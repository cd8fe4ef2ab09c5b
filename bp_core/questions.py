"""Questions about practices, and their answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.notifications import Notice, Notifier, excerpt
from bp_core.practices import workflow
from bp_core.practices.ports import PracticeStore
from bp_core.practices.workflow import PracticeScope
from bp_core.shared.access import Caller
from bp_core.shared.auditing import AuditTrail, difference
from bp_core.shared.context import Context
from bp_core.shared.errors import Forbidden, NotFound
from bp_core.shared.paging import Page
from bp_core.shared.schemas import Line, PageQuery, RequestModel, ResponseModel, Timestamp


class NewQuestion(RequestModel):
    """A new question."""

    question_text: Annotated[Line, Field(max_length=2000, examples=["Does it fit the older nozzles, too?"])]


class Answer(RequestModel):
    """An answer to a question, or its correction."""

    answer_text: Annotated[Line, Field(max_length=4000, examples=["Yes: the same nozzle fits both lines."])]


class Question(ResponseModel):
    """A question with its answer, or null if it is not answered."""

    id: UUID
    practice_id: UUID
    asked_by_user_id: UUID
    asked_by_name: Annotated[str, Field(examples=["Asha Rao"])]
    question_text: Annotated[str, Field(examples=["Does it fit the older nozzles, too?"])]
    answer_text: Annotated[str | None, Field(examples=["Yes: the same nozzle fits both lines."])]
    answered_by_user_id: UUID | None
    answered_by_name: Annotated[str | None, Field(examples=["Asha Rao"])]
    answered_at: Timestamp | None
    created_at: Timestamp


class QuestionStore(Protocol):
    """Stores questions. No method returns a question about a deleted practice."""

    def questions(self, practice_id: UUID, query: PageQuery) -> Page[Question]:
        """List the questions about a practice, oldest first."""
        ...

    def scope(self, question_id: UUID) -> PracticeScope | None:
        """Read the plant and status of the practice of a question."""
        ...

    def add(self, practice_id: UUID, asker_id: UUID, text: str, now: datetime) -> Question:
        """Insert a question."""
        ...

    def question_for_update(self, question_id: UUID) -> Question | None:
        """Read a question, and lock it until the transaction ends."""
        ...

    def answer(self, question_id: UUID, answerer_id: UUID, text: str, now: datetime) -> Question:
        """Update the answer of a question."""
        ...

    def remove(self, question_id: UUID) -> None:
        """Delete a question."""
        ...


@dataclass(frozen=True)
class QuestionService:
    """The use cases of questions about practices.

    Methods that write lock the practice (FOR SHARE), so that its plant cannot change until the transaction
    ends.
    """

    store: QuestionStore
    practices: PracticeStore
    notifier: Notifier
    audit_trail: AuditTrail
    context: Context

    def search(self, caller: Caller, practice_id: UUID, query: PageQuery) -> Page[Question]:
        """Return one page of the questions about a practice that the caller may see, oldest first.

        Raises NotFound.
        """
        workflow.require_visible(caller, self.practices.scope(practice_id))
        return self.store.questions(practice_id, query)

    def ask(self, caller: Caller, practice_id: UUID, new: NewQuestion) -> Question:
        """Ask a question about a practice that the caller may see. Notifies its plant. Raises NotFound."""
        practice = workflow.require_visible(caller, self.practices.lock_scope(practice_id))
        question = self.store.add(practice_id, caller.user_id, new.question_text, self.context.now)
        self.audit_trail.record("question.asked", "question", question.id, after=_facts(question))
        text = excerpt(question.question_text)
        notice = Notice("question_asked", "A question about your practice", text, practice_id, question.id)
        self.notifier.notify_plant(practice.plant_id, notice)
        return question

    def answer(self, caller: Caller, question_id: UUID, request: Answer) -> Question:
        """Answer a question about a practice that the caller owns, or correct the answer.

        Notifies the user who asked, unless the answer is the same as before. Raises NotFound, Forbidden.
        """
        before, scope = self._locked(caller, question_id)
        workflow.require_owner(caller, scope)
        if before.answer_text == request.answer_text:
            return before
        after = self.store.answer(question_id, caller.user_id, request.answer_text, self.context.now)
        changed = difference(_facts(before), _facts(after))
        self.audit_trail.record(
            "question.answered", "question", question_id, before=changed.before, after=changed.after
        )
        is_first = before.answer_text is None
        title = "Your question was answered" if is_first else "The answer to your question was corrected"
        text = excerpt(request.answer_text)
        notice = Notice("question_answered", title, text, after.practice_id, question_id)
        self.notifier.notify_user(after.asked_by_user_id, notice)
        return after

    def remove(self, caller: Caller, question_id: UUID) -> None:
        """Delete the caller's own question if it has no answer; headquarters can delete all questions.

        Raises NotFound, Forbidden.
        """
        question, _ = self._locked(caller, question_id)
        if not caller.is_hq:
            if question.asked_by_user_id != caller.user_id:
                raise Forbidden("Only the user who asked the question can delete it.")
            if question.answer_text is not None:
                raise Forbidden("Only headquarters can delete an answered question.")
        self.store.remove(question_id)
        self.audit_trail.record("question.deleted", "question", question_id, before=_facts(question))

    def _locked(self, caller: Caller, question_id: UUID) -> tuple[Question, PracticeScope]:
        """Read and lock a question, and the practice that it is about.

        Raises NotFound if there is no such question, or the caller may not see the practice.
        """
        question = self.store.question_for_update(question_id)
        if question is None:
            # The same message as for a hidden practice: the caller does not learn which of them is missing.
            raise NotFound("There is no such practice.")
        scope = self.practices.lock_scope(question.practice_id)
        return question, workflow.require_visible(caller, scope)


def _facts(question: Question) -> dict[str, object]:
    return question.model_dump(
        include={"practice_id", "asked_by_user_id", "question_text", "answer_text", "answered_by_user_id"}
    )
