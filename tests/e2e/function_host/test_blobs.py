"""Blob triggers with a real Azurite: at least once, five attempts, then the poison queue."""

import base64
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import azure.functions as func
import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient

from function_host import FunctionHost
from function_host.blobs import MAX_ATTEMPTS, POISON_QUEUE, blob_name_pattern
from local.azurite import Azurite
from tests.e2e.function_host.support import POLL_SECONDS, eventually

PATH = "photos/practices/{practice_id}/{file}"
PHOTO = "practices/7/before.jpg"
BYTES = b"\xff\xd8\x00\xfe"

Handler = Callable[[str, bytes], None]


class Recorder:
    """A handler that records each blob, and fails if its name contains "bad"."""

    def __init__(self) -> None:
        self.blobs: list[tuple[str, bytes]] = []

    def __call__(self, name: str, data: bytes) -> None:
        self.blobs.append((name, data))
        if "bad" in name:
            raise ValueError(f"{name} is bad")


def app_of(handler: Handler, source: func.BlobSource | None = None) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.blob_trigger(
        arg_name="blob",
        path=PATH,
        connection="AzureWebJobsStorage",
        source=source or func.BlobSource.LOGS_AND_CONTAINER_SCAN,
        data_type=func.DataType.BINARY,
    )
    def record(blob: func.InputStream) -> None:
        assert blob.name is not None
        assert blob.uri is not None
        assert blob.uri.endswith(f"/{blob.name}")
        data = blob.read()
        assert blob.length == len(data)
        handler(blob.name, data)

    return app


def host_of(handler: Handler, storage: str, source: func.BlobSource | None = None) -> FunctionHost:
    return FunctionHost(app_of(handler, source), {"AzureWebJobsStorage": storage}, poll_interval=POLL_SECONDS)


@pytest.fixture
def blobs(storage_connection_string: str) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(storage_connection_string) as client:
        client.create_container("photos")
        yield client


def put(blobs: BlobServiceClient, name: str = PHOTO, data: bytes = BYTES) -> None:
    blobs.get_blob_client("photos", name).upload_blob(data, overwrite=True)


def completed(blobs: BlobServiceClient) -> list[str]:
    """The blobs whose receipts are complete."""
    container = blobs.get_container_client("azure-webjobs-hosts")
    try:
        receipts = list(container.list_blobs("blobreceipts/record/", ["metadata"]))
    except ResourceNotFoundError:
        return []
    return [blob.name.split("/", 3)[3] for blob in receipts if "incomplete" not in (blob.metadata or {})]


def poison_messages(storage: str) -> list[dict[str, str]]:
    with QueueClient.from_connection_string(storage, POISON_QUEUE) as queue:
        return [json.loads(base64.b64decode(message.content)) for message in queue.peek_messages(32)]


