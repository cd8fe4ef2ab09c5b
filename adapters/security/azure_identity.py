"""The portal's identity in Azure, and its tokens as passwords for PostgreSQL.

The identity library takes a second to import, so it is imported for the first token.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from typing_extensions import override

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

DATABASE_SCOPE: Final = "https://ossrdbms-aad.database.windows.net/.default"
"""The scope of tokens that Azure Database for PostgreSQL accepts as passwords."""

RENEWED_BEFORE: Final = 300.0
"""How long before its end a token is replaced, in seconds."""

REUSED_FOR: Final = 3600.0
"""How long a token is used again at most, in seconds. The identity library has its own cache."""

CONNECT_TIMEOUT: Final = 2
READ_TIMEOUT: Final = 5
MAX_RETRIES: Final = 1
"""The library's own limits would block a request for half a minute; clients repeat requests anyway."""


class Identity(Protocol):
    """An identity that Azure can issue tokens for."""

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """Return a token; the Azure libraries call this. Raises AzureError."""
        ...


class AzureIdentity(Identity):
    """The managed identity with `client_id`; if that is empty, the default credential of this machine."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._lock = threading.Lock()
        self._credential: Identity | None = None

    @override
    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        with self._lock:
            if self._credential is None:
                self._credential = self._new_credential()
        return self._credential.get_token(*scopes, **options)

    def _new_credential(self) -> Identity:
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

        limits: dict[str, Any] = {
            "retry_total": MAX_RETRIES, "connection_timeout": CONNECT_TIMEOUT, "read_timeout": READ_TIMEOUT
        }  # fmt: skip
        if self._client_id:
            return ManagedIdentityCredential(client_id=self._client_id, **limits)
        return DefaultAzureCredential(**limits)


class TokenPasswords:
    """Tokens of an identity as database passwords.

    A token is used again until shortly before its end, but at most for REUSED_FOR, whatever happens to the
    clock of the machine.
    """

    def __init__(
        self,
        identity: Identity,
        now: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity = identity
        self._now = now
        self._elapsed = elapsed
        self._requested_at = 0.0
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def __call__(self) -> str:
        """Return the password for a new connection. Raises AzureError if there is no token."""
        with self._lock:
            if self._token is None or self._is_old(self._token):
                self._token = self._identity.get_token(DATABASE_SCOPE)
                self._requested_at = self._elapsed()
            return self._token.token

    def _is_old(self, token: "AccessToken") -> bool:
        is_ending = self._now() > token.expires_on - RENEWED_BEFORE
        return is_ending or self._elapsed() - self._requested_at > REUSED_FOR
