"""What the portal expects of its storage account: the containers, and browsers' leave to upload into them."""

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob import BlobServiceClient, CorsRule

from adapters.storage_accounts import is_emulator
from local.problems import StartError

CONTAINERS = ("best-practices", "supporting-documents", "thumbnails", "quarantine")
_MAX_AGE_SECONDS = 3600


def prepare_storage(connection_string: str, cors_origins: list[str]) -> None:
    """Create the containers that are missing and let the origins' pages upload with a SAS.

    CORS rules that are there already stay. Raises StartError where the account is no emulator's, or does not
    answer.
    """
    if not is_emulator(connection_string):
        raise StartError(
            "AzureWebJobsStorage must lead to Azurite: the portal takes account keys for nothing else.\n"
            "Unset it to use the embedded one."
        )
    try:
        with BlobServiceClient.from_connection_string(connection_string) as service:
            present = {container.name for container in service.list_containers()}
            for name in CONTAINERS:
                if name not in present:
                    _create_container(service, name)
            _allow_uploads_from(service, cors_origins)
    except (AzureError, ValueError) as error:
        raise StartError(f"The storage account of AzureWebJobsStorage cannot be used: {error}") from error


def _create_container(service: BlobServiceClient, name: str) -> None:
    try:
        service.create_container(name)
    except ResourceExistsError:
        return  # another instance that starts at the same time was faster


def _allow_uploads_from(service: BlobServiceClient, origins: list[str]) -> None:
    rules: list[CorsRule] = service.get_service_properties()["cors"]
    allowed = {origin for rule in rules for origin in rule.allowed_origins.split(",")}
    if allowed.issuperset(origins):
        return
    methods = ["GET", "HEAD", "PUT", "OPTIONS"]
    headers = {"allowed_headers": ["*"], "exposed_headers": ["*"]}
    ours = CorsRule(origins, methods, max_age_in_seconds=_MAX_AGE_SECONDS, **headers)
    service.set_service_properties(cors=[*rules, ours])
