"""The blobs of a storage account, on a real Azurite."""

import base64
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from adapters.storage.accounts import AccountByKey
from adapters.storage.blobs import AzureBlobs
from bp_core.practices.ports import ServedAs
from bp_core.shared.errors import Unavailable
from local.azurite import storage_connection_string as connection_string_of
from local.storage import prepare_storage
from tests.world import concurrently

CONTAINER = "best-practices"
NAME = "practices/7/a b é %2f?#&+.jpg"
"""A name with every character that has a meaning in a URL."""

NOW = datetime.now(UTC)
"""When the tests were collected, which may be long before they run."""
JPEG = ServedAs("image/jpeg")
KEY = base64.b64encode(b"a made-up key").decode()


@pytest.fixture
def blobs(storage_connection_string: str) -> AzureBlobs:
    prepare_storage(storage_connection_string, [])
    return AzureBlobs(AccountByKey(storage_connection_string))


@pytest.fixture
def service(storage_connection_string: str) -> Iterator[BlobServiceClient]:
    """The same account, without the adapter."""
    with BlobServiceClient.from_connection_string(storage_connection_string) as service:
        yield service


def test_a_blob_is_read_with_its_size_and_url(blobs: AzureBlobs, service: BlobServiceClient) -> None:
    blobs.put(CONTAINER, NAME, b"12345", "image/jpeg")

    stored = blobs.read(CONTAINER, NAME, at_most=5)

    assert stored is not None
    assert (stored.size, stored.data) == (5, b"12345")
    assert unquote(urlsplit(stored.url).path).endswith(f"/{CONTAINER}/{NAME}")
    properties = service.get_blob_client(CONTAINER, NAME).get_blob_properties()
    assert properties.content_settings.content_type == "image/jpeg"


def test_a_blob_that_is_too_large_has_a_size_and_no_data(blobs: AzureBlobs) -> None:
    blobs.put(CONTAINER, NAME, bytes(3000), "image/jpeg")
    stored = blobs.read(CONTAINER, NAME, at_most=2999)
    assert stored is not None
    assert (stored.size, stored.data) == (3000, None)


def test_an_empty_blob_has_no_data(blobs: AzureBlobs) -> None:
    blobs.put(CONTAINER, NAME, b"", "image/jpeg")
    stored = blobs.read(CONTAINER, NAME, at_most=10)
    assert stored is not None
    assert (stored.size, stored.data) == (0, b"")


def test_a_blob_or_container_that_is_missing_reads_as_none(blobs: AzureBlobs) -> None:
    assert blobs.read(CONTAINER, "practices/7/missing.jpg", at_most=10) is None
    assert blobs.read("no-such-container", NAME, at_most=10) is None


def test_a_second_put_overwrites(blobs: AzureBlobs, service: BlobServiceClient) -> None:
    blobs.put(CONTAINER, NAME, b"first", "image/jpeg")
    blobs.put(CONTAINER, NAME, b"second", "image/webp")

    blob = service.get_blob_client(CONTAINER, NAME)
    assert blob.download_blob().readall() == b"second"
    assert blob.get_blob_properties().content_settings.content_type == "image/webp"


def test_quarantine_moves_a_blob_with_the_reason_and_can_be_repeated(
    blobs: AzureBlobs, service: BlobServiceClient
) -> None:
    blobs.put(CONTAINER, NAME, b"<svg/>", "image/jpeg")

    for _ in range(2):
        blobs.quarantine(CONTAINER, NAME, "not an image: é")

        moved = service.get_blob_client("quarantine", f"{CONTAINER}/{NAME}")
        assert moved.download_blob().readall() == b"<svg/>"
        assert unquote(moved.get_blob_properties().metadata["reason"]) == "not an image: é"
        assert not service.get_blob_client(CONTAINER, NAME).exists()


def test_quarantine_of_a_missing_blob_creates_none(blobs: AzureBlobs, service: BlobServiceClient) -> None:
    blobs.quarantine(CONTAINER, NAME, "whatever")
    assert list(service.get_container_client("quarantine").list_blobs()) == []


