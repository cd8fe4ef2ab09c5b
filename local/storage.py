"""Prepares the storage account of a local portal: containers, and CORS rules for uploads from browsers."""

from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob import BlobServiceClient, CorsRule

from adapters.storage.accounts import is_emulator
from local.errors import SetupError

CONTAINERS = ("best-practices", "supporting-documents", "thumbnails", "quarantine", "exports")
CORS_METHODS = ["GET", "HEAD", "PUT", "OPTIONS"]
CORS_HEADERS = {"allowed_headers": ["content-type", "x-ms-*"], "exposed_headers": ["etag", "x-ms-*"]}
"""What pages of other origins may use, as in infra/modules/storage.bicep."""

_MAX_AGE_SECONDS = 3600
_WITHOUT_PATIENCE: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 30}
"""By default the client repeats a call for a minute and a half, also if nothing listens at the address."""


def prepare_storage(connection_string: str, cors_origins: list[str]) -> None:
    """Create missing containers, and allow web pages of the origins to upload with a SAS.

    Existing CORS rules stay. Raises SetupError if the account is not an emulator or does not respond.
    """
    if not is_emulator(connection_string):
        raise SetupError(
            "AzureWebJobsStorage must be the connection string of Azurite: account keys work only there.\n"
            "Unset it to use the embedded Azurite."
        )
    try:
        with BlobServiceClient.from_connection_string(connection_string, **_WITHOUT_PATIENCE) as service:
            existing = {container.name for container in service.list_containers()}
            for name in CONTAINERS:
                if name not in existing:
                    _create_container(service, name)
            _allow_uploads_from(service, cors_origins)
    except (AzureError, ValueError) as error:
        raise SetupError(
            f"The storage account of AzureWebJobsStorage cannot be used: {error}\n"
            "Start Azurite there or correct AzureWebJobsStorage. Or unset it to use the embedded Azurite."
        ) from error


def _create_container(service: BlobServiceClient, name: str) -> None:
    try:
        service.create_container(name)
    except ResourceExistsError:
        return  # another instance started at the same time


def _allow_uploads_from(service: BlobServiceClient, origins: list[str]) -> None:
    rules: list[CorsRule] = service.get_service_properties()["cors"]
    allowed = {origin for rule in rules for origin in rule.allowed_origins.split(",")}
    if allowed.issuperset(origins):
        return
    ours = CorsRule(origins, CORS_METHODS, max_age_in_seconds=_MAX_AGE_SECONDS, **CORS_HEADERS)
    service.set_service_properties(cors=[*rules, ours])
