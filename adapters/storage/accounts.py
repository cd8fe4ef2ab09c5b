"""Access to a storage account: a client of it, and the credential that signs its URLs.

Azurite is accessed with an account key, Azure with a managed identity. The storage library takes a second to
import, so it is imported where it is first needed.
"""

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from typing_extensions import override

from adapters.security.azure_identity import Identity

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, UserDelegationKey

EMULATOR_ACCOUNT: Final = "devstoreaccount1"
"""The default account of every emulator. Its key is public."""

KEY_LIFETIME: Final = timedelta(days=6)
"""The requested lifetime of a user delegation key. Azure allows seven days, measured by its own clock."""

KEY_RENEWED_BEFORE: Final = timedelta(days=2)
"""How long before its end a key is replaced: longer than the life of any URL (at most one day)."""

KEY_RETRIED_AFTER: Final = timedelta(minutes=10)
"""The pause before the next try, when a key could not be replaced but is still valid."""

KEY_STARTS_BEFORE: Final = timedelta(minutes=10)
"""A key is valid from some time before now: an invocation that started earlier may use it, too."""


class StorageAccount(Protocol):
    """A storage account."""

    def open(self, **options: Any) -> "BlobServiceClient":
        """Create a client of the account."""
        ...

    def signing_key(self, service: "BlobServiceClient", start: datetime, end: datetime) -> dict[str, Any]:
        """Return the keyword argument with the key that signs a URL valid from `start` to `end`.

        Raises AzureError.
        """
        ...


class AccountByKey(StorageAccount):
    """The account of a connection string with an account key: Azurite."""

    def __init__(self, connection_string: str) -> None:
        self._connection_string = connection_string

    @override
    def open(self, **options: Any) -> "BlobServiceClient":
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient.from_connection_string(self._connection_string, **options)

    @override
    def signing_key(self, service: "BlobServiceClient", start: datetime, end: datetime) -> dict[str, Any]:
        return {"account_key": service.credential.account_key}


@dataclass(frozen=True)
class _DelegationKey:
    value: "UserDelegationKey"
    starts_at: datetime
    ends_at: datetime
    renewed_at: datetime

    def covers(self, start: datetime, end: datetime) -> bool:
        return self.starts_at <= start and end <= self.ends_at


class AccountByIdentity(StorageAccount):
    """An account in Azure, by the URL of its blob endpoint and an identity that has rights to it.

    URLs are signed with a user delegation key, which is cached and replaced well before it ends.
    """

    def __init__(self, url: str, identity: Identity) -> None:
        self._url = url
        self._identity = identity
        self._renewing = threading.Lock()
        self._key: _DelegationKey | None = None

    @override
    def open(self, **options: Any) -> "BlobServiceClient":
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self._url, credential=self._identity, **options)

    @override
    def signing_key(self, service: "BlobServiceClient", start: datetime, end: datetime) -> dict[str, Any]:
        from azure.core.exceptions import AzureError

        with self._renewing:
            key = self._key
            if key is None or not key.covers(start, end):
                key = _request_key(service, start)
            elif start >= key.renewed_at:
                try:
                    key = _request_key(service, start)
                except AzureError:  # the current key is still valid
                    key = replace(key, renewed_at=start + KEY_RETRIED_AFTER)
            self._key = key
        return {"user_delegation_key": key.value}


def is_emulator(connection_string: str) -> bool:
    """Whether a connection string points to an emulator: on this machine, or by its default account."""
    pairs = (part.partition("=") for part in connection_string.split(";"))
    parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return (
        parts.get("usedevelopmentstorage", "").lower() == "true"
        or parts.get("accountname") == EMULATOR_ACCOUNT
        or _is_this_machine(urlsplit(parts.get("blobendpoint", "")).hostname or "")
    )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _request_key(service: "BlobServiceClient", start: datetime) -> _DelegationKey:
    starts_at, ends_at = start - KEY_STARTS_BEFORE, start + KEY_LIFETIME
    value = service.get_user_delegation_key(starts_at, ends_at)
    return _DelegationKey(value, starts_at, ends_at, ends_at - KEY_RENEWED_BEFORE)
