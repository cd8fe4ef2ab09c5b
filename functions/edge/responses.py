"""Answers: the envelope of api.md, the status of every error, and the headers that every answer carries."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Generic, TypeVar

import azure.functions as func
from pydantic import BaseModel, TypeAdapter

from bp_core.shared import errors
from bp_core.shared.paging import LongPage, Page
from functions.limits import whole_seconds

Data_co = TypeVar("Data_co", covariant=True)
Beside_co = TypeVar("Beside_co", covariant=True, bound=BaseModel)

JSON: Final = "application/json"
RETRY_AFTER_SECONDS: Final = 5

STATUS: Final[Mapping[type[errors.PortalError], int]] = {
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
    errors.Unavailable: 503,
}
"""The status of every family of errors."""

INTERNAL: Final = 500

SECURITY_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
    }
)


@dataclass(frozen=True)
class Reply(Generic[Data_co]):
    """An answer that is more than its data: a status of its own instead of the declared one, or a message."""

    data: Data_co
    status: int | None = None
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReplyBeside(Reply[Data_co], Generic[Data_co, Beside_co]):
    """An answer whose data has other fields beside it, at the top level: a model's, or its own."""

    beside: Beside_co


@dataclass(frozen=True)
class FileReply:
    """An answer that is a file, and no envelope: to be kept under `filename` (of [A-Za-z0-9._-] only), or,
    where it has none, to be shown.
    """

    data: bytes
    media_type: str
    filename: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.filename is not None and not re.fullmatch(r"[A-Za-z0-9._-]+", self.filename):
            raise ValueError(f"{self.filename!r} is no safe name for a file")


def render(
    result: object, adapter: TypeAdapter[object], *, status: int, request_id: str
) -> func.HttpResponse:
    """Put what a handler returned into the envelope; a file goes as it is."""
    if isinstance(result, FileReply):
        headers = dict(result.headers)
        if result.filename is not None:
            headers["Content-Disposition"] = f'attachment; filename="{result.filename}"'
        return _response(result.data, status, request_id, headers, media_type=result.media_type)
    if isinstance(result, Page):
        return _envelope(adapter.dump_json(result.items), status, request_id, extra=_pagination(result))
    if not isinstance(result, Reply):
        return _envelope(adapter.dump_json(result), status, request_id)
    data = adapter.dump_json(result.data)
    extra = result.beside.model_dump_json()[1:-1].encode() if isinstance(result, ReplyBeside) else b""
    if result.message is not None:
        extra += (b"," if extra else b"") + b'"message":' + json.dumps(result.message).encode()
    return _envelope(data, result.status or status, request_id, extra=extra, headers=result.headers)


def render_again(body: bytes, *, status: int, tag: str, request_id: str) -> func.HttpResponse:
    """Give a first answer once more, with the ETag that it had."""
    headers = {"Idempotency-Replayed": "true"} | ({"ETag": tag} if tag else {})
    return _response(body, status, request_id, headers)


def render_error(error: errors.PortalError, request_id: str) -> func.HttpResponse:
    """Tell a caller what was refused, and why."""
    details = [{"field": fault.field, "message": fault.message} for fault in error.details]
    headers = {}
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.RateLimited):
        headers["Retry-After"] = str(whole_seconds(error.retry_after))
    if isinstance(error, errors.Unavailable):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return _refusal(status_of(error), error.code, error.message, details, request_id, headers)


def render_failure(request_id: str) -> func.HttpResponse:
    """Own up to a failure of ours; what it was stands in the log under the request's id."""
    message = "Something went wrong on our side."
    return _refusal(INTERNAL, errors.PortalError.default_code, message, [], request_id, {})


def status_of(error: errors.PortalError) -> int:
    """Tell the status of an error: its family's."""
    return next((STATUS[family] for family in type(error).__mro__ if family in STATUS), INTERNAL)


def _refusal(
    status: int,
    code: str,
    message: str,
    details: list[dict[str, str]],
    request_id: str,
    headers: Mapping[str, str],
) -> func.HttpResponse:
    error = {"code": code, "message": message, "details": details, "request_id": request_id}
    body = json.dumps({"success": False, "error": error}).encode()
    return _response(body, status, request_id, headers)


def _envelope(
    data: bytes, status: int, request_id: str, *, extra: bytes = b"", headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    body = b'{"success":true,"data":' + data + (b"," + extra if extra else b"") + b"}"
    return _response(body, status, request_id, headers or {})


def _pagination(page: Page[object]) -> bytes:
    parts: dict[str, object] = {
        "total": page.total, "limit": page.limit, "offset": page.offset, "has_more": page.has_more
    }  # fmt: skip
    if isinstance(page, LongPage):
        parts |= {"next_cursor": page.next_cursor, "total_capped": page.total_capped}
    return b'"pagination":' + json.dumps(parts).encode()


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
