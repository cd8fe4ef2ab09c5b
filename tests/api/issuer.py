"""An OpenID Connect issuer for tests: keys, tokens, and a server on loopback that publishes the keys."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.world import NOON

ISSUER: Final = "https://issuer.test/amber"
AUDIENCE: Final = "amber-portal-client"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """The RSA or EC key with this name, generated once for all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """The RSA or EC key with this name, generated once for all tests."""
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The public part of a key in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def published(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str, **more: str) -> dict[str, Any]:
    """The public part of a key as an issuer publishes it."""
    if isinstance(key, rsa.RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": kid, **more}


class Issuer:
    """The published keys of an issuer, its responses, and the number of requests for keys."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [published(rsa_key("first"), "first", use="sig", alg="RS256")]
        self.status = 200
        self.body: bytes | None = None
        self.requests = 0
        self.url = ""

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a portal that trusts this issuer."""
        return {"OIDC_ISSUER": ISSUER, "OIDC_AUDIENCE": AUDIENCE, "OIDC_JWKS_URL": self.url}

    def response(self) -> tuple[int, bytes]:
        """The status and body of a response."""
        self.requests += 1
        return self.status, self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()


@contextmanager
def running(issuer: Issuer) -> Iterator[Issuer]:
    """Run the server of an issuer on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = issuer.response()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - the base class's name
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def claims_for(email: str, /, **changes: object) -> dict[str, Any]:
    """The claims of a user with a verified e-mail; None removes a claim."""
    now = int(NOON.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": f"subject of {email}",
        "iat": now,
        "exp": now + int(timedelta(hours=1).total_seconds()),
        "email": email,
        "email_verified": True,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def token(
    claims: Mapping[str, Any],
    *,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    algorithm: str = "RS256",
    kid: str | None = "first",
    **header: object,
) -> str:
    """A token signed with the first key of the issuer, unless another key is given."""
    headers = {**header, **({"kid": kid} if kid is not None else {})}
    return jwt.encode(dict(claims), key or rsa_key("first"), algorithm=algorithm, headers=headers)
