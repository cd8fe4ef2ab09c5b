"""The description of the API as OpenAPI 3.1: made from the declarations of the endpoints alone."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from bp_core.shared.model import Versioned
from bp_core.shared.paging import LongPage, Page
from functions import retries
from functions.answers import JSON, FileReply, Reply
from functions.codes import CODES
from functions.edge import ENDPOINTS, Endpoint
from functions.examples import REFERENCE, Schema, example_of
from functions.http.health import VERSION
from functions.parsing import FORM, NoBody

INTRODUCTION: Final = """\
Plants write down what they improved, headquarters reviews it, other plants copy it.

An answer is `{"success": true, "data": ...}`, a refusal `{"success": false, "error": {"code", "message",
"details", "request_id"}}`; decide by the code, the message is for people. Sign in with `POST
/api/v1/auth/login`, and send the access token as `Authorization: Bearer`. Days are `YYYY-MM-DD`, moments RFC
3339 in UTC. A query that names a parameter which the call does not know is 422, if the call takes any."""

Part = dict[str, Any]

_Key = tuple[str, str]


class _Plain(GenerateJsonSchema):
    """Without a title for every field, which would say its name once more."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as it is overridden
        return False


HEADERS: Final[Mapping[str, Part]] = {
    "X-Request-ID": {
        "description": "What the log calls this call.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "ETag": {
        "description": "The version of what is shown, for If-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$'},
    },
    "Content-Disposition": {
        "description": "What the file is called.",
        "schema": {"type": "string", "pattern": "^attachment; filename="},
    },
    "Idempotency-Replayed": {
        "description": "This is the first answer once more.",
        "schema": {"type": "string", "const": "true"},
    },
    "RateLimit-Limit": {
        "description": "How many calls a window of time takes.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Remaining": {
        "description": "How many are left in this one.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Seconds until the next one.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to sign in.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
}

RATE: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

PARAMETERS: Final[Mapping[str, Part]] = {
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "What the log shall call this call: 1 to 64 of [A-Za-z0-9._-]; else it is ignored.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": retries.HEADER,
        "in": "header",
        "description": "Any text of your own. For 24 hours the same call with the same key gives the first"
        " answer once more, and makes nothing.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,64}$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": 'The ETag of what the change was made for, a list of them, or "*".',
        "schema": {"type": "string"},
    },
}

PAGINATION: Final[Part] = {
    "type": "object",
    "description": "Which part of the list this is.",
    "required": ["total", "limit", "offset", "has_more"],
    "properties": {
        "total": {"type": "integer", "minimum": 0},
        "limit": {"type": "integer", "minimum": 1},
        "offset": {"type": "integer", "minimum": 0},
        "has_more": {"type": "boolean"},
    },
}

LONG_PAGINATION: Final[Part] = {
    "type": "object",
    "description": "Which part of a long list this is; the cursor of the next is null at the end.",
    "required": [*PAGINATION["required"], "next_cursor", "total_capped"],
    "properties": {
        **PAGINATION["properties"],
        "next_cursor": {"anyOf": [{"type": "string"}, {"type": "null"}], "examples": [None]},
        "total_capped": {
            "type": "boolean",
            "description": "There are more than `total`.",
            "examples": [False],
        },
    },
}

REFUSAL: Final[Part] = {
    "type": "object",
    "description": "A call that was refused, or failed.",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "details", "request_id"],
            "properties": {
                "code": {"enum": list(CODES), "description": "What a client decides by."},
                "message": {"type": "string", "description": "For people; it may change."},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "message"],
                        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                    },
                },
                "request_id": {"type": "string"},
            },
        },
    },
}


@cache
def written() -> bytes:
    """The description of every declared endpoint, as JSON."""
    return json.dumps(document(), ensure_ascii=False, indent=2).encode() + b"\n"


def document() -> Part:
    """Describe every declared endpoint."""
    declared = sorted(ENDPOINTS.values(), key=lambda one: (one.route, one.method))
    schemas = _Schemas(declared)
    paths: dict[str, Part] = {}
    for endpoint in declared:
        path = paths.setdefault(_path(endpoint), {})
        path[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Amber Best Practice & Benchmarking Portal",
            "version": VERSION,
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": _first_paragraph(sys.modules[module].__doc__)}
            for name, module in sorted({_tag(one): one.handler.__module__ for one in declared}.items())
        ],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "parameters": dict(PARAMETERS),
            "headers": dict(HEADERS),
            "responses": {
                _refusal_name(names): _refusal(names) for one in declared for names in _refusals(one).values()
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a sign-in.",
                }
            },
        },
    }


