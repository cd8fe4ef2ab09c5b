"""The ground of every body and query that callers send, and of every answer they get."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

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

_WRITTEN_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _without_nul(value: str) -> str:
    """Refuse NUL, which PostgreSQL cannot store in a text."""
    if "\x00" in value:
        raise ValueError("must not contain NUL characters")
    return value


def _as_written(value: object) -> object:
    """Refuse what pydantic would take for a day as well: a number, as the seconds since 1970."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _WRITTEN_DAY.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise PydanticCustomError("date_parsing", "must be a date as YYYY-MM-DD")


def _as_moment(value: object) -> object:
    """Refuse what pydantic would take for a moment as well: a number, as the seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _WRITTEN_DAY.match(value)):
        return value
    raise PydanticCustomError("datetime_parsing", "must be a moment as RFC 3339 writes it")


def whole(value: object) -> object:
    """Take 2.0 for 2, as JSON does, which knows one kind of number only."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Text = Annotated[str, AfterValidator(_without_nul), Field(json_schema_extra={"pattern": r"^[^\u0000]*$"})]
"""A text from outside, as it was sent."""

Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AfterValidator(_without_nul),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*[^\u0000\s][^\u0000]*$"}),
]
"""A text from outside that must say something; white space around it is dropped."""

Day = Annotated[date, BeforeValidator(_as_written)]
"""A day from outside, written YYYY-MM-DD."""

Instant = Annotated[AwareDatetime, BeforeValidator(_as_moment)]
"""A moment from outside, with its time zone."""

Timestamp = Annotated[
    datetime,
    PlainSerializer(_rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""A moment, in answers as RFC 3339 in UTC."""

Number = Annotated[Decimal, PlainSerializer(float, when_used="json")]
"""An exact amount, in answers as a JSON number (12 digits at most, so that no digit is lost)."""

Year = Annotated[int, Field(ge=EARLIEST_YEAR, le=LATEST_YEAR)]
"""One of the years that the portal reckons with."""

Role = Literal["plant", "hq"]
"""The two roles (rules 1)."""

Currency = Literal["lakhs", "crores"]
"""The two units of rupees that the portal knows: 1 crore = 100 lakhs."""


class Sent(BaseModel):
    """A body or query as a caller sends it: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Versioned(Shown):
    """A part of an answer that tells its version, which changes with every change of what it says."""

    version: int


class PageQuery(Sent):
    """Which part of a list is wanted."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
