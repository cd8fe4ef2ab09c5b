"""Responses: the envelope of docs/api.md, the status of every error, the headers of every response."""

import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import azure.functions as func
from pydantic import BaseModel, ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from bp_core.shared import errors
from bp_core.shared.errors import PortalError
from bp_core.shared.paging import LongPage, Page
from bp_core.shared.schemas import Versioned
from functions.edge.etags import etag
from functions.edge.rate_limits import whole_seconds

Data = TypeVar("Data")
Data_co = TypeVar("Data_co", covariant=True)
Beside_co = TypeVar("Beside_co", covariant=True, bound=BaseModel)
Model = TypeVar("Model", bound=Versioned)

JSON: Final = "application/json"
RETRY_AFTER_SECONDS: Final = 5

MAX_DETAILS: Final = 20
MAX_FIELD_LENGTH: Final = 100
"""How many wrong fields an error names, and how much of each name: the client may have made it up."""

STATUS: Final[Mapping[type[PortalError], int]] = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.Invalid: 422,
    errors.RateLimited: 429,
    errors.InternalError: 500,
    errors.Unavailable: 503,
}
"""The status of every family of errors."""

SECURITY_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
    }
)


class Envelope(TypedDict, Generic[Data]):
    """The body of a success. It may have more fields: pagination, a message, the fields beside the data."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # read by pydantic, no field

    success: bool
    data: Data


@dataclass(frozen=True)
class Reply(Generic[Data_co]):
    """A response that is more than its data: with a status other than the declared one, or with a message."""

    data: Data_co
    status: int | None = None
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReplyBeside(Reply[Data_co], Generic[Data_co, Beside_co]):
    """A response with the fields of another model beside its data, at the top level of the envelope."""

    beside: Beside_co


@dataclass(frozen=True)
class FileReply:
    """A response that is a file without an envelope.

    The browser saves it under `filename` (of [A-Za-z0-9._-] only), or shows it if it has none.
    """

    data: bytes
    media_type: str
    filename: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.filename is not None and not re.fullmatch(r"[A-Za-z0-9._-]+", self.filename):
            raise ValueError(f"{self.filename!r} is not a safe name for a file")


def versioned(model: Model, *, status: int | None = None) -> Reply[Model]:
    """Reply with a model and its version as ETag."""
    return Reply(model, status=status, headers={"ETag": etag(model.version)})


def envelope_of(data_type: object) -> TypeAdapter[Any]:
    """Return what serializes envelopes around data of a type."""
    envelope: Any = types.GenericAlias(Envelope, (data_type,))
    return TypeAdapter(envelope)


def render(result: object, envelope: TypeAdapter[Any], *, status: int, request_id: str) -> func.HttpResponse:
    """Render what a handler returned: a file as it is, anything else in the envelope."""
    if isinstance(result, FileReply):
        return _render_file(result, status, request_id)
    reply = result if isinstance(result, Reply) else Reply(result)
    content: dict[str, object] = {"success": True, "data": reply.data}
    if isinstance(reply.data, Page):
        content |= {"data": reply.data.items, "pagination": _pagination(reply.data)}
    if isinstance(reply, ReplyBeside):
        content |= reply.beside.model_dump(mode="json")
    if reply.message is not None:
        content["message"] = reply.message
    return _response(envelope.dump_json(content), reply.status or status, request_id, reply.headers)


def render_stored(body: bytes, *, status: int, tag: str, request_id: str) -> func.HttpResponse:
    """Render a stored answer again, with the ETag that it had; header and body say that it is not new."""
    headers = {"Idempotency-Replayed": "true"} | ({"ETag": tag} if tag else {})
    return _response(body.removesuffix(b"}") + b',"replayed":true}', status, request_id, headers)


def render_error(error: PortalError, request_id: str) -> func.HttpResponse:
    """Render an error: its code, its message, and the fields that are wrong."""
    listed, others = error.details[:MAX_DETAILS], len(error.details) - MAX_DETAILS
    more = f" Wrong fields that are not listed: {others}." if others > 0 else ""
    content: dict[str, object] = {
        "code": error.code,
        "message": error.message + more,
        "details": [{"field": _shortened(wrong.field), "message": wrong.message} for wrong in listed],
        "request_id": request_id,
    }
    wait = _seconds_to_wait(error)
    if wait is not None:  # also in the body: pages of other origins cannot read headers in Azure
        content["retry_after"] = wait
    body = json.dumps({"success": False, "error": content}).encode()
    return _response(body, status_of(type(error)), request_id, _error_headers(error, wait))


def render_failure(request_id: str) -> func.HttpResponse:
    """Render an unexpected failure; its cause is only in the log, under the id of the request."""
    return render_error(errors.InternalError("Something went wrong on our side."), request_id)


def status_of(error: type[PortalError]) -> int:
    """Return the status of an error class: that of its family."""
    families = (STATUS[family] for family in error.__mro__ if family in STATUS)
    return next(families, STATUS[errors.InternalError])


def _seconds_to_wait(error: PortalError) -> int | None:
    match error:
        case errors.RateLimited():
            return whole_seconds(error.retry_after)
        case errors.Unavailable():
            return RETRY_AFTER_SECONDS
    return None


def _error_headers(error: PortalError, wait: int | None) -> Mapping[str, str]:
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {} if wait is None else {"Retry-After": str(wait)}


def _shortened(field_name: str) -> str:
    return field_name if len(field_name) <= MAX_FIELD_LENGTH else field_name[:MAX_FIELD_LENGTH] + "..."


def _pagination(page: Page[object]) -> dict[str, object]:
    pagination: dict[str, object] = {
        "total": page.total,
        "limit": page.limit,
        "offset": page.offset,
        "has_more": page.has_more,
    }
    if isinstance(page, LongPage):
        pagination |= {"next_cursor": page.next_cursor, "total_capped": page.total_capped}
    return pagination


def _render_file(file: FileReply, status: int, request_id: str) -> func.HttpResponse:
    headers = dict(file.headers)
    if file.filename is not None:
        headers["Content-Disposition"] = f'attachment; filename="{file.filename}"'
    return _response(file.data, status, request_id, headers, media_type=file.media_type)


def _response(
    body: bytes, status: int, request_id: str, headers: Mapping[str, str], *, media_type: str = JSON
) -> func.HttpResponse:
    return func.HttpResponse(
        body,
        status_code=status,
        mimetype=media_type,
        charset="utf-8",
        headers={**SECURITY_HEADERS, "X-Request-ID": request_id, **headers},
    )
