"""Parsing of requests: path, query, JSON body and multipart form, each validated by its declared model."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

import azure.functions as func
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from bp_core.shared.errors import BadRequest, FieldError, Invalid, NotFound, TooLarge, UnsupportedMedia
from bp_core.shared.schemas import RequestModel
from functions.edge.json_text import require_simple

Model = TypeVar("Model", bound=BaseModel)

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"

UNPARSABLE: Final = "_parsing"
"""The end of pydantic's error types for a text that is no number, date or id at all."""

MAX_URL_LENGTH: Final = 8 * 1024
MAX_HEADERS_LENGTH: Final = 32 * 1024
"""How long the URL and all headers together may be, in characters: as much as the host of Azure takes."""

MAX_QUERY_PARAMETERS: Final = 50
MAX_FORM_PARTS: Final = 10
MAX_FORM_MEMORY: Final = 256 * 1024
"""How many parts a form may have, and how much of it is kept at once besides its file, in bytes: a field, the
headers of a part, or one chunk of the file (64 kB)."""


class NoBody(RequestModel):
    """The body of a request that has none."""


class NoQuery(RequestModel):
    """The query of a call that takes no parameters."""


@dataclass(frozen=True)
class SentFile:
    """A file from a form."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Form(Generic[Model]):
    """A multipart form: its fields, as texts and as their model, and its one file."""

    texts: Mapping[str, str]
    fields: Model
    file: SentFile


def require_short_head(request: func.HttpRequest) -> None:
    """Check the length of the URL and of the headers. Raises BadRequest."""
    if len(request.url) > MAX_URL_LENGTH:
        raise BadRequest(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if sum(len(name) + len(value) for name, value in request.headers.items()) > MAX_HEADERS_LENGTH:
        raise BadRequest(f"The headers are longer than {MAX_HEADERS_LENGTH} characters.")


def require_size(request: func.HttpRequest, max_bytes: int) -> None:
    """Check the size of the body before it is parsed. Raises TooLarge."""
    if len(request.get_body()) > max_bytes:
        raise TooLarge(f"The body is larger than {max_bytes} bytes.")


def path_id(request: func.HttpRequest, name: str) -> UUID:
    """Parse an id in the path. Raises NotFound if it is malformed."""
    try:
        return UUID(request.route_params[name])
    except (KeyError, ValueError) as error:
        raise NotFound("There is no such thing.") from error


def query(request: func.HttpRequest, model: type[Model]) -> Model:
    """Parse the query: a repeated parameter has its values joined by commas, an empty value is not sent.

    The host passes them like this. Raises BadRequest for a value that cannot be parsed, Invalid for a wrong
    value or a parameter that the model does not have.
    """
    if len(request.params) > MAX_QUERY_PARAMETERS:
        raise Invalid.of("query", f"has more than {MAX_QUERY_PARAMETERS} parameters")
    try:
        return model.model_validate({name: value for name, value in request.params.items() if value})
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        details = _details(errors, depth=1)
        if any(one["type"].endswith(UNPARSABLE) for one in errors):
            raise BadRequest("The query cannot be read.", details=details) from None
        raise Invalid("The query is not valid.", details=details) from None


def json_body(request: func.HttpRequest, model: type[Model]) -> Model:
    """Parse a JSON body; an empty body counts as {}.

    Raises UnsupportedMedia, BadRequest for a body that is not JSON, Invalid for one that breaks a rule.
    """
    _require_media_type(request, JSON)
    require_simple(request.get_body())
    try:
        return model.model_validate_json(request.get_body() or b"{}", strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise BadRequest("The body is not JSON.") from None
        raise Invalid("The body is not valid.", details=_details(errors)) from None


def form(request: func.HttpRequest, model: type[Model]) -> Form[Model]:
    """Parse a multipart form with one file in its field `file`, and validate the other fields.

    Raises UnsupportedMedia, BadRequest for a body that is not a form, Invalid.
    """
    _require_media_type(request, FORM, required=True)
    texts, files = _parts(request)
    if list(files.keys()) != ["file"] or len(files.getlist("file")) != 1:
        raise Invalid.of("file", "the form needs exactly one file, in the field named file")
    sent = files["file"]
    file = SentFile(sent.filename or "", (sent.mimetype or "").lower(), sent.read())
    try:
        return Form(texts.to_dict(), model.model_validate(texts.to_dict()), file)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise Invalid("The form is not valid.", details=_details(errors)) from None


def _parts(request: func.HttpRequest) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    """Parse a form in memory, where its body is already: `request.files` would leave temporary files open."""
    body = request.get_body()
    media_type, options = parse_options_header(request.headers["content-type"])
    parser = FormDataParser(
        lambda *_, **__: io.BytesIO(),
        max_form_memory_size=MAX_FORM_MEMORY,
        max_form_parts=MAX_FORM_PARTS,
        silent=False,
    )
    try:
        _, texts, files = parser.parse(io.BytesIO(body), media_type, len(body), options)
    except RequestEntityTooLarge as error:
        raise Invalid.of("form", f"has more than {MAX_FORM_PARTS} parts, or too long ones") from error
    except ValueError as error:
        raise BadRequest("The body is not a multipart form.") from error
    return texts, files


def _require_media_type(request: func.HttpRequest, wanted: str, *, required: bool = False) -> None:
    """Check the content type; it may be missing, or wrong without a body, unless it is `required`."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != wanted and (declared or required) and (request.get_body() or required):
        raise UnsupportedMedia(f"The body must be {wanted}.")


def _details(errors: Sequence[ErrorDetails], depth: int | None = None) -> tuple[FieldError, ...]:
    """Return the wrong fields: "tags.1" is a part of a list; with a depth of 1 only the list is named."""
    return tuple(
        FieldError(
            ".".join(str(part) for part in error["loc"][:depth]) or "body",
            error["msg"].removeprefix("Value error, "),
        )
        for error in errors
    )
