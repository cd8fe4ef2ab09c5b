"""Responses: successes in their envelope, files, and the errors of every status."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from bp_core.shared.errors import Invalid, PortalError
from bp_core.shared.paging import LongPage
from bp_core.shared.schemas import Versioned
from functions.edge.declaration import Endpoint
from functions.edge.endpoint import ENDPOINTS
from functions.edge.openapi.components import RATE_LIMIT_HEADERS, SCHEMAS, Part
from functions.edge.openapi.examples import without_examples
from functions.edge.openapi.schemas import Schemas
from functions.edge.responses import JSON, status_of

Errors = tuple[type[PortalError], ...]

WAITING: Final = (429, 503)
"""The statuses of errors that say how long to wait."""


def responses(endpoint: Endpoint, schemas: Schemas) -> Iterator[tuple[str, Part]]:
    """Return the responses of an endpoint by their statuses."""
    for status in sorted(endpoint.statuses):
        response: Part = {
            "description": HTTPStatus(status).phrase,
            "headers": _headers("X-Request-ID", *_own_headers(endpoint)),
            "content": _content(endpoint, schemas),
        }
        links = _links(endpoint)
        if links:
            response["links"] = links
        yield str(status), response
    for status, errors in errors_by_status(endpoint).items():
        yield str(status), {"$ref": f"#/components/responses/{error_component_name(errors)}"}


def errors_by_status(endpoint: Endpoint) -> dict[int, Errors]:
    """Return the errors of an endpoint by their statuses, in the order of the catalogue."""
    by_status: dict[int, Errors] = {}
    for error in PortalError.catalogue:
        if error in endpoint.errors:
            status = status_of(error)
            by_status[status] = (*by_status.get(status, ()), error)
    return by_status


def error_component_name(errors: Errors) -> str:
    """Return the name of the component for these errors of one status."""
    return "-".join(error.code for error in errors)


def error_component(errors: Errors) -> Part:
    """Return the component for these errors of one status."""
    status = status_of(errors[0])
    own = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(status, ())
    narrow: Part = {"properties": {"code": {"enum": [error.code for error in errors]}}}
    if status in WAITING:
        narrow["required"] = ["retry_after"]
    narrowed = {"type": "object", "properties": {"error": narrow}}
    content = {
        "schema": {"allOf": [{"$ref": SCHEMAS + "Refusal"}, narrowed]},
        "examples": {error.code: {"value": _error_example(error)} for error in errors},
    }
    return {
        "description": "\n".join(f"- `{error.code}`: {error.description}" for error in errors),
        "headers": _headers("X-Request-ID", *RATE_LIMIT_HEADERS, *own),
        "content": {JSON: content},
    }


def _error_example(error: type[PortalError]) -> Part:
    details = [{"field": "title", "message": "Field required"}] if error is Invalid else []
    content: Part = {
        "code": error.code,
        "message": error.description,
        "details": details,
        "request_id": "b1946ac92492d2347c62",
    }
    if status_of(error) in WAITING:
        content["retry_after"] = 5
    return {"success": False, "error": content}


def _own_headers(endpoint: Endpoint) -> Iterator[str]:
    data = endpoint.output.data
    if endpoint.limit != "none":
        yield from RATE_LIMIT_HEADERS
    if isinstance(data, type) and issubclass(data, Versioned):
        yield "ETag"
    if endpoint.creates:
        yield "Idempotency-Replayed"
    if endpoint.output.is_file:
        yield "Content-Disposition"


def _headers(*names: str) -> Part:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(endpoint: Endpoint, schemas: Schemas) -> Part:
    files: Part = {media: {"schema": _file_schema(media)} for media in endpoint.media}
    if not endpoint.output.has_data:
        return files
    schema = _envelope(endpoint, schemas)
    return {**files, JSON: {"schema": without_examples(schema), "example": schemas.example(schema)}}


def _file_schema(media: str) -> Part:
    if media == JSON:
        return {"type": "object"}
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}


def _envelope(endpoint: Endpoint, schemas: Schemas) -> Part:
    fields: Part = {"success": {"const": True}, "data": schemas.result(endpoint)}
    page = endpoint.output.page
    if page is not None:
        name = "LongPagination" if issubclass(page, LongPage) else "Pagination"
        fields["pagination"] = {"$ref": SCHEMAS + name}
    envelope: Part = {"type": "object", "required": list(fields), "properties": fields}
    if endpoint.output.reply is not None:
        fields["message"] = {"type": "string", "description": "For people.", "examples": ["It is kept."]}
    if endpoint.creates:
        fields["replayed"] = {
            "const": True,
            "description": "This is the stored answer to the first call with the Idempotency-Key.",
        }
    beside = schemas.beside(endpoint)
    return {"allOf": [envelope, beside]} if beside else envelope


def _links(endpoint: Endpoint) -> Part:
    """Return the calls that can follow a creation: the endpoints with the id of the thing in their path."""
    data = endpoint.output.data
    if not endpoint.creates or not isinstance(data, type):
        return {}
    id_names = {_snake_case(model.__name__) + "_id" for model in data.__mro__}
    return {
        other.name: {"operationId": other.name, "parameters": {f"path.{name}": "$response.body#/data/id"}}
        for other in ENDPOINTS.values()
        for name in other.inputs.path_ids
        if name in id_names and len(other.inputs.path_ids) == 1
    }


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
