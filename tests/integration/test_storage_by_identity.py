"""Storage reached by identity, URLs signed by delegation: on a real Azurite that speaks HTTPS and OAuth."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import BlobServiceClient

from adapters.storage.accounts import KEY_RETRIED_AFTER, AccountByIdentity
from adapters.storage.blobs import AzureBlobs
from bp_core.practices.ports import ServedAs
from bp_core.shared.errors import Unavailable
from functions import bootstrap
from local.azurite import Azurite, Certificate
from local.storage import prepare_storage
from tests.conftest import ACCOUNT_KEY
from tests.identities import STORAGE_SCOPE, StandIn, loopback_certificate, nobody_answers
from tests.world import SetClock, World, concurrently, confirmation, picture

ACCOUNT = "amber"
CONTAINER, NAME = "best-practices", "practices/7/before_1.jpg"
JPEG = ServedAs("image/jpeg")
MINUTES, DAY = timedelta(minutes=15), timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
"""When the tests were collected, which may be long before they run."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return loopback_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def secure_azurite(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Azurite]:
    azurite = Azurite(
        tmp_path_factory.mktemp("azurite"),
        accounts={ACCOUNT: ACCOUNT_KEY},
        in_memory=True,
        certificate=certificate,
    )
    azurite.start()
    yield azurite
    azurite.stop()


