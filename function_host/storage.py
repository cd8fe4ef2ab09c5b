"""One storage account as the host uses it: short time-outs and no retries, since the pollers try again."""

from typing import TYPE_CHECKING

from local.azurite import WELL_KNOWN_EMULATOR

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContainerClient

HOST_CONTAINER = "azure-webjobs-hosts"
CONNECT_SECONDS = 2
READ_SECONDS = 10


class StorageAccount:
    """The account of one connection string; ``UseDevelopmentStorage=true`` is Azurite's default.

    Raises ValueError if the string is none.
    """

    def __init__(self, connection_string: str) -> None:
        from azure.storage.blob import BlobServiceClient

        development = connection_string.strip().rstrip(";").lower() == "usedevelopmentstorage=true"
        self._connection_string = WELL_KNOWN_EMULATOR if development else connection_string
        self._blobs = BlobServiceClient.from_connection_string(
            self._connection_string,
            retry_total=0,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )

    def container(self, name: str) -> "ContainerClient":
        """The client of one container, which need not exist."""
        return self._blobs.get_container_client(name)

    def host_blob(self, name: str) -> "BlobClient":
        """The client of a blob in the host's own container."""
        return self._blobs.get_blob_client(HOST_CONTAINER, name)

    def put_message(self, queue: str, text: str) -> None:
        """Add a message to a queue, made if missing; base64 text, as the .NET queue listener expects it."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.queue import QueueClient, TextBase64EncodePolicy

        with QueueClient.from_connection_string(
            self._connection_string,
            queue,
            message_encode_policy=TextBase64EncodePolicy(),
            retry_total=0,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        ) as client:
            try:
                client.send_message(text)
            except ResourceNotFoundError:
                client.create_queue()
                client.send_message(text)

    def close(self) -> None:
        """Close the connections."""
        self._blobs.close()