class _Schemas:
    """The schemas of all bodies and answers, with one component for each model."""

    def __init__(self, declared: list[Endpoint]) -> None:
        wanted: list[tuple[_Key, JsonSchemaMode, TypeAdapter[Any]]] = []
        for one in declared:
            if not one.media:
                wanted.append(((one.name, "result"), "serialization", one.adapter))
            if one.beside is not None:
                wanted.append(((one.name, "beside"), "serialization", TypeAdapter(one.beside)))
            wanted.append(((one.name, "body"), "validation", TypeAdapter(one.form or one.body)))
        found, rest = TypeAdapter.json_schemas(
            wanted, ref_template=REFERENCE + "{model}", schema_generator=_Plain
        )
        self._found = {key: schema for (key, _), schema in found.items()}
        self.components: dict[str, Part] = {
            **rest["$defs"],
            "Pagination": PAGINATION,
            "LongPagination": LONG_PAGINATION,
            "Refusal": REFUSAL,
        }
        del self.components[NoBody.__name__]
        for one in declared:
            if one.method == "PATCH":
                self._drop_defaults(one.body)

    def result(self, endpoint: Endpoint) -> Part:
        return self._found[endpoint.name, "result"]

    def beside(self, endpoint: Endpoint) -> Part | None:
        return self._found.get((endpoint.name, "beside"))

    def body(self, endpoint: Endpoint) -> Part:
        return self._found[endpoint.name, "body"]

    def resolved(self, schema: Schema) -> Schema:
        """What a reference refers to."""
        return self.components[schema["$ref"].removeprefix(REFERENCE)] if "$ref" in schema else schema

    def example(self, schema: Schema) -> Any:
        return example_of(schema, self.components)

    def _drop_defaults(self, body: type[BaseModel]) -> None:
        """What is not sent in a PATCH stays as it is: whatever its model says, it has no default."""
        for field in self.components.get(body.__name__, {}).get("properties", {}).values():
            field.pop("default", None)


def _path(endpoint: Endpoint) -> str:
    return endpoint.route.replace(":guid", "")


def _tag(endpoint: Endpoint) -> str:
    return endpoint.handler.__module__.rpartition(".")[2]


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").partition("\n\n")[0].split())


def _operation(endpoint: Endpoint, schemas: _Schemas) -> Part:
    summary, _, more = (endpoint.handler.__doc__ or "").strip().partition("\n\n")
    counted = "" if endpoint.limit == "none" else f" Counted with: {endpoint.limit.replace('_', '-')} calls."
    who = f"Who may call: {endpoint.who.label}.{counted}"
    operation: Part = {
        "operationId": endpoint.name,
        "tags": [_tag(endpoint)],
        "summary": " ".join(summary.split()),
        "description": "\n\n".join(part for part in (re.sub(r"\s+", " ", more).strip(), who) if part),
        "parameters": list(_parameters(endpoint)),
        "responses": dict(_responses(endpoint, schemas)),
        "security": [{"bearer": []}] if endpoint.who.signed_in else [],
    }
    if endpoint.body is not NoBody or endpoint.form:
        operation["requestBody"] = _request_body(endpoint, schemas)
    return operation


def _parameters(endpoint: Endpoint) -> Iterator[Part]:
    for name in endpoint.path_ids:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    if endpoint.query is not None:
        schema = endpoint.query.model_json_schema(schema_generator=_Plain)
        for name, field in schema["properties"].items():
            shown = _without_null(field)
            described = {"description": shown.pop("description")} if "description" in shown else {}
            yield {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                **described,
                "schema": shown,
            }
    yield {"$ref": "#/components/parameters/RequestId"}
    if endpoint.creates:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    if "expected" in endpoint.wanted:
        yield {"$ref": "#/components/parameters/IfMatch"}


def _without_null(field: Schema) -> Part:
    """The schema of a query's value: there is no null in a query, what is not said is left out."""
    shown = {word: value for word, value in field.items() if word != "anyOf"}
    if shown.get("default", ...) is None:
        del shown["default"]
    (kept,) = [one for one in field.get("anyOf", [{}]) if one != {"type": "null"}]
    return {**kept, **shown}


