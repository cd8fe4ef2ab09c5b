"""Examples for bodies and responses: a value that fits a schema, the same every time.

A field has the example of its model (`Field(examples=[...])`), or else one that follows from its type. The
examples of fields are shown once, in the examples of whole bodies: `without_examples` removes them elsewhere.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from functions.edge.openapi.components import SCHEMAS

Schema = Mapping[str, Any]

BY_FORMAT: Final[Mapping[str, object]] = MappingProxyType(
    {
        "uuid": "0198a9c2-5d1e-7c40-9f3a-6b1f0c2d4e5f",
        "date": "2026-08-14",
        "date-time": "2026-08-14T06:30:00Z",
        "binary": "(the bytes of the file)",
    }
)

BY_TYPE: Final[Mapping[str, Any]] = MappingProxyType(
    {"boolean": True, "integer": 1, "null": None, "number": 1.0, "string": "text"}
)


def example_of(schema: Schema, components: Mapping[str, Schema]) -> Any:
    """Return a value that fits a schema; `components` are the schemas that it may refer to."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(components[schema["$ref"].removeprefix(SCHEMAS)], components)
    if "const" in schema:
        return schema["const"]
    if "allOf" in schema:
        parts = [example_of(part, components) for part in schema["allOf"]]
        return {name: value for part in parts for name, value in part.items()}
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], components)
    return _by_type(schema, components)


def without_examples(schema: Any) -> Any:
    """Return a copy of a schema in which no field has examples."""
    if isinstance(schema, list):
        return [without_examples(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        word: {name: without_examples(field) for name, field in part.items()}
        if word == "properties"
        else without_examples(part)
        for word, part in schema.items()
        if word != "examples"
    }


def _by_type(schema: Schema, components: Mapping[str, Schema]) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        fields: Mapping[str, Schema] = schema.get("properties", {})
        return {name: example_of(field, components) for name, field in fields.items()}
    if kind == "array":
        return [example_of(schema["items"], components)]
    if "format" in schema:
        return BY_FORMAT[schema["format"]]
    return max(BY_TYPE[kind], schema["minimum"]) if "minimum" in schema else BY_TYPE[kind]