def test_concurrent_quarantine_keeps_the_blob(blobs: AzureBlobs, service: BlobServiceClient) -> None:
    blobs.put(CONTAINER, NAME, b"text", "image/jpeg")
    concurrently(*[partial(blobs.quarantine, CONTAINER, NAME, "a text")] * 8)
    moved = service.get_blob_client("quarantine", f"{CONTAINER}/{NAME}")
    assert moved.download_blob().readall() == b"text"


def test_deleting_a_missing_blob_does_nothing(blobs: AzureBlobs) -> None:
    blobs.put(CONTAINER, NAME, b"x", "image/jpeg")
    for _ in range(2):
        blobs.delete(CONTAINER, NAME)
        assert blobs.read(CONTAINER, NAME, at_most=10) is None


def test_urls_work_for_names_with_any_characters(blobs: AzureBlobs) -> None:
    now = datetime.now(UTC)
    put = blobs.upload_url(CONTAINER, NAME, now, now + timedelta(minutes=15))
    answer = httpx.put(put, content=b"bytes", headers={"x-ms-blob-type": "BlockBlob"})
    assert (answer.status_code, httpx.get(blobs.read_url(CONTAINER, NAME, now, JPEG)).content) == (
        201,
        b"bytes",
    )


@pytest.mark.parametrize(("scheme", "protocols"), [("https", ["https"]), ("http", ["https,http"])])
def test_urls_need_https_if_the_account_uses_it(scheme: str, protocols: list[str]) -> None:
    account = f"DefaultEndpointsProtocol={scheme};AccountName=amber;AccountKey={KEY}"
    blobs = AzureBlobs(AccountByKey(f"{account};EndpointSuffix=core.windows.net"))
    now = datetime(2026, 8, 15, 6, 30, tzinfo=UTC)
    upload_url = blobs.upload_url(CONTAINER, NAME, now, now + timedelta(minutes=15))
    for url, permission, end in [
        (blobs.read_url(CONTAINER, NAME, now, JPEG), "r", "2026-08-16T06:30:00Z"),
        (upload_url, "c", "2026-08-15T06:45:00Z"),
    ]:  # fmt: skip
        parts = urlsplit(url)
        signed = parse_qs(parts.query)
        assert (parts.scheme, parts.netloc) == (scheme, "amber.blob.core.windows.net")
        assert (signed["spr"], signed["sp"], signed["sr"], signed["se"]) == (
            protocols, [permission], ["b"], [end]
        )  # fmt: skip
        assert signed["st"] == ["2026-08-15T06:25:00Z"]  # the clock of the storage may be behind


def test_a_storage_that_does_not_answer_is_unavailable_and_urls_are_signed_without_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    account = connection_string_of(blob_port=port, queue_port=port, table_port=port, account="amber", key=KEY)
    blobs = AzureBlobs(AccountByKey(account))

    def refused(*call: object) -> bool:
        method, *arguments = call
        assert callable(method)
        with pytest.raises(Unavailable):
            method(*arguments)
        return True

    assert all(
        concurrently(
            partial(refused, blobs.check),
            partial(refused, blobs.read, CONTAINER, NAME, 10),
            partial(refused, blobs.put, CONTAINER, NAME, b"x", "image/jpeg"),
            partial(refused, blobs.quarantine, CONTAINER, NAME, "why"),
            partial(refused, blobs.delete, CONTAINER, NAME),
        )
    )
    assert blobs.read_url(CONTAINER, NAME, NOW, JPEG).startswith(f"http://127.0.0.1:{port}/amber/")
    assert blobs.upload_url(CONTAINER, NAME, NOW, NOW).startswith(f"http://127.0.0.1:{port}/amber/")


def test_a_wrong_account_key_is_an_error_of_ours_and_not_an_outage(
    blobs: AzureBlobs, storage_connection_string: str
) -> None:
    parts = dict(part.split("=", 1) for part in storage_connection_string.strip(";").split(";"))
    parts["AccountKey"] = KEY
    with pytest.raises(HttpResponseError, match="AuthorizationFailure"):
        account = AccountByKey(";".join(f"{name}={value}" for name, value in parts.items()))
        AzureBlobs(account).read(CONTAINER, NAME, 10)
