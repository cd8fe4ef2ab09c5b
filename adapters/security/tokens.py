"""Access and refresh tokens: JWT, signed with HS256 (rules 9)."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import jwt

from bp_core.auth.store import Claims, TokenKind
from bp_core.shared.errors import Unauthenticated
from bp_core.shared.model import Role

ALGORITHM: Final = "HS256"
REQUIRED_CLAIMS: Final = ["sub", "sid", "role", "typ", "iat", "exp", "jti", "iss", "aud"]
CLOCK_SKEW: Final = timedelta(seconds=30)
"""How far the clocks of two instances may lie apart."""


class JwtTokens:
    """Issues and reads tokens under one secret, issuer and audience."""

    def __init__(self, secret: str, *, issuer: str, audience: str) -> None:
        self._secret = secret
        self._issuer = issuer
        self._audience = audience

    def new_session_id(self) -> UUID:
        """Draw the id of a new session."""
        return uuid4()

    def new_token_id(self) -> str:
        """Draw the id of a new token."""
        return secrets.token_urlsafe(16)

    def new_invite_token(self) -> str:
        """Draw the token of a new invite."""
        return secrets.token_urlsafe(32)

    def successor_id(self, token: str) -> str:
        """Tell the id of the one token that may follow a refresh token; only who has the secret knows it."""
        return hmac.new(self._secret.encode(), b"successor:" + token.encode(), hashlib.sha256).hexdigest()

    def fingerprint(self, token: str) -> bytes:
        """Hash a token for keeping: a plain hash will do, for a token cannot be guessed."""
        return hashlib.sha256(token.encode()).digest()

    def issue(
        self,
        kind: TokenKind,
        *,
        token_id: str,
        user_id: UUID,
        session_id: UUID,
        role: Role,
        issued_at: datetime,
        expires_at: datetime,
    ) -> str:
        """Issue a token; the same arguments give the same token."""
        claims = {
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role,
            "typ": kind,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": token_id,
            "iss": self._issuer,
            "aud": self._audience,
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str, kind: TokenKind, now: datetime) -> Claims:
        """Read a token of ours.

        Raises Unauthenticated if it is not ours, of another kind, or has run out (code TOKEN_EXPIRED).
        """
        try:
            claims = self._decoded(token)
            times = (claims["exp"], claims["iat"], claims.get("nbf", claims["iat"]))
            expires_at, issued_at, begins_at = (datetime.fromtimestamp(time, UTC) for time in times)
            read = Claims(UUID(claims["sub"]), UUID(claims["sid"]), expires_at)
        except (
            jwt.InvalidTokenError,
            ValueError,
            TypeError,
            AttributeError,
            OverflowError,
            OSError,
        ) as error:
            raise _not_valid() from error
        if claims["typ"] != kind or max(issued_at, begins_at) > now + CLOCK_SKEW:
            raise _not_valid()
        if expires_at <= now:
            raise Unauthenticated("The token has expired.", code="TOKEN_EXPIRED")
        return read

    def _decoded(self, token: str) -> dict[str, Any]:
        # Times are compared with the caller's clock, not with the machine's as the library would.
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