def _request_body(endpoint: Endpoint, schemas: _Schemas) -> Part:
    schema = schemas.body(endpoint)
    if endpoint.form is None:
        content = {JSON: {"schema": schema, "example": schemas.example(schema)}}
        return {"required": bool(schemas.resolved(schema).get("required")), "content": content}
    model = schemas.resolved(schema)
    fields = {name: _without_null(field) for name, field in model["properties"].items()}
    with_file = {
        **model,
        "required": [*model.get("required", ()), "file"],
        "properties": {**fields, "file": {"type": "string", "format": "binary"}},
    }
    return {"required": True, "content": {FORM: {"schema": with_file}}}


def _responses(endpoint: Endpoint, schemas: _Schemas) -> Iterator[tuple[str, Part]]:
    for status in sorted(endpoint.statuses):
        response: Part = {
            "description": HTTPStatus(status).phrase,
            "headers": _headers("X-Request-ID", *_own_headers(endpoint)),
            "content": _content(endpoint, schemas),
        }
        if links := _links(endpoint):
            response["links"] = links
        yield str(status), response
    for status, names in _refusals(endpoint).items():
        yield str(status), {"$ref": f"#/components/responses/{_refusal_name(names)}"}


def _refusals(endpoint: Endpoint) -> dict[int, tuple[str, ...]]:
    """The codes that an endpoint refuses with, by their status."""
    by_status: dict[int, tuple[str, ...]] = {}
    for name, code in CODES.items():
        if name in endpoint.codes:
            by_status[code.status] = (*by_status.get(code.status, ()), name)
    return by_status


def _refusal_name(names: tuple[str, ...]) -> str:
    return "-".join(names)


def _refusal(names: tuple[str, ...]) -> Part:
    status = CODES[names[0]].status
    own = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(status, ())
    narrowed = {"type": "object", "properties": {"error": {"properties": {"code": {"enum": list(names)}}}}}
    content = {
        "schema": {"allOf": [{"$ref": REFERENCE + "Refusal"}, narrowed]},
        "examples": {name: {"value": _refused_with(name)} for name in names},
    }
    return {
        "description": "\n".join(f"- `{name}`: {CODES[name].when}" for name in names),
        "headers": _headers("X-Request-ID", *RATE, *own),
        "content": {JSON: content},
    }


def _own_headers(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.limit != "none":
        yield from RATE
    if isinstance(endpoint.result, type) and issubclass(endpoint.result, Versioned):
        yield "ETag"
    if endpoint.creates:
        yield "Idempotency-Replayed"
    if endpoint.result is FileReply:
        yield "Content-Disposition"


def _headers(*names: str) -> Part:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(endpoint: Endpoint, schemas: _Schemas) -> Part:
    if endpoint.media:
        return {media: {"schema": _file_schema(media)} for media in endpoint.media}
    schema = _envelope(endpoint, schemas)
    return {JSON: {"schema": schema, "example": schemas.example(schema)}}


def _file_schema(media: str) -> Part:
    if media == JSON:
        return {"type": "object"}
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}


def _envelope(endpoint: Endpoint, schemas: _Schemas) -> Part:
    data = schemas.result(endpoint)
    fields: Part = {"success": {"const": True}, "data": data}
    container = endpoint.container
    if container is not None and issubclass(container, Page):
        kind = "LongPagination" if issubclass(container, LongPage) else "Pagination"
        fields["pagination"] = {"$ref": REFERENCE + kind}
    envelope: Part = {"type": "object", "required": list(fields), "properties": fields}
    if container is not None and issubclass(container, Reply):
        fields["message"] = {"type": "string", "description": "For people."}
    beside = schemas.beside(endpoint)
    return {"allOf": [envelope, beside]} if beside else envelope


def _refused_with(name: str) -> Part:
    details = [{"field": "title", "message": "Field required"}] if name == "VALIDATION_ERROR" else []
    error = {
        "code": name,
        "message": CODES[name].when,
        "details": details,
        "request_id": "b1946ac92492d2347c62",
    }
    return {"success": False, "error": error}


def _links(endpoint: Endpoint) -> Part:
    """What can be done with what a call makes: every call whose path has an id of that name."""
    if not endpoint.creates or not isinstance(endpoint.result, type):
        return {}
    ids = {re.sub(r"(?<!^)(?=[A-Z])", "_", one.__name__).lower() + "_id" for one in endpoint.result.__mro__}
    return {
        one.name: {"operationId": one.name, "parameters": {f"path.{name}": "$response.body#/data/id"}}
        for one in ENDPOINTS.values()
        for name in one.path_ids
        if name in ids and len(one.path_ids) == 1
    }
