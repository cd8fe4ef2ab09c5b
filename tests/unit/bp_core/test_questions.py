from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from bp_core.notifications import NotificationType
from bp_core.practices.workflow import PracticeState
from bp_core.questions import Answer, NewQuestion, Question
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound, PortalError
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.stores import question
from tests.unit.bp_core.support import COLLEAGUE, HQ, NEIGHBOUR, NOW, OWNER, PUNE, practice

QUESTION: UUID = uuid4()


def asked(state: PracticeState, answer: str | None = None) -> MemoryServices:
    """Make services with a question of Chennai about a practice, maybe answered."""
    services = MemoryServices(state)
    one = question(question_id=QUESTION, practice_id=state.id, asked_by_user_id=NEIGHBOUR.user_id)
    services.add_question(one.model_copy(update={"answer_text": answer}))
    return services


def notices(services: MemoryServices) -> list[tuple[object, NotificationType, str, str]]:
    return [
        (recipient, notice.type, notice.title, notice.message)
        for recipient, notice in services.notifier.notices
    ]


def test_the_plant_of_a_practice_is_notified_of_a_question() -> None:
    submitted = practice("submitted")
    services = MemoryServices(submitted)

    added = services.questions.ask(NEIGHBOUR, submitted.id, NewQuestion(question_text="How long?"))

    assert (added.asked_by_user_id, added.created_at) == (NEIGHBOUR.user_id, NOW)
    assert services.questions.search(OWNER, submitted.id, PageQuery()).items == [added]
    assert services.audit_trail.actions() == ["question.asked"]
    assert notices(services) == [(PUNE, "question_asked", "A question about your practice", "How long?")]


@pytest.mark.parametrize(
    ("earlier", "title"),
    [
        (None, "Your question was answered"),
        ("Three metres.", "The answer to your question was corrected"),
    ],
)
def test_the_asker_is_notified_of_an_answer_and_of_its_correction(earlier: str | None, title: str) -> None:
    services = asked(practice("submitted"), earlier)

    answered = services.questions.answer(COLLEAGUE, QUESTION, Answer(answer_text="Two metres."))

    assert (answered.answer_text, answered.answered_by_user_id) == ("Two metres.", COLLEAGUE.user_id)
    [note] = services.audit_trail.notes
    assert note.before == {"answer_text": earlier, "answered_by_user_id": None}
    assert note.after == {"answer_text": "Two metres.", "answered_by_user_id": COLLEAGUE.user_id}
    assert notices(services) == [(NEIGHBOUR.user_id, "question_answered", title, "Two metres.")]


def test_the_same_answer_again_changes_nothing() -> None:
    submitted = practice("submitted")
    services = asked(submitted, "Two metres.")

    services.questions.answer(OWNER, QUESTION, Answer(answer_text="Two metres."))

    assert services.written() == asked(submitted, "Two metres.").written()


@pytest.mark.parametrize(("caller", "answer"), [(NEIGHBOUR, None), (HQ, None), (HQ, "Two metres.")])
def test_a_question_is_deleted_by_its_asker_until_it_is_answered_and_by_headquarters(
    caller: Caller, answer: str | None
) -> None:
    services = asked(practice("submitted"), answer)

    services.questions.remove(caller, QUESTION)

    assert services.question_store.stored == {}
    assert services.audit_trail.actions() == ["question.deleted"]


@pytest.mark.parametrize(
    ("caller", "state", "answer", "error"),
    [
        (NEIGHBOUR, practice("submitted"), "Two metres.", Forbidden),
        (OWNER, practice("submitted"), None, Forbidden),
        (NEIGHBOUR, practice("revision_required"), None, NotFound),
    ],
)
def test_nobody_else_deletes_a_question(
    caller: Caller, state: PracticeState, answer: str | None, error: type[PortalError]
) -> None:
    services = asked(state, answer)

    with pytest.raises(error):
        services.questions.remove(caller, QUESTION)

    assert services.written() == asked(state, answer).written()


def without_practice() -> MemoryServices:
    """Make services with a question about a practice that was deleted."""
    services = MemoryServices()
    services.add_question(
        question(question_id=QUESTION, practice_id=uuid4(), asked_by_user_id=NEIGHBOUR.user_id)
    )
    return services


@pytest.mark.parametrize("make", [MemoryServices, without_practice])
def test_a_question_that_is_not_there_or_whose_practice_was_deleted_is_not_found(
    make: Callable[[], MemoryServices],
) -> None:
    services = make()

    with pytest.raises(NotFound):
        services.questions.answer(HQ, QUESTION, Answer(answer_text="Two metres."))
    with pytest.raises(NotFound):
        services.questions.remove(HQ, QUESTION)


def test_a_hidden_question_is_refused_as_one_that_is_not_there() -> None:
    def refusal(services: MemoryServices) -> str:
        with pytest.raises(NotFound) as error:
            services.questions.answer(NEIGHBOUR, QUESTION, Answer(answer_text="Two metres."))
        return error.value.message

    assert refusal(asked(practice("draft"))) == refusal(MemoryServices())


def test_the_page_of_questions_is_the_one_that_was_requested() -> None:
    services = asked(practice("submitted"))
    [practice_id] = services.practice_store.states

    page = services.questions.search(HQ, practice_id, PageQuery(limit=5, offset=0))

    assert (page.total, page.limit, page.offset) == (1, 5, 0)
    assert isinstance(page.items[0], Question)
