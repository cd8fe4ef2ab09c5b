"""Blob triggers against a real Azurite: at least once, five tries, then the poison queue."""

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

from local.azurite import Azurite
from local.host import FunctionHost
from local.host.blobs import MAX_TRIES, POISON_QUEUE, blob_pattern
from tests.e2e.host.support import POLL_SECONDS, eventually

PATH = "photos/practices/{practice_id}/{file}"
PHOTO = "practices/7/before.jpg"
BYTES = b"\xff\xd8\x00\xfe"

Handle = Callable[[str, bytes], None]


class Recorder:
    """A handler that notes each blob it is given, and fails on those whose name says so."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes]] = []

    def __call__(self, name: str, data: bytes) -> None:
        self.seen.append((name, data))
        if "bad" in name:
            raise ValueError(f"{name} is bad")


def app_of(handle: Handle, source: func.BlobSource | None = None) -> func.FunctionApp:
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
        handle(blob.name, data)

    return app


def host_of(handle: Handle, storage: str, source: func.BlobSource | None = None) -> FunctionHost:
    return FunctionHost(app_of(handle, source), {"AzureWebJobsStorage": storage}, poll_interval=POLL_SECONDS)


@pytest.fixture
def blobs(storage_connection_string: str) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(storage_connection_string) as client:
        client.create_container("photos")
        yield client


def put(blobs: BlobServiceClient, name: str = PHOTO, data: bytes = BYTES) -> None:
    blobs.get_blob_client("photos", name).upload_blob(data, overwrite=True)


def finished(blobs: BlobServiceClient) -> list[str]:
    """The blobs whose receipts say that nothing is left to do."""
    container = blobs.get_container_client("azure-webjobs-hosts")
    try:
        receipts = list(container.list_blobs("blobreceipts/record/", ["metadata"]))
    except ResourceNotFoundError:
        return []
    return [blob.name.split("/", 3)[3] for blob in receipts if "incomplete" not in (blob.metadata or {})]


def poisoned(storage: str) -> list[dict[str, str]]:
    with QueueClient.from_connection_string(storage, POISON_QUEUE) as queue:
        return [json.loads(base64.b64decode(message.content)) for message in queue.peek_messages(32)]


def test_a_blob_reaches_the_function_once_and_leaves_a_receipt(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    recorder = Recorder()
    with host_of(recorder, storage_connection_string):
        put(blobs)
        put(blobs, "elsewhere/x.jpg")
        eventually(lambda: recorder.seen and finished(blobs))
        put(blobs, "practices/7/after.jpg")
        eventually(lambda: len(finished(blobs)) == 2)

    assert recorder.seen == [(f"photos/{PHOTO}", BYTES), ("photos/practices/7/after.jpg", BYTES)]
    etag = blobs.get_blob_client("photos", PHOTO).get_blob_properties().etag.strip('"')
    receipt = blobs.get_blob_client("azure-webjobs-hosts", f"blobreceipts/record/{etag}/photos/{PHOTO}")
    assert receipt.exists()


def test_a_restart_runs_only_what_came_meanwhile(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    recorder = Recorder()
    put(blobs)
    with host_of(recorder, storage_connection_string):
        eventually(lambda: finished(blobs))
    put(blobs, "practices/7/after.jpg")
    with host_of(recorder, storage_connection_string):
        eventually(lambda: len(finished(blobs)) == 2)

    assert [name for name, _ in recorder.seen] == [f"photos/{PHOTO}", "photos/practices/7/after.jpg"]


def test_a_blob_that_fails_is_tried_five_times_and_then_poisoned_once(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    recorder = Recorder()
    put(blobs, "practices/7/bad.jpg")
    with host_of(recorder, storage_connection_string):
        eventually(lambda: finished(blobs))
        put(blobs)
        eventually(lambda: len(finished(blobs)) == 2)
    with host_of(recorder, storage_connection_string):
        put(blobs, "practices/8/good.jpg")
        eventually(lambda: len(finished(blobs)) == 3)

    assert Counter(name for name, _ in recorder.seen)["photos/practices/7/bad.jpg"] == MAX_TRIES == 5
    etag = blobs.get_blob_client("photos", "practices/7/bad.jpg").get_blob_properties().etag
    assert poisoned(storage_connection_string) == [
        {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.record",
            "BlobType": "BlockBlob",
            "ContainerName": "photos",
            "BlobName": "practices/7/bad.jpg",
            "ETag": f'"{etag.strip(chr(34))}"',
        }
    ]


def test_the_tries_of_a_host_that_ended_count(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    recorder = Recorder()
    put(blobs, "practices/7/bad.jpg")
    with host_of(recorder, storage_connection_string):
        eventually(lambda: recorder.seen)
    with host_of(recorder, storage_connection_string):
        eventually(lambda: finished(blobs))

    assert len(recorder.seen) == MAX_TRIES


def test_a_changed_blob_runs_again(blobs: BlobServiceClient, storage_connection_string: str) -> None:
    recorder = Recorder()
    with host_of(recorder, storage_connection_string):
        put(blobs)
        eventually(lambda: len(finished(blobs)) == 1)
        put(blobs, data=b"other")
        eventually(lambda: len(finished(blobs)) == 2)

    assert [data for _, data in recorder.seen] == [BYTES, b"other"]


def test_two_hosts_on_one_storage_share_the_blobs_and_miss_none(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    one, other = Recorder(), Recorder()
    names = [f"practices/{number}/photo.jpg" for number in range(30)]
    with host_of(one, storage_connection_string), host_of(other, storage_connection_string):
        for name in names:
            put(blobs, name)
        eventually(lambda: len(finished(blobs)) == len(names))

    assert Counter(name for name, _ in one.seen + other.seen) == Counter(f"photos/{name}" for name in names)


def test_a_container_that_is_missing_is_looked_for_again(storage_connection_string: str) -> None:
    recorder = Recorder()
    with host_of(recorder, storage_connection_string) as host:
        assert httpx.get(f"{host.base_url}/admin/host/status").status_code == 200
        with BlobServiceClient.from_connection_string(storage_connection_string) as blobs:
            assert not list(blobs.list_containers())
            blobs.create_container("photos")
            put(blobs)
            eventually(lambda: finished(blobs))

    assert len(recorder.seen) == 1


def test_a_blob_that_is_gone_before_it_is_read_is_skipped(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def wait(name: str, data: bytes) -> None:
        began.set()
        go_on.wait()

    for number in range(10):  # more than there are threads: the last ones wait for their turn
        put(blobs, f"practices/{number}/photo.jpg")
    with host_of(wait, storage_connection_string):
        began.wait()
        for number in range(10):
            blobs.get_blob_client("photos", f"practices/{number}/photo.jpg").delete_blob()
        go_on.set()
        put(blobs)
        eventually(lambda: f"photos/{PHOTO}" in finished(blobs))

    with QueueServiceClient.from_connection_string(storage_connection_string) as queues:
        assert not list(queues.list_queues())


def test_a_slow_function_holds_up_neither_http_nor_the_other_threads(
    blobs: BlobServiceClient, storage_connection_string: str
) -> None:
    began, go_on = threading.Event(), threading.Event()
    recorder = Recorder()

    def wait_for_the_slow_one(name: str, data: bytes) -> None:
        if "slow" in name:
            began.set()
            go_on.wait()
        recorder(name, data)

    with host_of(wait_for_the_slow_one, storage_connection_string) as host:
        put(blobs, "practices/7/slow.jpg")
        began.wait()
        put(blobs)
        eventually(lambda: finished(blobs) == [f"photos/{PHOTO}"])
        assert httpx.get(f"{host.base_url}/admin/host/status").status_code == 200
        go_on.set()
        eventually(lambda: len(finished(blobs)) == 2)

    assert len(recorder.seen) == 2


def test_bytes_pass_as_utf8_without_the_binary_data_type_as_in_azure(
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


def test_an_event_grid_trigger_is_not_polled_but_can_be_run_by_hand(
    blobs: BlobServiceClient, storage_connection_string: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    put(blobs)
    with (
        caplog.at_level(logging.INFO),
        host_of(recorder, storage_connection_string, func.BlobSource.EVENT_GRID) as host,
    ):
        answer = httpx.post(f"{host.base_url}/admin/functions/record", json={"input": f"photos/{PHOTO}"})
        eventually(lambda: recorder.seen)

    assert answer.status_code == 202
    assert recorder.seen == [(f"photos/{PHOTO}", BYTES)]
    assert "record" in caplog.text
    assert "Event Grid" in caplog.text


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input": "photos"}', b"[1]", b"{"])
def test_running_a_blob_trigger_by_hand_without_a_blob_is_400(
    storage_connection_string: str, body: bytes
) -> None:
    with host_of(Recorder(), storage_connection_string) as host:
        assert httpx.post(f"{host.base_url}/admin/functions/record", content=body).status_code == 400


def test_storage_that_goes_away_and_comes_back_is_used_again_and_logged_once(
    own_azurite: Azurite, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    storage = own_azurite.connection_string
    with host_of(recorder, storage), BlobServiceClient.from_connection_string(storage) as blobs:
        blobs.create_container("photos")
        put(blobs)
        eventually(lambda: finished(blobs))
        own_azurite.stop()
        eventually(lambda: "cannot reach storage" in caplog.text)
        own_azurite.start()
        assert own_azurite.connection_string == storage
        put(blobs, "practices/7/after.jpg")
        eventually(lambda: len(finished(blobs)) == 2)

    assert [name for name, _ in recorder.seen] == [f"photos/{PHOTO}", "photos/practices/7/after.jpg"]
    assert caplog.text.count("cannot reach storage") == 1


@pytest.mark.parametrize(
    ("template", "name", "wanted"),
    [
        ("practices/{practice_id}/{file}", "practices/7/a.jpg", True),
        ("practices/{practice_id}/{file}", "practices/7/a/b.jpg", True),
        ("practices/{practice_id}/{file}", "practices/a.jpg", False),
        ("practices/{practice_id}/{file}", "other/practices/7/a.jpg", False),
        ("{name}.jpg", "a.jpg", True),
        ("{name}.jpg", "ajpg", False),
    ],
)
def test_a_pattern_tells_which_blobs_are_meant(template: str, name: str, wanted: bool) -> None:
    assert bool(blob_pattern(template).fullmatch(name)) is wanted
