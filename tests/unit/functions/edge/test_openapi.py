"""The OpenAPI document: complete, valid, and with examples that fit."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import function_app  # noqa: F401 - declares every endpoint
from bp_core.shared.errors import JobDone, PortalError
from bp_core.shared.schemas import RequestModel
from functions.edge import openapi
from functions.edge.access import ANYONE
from functions.edge.declaration import declare
from functions.edge.endpoint import ENDPOINTS
from functions.edge.openapi.document import _document_json
from functions.edge.openapi.schemas import Schemas

DOCUMENT = openapi.document()
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()
}


def test_it_is_written_once_if_many_ask_for_it_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def write() -> dict[str, Any]:
        written.append("document")
        time.sleep(0.05)
        return {}

    monkeypatch.setattr(sys.modules[_document_json.__module__], "document", write)
    _document_json.cache_clear()
    try:
        with ThreadPoolExecutor(8) as threads:
            answers = [threads.submit(openapi.document_json) for _ in range(8)]
        assert {answer.result() for answer in answers} == {b"{}\n"}
    finally:
        _document_json.cache_clear()
    assert written == ["document"]


def parameters_of(name: str) -> dict[str, Any]:
    return {one["name"]: one["schema"] for one in OPERATIONS[name]["parameters"] if "name" in one}


def codes_of(name: str, status: str) -> set[str]:
    """The codes of a refusal, as the description tells them."""
    reference = OPERATIONS[name]["responses"][status]["$ref"].rpartition("/")[2]
    schema = DOCUMENT["components"]["responses"][reference]["content"]["application/json"]["schema"]
    return set(schema["allOf"][1]["properties"]["error"]["properties"]["code"]["enum"])


def body_of(name: str) -> dict[str, Any]:
    """The component of a JSON body."""
    schema = OPERATIONS[name]["requestBody"]["content"]["application/json"]["schema"]
    component: dict[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return component


def test_the_description_is_valid_openapi_3_1_and_the_same_every_time() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []
    assert openapi.document() == DOCUMENT


def test_every_endpoint_is_described_and_says_what_it_does_and_who_may_call() -> None:
    assert set(OPERATIONS) == set(ENDPOINTS)
    for name, operation in OPERATIONS.items():
        assert operation["summary"].endswith((".", "503.", ":")), name
        assert f"Who may call: {ENDPOINTS[name].who.label}." in operation["description"], name
        assert operation["security"] == ([{"bearer": []}] if ENDPOINTS[name].who.signed_in else []), name


def contents(part: Any) -> Iterator[dict[str, Any]]:
    """Every body and answer of the description."""
    if isinstance(part, dict):
        if "schema" in part and ("example" in part or "examples" in part):
            yield part
        for inner in part.values():
            yield from contents(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from contents(inner)


def test_every_example_is_valid_by_its_schema() -> None:
    shown = list(contents(DOCUMENT["paths"])) + list(contents(DOCUMENT["components"]["responses"]))
    for content in shown:
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        validator = Draft202012Validator(schema, validate_formats=True)
        for example in [one["value"] for one in content.get("examples", {}).values()] or [content["example"]]:
            assert [fault.message for fault in validator.iter_errors(example)] == [], example


def test_every_body_and_response_in_json_has_an_example() -> None:
    described = [
        content
        for operation in OPERATIONS.values()
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for media, content in part.get("content", {}).items()
        if media == "application/json" and content["schema"] != {"type": "object"}
    ]
    assert all("example" in content for content in described)


@pytest.mark.parametrize(
    ("name", "status", "codes"),
    [
        ("login", "401", {"INVALID_CREDENTIALS"}),
        ("list_practices", "401", {"UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REVOKED"}),
        ("edit_practice", "403", {"FORBIDDEN"}),
        ("edit_practice", "409", {"INVALID_TRANSITION", "BENCHMARKED", "COPIED", "ALREADY_DECIDED"}),
        ("edit_practice", "412", {"PRECONDITION_FAILED"}),
        ("create_plant", "409", {"DUPLICATE", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_BUSY"}),
        ("upload_image", "422", {"VALIDATION_ERROR", "UPLOAD_REJECTED"}),
        ("recalculate_savings", "409", {"JOB_RUNNING"}),
        ("show_health", "500", {"INTERNAL"}),
    ],
)
def test_an_error_response_has_its_codes(name: str, status: str, codes: set[str]) -> None:
    assert codes_of(name, status) == codes


def test_errors_that_an_endpoint_cannot_return_are_not_described() -> None:
    assert set(OPERATIONS["show_health"]["responses"]) == {"200", "400", "422", "500", "503"}
    assert set(OPERATIONS["show_me"]["responses"]) == {"200", "400", "401", "422", "429", "500", "503"}
    assert "412" not in OPERATIONS["create_practice"]["responses"]
    assert "403" not in OPERATIONS["list_images"]["responses"]


def test_every_code_can_happen_somewhere() -> None:
    somewhere = set().union(*(endpoint.errors for endpoint in ENDPOINTS.values()))
    assert set(PortalError.catalogue) - somewhere == {JobDone}  # only timers get it


def test_a_response_has_every_status_that_its_handler_may_choose() -> None:
    assert {"201", "202"} < set(OPERATIONS["register"]["responses"])
    assert {"200", "201"} < set(OPERATIONS["confirm_image"]["responses"])
    assert "200" not in OPERATIONS["register"]["responses"]


def test_a_query_parameter_has_no_null_and_has_its_limits() -> None:
    query = parameters_of("list_practices")
    assert query["limit"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert query["category_id"] == {"type": "string", "format": "uuid"}
    statuses = ["draft", "submitted", "approved", "revision_required", "declined"]
    assert query["status"]["oneOf"][0] == {"type": "string", "enum": statuses}
    assert set(parameters_of("list_changes")) == {
        "limit", "offset", "entity", "entity_id", "user_id", "from", "to",
    }  # fmt: skip


def test_a_query_parameter_with_several_values_has_them_separated_by_commas() -> None:
    several = [one for one in OPERATIONS["list_practices"]["parameters"] if "explode" in one]
    assert [(one["name"], one["style"], one["explode"]) for one in several] == [
        ("status", "form", False), ("tag", "form", False)
    ]  # fmt: skip
    for one in several:
        single, many = one["schema"]["oneOf"]
        assert many == {"type": "array", "items": single, "minItems": 1, "maxItems": 10}


def test_a_field_of_a_change_has_no_default_and_a_field_of_a_creation_has() -> None:
    assert not any("default" in field for field in body_of("edit_practice")["properties"].values())
    assert body_of("create_practice")["properties"]["status"]["default"] == "draft"
    assert body_of("create_practice")["required"] == ["title"]
    assert body_of("create_practice")["additionalProperties"] is False


def test_a_text_has_the_pattern_that_it_is_validated_by() -> None:
    plant, category = body_of("create_plant")["properties"], body_of("edit_category")["properties"]
    assert plant["name"]["pattern"] == r"^[^\u0000]*[^\u0000\s][^\u0000]*$"
    assert category["slug"] == {"type": "string", "maxLength": 100, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}
    assert body_of("register")["properties"]["email"]["pattern"].startswith(r"^\s*[^@\s\u0000]+@")


def test_a_form_is_described_with_its_fields_and_its_file() -> None:
    form = OPERATIONS["upload_image"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["image_type", "file"]
    assert form["properties"] == {
        "image_type": {"enum": ["before", "after"], "type": "string"},
        "file": {"type": "string", "format": "binary"},
    }


def test_a_response_is_described_in_its_envelope() -> None:
    def envelope(name: str) -> dict[str, Any]:
        content: dict[str, Any] = OPERATIONS[name]["responses"]["200"]["content"]
        schema: dict[str, Any] = content["application/json"]["schema"]
        return schema

    users = envelope("list_users")
    assert users["required"] == ["success", "data", "pagination"]
    assert users["properties"]["data"]["items"] == {"$ref": "#/components/schemas/User"}
    assert envelope("list_practices")["properties"]["pagination"] == {
        "$ref": "#/components/schemas/LongPagination"
    }
    assert envelope("logout")["properties"]["data"] == {"type": "null"}
    assert envelope("login")["allOf"][1] == {"$ref": "#/components/schemas/NewSignIn"}


def test_a_file_is_described_by_its_types_and_has_no_envelope() -> None:
    template = OPERATIONS["show_import_template"]["responses"]["200"]
    assert set(template["content"]) == {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    assert "Content-Disposition" in template["headers"]


def test_a_file_or_a_link_to_it_is_described_by_the_types_of_both() -> None:
    export = OPERATIONS["export_practices"]["responses"]["200"]
    assert set(export["content"]) == {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/csv",
        "application/json",
    }
    assert export["content"]["application/json"]["schema"]["properties"]["data"] == {
        "$ref": "#/components/schemas/ExportLink"
    }
    assert "Content-Disposition" in export["headers"]


def test_keys_versions_and_etags_are_described_where_they_are_used() -> None:
    def taken(name: str) -> set[str]:
        return {one["$ref"].rpartition("/")[2] for one in OPERATIONS[name]["parameters"] if "$ref" in one}

    assert taken("create_plant") == {"RequestId", "IdempotencyKey"}
    assert taken("edit_practice") == {"RequestId", "IfMatch"}
    assert "ETag" in OPERATIONS["show_practice"]["responses"]["200"]["headers"]
    assert "ETag" not in OPERATIONS["show_plant"]["responses"]["200"]["headers"]


def test_a_creation_links_to_the_calls_that_can_follow() -> None:
    made = OPERATIONS["create_plant"]["responses"]["201"]["links"]
    assert set(made) >= {"show_plant", "edit_plant", "activate_plant", "deactivate_plant"}
    assert made["show_plant"]["parameters"] == {"path.plant_id": "$response.body#/data/id"}
    assert set(OPERATIONS["create_invite"]["responses"]["201"]["links"]) == {"withdraw_invite"}


def test_a_model_cannot_have_the_name_of_another_component() -> None:
    class Refusal(RequestModel):
        reason: str

    def decline(body: Refusal) -> None: ...

    def look() -> None: ...

    decline.__annotations__["body"] = Refusal
    endpoints = [declare("POST", "/a", ANYONE, decline, {}), declare("GET", "/b", ANYONE, look, {})]

    with pytest.raises(ValueError, match=r"\['Refusal'\]"):
        Schemas(endpoints)
    assert body_of("decline_practice")["required"] == ["reason"]
