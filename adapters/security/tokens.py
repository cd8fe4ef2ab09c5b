"""Tokens of sessions and devices: JWT, signed with HS256 (rules 9)."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import jwt
from typing_extensions import override

from bp_core.auth.ports import Claims, NewToken, TokenIssuer, TokenKind
from bp_core.shared.calendar import CLOCK_SKEW
from bp_core.shared.errors import TokenExpired, Unauthenticated

ALGORITHM: Final = "HS256"
REQUIRED_CLAIMS: Final = ["sub", "sid", "role", "typ", "iat", "exp", "jti", "iss", "aud"]
MALFORMED: Final = (
    jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError
)  # fmt: skip
"""What reading a malformed token or claim raises."""


class JwtTokens(TokenIssuer):
    """Issues and reads tokens with one secret, issuer and audience."""

    def __init__(self, secret: str, *, issuer: str, audience: str) -> None:
        self._secret = secret
        self._issuer = issuer
        self._audience = audience

    @override
    def issue(self, token: NewToken) -> str:
        claims = {
            "sub": str(token.user_id),
            "sid": str(token.session_id),
            "role": token.role,
            "typ": token.kind,
            "iat": int(token.issued_at.timestamp()),
            "exp": int(token.expires_at.timestamp()),
            "jti": token.id,
            "iss": self._issuer,
            "aud": self._audience,
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    @override
    def read(self, token: str, kind: TokenKind, now: datetime) -> Claims:
        try:
            claims = self._decoded(token)
            times = (claims["exp"], claims["iat"], claims.get("nbf", claims["iat"]))
            expires_at, issued_at, not_before = (datetime.fromtimestamp(time, UTC) for time in times)
            read = Claims(UUID(claims["sub"]), UUID(claims["sid"]), expires_at, claims["jti"])
        except MALFORMED as error:
            raise _not_valid() from error
        if claims["typ"] != kind or max(issued_at, not_before) > now + CLOCK_SKEW:
            raise _not_valid()
        if expires_at <= now:
            raise TokenExpired("The token has expired.")
        return read

    @override
    def successor_id(self, token: str) -> str:
        return hmac.new(self._secret.encode(), b"successor:" + token.encode(), hashlib.sha256).hexdigest()

    @override
    def fingerprint(self, token: str) -> bytes:
        return hashlib.sha256(token.encode()).digest()  # no salt: a token is too long to be guessed

    @override
    def new_id(self) -> UUID:
        return uuid4()

    @override
    def new_token_id(self) -> str:
        return secrets.token_urlsafe(16)

    @override
    def new_secret(self) -> str:
        return secrets.token_urlsafe(32)

    def _decoded(self, token: str) -> dict[str, Any]:
        # PyJWT would compare times with the clock of this machine; `read` compares them with `now`.
        return jwt.decode(
            token,
            self._secret,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            audience=self._audience,
            options={
                "require": REQUIRED_CLAIMS,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "strict_aud": True,
            },
        )


def _not_valid() -> Unauthenticated:
    return Unauthenticated("The token is not valid.")
