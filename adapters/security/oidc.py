"""Tokens of another OpenID Connect issuer: Entra ID, Firebase, any with a JWKS (rules 9)."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from jwt import PyJWKClient, PyJWKClientConnectionError, PyJWKClientError
from typing_extensions import override

from bp_core.shared.errors import TokenExpired, Unauthenticated, Unavailable

ALGORITHMS: Final = ("RS256", "ES256")
"""Only signatures with a public key: with a symmetric algorithm, published keys could sign tokens."""

CLOCK_SKEW: Final = timedelta(seconds=60)
KEYS_CACHED_FOR: Final = 300.0
KEYS_TIMEOUT: Final = 3.0
"""In seconds: how long the keys of the issuer are cached, and how long a request for them may take."""

NEW_KEY_AFTER: Final = 10.0
"""How long after the last request a token with an unknown key causes a new one, in seconds."""

RETRY_AFTER: Final = 5.0
"""How long after a failed request the next one is sent, in seconds; until then tokens fail at once."""

CLAIMS: Final = ["iss", "aud", "sub", "iat", "exp"]


class OidcTokens:
    """Reads the tokens of an issuer with the keys that it publishes."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str,
        keys_cached_for: float = KEYS_CACHED_FOR,
        new_key_after: float = NEW_KEY_AFTER,
        retry_after: float = RETRY_AFTER,
    ) -> None:
        self.issuer = issuer
        self._audience = audience
        self._keys = _PublishedKeys(
            jwks_url, cached_for=keys_cached_for, new_key_after=new_key_after, retry_after=retry_after
        )

    def issued(self, token: str) -> bool:
        """Whether a token names this issuer; only `verified_email` checks the signature."""
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, ValueError):
            return False
        return bool(claims.get("iss") == self.issuer)

    def verified_email(self, token: str, now: datetime) -> str:
        """Check a token and return the verified e-mail in it.

        Raises Unauthenticated, TokenExpired, and Unavailable if the issuer's keys cannot be read.
        """
        claims = self._claims(token)
        issued_at, expires_at = _time(claims["iat"]), _time(claims["exp"])
        not_before = _time(claims.get("nbf", claims["iat"]))
        if max(not_before, issued_at) > now + CLOCK_SKEW:
            raise _not_valid()
        if expires_at <= now:
            raise TokenExpired("The token has expired.")
        return verified_email_in(claims)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            if jwt.get_unverified_header(token).get("alg") not in ALGORITHMS:
                raise _not_valid()
            key = self._keys.get_signing_key_from_jwt(token)
            return jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self.issuer,
                audience=self._audience,
                options={
                    "require": CLAIMS,
                    "verify_exp": False,  # `verified_email` compares times with `now`
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except PyJWKClientConnectionError as error:
            raise Unavailable("The sign-in service does not answer. Try again shortly.") from error
        except (PyJWKClientError, jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise _not_valid() from error


def verified_email_in(claims: Mapping[str, Any]) -> str:
    """Return the e-mail in the claims if the issuer has verified it.

    OpenID Connect has the claim `email_verified`; if it is there, it decides. Entra ID never sends it; its
    claim `xms_edov` (true or 1) says that the owner of the e-mail's domain is verified.

    Raises Unauthenticated.
    """
    email = claims.get("email")
    if not isinstance(email, str) or not _is_email_verified(claims):
        raise Unauthenticated("The e-mail in the token is not verified.")
    return email


def _is_email_verified(claims: Mapping[str, Any]) -> bool:
    if "email_verified" in claims:
        return claims["email_verified"] is True
    return claims.get("xms_edov") in (True, "1", "true")


class _PublishedKeys(PyJWKClient):
    """The keys that an issuer publishes; after a failed request there is a pause before the next.

    The library sends requests under a lock: without the pause, callers would wait for each other's time-outs.
    """

    def __init__(self, url: str, *, cached_for: float, new_key_after: float, retry_after: float) -> None:
        super().__init__(
            url, lifespan=cached_for, timeout=KEYS_TIMEOUT, cooldown_duration=new_key_after, cache_keys=False
        )
        self._retry_after = retry_after
        self._failed_at = -retry_after

    @override
    def fetch_data(self) -> Any:
        """Request the keys. Raises PyJWKClientConnectionError, also for a response without keys."""
        if time.monotonic() - self._failed_at < self._retry_after:
            raise PyJWKClientConnectionError("The last request for the keys failed a moment ago.")
        try:
            return super().fetch_data()
        except (jwt.PyJWTError, OSError, ValueError) as error:
            self._failed_at = time.monotonic()
            raise PyJWKClientConnectionError(f"The keys cannot be read: {error}") from error


def _time(seconds: object) -> datetime:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise _not_valid()
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _not_valid() from error


def _not_valid() -> Unauthenticated:
    return Unauthenticated("The token is not valid.")