def test_many_blobs_are_listed_page_by_page_and_each_is_processed_once(
    blobs: BlobServiceClient, storage_connection_string: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("function_host.blobs.PAGE", 2)
    names = [f"practices/7/{number}.jpg" for number in range(5)]
    for name in names:
        put(blobs, name)
    recorder = Recorder()
    with host_of(recorder, storage_connection_string):
        eventually(lambda: len(completed(blobs)) == len(names))
    with host_of(recorder, storage_connection_string):  # which reads the receipts of the first
        put(blobs, "practices/7/last.jpg")
        eventually(lambda: len(completed(blobs)) == len(names) + 1)
    seen = Counter(name for name, _ in recorder.blobs)
    assert seen == dict.fromkeys([f"photos/{name}" for name in [*names, "practices/7/last.jpg"]], 1)


def test_a_blob_triggers_the_function_once_and_gets_a_receipt(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    recorder = Recorder()
    with host_of(recorder, storage_connection_string):
        put(blobs)
        put(blobs, "elsewhere/x.jpg")
        eventually(lambda: recorder.blobs and completed(blobs))
        put(blobs, "practices/7/after.jpg")
        eventually(lambda: len(completed(blobs)) == 2)

    assert recorder.blobs == [(f"photos/{PHOTO}", BYTES), ("photos/practices/7/after.jpg", BYTES)]
    etag = blobs.get_blob_client("photos", PHOTO).get_blob_properties().etag.strip('"')
    receipt = blobs.get_blob_client("azure-webjobs-hosts", f"blobreceipts/record/{etag}/photos/{PHOTO}")
    assert receipt.exists()


def test_a_restart_processes_only_new_blobs(blobs: BlobServiceClient, storage_connection_string: str) -> None:
    recorder = Recorder()
    put(blobs)
    with host_of(recorder, storage_connection_string):
        eventually(lambda: completed(blobs))
    put(blobs, "practices/7/after.jpg")
    with host_of(recorder, storage_connection_string):
        eventually(lambda: len(completed(blobs)) == 2)

    assert [name for name, _ in recorder.blobs] == [f"photos/{PHOTO}", "photos/practices/7/after.jpg"]


def test_a_failing_blob_gets_five_attempts_and_one_poison_message(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    recorder = Recorder()
    put(blobs, "practices/7/bad.jpg")
    with host_of(recorder, storage_connection_string):
        eventually(lambda: completed(blobs))
        put(blobs)
        eventually(lambda: len(completed(blobs)) == 2)
    with host_of(recorder, storage_connection_string):
        put(blobs, "practices/8/good.jpg")
        eventually(lambda: len(completed(blobs)) == 3)

    assert Counter(name for name, _ in recorder.blobs)["photos/practices/7/bad.jpg"] == MAX_ATTEMPTS == 5
    etag = blobs.get_blob_client("photos", "practices/7/bad.jpg").get_blob_properties().etag
    assert poison_messages(storage_connection_string) == [
        {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.record",
            "BlobType": "BlockBlob",
            "ContainerName": "photos",
            "BlobName": "practices/7/bad.jpg",
            "ETag": f'"{etag.strip(chr(34))}"',
        }
    ]


def test_attempts_of_a_stopped_host_count(blobs: BlobServiceClient, storage_connection_string: str) -> None:
    recorder = Recorder()
    put(blobs, "practices/7/bad.jpg")
    with host_of(recorder, storage_connection_string):
        eventually(lambda: recorder.blobs)
    with host_of(recorder, storage_connection_string):
        eventually(lambda: completed(blobs))

    assert len(recorder.blobs) == MAX_ATTEMPTS


def test_a_changed_blob_is_processed_again(blobs: BlobServiceClient, storage_connection_string: str) -> None:
    recorder = Recorder()
    with host_of(recorder, storage_connection_string):
        put(blobs)
        eventually(lambda: len(completed(blobs)) == 1)
        put(blobs, data=b"other")
        eventually(lambda: len(completed(blobs)) == 2)

    assert [data for _, data in recorder.blobs] == [BYTES, b"other"]


def test_two_hosts_on_one_storage_account_process_each_blob_once(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    first, second = Recorder(), Recorder()
    names = [f"practices/{number}/photo.jpg" for number in range(30)]
    with host_of(first, storage_connection_string), host_of(second, storage_connection_string):
        for name in names:
            put(blobs, name)
        eventually(lambda: len(completed(blobs)) == len(names))

    assert Counter(name for name, _ in first.blobs + second.blobs) == Counter(
        f"photos/{name}" for name in names
    )


def test_a_container_can_be_created_later(storage_connection_string: str) -> None:
    recorder = Recorder()
    with host_of(recorder, storage_connection_string) as host:
        assert httpx.get(f"{host.base_url}/admin/host/status").status_code == 200
        with BlobServiceClient.from_connection_string(storage_connection_string) as blobs:
            assert not list(blobs.list_containers())
            blobs.create_container("photos")
            put(blobs)
            eventually(lambda: completed(blobs))

    assert len(recorder.blobs) == 1


def test_a_blob_that_is_deleted_before_it_is_read_is_skipped(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    started, release = threading.Event(), threading.Event()

    def wait(name: str, data: bytes) -> None:
        started.set()
        release.wait()

    for number in range(10):  # more than there are threads, so that some are queued
        put(blobs, f"practices/{number}/photo.jpg")
    with host_of(wait, storage_connection_string):
        started.wait()
        for number in range(10):
            blobs.get_blob_client("photos", f"practices/{number}/photo.jpg").delete_blob()
        release.set()
        put(blobs)
        eventually(lambda: f"photos/{PHOTO}" in completed(blobs))

    with QueueServiceClient.from_connection_string(storage_connection_string) as queues:
        assert not list(queues.list_queues())


def test_a_slow_function_blocks_neither_http_nor_other_blobs(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    started, release = threading.Event(), threading.Event()
    recorder = Recorder()

    def handle_slowly(name: str, data: bytes) -> None:
        if "slow" in name:
            started.set()
            release.wait()
        recorder(name, data)

    with host_of(handle_slowly, storage_connection_string) as host:
        put(blobs, "practices/7/slow.jpg")
        started.wait()
        put(blobs)
        eventually(lambda: completed(blobs) == [f"photos/{PHOTO}"])
        assert httpx.get(f"{host.base_url}/admin/host/status").status_code == 200
        release.set()
        eventually(lambda: len(completed(blobs)) == 2)

    assert len(recorder.blobs) == 2


def test_without_the_binary_data_type_bytes_are_decoded_as_utf8_as_in_azure(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    seen: list[bytes] = []
    app = func.FunctionApp()

    @app.blob_trigger(arg_name="blob", path=PATH, connection="AzureWebJobsStorage")
    def record(blob: func.InputStream) -> None:
        seen.append(blob.read())

    put(blobs)
    with FunctionHost(app, {"AzureWebJobsStorage": storage_connection_string}, poll_interval=POLL_SECONDS):
        eventually(lambda: seen)

    assert seen == [BYTES.decode("utf-8", errors="replace").encode()]


def test_an_event_grid_trigger_is_not_polled_but_can_be_run_manually(
    blobs: BlobServiceClient, storage_connection_string: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    put(blobs)
    with (
        caplog.at_level(logging.INFO),
        host_of(recorder, storage_connection_string, func.BlobSource.EVENT_GRID) as host,
    ):
        answer = httpx.post(f"{host.base_url}/admin/functions/record", json={"input": f"photos/{PHOTO}"})
        eventually(lambda: recorder.blobs)

    assert answer.status_code == 202
    assert recorder.blobs == [(f"photos/{PHOTO}", BYTES)]
    assert "record" in caplog.text
    assert "Event Grid" in caplog.text


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input": "photos"}', b"[1]", b"{"])
def test_running_a_blob_trigger_manually_without_a_blob_gets_400(
    storage_connection_string: str, body: bytes
) -> None:
    with host_of(Recorder(), storage_connection_string) as host:
        assert httpx.post(f"{host.base_url}/admin/functions/record", content=body).status_code == 400


def test_a_storage_outage_is_logged_once_and_the_trigger_recovers(
    own_azurite: Azurite, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    storage = own_azurite.connection_string
    with host_of(recorder, storage), BlobServiceClient.from_connection_string(storage) as blobs:
        blobs.create_container("photos")
        put(blobs)
        eventually(lambda: completed(blobs))
        own_azurite.stop()
        eventually(lambda: "cannot reach storage" in caplog.text)
        own_azurite.start()
        assert own_azurite.connection_string == storage
        put(blobs, "practices/7/after.jpg")
        eventually(lambda: len(completed(blobs)) == 2)

    assert [name for name, _ in recorder.blobs] == [f"photos/{PHOTO}", "photos/practices/7/after.jpg"]
    assert caplog.text.count("cannot reach storage") == 1


@pytest.mark.parametrize(
    ("template", "name", "expected"),
    [
        ("practices/{practice_id}/{file}", "practices/7/a.jpg", True),
        ("practices/{practice_id}/{file}", "practices/7/a/b.jpg", True),
        ("practices/{practice_id}/{file}", "practices/a.jpg", False),
        ("practices/{practice_id}/{file}", "other/practices/7/a.jpg", False),
        ("{name}.jpg", "a.jpg", True),
        ("{name}.jpg", "ajpg", False),
    ],
)
def test_blob_name_patterns(template: str, name: str, expected: bool) -> None:
    assert bool(blob_name_pattern(template).fullmatch(name)) is expected
