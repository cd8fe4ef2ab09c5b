"""An identity as Azure gives one, for tests: the tokens are made here, and whoever takes them is real."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import jwt
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from local.azurite import Certificate

HOUR: Final = 3600.0
STORAGE_SCOPE: Final = "https://storage.azure.com/.default"


class StandIn:
    """An identity whose tokens are as given, for an hour by `now`; `away` is what happens instead, if set."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self.now = time.time()
        self.away: Exception | None = None
        self.before_answering: Callable[[], object] = lambda: None
        self.asked: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append(scopes)
        self.before_answering()
        if self.away:
            raise self.away
        return AccessToken(self.token or storage_token(self.now), int(self.now + HOUR))


def nobody_answers() -> ClientAuthenticationError:
    """What the identity library raises where there is no identity, or nobody who knows it."""
    return ClientAuthenticationError("no response from the identity endpoint")


def storage_token(now: float) -> str:
    """A token for storage as Entra issues them, but for its signature."""
    claims = {
        "aud": "https://storage.azure.com",
        "iss": "https://sts.windows.net/amber/",
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now + HOUR),
        "oid": "f3f9a5f2-6a5d-4a0d-9f43-0d2f6f0a4c11",
        "tid": "0b7ad6b4-3a0c-4ad5-8e2f-1f1b8c7e5a22",
    }
    return jwt.encode(claims, "nobody looks at this signature, but it is long enough", "HS256")


def loopback_certificate(directory: Path) -> Certificate:
    """A certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    own_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(own_key, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(directory / "certificate.pem", directory / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
