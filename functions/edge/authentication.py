"""Who a token says is calling: found out before the database is asked."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import azure.functions as func

from bp_core.auth.sessions import caller_by_email, caller_of
from bp_core.auth.store import Claims
from bp_core.shared.access import Caller
from bp_core.shared.errors import Unauthenticated
from functions.bootstrap import Portal, Unit

_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class OwnToken:
    """A token that we issued for a session."""

    claims: Claims

    @property
    def key(self) -> str:
        """Whose calls are counted."""
        return str(self.claims.user_id)

    def caller(self, unit: Unit) -> Caller:
        """Find the live user. Raises Unauthenticated (TOKEN_REVOKED)."""
        return caller_of(unit.sessions, self.claims, now=unit.moment.at)


@dataclass(frozen=True)
class OutsideToken:
    """A token of another issuer, which vouches for an e-mail."""

    email: str

    @property
    def key(self) -> str:
        """Whose calls are counted: a hash, for an e-mail may be longer than a key."""
        return hashlib.sha256(self.email.lower().encode()).hexdigest()

    def caller(self, unit: Unit) -> Caller:
        """Find the active user. Raises Unauthenticated."""
        return caller_by_email(unit.accounts, self.email)


Identity = OwnToken | OutsideToken


def identify(request: func.HttpRequest, portal: Portal, now: datetime) -> Identity:
    """Read the token of a call.

    Raises Unauthenticated, and Unavailable while the keys of an outside issuer cannot be had.
    """
    match = _BEARER.fullmatch(request.headers.get("authorization", "").strip())
    if match is None:
        raise Unauthenticated("Sign in first.")
    token = match[1]
    if portal.oidc is not None and portal.oidc.issued(token):
        return OutsideToken(portal.oidc.verified_email(token, now))
    return OwnToken(portal.tokens.read(token, "access", now))
