"""Reading requests: path, query, JSON bodies and multipart forms, each against its declared model."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

import azure.functions as func
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from bp_core.shared.errors import BadRequest, FieldError, Invalid, NotFound, TooLarge, UnsupportedMedia
from bp_core.shared.model import Sent

Model = TypeVar("Model", bound=BaseModel)

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"

UNREADABLE_QUERY: Final = "_parsing"
"""How pydantic's error types end where a text cannot be read as a number, a date or an id at all."""


class NoBody(Sent):
    """The body of a call that takes none."""


@dataclass(frozen=True)
class SentFile:
    """A file as it came in a form."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Form(Generic[Model]):
    """A multipart form: its fields, as they were written and read, and its one file."""

    texts: Mapping[str, str]
    fields: Model
    file: SentFile


def require_size(request: func.HttpRequest, at_most: int) -> None:
    """Refuse a body that is too large before anything reads it.

    Raises TooLarge.
    """
    if len(request.get_body()) > at_most:
        raise TooLarge(f"The body is larger than {at_most} bytes.")


def path_id(request: func.HttpRequest, name: str) -> UUID:
    """Read an id from the path. Raises NotFound for one that is malformed."""
    try:
        return UUID(request.route_params[name])
    except (KeyError, ValueError) as error:
        raise NotFound("There is no such thing.") from error


def query(request: func.HttpRequest, model: type[Model]) -> Model:
    """Read the query. Raises BadRequest for a value that cannot be read at all, Invalid for a wrong one."""
    try:
        return model.model_validate(dict(request.params))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        details = _details(faults)
        if any(fault["type"].endswith(UNREADABLE_QUERY) for fault in faults):
            raise BadRequest("The query cannot be read.", details=details) from None
        raise Invalid("The query is not valid.", details=details) from None


def json_body(request: func.HttpRequest, model: type[Model]) -> Model:
    """Read a JSON body; an empty one counts as {}.

    Raises UnsupportedMedia, BadRequest for a body that is no JSON, Invalid for one that breaks the model.
    """
    _require_media_type(request, JSON)
    try:
        return model.model_validate_json(request.get_body() or b"{}", strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        if faults[0]["type"] == "json_invalid":
            raise BadRequest("The body is not JSON.") from None
        raise Invalid("The body is not valid.", details=_details(faults)) from None


def form(request: func.HttpRequest, model: type[Model]) -> Form[Model]:
    """Read a multipart form with one file in its field `file`, and hold its other fields against their model.

    Raises UnsupportedMedia, BadRequest for a body that is no such form, Invalid.
    """
    _require_media_type(request, FORM, required=True)
    texts, files = _parts(request)
    if list(files.keys()) != ["file"] or len(files.getlist("file")) != 1:
        raise Invalid.of("file", "exactly one file is wanted, in the field named file")
    sent = files["file"]
    file = SentFile(sent.filename or "", (sent.mimetype or "").lower(), sent.read())
    try:
        return Form(texts.to_dict(), model.model_validate(texts.to_dict()), file)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise Invalid("The form is not valid.", details=_details(faults)) from None


def _parts(request: func.HttpRequest) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    """Take a form apart in memory, where its body is already: `request.files` leaves temporary files open."""
    body = request.get_body()
    media_type, options = parse_options_header(request.headers["content-type"])
    parser = FormDataParser(lambda *_, **__: io.BytesIO(), max_form_memory_size=None, silent=False)
    try:
        _, texts, files = parser.parse(io.BytesIO(body), media_type, len(body), options)
    except ValueError as error:
        raise BadRequest("The body is no multipart form.") from error
    return texts, files


def _require_media_type(request: func.HttpRequest, wanted: str, *, required: bool = False) -> None:
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != wanted and (declared or required) and (request.get_body() or required):
        raise UnsupportedMedia(f"The body must be {wanted}.")


def _details(faults: Sequence[ErrorDetails]) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(
            ".".join(str(part) for part in fault["loc"]) or "body",
            fault["msg"].removeprefix("Value error, "),
        )
        for fault in faults
    )
