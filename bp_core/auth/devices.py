"""Devices that have signed in to an account before (rules 9).

A login returns a device token; the client sends it with later logins of the same person. It opens nothing.
It says that the attempt comes from a device of the owner, so that failures of others behind the same address
do not count for it.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bp_core.auth.ports import Account, NewToken, TokenIssuer
from bp_core.shared.errors import Unauthenticated

DEVICE_LIFETIME: Final = timedelta(days=90)
"""How long a device is known after its last login."""

ACCOUNT_KEY_LENGTH: Final = 32


def account_key(email: str) -> str:
    """Return a short hash of an e-mail: the same for upper and lower case, and for unknown e-mails."""
    digest = hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()
    return digest[:ACCOUNT_KEY_LENGTH]


def known_device(tokens: TokenIssuer, device_token: str | None, email: str, now: datetime) -> UUID | None:
    """Return the id of the device of a device token; None if it is not valid, or is for another e-mail."""
    if device_token is None:
        return None
    try:
        claims = tokens.read(device_token, "device", now)
    except Unauthenticated:
        return None
    return claims.session_id if claims.token_id == account_key(email) else None


def device_token(tokens: TokenIssuer, account: Account, device_id: UUID | None, now: datetime) -> str:
    """Issue a token for a device that has just signed in: the known one, or a new one."""
    new = NewToken(
        kind="device",
        id=account_key(account.email),
        user_id=account.user_id,
        session_id=device_id or tokens.new_id(),
        role=account.role,
        issued_at=now,
        expires_at=now + DEVICE_LIFETIME,
    )
    return tokens.issue(new)