@pytest.fixture
def storage(
    secure_azurite: Azurite, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The account by its key, to look at it past the portal; its certificate is trusted, and it is empty."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    connection_string = secure_azurite.connection_string
    prepare_storage(connection_string, [])
    yield connection_string
    with BlobServiceClient.from_connection_string(connection_string) as service:
        for container in service.list_containers():
            with service.get_container_client(container.name) as client:
                for blob in client.list_blob_names():
                    client.delete_blob(blob)


@pytest.fixture
def account_url(storage: str) -> str:
    parts = dict(part.partition("=")[::2] for part in storage.split(";"))
    return parts["BlobEndpoint"]


@pytest.fixture
def identity() -> StandIn:
    return StandIn()


@pytest.fixture
def blobs(account_url: str, identity: StandIn) -> AzureBlobs:
    return AzureBlobs(AccountByIdentity(account_url, identity))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[tuple[datetime, datetime]]:
    """The times that user delegation keys were asked for."""
    asked: list[tuple[datetime, datetime]] = []
    real = BlobServiceClient.get_user_delegation_key

    def get_user_delegation_key(service: BlobServiceClient, start: datetime, end: datetime) -> Any:
        asked.append((start, end))
        return real(service, start, end)

    monkeypatch.setattr(BlobServiceClient, "get_user_delegation_key", get_user_delegation_key)
    return asked


def put(url: str, data: bytes) -> int:
    return httpx.put(url, content=data, headers={"x-ms-blob-type": "BlockBlob"}).status_code


def signed(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_blobs_are_written_read_listed_moved_and_deleted_without_a_key(
    blobs: AzureBlobs, identity: StandIn
) -> None:
    blobs.check()
    blobs.put(CONTAINER, NAME, b"12345", "image/jpeg")
    stored = blobs.read(CONTAINER, NAME, at_most=5)
    assert stored is not None
    assert stored.data == b"12345"
    assert list(blobs.names(CONTAINER)) == [[NAME]]

    blobs.quarantine(CONTAINER, NAME, "not a photograph")

    assert blobs.read(CONTAINER, NAME, at_most=5) is None
    moved = blobs.read("quarantine", f"{CONTAINER}/{NAME}", at_most=5)
    assert moved is not None
    assert moved.data == b"12345"
    assert blobs.delete_older("quarantine", datetime.now(UTC) + DAY) == 1
    assert set(identity.asked) == {(STORAGE_SCOPE,)}


def test_a_delegated_url_puts_its_blob_once_and_another_one_reads_it(blobs: AzureBlobs) -> None:
    now = datetime.now(UTC)
    upload_url = blobs.upload_url(CONTAINER, NAME, now, now + MINUTES)
    read_url = blobs.read_url(CONTAINER, NAME, now, JPEG)

    assert [put(upload_url, b"first"), put(upload_url, b"second")] == [201, 403]
    assert httpx.get(read_url).content == b"first"
    assert [put(read_url, b"x"), httpx.get(upload_url).status_code] == [403, 403]
    assert httpx.get(read_url.replace("before_1", "before_2")).status_code == 403
    assert {signed(url)["sp"]: signed(url)["spr"] for url in (upload_url, read_url)} == {
        "c": "https",
        "r": "https",
    }


def test_a_delegated_url_serves_the_recorded_content_type_and_name(blobs: AzureBlobs) -> None:
    blobs.put(CONTAINER, "documents/7/plan_1.pdf", b"%PDF-", "text/html")
    pdf = ServedAs("application/pdf", saved_name="Plan 7")

    response = httpx.get(blobs.read_url(CONTAINER, "documents/7/plan_1.pdf", NOW, pdf))

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == (
        "attachment; filename=\"Plan 7.pdf\"; filename*=UTF-8''Plan%207.pdf"
    )


def test_a_delegated_url_that_has_ended_opens_nothing(blobs: AzureBlobs) -> None:
    blobs.put(CONTAINER, NAME, b"x", "image/jpeg")

    assert httpx.get(blobs.read_url(CONTAINER, NAME, NOW - DAY - MINUTES, JPEG)).status_code == 403
    assert put(blobs.upload_url(CONTAINER, "other.jpg", NOW - 2 * MINUTES, NOW - MINUTES), b"x") == 403


def test_one_key_signs_for_four_days_and_is_replaced_two_days_before_it_ends(
    blobs: AzureBlobs, keys: list[tuple[datetime, datetime]]
) -> None:
    times = [NOW, NOW - timedelta(seconds=1), NOW + 4 * DAY - MINUTES, NOW + 4 * DAY, NOW + 5 * DAY]
    urls = [signed(blobs.read_url(CONTAINER, NAME, now, JPEG)) for now in times]

    assert [start for start, _ in keys] == [NOW - MINUTES, NOW + 4 * DAY - MINUTES]
    assert all(end - start < timedelta(days=7) for start, end in keys)
    old, new = (f"{start:%Y-%m-%dT%H:%M:%SZ}" for start, _ in keys)
    assert [url["skt"] for url in urls] == [old, old, old, new, new]
    assert all(url["skt"] <= url["st"] < url["se"] <= url["ske"] for url in urls)


def test_many_who_need_a_key_at_once_ask_for_one(
    blobs: AzureBlobs, keys: list[tuple[datetime, datetime]]
) -> None:
    urls = concurrently(*[partial(blobs.read_url, CONTAINER, NAME, NOW, JPEG)] * 12)

    assert len(keys) == 1
    assert len(set(urls)) == 1


def test_a_key_that_cannot_be_replaced_yet_goes_on_signing_and_is_tried_again_later(
    blobs: AzureBlobs, identity: StandIn, keys: list[tuple[datetime, datetime]]
) -> None:
    first = signed(blobs.read_url(CONTAINER, NAME, NOW, JPEG))["skt"]
    identity.away = nobody_answers()
    identity_forgets(blobs)

    due = NOW + 4 * DAY
    for now in (due, due + MINUTES / 3):
        assert signed(blobs.read_url(CONTAINER, NAME, now, JPEG))["skt"] == first
    assert len(keys) == 2
    identity.away = None
    assert signed(blobs.read_url(CONTAINER, NAME, due + KEY_RETRIED_AFTER, JPEG))["skt"] > first


def test_without_any_key_there_are_no_urls_and_the_storage_is_unavailable(
    blobs: AzureBlobs, identity: StandIn
) -> None:
    identity.away = nobody_answers()

    for call in (
        partial(blobs.read_url, CONTAINER, NAME, NOW, JPEG),
        partial(blobs.upload_url, CONTAINER, NAME, NOW, NOW + MINUTES),
        partial(blobs.read, CONTAINER, NAME, 5),
        blobs.check,
    ):
        with pytest.raises(Unavailable):
            call()
    identity.away = None
    assert httpx.head(blobs.read_url(CONTAINER, NAME, NOW, JPEG)).status_code == 404


def test_an_identity_without_rights_is_a_fault_of_ours_and_no_outage(
    blobs: AzureBlobs, identity: StandIn
) -> None:
    identity.token = "a token that storage does not take"

    with pytest.raises(ClientAuthenticationError):
        blobs.read(CONTAINER, NAME, 5)


def identity_forgets(blobs: AzureBlobs) -> None:
    """Let the storage library ask for a new token, as it does when an hour has gone by."""
    del blobs._service


@pytest.fixture
def world(database_url: str, storage: str, account_url: str, identity: StandIn) -> Iterator[World]:
    """A whole portal that reaches its storage by identity."""
    by_identity = {"AzureWebJobsStorage": "", "STORAGE_ACCOUNT_URL": account_url}
    world = World(database_url, storage, SetClock(datetime.now(UTC)), by_identity, identity=identity)
    bootstrap.install(world.portal)
    yield world
    bootstrap.install(None)
    world.close()


def test_a_photograph_takes_its_whole_way_without_an_account_key(world: World) -> None:
    author = world.plant_user()
    practice_id = str(world.practice(author)["id"])
    permit = world.presign_image(author, practice_id)
    assert put(permit["upload_url"], picture(1200, 900)) == 201
    assert put(permit["upload_url"], picture()) == 403

    images = f"/best-practices/{practice_id}/images"
    assert author.post(images, confirmation(permit["blob_name"])).status_code == 201
    world.deliver(permit["blob_name"])

    [image] = author.get(images).json()["data"]
    assert httpx.get(image["blob_url"]).content == picture(1200, 900)
    thumbnail = httpx.get(image["thumbnail_url"])
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")
    assert {"skoid", "sktid", "ske"} <= signed(image["blob_url"]).keys()
    assert world.browser().get("/health/status").json()["data"]["storage"] == "ok"
    rejected = world.presign_image(author, practice_id, image_type="after")["blob_name"]
    world.put_blob(rejected, b"<svg/>")
    world.deliver(rejected)
    assert world.blob_names("quarantine") == [f"best-practices/{rejected}"]
