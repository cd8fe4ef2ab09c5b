"""Request and response models of reviews."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bp_core.practices.schemas import Comment, PracticeListItem, Status, StoredListItem
from bp_core.shared.schemas import PageQuery, RequestModel, ResponseModel, Timestamp


class RevisionRequest(RequestModel):
    """A request to the plant to change its practice."""

    comment: Annotated[Comment, Field(examples=["Please say how it was measured."])]


class DeclineRequest(RequestModel):
    """Why a practice is declined; its plant reads it."""

    reason: Annotated[Comment, Field(examples=["The same practice is in use already."])]


class HistoryEntry(ResponseModel):
    """A change of status; `from_status` is null for a new practice."""

    from_status: Status | None
    to_status: Status
    by_user_id: UUID
    by_name: Annotated[str, Field(examples=["Asha Rao"])]
    comment: Annotated[str | None, Field(examples=["Please say how it was measured."])]
    at: Timestamp


def _parse_reviewer(value: object) -> object:
    try:
        return value if value in ("me", "none") else UUID(str(value))
    except ValueError:
        raise PydanticCustomError("reviewer_parsing", "must be me, none, or the id of a user") from None


Reviewer = Annotated[
    Literal["me", "none"] | UUID,
    BeforeValidator(_parse_reviewer),
    WithJsonSchema(
        {"type": "string", "pattern": "^(me|none|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$"}
    ),
]
"""Who has taken a practice: the caller, nobody, or a user."""


class InboxQuery(PageQuery):
    """Filters the practices that wait for a decision."""

    plant_id: UUID | None = None
    category_id: UUID | None = None
    reviewer: Reviewer | None = None
    overdue: bool | None = None


class StoredWaitingPractice(StoredListItem):
    """A practice that waits for a decision."""

    waiting_since: Timestamp
    reviewer_id: UUID | None
    reviewer_name: Annotated[str | None, Field(examples=["Meera Iyer"])]
    resubmission: bool


class WaitingPractice(PracticeListItem):
    """A practice that waits for a decision since its last submission, and who has taken it for review.

    Days are those of the business time zone; working days are Monday to Friday. A `resubmission` was decided
    about before.
    """

    waiting_since: Timestamp
    age_days: Annotated[int, Field(examples=[9])]
    working_days_waiting: Annotated[int, Field(examples=[7])]
    due_date: date
    is_overdue: bool
    reviewer_id: UUID | None
    reviewer_name: Annotated[str | None, Field(examples=["Meera Iyer"])]
    resubmission: bool


class HandOver(RequestModel):
    """Who reviews a practice from now on: an active headquarters user, or null for nobody."""

    user_id: UUID | None


@dataclass(frozen=True)
class OverdueReviews:
    """The overdue practices that concern a headquarters user: those that they, or nobody, have taken."""

    user_id: UUID
    taken: int
    free: int
    oldest: datetime
