"""Valid and forged tokens, for the tests of refused tokens."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import jwt

from tests.world import SETTINGS

HEADER: Final[Mapping[str, object]] = {"alg": "HS256", "typ": "JWT"}
HASHES: Final = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}


def encoded(data: bytes) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded_json(part: object) -> str:
    """A header or claims, as a part of a token."""
    return encoded(json.dumps(part).encode())


def signed(
    claims: object, *, header: Mapping[str, object] = HEADER, secret: bytes = SETTINGS["JWT_SECRET"].encode()
) -> str:
    """A token with a valid HMAC, unless another secret is given. Accepts any claims."""
    payload = f"{encoded_json(dict(header))}.{encoded_json(claims)}"
    algorithm = HASHES.get(str(header.get("alg")), hashlib.sha256)
    return f"{payload}.{encoded(hmac.digest(secret, payload.encode(), algorithm))}"


def unsigned(claims: object, *, header: Mapping[str, object]) -> str:
    """A token without a signature."""
    return f"{encoded_json(dict(header))}.{encoded_json(claims)}."


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
