"""Authentication: who a bearer token belongs to. The token is verified before the database is queried."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import azure.functions as func

from bp_core.auth.ports import Claims
from bp_core.shared.access import Caller
from bp_core.shared.errors import Unauthenticated
from functions.bootstrap import Portal
from functions.unit_of_work import UnitOfWork

MAX_TOKEN_LENGTH: Final = 16 * 1024
"""How long a token may be, in characters; a token of Entra ID with 200 groups has about 10,000."""

_BEARER: Final = re.compile(rf"bearer +(\S{{1,{MAX_TOKEN_LENGTH}}})", re.IGNORECASE)


@dataclass(frozen=True)
class OwnToken:
    """A token that this portal issued for a session."""

    claims: Claims

    @property
    def key(self) -> str:
        """The key of the caller for rate limits. Nothing counts against it before `caller` has found them."""
        return str(self.claims.user_id)

    def caller(self, work: UnitOfWork) -> Caller:
        """Find the active user of a live session. Raises TokenRevoked."""
        return work.sign_in.caller_of(self.claims)


@dataclass(frozen=True)
class OutsideToken:
    """A token of another issuer, which has verified an e-mail."""

    email: str

    @property
    def key(self) -> str:
        """The key of the caller for rate limits: a hash, because an e-mail may be longer than a key."""
        return hashlib.sha256(self.email.lower().encode()).hexdigest()

    def caller(self, work: UnitOfWork) -> Caller:
        """Find the active user with the e-mail. Raises Unauthenticated."""
        return work.sign_in.caller_by_email(self.email)


Identity = OwnToken | OutsideToken


def identify(request: func.HttpRequest, portal: Portal, now: datetime) -> Identity:
    """Verify the bearer token of a request.

    Raises Unauthenticated, TokenExpired, and Unavailable if the keys of the other issuer cannot be read.
    """
    match = _BEARER.fullmatch(request.headers.get("authorization", "").strip())
    if match is None:
        raise Unauthenticated("Sign in first.")
    token = match[1]
    if portal.oidc is not None and portal.oidc.issued(token):
        return OutsideToken(portal.oidc.verified_email(token, now))
    return OwnToken(portal.tokens.read(token, "access", now))
