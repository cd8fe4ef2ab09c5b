"""One storage account as the host uses it: short timeouts and no retries, because the pollers try again."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContainerClient

HOST_CONTAINER = "azure-webjobs-hosts"
CONNECT_SECONDS = 2
READ_SECONDS = 10

DEVELOPMENT_ACCOUNT = "devstoreaccount1"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Not a secret: Microsoft publishes this account and key for every storage emulator."""

DEVELOPMENT_STORAGE = (
    f"DefaultEndpointsProtocol=http;AccountName={DEVELOPMENT_ACCOUNT};AccountKey={DEVELOPMENT_KEY};"
    f"BlobEndpoint=http://127.0.0.1:10000/{DEVELOPMENT_ACCOUNT};"
    f"QueueEndpoint=http://127.0.0.1:10001/{DEVELOPMENT_ACCOUNT};"
    f"TableEndpoint=http://127.0.0.1:10002/{DEVELOPMENT_ACCOUNT};"
)
"""The connection string that `UseDevelopmentStorage=true` is short for."""


def expand_connection_string(text: str) -> str:
    """``text``, or the long form of ``UseDevelopmentStorage=true``, which the Python SDK does not know."""
    is_short_form = text.strip().rstrip(";").lower() == "usedevelopmentstorage=true"
    return DEVELOPMENT_STORAGE if is_short_form else text


class StorageAccount:
    """The account of a connection string; ``UseDevelopmentStorage=true`` is a storage emulator.

    Raises ValueError if the connection string is invalid.
    """

    def __init__(self, connection_string: str) -> None:
        from azure.storage.blob import BlobServiceClient

        self._connection_string = expand_connection_string(connection_string)
        self._blobs = BlobServiceClient.from_connection_string(
            self._connection_string,
            retry_total=0,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )

    def container(self, name: str) -> "ContainerClient":
        """A client for a container, which may not exist yet."""
        return self._blobs.get_container_client(name)

    def host_blob(self, name: str) -> "BlobClient":
        """A client for a blob in the host's own container."""
        return self._blobs.get_blob_client(HOST_CONTAINER, name)

    def put_message(self, queue: str, text: str) -> None:
        """Add a message to a queue, as base64 for the .NET queue listener. Creates the queue if missing."""
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
