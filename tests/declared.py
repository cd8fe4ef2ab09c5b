"""Holds answers to what is declared of the calls that gave them: status, code, headers, type, every field."""

from functools import cache
from typing import Any, Final

import httpx
from jsonschema_rs import Draft202012Validator

import function_app  # noqa: F401 - declares every endpoint
from functions import openapi
from functions.edge import ENDPOINTS
from local.host.routes import Router

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


def check(answer: httpx.Response, router: Router) -> None:
    """Fail where an answer of a declared call is none that its declaration allows."""
    function, _ = router.match(answer.request.url.path, answer.request.method)
    name, status = function.name, str(answer.status_code)
    assert name in ENDPOINTS
    responses = _responses()[name]
    assert status in responses, f"{name} answers {status}, which is not declared: {answer.text[:500]}"
    declared = responses[status]
    media = answer.headers["content-type"].partition(";")[0]
    assert media in declared["content"], f"{name} answers {status} as {media}, which is not declared"
    required = {header for header, one in declared["headers"].items() if _resolved(one).get("required")}
    missing = {header for header in required if header not in answer.headers}
    assert missing == set(), f"{name} answers {status} without {missing}"
    if media == JSON:
        faults = [
            f"{fault.instance_path}: {fault.message}"
            for fault in _validator(name, status).iter_errors(answer.json())
        ]
        assert faults == [], f"{name} answers {status} unlike its declaration: {faults[:3]}"
