"""How a storage account is reached and what signs its URLs: a key for Azurite, an identity in Azure.

The storage library takes a second to import, so it is imported where it is first needed.
"""

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from adapters.credentials import Identity

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, UserDelegationKey

EMULATORS_ACCOUNT: Final = "devstoreaccount1"
"""The account of every emulator; its key is published."""

KEY_LIFETIME: Final = timedelta(days=6)
"""How long a user delegation key is asked for: Azure gives seven days, by its own clock."""

KEY_RENEWED_BEFORE: Final = timedelta(days=2)
"""So long before its end a key is replaced: nothing that it signs, for a day at most, outlives it."""

KEY_RETRIED_AFTER: Final = timedelta(minutes=10)
"""When a key that could not be replaced, but is good for a while, is tried to be replaced again."""

KEY_STARTS_BEFORE: Final = timedelta(minutes=10)
"""Calls come in no order: one that came earlier may want its URL signed a little later."""


class StorageAccount(Protocol):
    """A storage account."""

    def open(self, **options: Any) -> "BlobServiceClient":
        """Make a client of the account."""

    def signs_with(self, service: "BlobServiceClient", start: datetime, end: datetime) -> dict[str, Any]:
        """Give what signs a URL that is good from `start` to `end`. Raises AzureError."""


class AccountByKey:
    """The account of a connection string with an account key: Azurite."""

    def __init__(self, connection_string: str) -> None:
        self._connection_string = connection_string

    def open(self, **options: Any) -> "BlobServiceClient":
        """Make a client of the account."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient.from_connection_string(self._connection_string, **options)

    def signs_with(self, service: "BlobServiceClient", start: datetime, end: datetime) -> dict[str, Any]:  # noqa: ARG002 - a key is good for any time
        """Give the account key."""
        return {"account_key": service.credential.account_key}


@dataclass(frozen=True)
class _DelegationKey:
    value: "UserDelegationKey"
    starts_at: datetime
    ends_at: datetime
    renewed_at: datetime

    def covers(self, start: datetime, end: datetime) -> bool:
        return self.starts_at <= start and end <= self.ends_at


class AccountByIdentity:
    """An account in Azure, at its blob endpoint, to which an identity was given rights."""

    def __init__(self, url: str, identity: Identity) -> None:
        self._url = url
        self._identity = identity
        self._renewing = threading.Lock()
        self._key: _DelegationKey | None = None

    def open(self, **options: Any) -> "BlobServiceClient":
        """Make a client of the account."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self._url, credential=self._identity, **options)

    def signs_with(self, service: "BlobServiceClient", start: datetime, end: datetime) -> dict[str, Any]:
        """Give a user delegation key, kept and replaced well before it ends. Raises AzureError."""
        from azure.core.exceptions import AzureError

        with self._renewing:
            held = self._key
            if held is None or not held.covers(start, end):
                held = _ask_for_key(service, start)
            elif start >= held.renewed_at:
                try:
                    held = _ask_for_key(service, start)
                except AzureError:  # what there is will do for a while
                    held = replace(held, renewed_at=start + KEY_RETRIED_AFTER)
            self._key = held
        return {"user_delegation_key": held.value}


def is_emulator(connection_string: str) -> bool:
    """Whether a connection string leads to an emulator: on this machine, or by its published account."""
    pairs = (part.partition("=") for part in connection_string.split(";"))
    parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return (
        parts.get("usedevelopmentstorage", "").lower() == "true"
        or parts.get("accountname") == EMULATORS_ACCOUNT
        or _is_this_machine(urlsplit(parts.get("blobendpoint", "")).hostname or "")
    )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _ask_for_key(service: "BlobServiceClient", start: datetime) -> _DelegationKey:
    starts_at, ends_at = start - KEY_STARTS_BEFORE, start + KEY_LIFETIME
    value = service.get_user_delegation_key(starts_at, ends_at)
    return _DelegationKey(value, starts_at, ends_at, ends_at - KEY_RENEWED_BEFORE)
