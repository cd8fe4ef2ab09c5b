"""Checks each response against the API description: status, error code, headers, type, every field."""

from functools import cache
from typing import Any, Final

import httpx
from jsonschema_rs import Draft202012Validator

import function_app  # noqa: F401 - declares every endpoint
from function_host.routes import Router
from functions.edge import openapi
from functions.edge.endpoint import ENDPOINTS

JSON: Final = "application/json"


@cache
def _document() -> dict[str, Any]:
    return openapi.document()


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = _document()
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    resolved: dict[str, Any] = found
    return resolved


@cache
def _responses() -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: {
            status: _resolved(response) for status, response in operation["responses"].items()
        }
        for path in _document()["paths"].values()
        for operation in path.values()
    }


@cache
def _validator(name: str, status: str) -> Draft202012Validator:
    schema = _responses()[name][status]["content"][JSON]["schema"]
    return Draft202012Validator({**schema, "components": _document()["components"]}, validate_formats=True)


def check(response: httpx.Response, router: Router) -> None:
    """Fail if a response of an endpoint does not match the API description of that endpoint."""
    function, _ = router.match(response.request.url.path, response.request.method)
    name, status = function.name, str(response.status_code)
    assert name in ENDPOINTS
    responses = _responses()[name]
    assert status in responses, f"{name} returns {status}, which is not declared: {response.text[:500]}"
    media = response.headers["content-type"].partition(";")[0]
    assert media in responses[status]["content"], f"{name} returns {status} as {media}, which is not declared"
    missing = _missing_headers(response, responses[status])
    assert missing == set(), f"{name} returns {status} without {missing}"
    if media == JSON:
        faults = [
            f"{fault.instance_path}: {fault.message}"
            for fault in _validator(name, status).iter_errors(response.json())
        ]
        assert faults == [], f"{name} returns {status} with a body that is not declared: {faults[:3]}"


def _missing_headers(response: httpx.Response, declared: dict[str, Any]) -> set[str]:
    """The headers that a response must have by its description and does not have."""
    return {
        name
        for name, header in declared["headers"].items()
        if _resolved(header).get("required") and name not in response.headers
    }
