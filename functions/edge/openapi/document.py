"""The whole document: its introduction, the paths and the components."""

import json
import sys
import threading
from functools import cache
from typing import Final

from functions.edge.declaration import Endpoint
from functions.edge.endpoint import ENDPOINTS
from functions.edge.openapi.components import HEADERS, PARAMETERS, SECURITY_SCHEMES, Part
from functions.edge.openapi.operations import operation, tag
from functions.edge.openapi.responses import error_component, error_component_name, errors_by_status
from functions.edge.openapi.schemas import Schemas
from functions.version import VERSION

INTRODUCTION: Final = """\
Plants write down their improvements, headquarters reviews them, and other plants copy them.

A success is `{"success": true, "data": ...}`, an error `{"success": false, "error": {"code", "message",
"details", "request_id"}}`. Decide by the code; the message is for people. Sign in with `POST
/api/v1/auth/login`, and send the access token as `Authorization: Bearer`. Days are `YYYY-MM-DD`, times RFC
3339 in UTC. Lists take `limit` and `offset`. An unknown query parameter is an
error (422), an empty one is ignored."""


_writing = threading.Lock()


def document_json() -> bytes:
    """Return the document as JSON. It is written once, also if many ask for it at the same time."""
    with _writing:
        return _document_json()


@cache
def _document_json() -> bytes:
    return json.dumps(document(), ensure_ascii=False, indent=2).encode() + b"\n"


def document() -> Part:
    """Return the document of every declared endpoint."""
    endpoints = sorted(ENDPOINTS.values(), key=lambda one: (one.route, one.method))
    schemas = Schemas(endpoints)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Amber Best Practice & Benchmarking Portal",
            "version": VERSION,
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags(endpoints),
        "paths": _paths(endpoints, schemas),
        "components": {
            "schemas": schemas.components,
            "parameters": dict(PARAMETERS),
            "headers": dict(HEADERS),
            "responses": {
                error_component_name(errors): error_component(errors)
                for endpoint in endpoints
                for errors in errors_by_status(endpoint).values()
            },
            "securitySchemes": dict(SECURITY_SCHEMES),
        },
    }


def _tags(endpoints: list[Endpoint]) -> list[Part]:
    """One tag for each feature, described by the first paragraph of its module."""
    modules = {tag(endpoint): endpoint.handler.__module__ for endpoint in endpoints}
    return [
        {"name": name, "description": _first_paragraph(sys.modules[module].__doc__)}
        for name, module in sorted(modules.items())
    ]


def _paths(endpoints: list[Endpoint], schemas: Schemas) -> dict[str, Part]:
    paths: dict[str, Part] = {}
    for endpoint in endpoints:
        path = paths.setdefault(endpoint.route.replace(":guid", ""), {})
        path[endpoint.method.lower()] = operation(endpoint, schemas)
    return paths


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").partition("\n\n")[0].split())
