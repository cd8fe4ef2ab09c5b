"""The identity that the portal has in Azure, and its tokens as passwords for PostgreSQL.

The identity library takes a second to import, so it is imported for the first token.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

DATABASE_SCOPE: Final = "https://ossrdbms-aad.database.windows.net/.default"
"""What a token must be for, to be a password of Azure's PostgreSQL."""

RENEWED_BEFORE: Final = 300.0
"""So many seconds before its end a token is not used any more."""

CONNECT_TIMEOUT: Final = 2
READ_TIMEOUT: Final = 5
MOST_RETRIES: Final = 1
"""The library's own would keep a call waiting for half a minute; whoever calls comes again anyway."""


class Identity(Protocol):
    """Somebody whom Azure knows."""

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """Get a token, as the Azure libraries ask for it. Raises AzureError."""


class AzureIdentity:
    """The portal's identity: the user-assigned one of `client_id`, or else what this machine offers."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._finding = threading.Lock()
        self._found: Identity | None = None

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """Get a token, as the Azure libraries ask for it. Raises AzureError."""
        with self._finding:
            if self._found is None:
                self._found = self._find()
        return self._found.get_token(*scopes, **options)

    def _find(self) -> Identity:
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

        patience: dict[str, Any] = {
            "retry_total": MOST_RETRIES, "connection_timeout": CONNECT_TIMEOUT, "read_timeout": READ_TIMEOUT
        }  # fmt: skip
        if self._client_id:
            return ManagedIdentityCredential(client_id=self._client_id, **patience)
        return DefaultAzureCredential(**patience)


class TokenPasswords:
    """An identity's tokens as passwords: a fresh one for every new connection, kept while it is good."""

    def __init__(self, identity: Identity, now: Callable[[], float] = time.time) -> None:
        self._identity = identity
        self._now = now
        self._renewing = threading.Lock()
        self._token: AccessToken | None = None

    def __call__(self) -> str:
        """Give the password of a connection that is made now. Raises AzureError where there is no token."""
        with self._renewing:
            if self._token is None or self._now() > self._token.expires_on - RENEWED_BEFORE:
                self._token = self._identity.get_token(DATABASE_SCOPE)
            return self._token.token
