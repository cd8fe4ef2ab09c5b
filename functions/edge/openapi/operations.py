"""Operations: what one endpoint does, who may call it, its parameters and its body."""

import re
from collections.abc import Iterator

from functions.edge.declaration import Endpoint
from functions.edge.openapi.components import Part
from functions.edge.openapi.examples import Schema, without_examples
from functions.edge.openapi.responses import responses
from functions.edge.openapi.schemas import PlainJsonSchema, Schemas
from functions.edge.parsing import FORM, JSON, NoBody


def operation(endpoint: Endpoint, schemas: Schemas) -> Part:
    """Return the operation of an endpoint; its handler's docstring is the summary and the description."""
    summary, _, more = (endpoint.handler.__doc__ or "").strip().partition("\n\n")
    limit = "" if endpoint.limit == "none" else f" Rate limit: {endpoint.limit.replace('_', '-')} calls."
    who = f"Who may call: {endpoint.who.label}.{limit}"
    described: Part = {
        "operationId": endpoint.name,
        "tags": [tag(endpoint)],
        "summary": " ".join(summary.split()),
        "description": "\n\n".join(part for part in (re.sub(r"\s+", " ", more).strip(), who) if part),
        "parameters": list(_parameters(endpoint)),
        "responses": dict(responses(endpoint, schemas)),
        "security": [{"bearer": []}] if endpoint.who.signed_in else [],
    }
    if endpoint.inputs.body is not NoBody or endpoint.inputs.form:
        described["requestBody"] = _request_body(endpoint, schemas)
    return described


def tag(endpoint: Endpoint) -> str:
    """Return the tag of an endpoint: the name of its module."""
    return endpoint.handler.__module__.rpartition(".")[2]


def _parameters(endpoint: Endpoint) -> Iterator[Part]:
    for name in endpoint.inputs.path_ids:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    yield from _query_parameters(endpoint)
    yield {"$ref": "#/components/parameters/RequestId"}
    if endpoint.creates:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    if "expected" in endpoint.inputs.names:
        yield {"$ref": "#/components/parameters/IfMatch"}


def _query_parameters(endpoint: Endpoint) -> Iterator[Part]:
    schema = without_examples(endpoint.inputs.query.model_json_schema(schema_generator=PlainJsonSchema))
    for name, field in schema.get("properties", {}).items():
        value = _without_null(field)
        description = {"description": value.pop("description")} if "description" in value else {}
        required = name in schema.get("required", ())
        style = {"style": "form", "explode": False} if "oneOf" in value else {}
        yield {"name": name, "in": "query", "required": required, **description, **style, "schema": value}


def _without_null(field: Schema) -> Part:
    """Return the schema of a text value: a query or form has no null, an optional field is left out."""
    value = {word: part for word, part in field.items() if word != "anyOf"}
    if "default" in value and value["default"] is None:
        del value["default"]
    (choice,) = [one for one in field.get("anyOf", [{}]) if one != {"type": "null"}]
    return {**choice, **value}


def _request_body(endpoint: Endpoint, schemas: Schemas) -> Part:
    schema = schemas.body(endpoint)
    model = schemas.resolved(schema)
    if endpoint.inputs.form is None:
        content = {JSON: {"schema": schema, "example": schemas.example(schema)}}
        return {"required": bool(model.get("required")), "content": content}
    fields = {name: _without_null(field) for name, field in model["properties"].items()}
    form = {
        **model,
        "required": [*model.get("required", ()), "file"],
        "properties": {**fields, "file": {"type": "string", "format": "binary"}},
    }
    return {"required": True, "content": {FORM: {"schema": form}}}
