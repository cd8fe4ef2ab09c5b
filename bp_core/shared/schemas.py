"""Base classes and field types of all request and response models."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from bp_core.shared.calendar import EARLIEST_YEAR, LATEST_YEAR

_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _without_nul(value: str) -> str:
    """Reject NUL characters, which PostgreSQL cannot store."""
    if "\x00" in value:
        raise ValueError("must not contain NUL characters")
    return value


def _parse_date(value: object) -> object:
    """Accept YYYY-MM-DD only; pydantic would also accept a number, as seconds since 1970."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise PydanticCustomError("date_parsing", "must be a date in the format YYYY-MM-DD")


def _check_timestamp(value: object) -> object:
    """Reject numbers, which pydantic would accept as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _ISO_DATE.match(value)):
        return value
    raise PydanticCustomError("datetime_parsing", "must be a date and time in RFC 3339 format")


def whole(value: object) -> object:
    """Convert 2.0 to 2: JSON has only one type of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def split_at_commas(value: object) -> object:
    """Split the text of a query parameter with several values. The host joins repeated ones by commas too."""
    return value.split(",") if isinstance(value, str) else value


def one_or_several(item: Mapping[str, object], most: int) -> WithJsonSchema:
    """Return the schema of a query parameter that is one value or a list: clients sent one before."""
    return WithJsonSchema(
        {"oneOf": [dict(item), {"type": "array", "items": dict(item), "minItems": 1, "maxItems": most}]}
    )


Text = Annotated[str, AfterValidator(_without_nul), Field(json_schema_extra={"pattern": r"^[^\u0000]*$"})]
"""A text of a request."""

Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AfterValidator(_without_nul),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*[^\u0000\s][^\u0000]*$"}),
]
"""A text of a request that must not be blank; surrounding white space is removed."""

Day = Annotated[date, BeforeValidator(_parse_date)]
"""A date of a request, as YYYY-MM-DD."""

Instant = Annotated[AwareDatetime, BeforeValidator(_check_timestamp)]
"""A date and time of a request, with a time zone."""

Timestamp = Annotated[
    datetime,
    PlainSerializer(_rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""A date and time of a response, as RFC 3339 in UTC."""

Number = Annotated[Decimal, PlainSerializer(float, when_used="json")]
"""An exact amount of a response, as a JSON number (at most 12 digits, so that a float is exact)."""

Year = Annotated[int, Field(ge=EARLIEST_YEAR, le=LATEST_YEAR)]
"""A year of a request."""

Role = Literal["plant", "hq"]
"""The two roles (rules 1)."""

Currency = Literal["lakhs", "crores"]
"""The units of rupees in the portal: 1 crore = 100 lakhs."""


NOT_SENT: Final = object()
"""The value of a field that a PATCH request left out."""


def not_sent() -> Any:
    """Return the default of a field that a PATCH request may leave out but not send as null."""
    return Field(default_factory=lambda: NOT_SENT)


class RequestModel(BaseModel):
    """The base of all request bodies and queries: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def sent(self) -> dict[str, Any]:
        """Return the fields that the request contains, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ResponseModel(BaseModel):
    """The base of all parts of a response."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True, defer_build=True)


class Versioned(ResponseModel):
    """A part of a response with a version number, which increases with every change."""

    version: Annotated[int, Field(examples=[3])]


PageLimit = Annotated[int, Field(ge=1, le=100)]
"""How many items one page of a list has at most."""


class PageQuery(RequestModel):
    """Selects one page of a list."""

    limit: PageLimit = 20
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class LargePageQuery(PageQuery):
    """Selects one page of a list that clients read as a whole: by default as many items as possible."""

    limit: PageLimit = 100


class RecentQuery(PageQuery):
    """Selects one page of a list of what is newest."""

    limit: Annotated[int, Field(ge=1, le=50)] = 10
