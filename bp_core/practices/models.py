"""What callers send and see of a practice."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema, field_validator

from bp_core.shared.model import (
    Currency,
    Day,
    Line,
    Number,
    PageQuery,
    Sent,
    Shown,
    Text,
    Timestamp,
    Versioned,
)
from bp_core.shared.money import LARGEST_AMOUNT, Period

Status = Literal["draft", "submitted", "approved", "revision_required"]
"""The states of a practice (rules 2)."""

ImageType = Literal["before", "after"]
"""What a photograph shows: the problem or the countermeasure."""

Title = Annotated[Line, Field(max_length=500)]
LongText = Annotated[Text, Field(max_length=20_000)]
ShortText = Annotated[Text, Field(max_length=500)]
Comment = Annotated[Line, Field(max_length=2000)]
Benefits = Annotated[list[Annotated[Line, Field(max_length=1000)]], Field(max_length=50)]
Amount = Annotated[
    Decimal,
    Field(ge=0, le=LARGEST_AMOUNT, decimal_places=2, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": float(LARGEST_AMOUNT), "multipleOf": 0.01},
                {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,2})?$"},
            ]
        }
    ),
]

EXCERPT_LENGTH = 300
"""How much of a description a list shows, in characters."""


class SentContent(Sent):
    """What a practice says, but for its title: a draft needs none of it (rules 2)."""

    description: LongText | None = None
    category_id: UUID | None = None
    problem_statement: LongText | None = None
    solution: LongText | None = None
    benefits: Benefits = Field(default_factory=list)
    metrics: LongText | None = None
    implementation: LongText | None = None
    investment: LongText | None = None
    savings_amount: Amount | None = None
    savings_currency: Currency | None = None
    savings_period: Period | None = None
    area_implemented: ShortText | None = None


class NewPractice(SentContent):
    """A practice as it is written: a draft needs a title only (rules 2)."""

    title: Title
    plant_id: UUID | None = None
    status: Literal["draft", "submitted"] = "draft"
    submitted_date: Day | None = None


class PracticeChanges(SentContent):
    """What is to be changed of a practice: what is not sent stays, what is sent as null is emptied.

    `status` is a transition under the same rules as the calls of that name, `comment` what goes with it.
    `plant_id` gives the practice to another plant.
    """

    title: Title = ""
    plant_id: UUID = UUID(int=0)
    submitted_date: Day | None = None
    status: Status | None = None
    comment: Comment | None = None


class Submission(Sent):
    """What may go with a submission: the day it is dated, today if none is given (rules 2)."""

    submitted_date: Day | None = None


SortKey = Literal["submitted_date", "title", "created_at", "savings", "relevance"]
SortOrder = Literal["asc", "desc"]


class OwnPracticeQuery(PageQuery):
    """Which practices of one plant are wanted, and in what order; `relevance` ranks by `search`."""

    category_id: UUID | None = None
    status: Status | None = None
    search: Annotated[Text, Field(max_length=200)] | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    is_benchmarked: bool | None = None
    sort_by: SortKey = "submitted_date"
    sort_order: SortOrder = "desc"
    cursor: Annotated[Text, Field(max_length=4000)] | None = None

    @field_validator("search")
    @classmethod
    def _looks_for_words(cls, search: str | None) -> str | None:
        """Take white space alone for nothing to look for."""
        return search if search and search.strip() else None


class PracticeQuery(OwnPracticeQuery):
    """Which practices are wanted, of one plant or all, and in what order."""

    plant_id: UUID | None = None


class StoredImage(Shown):
    """A recorded photograph as it is kept: where its bytes lie, and what they are."""

    id: UUID
    practice_id: UUID
    image_type: ImageType
    blob_container: str
    blob_name: str
    thumbnail_name: str | None
    file_size: int
    content_type: str
    width: int
    height: int
    uploaded_at: Timestamp


class StoredDocument(Shown):
    """A recorded document as it is kept."""

    id: UUID
    practice_id: UUID
    document_name: str
    blob_container: str
    blob_name: str
    file_size: int
    content_type: str
    uploaded_at: Timestamp


class Image(Shown):
    """A photograph with URLs that read it for 24 hours; the thumbnail's is null until it is made."""

    id: UUID
    practice_id: UUID
    image_type: ImageType
    blob_container: str
    blob_name: str
    blob_url: str
    thumbnail_url: str | None
    file_size: int
    content_type: str
    width: int
    height: int
    uploaded_at: Timestamp


class Document(Shown):
    """A document with a URL that reads it for 24 hours."""

    id: UUID
    practice_id: UUID
    document_name: str
    blob_container: str
    blob_name: str
    blob_url: str
    file_size: int
    content_type: str
    uploaded_at: Timestamp


class PracticeText(Versioned):
    """Everything of a practice but its files: who wrote it where, what it says, where it stands."""

    id: UUID
    title: str
    description: str | None
    category_id: UUID | None
    category_name: str | None
    submitted_by_user_id: UUID
    submitted_by_name: str
    plant_id: UUID
    plant_name: str
    problem_statement: str | None
    solution: str | None
    benefits: list[str]
    metrics: str | None
    implementation: str | None
    investment: str | None
    savings_amount: Number | None
    savings_currency: Currency | None
    savings_period: Period | None
    area_implemented: str | None
    status: Status
    submitted_date: date | None
    is_deleted: bool
    is_benchmarked: bool
    benchmarked_date: date | None
    question_count: int
    copy_count: int
    created_at: Timestamp
    updated_at: Timestamp


class StoredPractice(PracticeText):
    """A practice with its files as they are kept."""

    stored_images: list[StoredImage]
    stored_documents: list[StoredDocument]


class Practice(PracticeText):
    """A practice with its files as callers see them: the newest photograph of each kind first."""

    images: list[Image]
    documents: list[Document]
    before_image_url: str | None
    after_image_url: str | None


class Statistics(Shown):
    """How often a practice was read, copied, and asked about."""

    view_count: int
    copy_count: int
    question_count: int
    answered_count: int


class Likeness(Sent):
    """What somebody is about to write, to see whether someone has done it already."""

    title: Title
    problem_statement: LongText | None = None


class ListedText(Shown):
    """What a list tells of a practice, but for its picture."""

    id: UUID
    title: str
    description: str | None
    category_id: UUID | None
    category_name: str | None
    plant_id: UUID
    plant_name: str
    submitted_by_name: str
    submitted_date: date | None
    status: Status
    savings_amount: Number | None
    savings_currency: Currency | None
    savings_period: Period | None
    is_benchmarked: bool
    question_count: int
    has_images: bool
    created_at: Timestamp
    highlight: str | None = None


class StoredListItem(ListedText):
    """A practice in a list, with the name of its thumbnail."""

    thumbnail_name: str | None


class PracticeListItem(ListedText):
    """A practice in a list, with a URL that reads its thumbnail for 24 hours.

    `highlight` is HTML: a part of what was found, with the words that were searched for in `<mark>`.
    """

    thumbnail_url: str | None
