"""Tokens of one outside OpenID Connect issuer: Entra ID, Firebase, any with a JWKS (rules 9)."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from jwt import PyJWKClient, PyJWKClientConnectionError, PyJWKClientError

from bp_core.shared.errors import Unauthenticated, Unavailable

ALGORITHMS: Final = ("RS256", "ES256")
"""Signatures with a public key only: a secret that everybody knows is no secret."""

CLOCK_SKEW: Final = timedelta(seconds=60)
KEYS_KEPT_FOR: Final = 300.0
KEYS_TIMEOUT: Final = 3.0
"""In seconds: how long a set of keys is used before it is asked for again, and how long that may take."""

NEW_KEY_AFTER: Final = 10.0
"""So many seconds after a set of keys came, a token with an unknown key makes us ask for another set."""

RETRY_AFTER: Final = 5.0
"""So many seconds after the keys could not be had, we ask again: nobody waits for an issuer that is down."""

CLAIMS: Final = ["iss", "aud", "sub", "iat", "exp"]


class OidcTokens:
    """Reads the tokens of an issuer, by the keys that it publishes."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str,
        keys_kept_for: float = KEYS_KEPT_FOR,
        new_key_after: float = NEW_KEY_AFTER,
        retry_after: float = RETRY_AFTER,
    ) -> None:
        self.issuer = issuer
        self._audience = audience
        self._keys = _PublishedKeys(
            jwks_url, kept_for=keys_kept_for, new_key_after=new_key_after, retry_after=retry_after
        )

    def issued(self, token: str) -> bool:
        """Whether a token says that it is this issuer's; whether it is, `verified_email` finds out."""
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, ValueError):
            return False
        return bool(claims.get("iss") == self.issuer)

    def verified_email(self, token: str, now: datetime) -> str:
        """Read the e-mail that the issuer vouches for.

        Raises Unauthenticated (TOKEN_EXPIRED), and Unavailable while the issuer's keys cannot be had.
        """
        claims = self._claims(token)
        expires_at, begins_at = _moment(claims["exp"]), _moment(claims.get("nbf", claims["iat"]))
        if max(begins_at, _moment(claims["iat"])) > now + CLOCK_SKEW:
            raise _not_valid()
        if expires_at <= now:
            raise Unauthenticated("The token has expired.", code="TOKEN_EXPIRED")
        return vouched_email(claims)

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
                    "verify_exp": False,  # compared with the caller's clock instead
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except PyJWKClientConnectionError as error:
            raise Unavailable("The sign-in service does not answer; try again shortly.") from error
        except (PyJWKClientError, jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise _not_valid() from error


def vouched_email(claims: Mapping[str, Any]) -> str:
    """Find the e-mail that the issuer's claims vouch for.

    `email_verified` is OpenID Connect's own claim, and decides where it is sent. Entra ID never sends it, and
    says by `xms_edov` that the owner of the e-mail's domain is verified, as true or as 1.

    Raises Unauthenticated.
    """
    email = claims.get("email")
    vouched = claims["email_verified"] is True if "email_verified" in claims else _is_vouched_by_entra(claims)
    if not isinstance(email, str) or not vouched:
        raise Unauthenticated("The issuer does not vouch for the e-mail.")
    return email


def _is_vouched_by_entra(claims: Mapping[str, Any]) -> bool:
    return claims.get("xms_edov") in (True, "1", "true")


class _PublishedKeys(PyJWKClient):
    """The keys that an issuer publishes; while they cannot be had, it is asked now and then only.

    The library asks under a lock: without the pause every caller would wait out the time-outs of all before.
    """

    def __init__(self, url: str, *, kept_for: float, new_key_after: float, retry_after: float) -> None:
        super().__init__(
            url, lifespan=kept_for, timeout=KEYS_TIMEOUT, cooldown_duration=new_key_after, cache_keys=False
        )
        self._retry_after = retry_after
        self._failed_at = -retry_after

    def fetch_data(self) -> Any:
        """Ask for the keys.

        Raises PyJWKClientConnectionError, also for an answer that holds no keys.
        """
        if time.monotonic() - self._failed_at < self._retry_after:
            raise PyJWKClientConnectionError("The keys could not be had a moment ago.")
        try:
            return super().fetch_data()
        except (jwt.PyJWTError, OSError, ValueError) as error:
            self._failed_at = time.monotonic()
            raise PyJWKClientConnectionError(f"The keys cannot be had: {error}") from error


def _moment(seconds: object) -> datetime:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise _not_valid()
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _not_valid() from error


def _not_valid() -> Unauthenticated:
    return Unauthenticated("The token is not valid.")
