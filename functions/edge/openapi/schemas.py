"""The schemas of all bodies and responses, with one component for each model."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from functions.edge.declaration import Endpoint
from functions.edge.openapi.components import LONG_PAGINATION, PAGINATION, SCHEMAS, Part, error_schema
from functions.edge.openapi.examples import Schema, example_of, without_examples
from functions.edge.parsing import NoBody

_Key = tuple[str, str]
_Wanted = tuple[_Key, JsonSchemaMode, TypeAdapter[Any]]


class PlainJsonSchema(GenerateJsonSchema):
    """Generates schemas without a title for every field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as in the base class
        """Whether a field gets a title."""
        return False


class Schemas:
    """The schemas of all bodies and responses of the endpoints.

    `components` are emitted into the document; the same components with the examples of their fields are used
    to make the examples of whole bodies.
    """

    def __init__(self, endpoints: list[Endpoint]) -> None:
        wanted = [one for endpoint in endpoints for one in _wanted(endpoint)]
        found, rest = TypeAdapter.json_schemas(
            wanted, ref_template=SCHEMAS + "{model}", schema_generator=PlainJsonSchema
        )
        self._found = {key: schema for (key, _), schema in found.items()}
        models: dict[str, Part] = rest["$defs"]
        del models[NoBody.__name__]
        shared = {"Pagination": PAGINATION, "LongPagination": LONG_PAGINATION, "Refusal": error_schema()}
        if taken := models.keys() & shared.keys():
            raise ValueError(f"a model needs another name: {sorted(taken)} is a component of its own")
        self._with_examples: Mapping[str, Part] = {**models, **shared}
        self.components: dict[str, Part] = {**without_examples(models), **shared}
        for endpoint in endpoints:
            if endpoint.method == "PATCH":
                self._drop_defaults(endpoint.inputs.body)

    def result(self, endpoint: Endpoint) -> Part:
        """Return the schema of the data of a response."""
        return self._found[endpoint.name, "result"]

    def beside(self, endpoint: Endpoint) -> Part | None:
        """Return the schema of the fields beside the data; None without any."""
        return self._found.get((endpoint.name, "beside"))

    def body(self, endpoint: Endpoint) -> Part:
        """Return the schema of the body or form of a request."""
        return self._found[endpoint.name, "body"]

    def resolved(self, schema: Schema) -> Schema:
        """Return the schema that a reference refers to."""
        return self.components[schema["$ref"].removeprefix(SCHEMAS)] if "$ref" in schema else schema

    def example(self, schema: Schema) -> Any:
        """Return an example for a schema."""
        return example_of(schema, self._with_examples)

    def _drop_defaults(self, body: type[BaseModel]) -> None:
        """Remove the defaults of a PATCH: a field that is not sent keeps its value."""
        for field in self.components.get(body.__name__, {}).get("properties", {}).values():
            field.pop("default", None)


def _wanted(endpoint: Endpoint) -> list[_Wanted]:
    """Return what has a schema: the data, the fields beside it, and the body or form."""
    inputs, output = endpoint.inputs, endpoint.output
    wanted: list[_Wanted] = []
    if output.has_data:
        wanted.append(((endpoint.name, "result"), "serialization", TypeAdapter(output.data)))
    if output.beside is not None:
        wanted.append(((endpoint.name, "beside"), "serialization", TypeAdapter(output.beside)))
    wanted.append(((endpoint.name, "body"), "validation", TypeAdapter(inputs.form or inputs.body)))
    return wanted
