"""Query models: the filters and sort orders of the list of practices and of its export."""

from decimal import Decimal
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from bp_core.practices.schemas import Status
from bp_core.practices.tags import TagFilter
from bp_core.shared.money import LARGEST_AMOUNT, annualised_lakhs
from bp_core.shared.schemas import (
    Day,
    LargePageQuery,
    Line,
    PageLimit,
    Text,
    one_or_several,
    split_at_commas,
)

MAX_EXPORTED = 100_000
"""The maximum number of practices in an export."""

LARGEST_ANNUAL_LAKHS = annualised_lakhs(LARGEST_AMOUNT, "crores", "monthly")
"""The largest saving that a practice can have, in lakhs a year."""

MAX_STATUSES = 10

MAX_SEARCH_WORDS = 20
"""The maximum number of words of a search, and of hyphens, which exclude words."""

SEARCH_PATTERN = (
    rf"^(?!(?:[^-]*-){{{MAX_SEARCH_WORDS + 1}}})\s*(?:[^\u0000\s]+(?:\s+|$)){{0,{MAX_SEARCH_WORDS}}}$"
)
"""The limits of a search as a regular expression, for the description of the API."""


def _few_words(search: str) -> str:
    """Reject long searches: the database nests an operator in a stack of 32 for every hyphen."""
    if len(search.split()) > MAX_SEARCH_WORDS or search.count("-") > MAX_SEARCH_WORDS:
        raise ValueError(f"must have at most {MAX_SEARCH_WORDS} words, and at most as many hyphens")
    return search


Search = Annotated[
    Text,
    Field(max_length=200, json_schema_extra={"pattern": SEARCH_PATTERN}),
    AfterValidator(_few_words),
]
"""A search for words, as in a search engine."""

SortKey = Literal["submitted_date", "title", "created_at", "savings", "relevance"]
SortOrder = Literal["asc", "desc"]


Statuses = Annotated[
    list[Status],
    BeforeValidator(split_at_commas),
    Field(min_length=1, max_length=MAX_STATUSES),
    one_or_several({"type": "string", "enum": list(get_args(Status))}, MAX_STATUSES),
]
"""One or more statuses, separated by commas."""

Area = Annotated[Line, Field(max_length=200)]
"""Whole words of an area, in their order."""

AnnualLakhs = Annotated[
    Decimal,
    Field(ge=0, le=LARGEST_ANNUAL_LAKHS, decimal_places=2, allow_inf_nan=False),
    WithJsonSchema(
        {"type": "number", "minimum": 0, "maximum": int(LARGEST_ANNUAL_LAKHS), "multipleOf": 0.01}
    ),
]
"""A saving a year, in lakhs."""


class OwnPracticeQuery(LargePageQuery):
    """Filters and sorts the practices of the caller's plant; `relevance` requires `search`.

    `status` can be several, of which a practice has one; `tag` can be several, of which it has all.
    """

    category_id: UUID | None = None
    status: Statuses | None = None
    search: Search | None = None
    area: Area | None = None
    tag: TagFilter | None = None
    min_savings_lakhs: AnnualLakhs | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    is_benchmarked: bool | None = None
    has_images: bool | None = None
    sort_by: SortKey = "submitted_date"
    sort_order: SortOrder = "desc"
    cursor: Annotated[Text, Field(max_length=4000)] | None = None

    @field_validator("search")
    @classmethod
    def _blank_to_none(cls, search: str | None) -> str | None:
        """Treat a blank search as no search."""
        return search if search and search.strip() else None


class PracticeQuery(OwnPracticeQuery):
    """Filters and sorts the practices that the caller may see.

    `not_copied_by_us` selects the benchmarked practices of other plants that the plant of the caller has not
    copied.
    """

    limit: PageLimit = 20
    plant_id: UUID | None = None
    not_copied_by_us: bool = False


class ExportQuery(PracticeQuery):
    """Filters and sorts the practices of an export, as for the list, and selects the file format."""

    limit: Annotated[int, Field(ge=1, le=MAX_EXPORTED)] = MAX_EXPORTED
    format: Literal["xlsx", "csv"] = "xlsx"
