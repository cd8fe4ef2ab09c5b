"""Request and response models of practices."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema

from bp_core.practices.tags import Tags
from bp_core.shared.money import LARGEST_AMOUNT, SavingPeriod
from bp_core.shared.schemas import (
    Currency,
    Day,
    Line,
    Number,
    RequestModel,
    ResponseModel,
    Text,
    Timestamp,
    Versioned,
    not_sent,
)

Status = Literal["draft", "submitted", "approved", "revision_required", "declined"]
"""The status of a practice (rules 2)."""

ImageType = Literal["before", "after"]
"""What an image shows: the problem, or the countermeasure."""

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
"""The length of a description in a list, in characters."""

BLOB_NAME = Field(examples=["practices/0198a9c2-5d1e-7c40-9f3a-6b1f0c2d4e5f/before_1755239400000.jpg"])
BLOB_URL = Field(examples=["https://portal.blob.core.windows.net/best-practices/joint.jpg?sig=..."])


@dataclass(frozen=True)
class PracticeContent:
    """The content of a practice, which its owner writes. Its fields are columns of `best_practices`."""

    title: str
    description: str | None
    category_id: UUID | None
    problem_statement: str | None
    solution: str | None
    benefits: tuple[str, ...]
    metrics: str | None
    implementation: str | None
    investment: str | None
    savings_amount: Decimal | None
    savings_currency: Currency | None
    savings_period: SavingPeriod | None
    area_implemented: str | None
    tags: tuple[str, ...]


class ContentRequest(RequestModel):
    """The optional content of a practice; a submission requires some of it (rules 2).

    A currency and a period without an amount are no saving; a list that is null is empty.
    """

    description: Annotated[LongText | None, Field(examples=["Joints leaked after brazing."])] = None
    category_id: UUID | None = None
    problem_statement: Annotated[LongText | None, Field(examples=["One joint in forty leaked."])] = None
    solution: Annotated[LongText | None, Field(examples=["Nitrogen is fed while the joint cools."])] = None
    benefits: Benefits | None = Field(default_factory=list, examples=[["One joint in four hundred leaks"]])
    metrics: Annotated[LongText | None, Field(examples=["Leaks per thousand joints"])] = None
    implementation: Annotated[LongText | None, Field(examples=["Two lines, in a week."])] = None
    investment: Annotated[LongText | None, Field(examples=["0.4 lakhs"])] = None
    savings_amount: Annotated[Amount | None, Field(examples=[12.5])] = None
    savings_currency: Currency | None = None
    savings_period: SavingPeriod | None = None
    area_implemented: Annotated[ShortText | None, Field(examples=["Brazing, line 2"])] = None
    tags: Tags | None = Field(default_factory=list, examples=[["brazing", "nitrogen"]])


class NewPractice(ContentRequest):
    """A new practice; a draft requires a title only (rules 2)."""

    title: Annotated[Title, Field(examples=["Less scrap in brazing"])]
    plant_id: UUID | None = None
    status: Literal["draft", "submitted"] = "draft"
    submitted_date: Day | None = None


class PracticeChanges(ContentRequest):
    """Changes of a practice; a field that is not sent is not changed, a field that is null is cleared.

    `status` requests a transition by the same rules as the endpoints for it; `comment` belongs to the
    transition. `plant_id` moves the practice to another plant.
    """

    title: Annotated[Title, Field(examples=["Less scrap in brazing"])] = not_sent()
    plant_id: UUID = not_sent()
    submitted_date: Day | None = None
    status: Status | None = None
    comment: Annotated[Comment | None, Field(examples=["Please say how it was measured."])] = None


class Submission(RequestModel):
    """A submission; `submitted_date` is today by default (rules 2)."""

    submitted_date: Day | None = None


class StoredImage(ResponseModel):
    """A stored image: its blob, and the properties of the file."""

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


class StoredDocument(ResponseModel):
    """A stored document."""

    id: UUID
    practice_id: UUID
    document_name: str
    blob_container: str
    blob_name: str
    file_size: int
    content_type: str
    uploaded_at: Timestamp


class Image(ResponseModel):
    """An image with URLs that are valid for 24 hours; `thumbnail_url` is null until the thumbnail exists."""

    id: UUID
    practice_id: UUID
    image_type: ImageType
    blob_container: Annotated[str, Field(examples=["best-practices"])]
    blob_name: Annotated[str, BLOB_NAME]
    blob_url: Annotated[str, BLOB_URL]
    thumbnail_url: Annotated[str | None, BLOB_URL]
    file_size: Annotated[int, Field(examples=[204800])]
    content_type: Annotated[str, Field(examples=["image/jpeg"])]
    width: int
    height: int
    uploaded_at: Timestamp


class Document(ResponseModel):
    """A document with a URL that is valid for 24 hours."""

    id: UUID
    practice_id: UUID
    document_name: Annotated[str, Field(examples=["Work instruction 7"])]
    blob_container: Annotated[str, Field(examples=["best-practices"])]
    blob_name: Annotated[str, BLOB_NAME]
    blob_url: Annotated[str, BLOB_URL]
    file_size: Annotated[int, Field(examples=[204800])]
    content_type: Annotated[str, Field(examples=["image/jpeg"])]
    uploaded_at: Timestamp


class CopiedFrom(ResponseModel):
    """The original of a copy: `practice_id` and `title` are null while it is deleted or not public."""

    practice_id: UUID | None
    title: Annotated[str | None, Field(examples=["Less scrap in brazing"])]
    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]


class PracticeText(Versioned):
    """A practice without its files.

    `reviewer_name` is the headquarters user who has taken it for review, `declined_reason` why it was
    declined; each is null where it does not apply.
    """

    id: UUID
    title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    description: Annotated[str | None, Field(examples=["Joints leaked after brazing."])]
    category_id: UUID | None
    category_name: Annotated[str | None, Field(examples=["Quality"])]
    submitted_by_user_id: UUID
    submitted_by_name: Annotated[str, Field(examples=["Asha Rao"])]
    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    problem_statement: Annotated[str | None, Field(examples=["One joint in forty leaked."])]
    solution: Annotated[str | None, Field(examples=["Nitrogen is fed while the joint cools."])]
    benefits: Annotated[list[str], Field(examples=[["One joint in four hundred leaks"]])]
    metrics: Annotated[str | None, Field(examples=["Leaks per thousand joints"])]
    implementation: Annotated[str | None, Field(examples=["Two lines, in a week."])]
    investment: Annotated[str | None, Field(examples=["0.4 lakhs"])]
    savings_amount: Annotated[Number | None, Field(examples=[12.5])]
    savings_currency: Currency | None
    savings_period: SavingPeriod | None
    area_implemented: Annotated[str | None, Field(examples=["Brazing, line 2"])]
    tags: Annotated[list[str], Field(examples=[["brazing", "nitrogen"]])]
    copied_from: CopiedFrom | None
    status: Status
    submitted_date: date | None
    is_deleted: bool
    is_benchmarked: bool
    benchmarked_date: date | None
    question_count: int
    copy_count: int
    reviewer_name: Annotated[str | None, Field(examples=["Meera Iyer"])] = None
    declined_reason: Annotated[str | None, Field(examples=["The same practice is in use already."])] = None
    created_at: Timestamp
    updated_at: Timestamp


class StoredPractice(PracticeText):
    """A practice with its stored files."""

    stored_images: list[StoredImage]
    stored_documents: list[StoredDocument]


class Practice(PracticeText):
    """A practice with its files, newest first.

    `before_image_url` and `after_image_url` are the URLs of the newest image of each type.
    """

    images: list[Image]
    documents: list[Document]
    before_image_url: Annotated[str | None, BLOB_URL]
    after_image_url: Annotated[str | None, BLOB_URL]


class Statistics(ResponseModel):
    """The number of views, copies, questions and answered questions of a practice."""

    view_count: int
    copy_count: int
    question_count: int
    answered_count: int


class Likeness(RequestModel):
    """The text of a planned practice, to find similar practices."""

    title: Annotated[Title, Field(examples=["Less scrap in brazing"])]
    problem_statement: Annotated[LongText | None, Field(examples=["One joint in forty leaked."])] = None


class ListedText(ResponseModel):
    """A practice in a list, without its thumbnail."""

    id: UUID
    title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    description: Annotated[str | None, Field(examples=["Joints leaked after brazing."])]
    category_id: UUID | None
    category_name: Annotated[str | None, Field(examples=["Quality"])]
    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    submitted_by_name: Annotated[str, Field(examples=["Asha Rao"])]
    submitted_date: date | None
    status: Status
    savings_amount: Annotated[Number | None, Field(examples=[12.5])]
    savings_currency: Currency | None
    savings_period: SavingPeriod | None
    area_implemented: Annotated[str | None, Field(examples=["Brazing, line 2"])]
    is_benchmarked: bool
    question_count: int
    has_images: bool
    tags: Annotated[list[str], Field(examples=[["brazing", "nitrogen"]])]
    copied_from: CopiedFrom | None
    created_at: Timestamp
    highlight: Annotated[str | None, Field(examples=["Nitrogen in <mark>brazing</mark>"])] = None


class StoredListItem(ListedText):
    """A practice in a list, with the blob name of its thumbnail."""

    thumbnail_name: str | None


class PracticeListItem(ListedText):
    """A practice in a list, with a URL of its thumbnail that is valid for 24 hours.

    `highlight` is HTML: an excerpt of the text with the found words in `<mark>`.
    """

    thumbnail_url: Annotated[str | None, BLOB_URL]


class ExportLink(ResponseModel):
    """A large export: a URL that downloads the file until `expires_at`; the size is in bytes."""

    download_url: Annotated[
        str, Field(examples=["https://portal.blob.core.windows.net/exports/a.xlsx?sig=..."])
    ]
    file_name: Annotated[str, Field(examples=["best-practices-2026-08-15.xlsx"])]
    content_type: Annotated[str, Field(examples=["text/csv"])]
    size: Annotated[int, Field(examples=[52428800])]
    rows: Annotated[int, Field(examples=[100000])]
    expires_at: Timestamp


class SheetError(ResponseModel):
    """An error in a cell; `cell` is null if the sheet does not have the column."""

    row: int
    column: str
    cell: str | None
    message: Annotated[str, Field(examples=["It is kept."])]


class ImportReport(ResponseModel):
    """The result of an import: how many rows, created practices and errors there are; the first errors."""

    dry_run: bool
    rows: int
    created: int
    errors: list[SheetError]
    error_count: int
