"""Access to practices: who may call the endpoints that are about a practice, or about a question on one."""

from typing import Final
from uuid import UUID

from bp_core.practices.workflow import require_owner, require_visible
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound
from functions.edge.access import Access, Target
from functions.unit_of_work import UnitOfWork

_SEE: Final = frozenset({NotFound})
_OWN: Final = frozenset({NotFound, Forbidden})


def _sees_practice(work: UnitOfWork, caller: Caller, practice_id: UUID) -> None:
    require_visible(caller, work.practice_scope(practice_id))


def _owns_practice(work: UnitOfWork, caller: Caller, practice_id: UUID) -> None:
    require_owner(caller, work.practice_scope(practice_id))


def _sees_question(work: UnitOfWork, caller: Caller, question_id: UUID) -> None:
    require_visible(caller, work.question_scope(question_id))


def _owns_question(work: UnitOfWork, caller: Caller, question_id: UUID) -> None:
    require_owner(caller, work.question_scope(question_id))


PRACTICE_VIEWER: Final = Access(
    "users who can see the practice", target=Target("practice_id", _sees_practice, _SEE)
)
PRACTICE_OWNER: Final = Access(
    "the practice's plant and headquarters", target=Target("practice_id", _owns_practice, _OWN)
)
QUESTION_VIEWER: Final = Access(
    "users who can see the practice of the question", target=Target("question_id", _sees_question, _SEE)
)
QUESTION_OWNER: Final = Access(
    "the plant of the question's practice and headquarters",
    target=Target("question_id", _owns_question, _OWN),
)
