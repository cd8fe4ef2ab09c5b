"""The components that are the same for every endpoint: headers, parameters, pagination, errors."""

from collections.abc import Mapping
from typing import Any, Final

from bp_core.shared.errors import PortalError
from functions.edge import idempotency
from functions.edge.responses import MAX_DETAILS

Part = dict[str, Any]
"""A part of an OpenAPI document."""

SCHEMAS: Final = "#/components/schemas/"
"""How references to schemas start."""

HEADERS: Final[Mapping[str, Part]] = {
    "X-Request-ID": {
        "description": "The id of this call in the log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "ETag": {
        "description": "The version of the response, for If-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$'},
    },
    "Content-Disposition": {
        "description": "The name of the file.",
        "schema": {"type": "string", "pattern": "^attachment; filename="},
    },
    "Idempotency-Replayed": {
        "description": "This is the stored answer to the first call with the key.",
        "schema": {"type": "string", "const": "true"},
    },
    "RateLimit-Limit": {
        "description": "The number of calls in a window of time.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Remaining": {
        "description": "The number of calls that remain in this window.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Seconds until the next window.",
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

RATE_LIMIT_HEADERS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

PARAMETERS: Final[Mapping[str, Part]] = {
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id for this call in the log: 1 to 64 of [A-Za-z0-9._-]. Other values are ignored.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": idempotency.HEADER,
        "in": "header",
        "description": "Any text of your own. For 24 hours the same call with the same key gets the stored"
        " answer of the first one, and creates nothing.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,64}$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": 'The ETag of the version that you change, a list of ETags, or "*".',
        "schema": {"type": "string"},
    },
}

SECURITY_SCHEMES: Final[Mapping[str, Part]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a sign-in.",
    }
}

PAGINATION: Final[Part] = {
    "type": "object",
    "description": "The position of this page in the list.",
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
    "description": "The position of this page in a long list; at the end the cursor is null.",
    "required": [*PAGINATION["required"], "next_cursor", "total_capped"],
    "properties": {
        **PAGINATION["properties"],
        "next_cursor": {"anyOf": [{"type": "string"}, {"type": "null"}], "examples": [None]},
        "total_capped": {
            "type": "boolean",
            "description": "Whether the list has more entries than `total`.",
            "examples": [False],
        },
    },
}


def error_schema() -> Part:
    """Return the schema of every error response."""
    return {
        "type": "object",
        "description": "An error.",
        "required": ["success", "error"],
        "properties": {
            "success": {"const": False},
            "error": {
                "type": "object",
                "required": ["code", "message", "details", "request_id"],
                "properties": {
                    "code": {
                        "enum": [error.code for error in PortalError.catalogue],
                        "description": "What a client decides by.",
                    },
                    "message": {"type": "string", "description": "For people; it may change."},
                    "details": {
                        "type": "array",
                        "maxItems": MAX_DETAILS,
                        "items": {
                            "type": "object",
                            "required": ["field", "message"],
                            "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                        },
                    },
                    "request_id": {"type": "string"},
                    "retry_after": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "Seconds to wait, as in Retry-After; only for 429 and 503.",
                    },
                },
            },
        },
    }
