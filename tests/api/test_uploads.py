"""Images over HTTP: pre-signed URLs, confirmations, forms, lists, deletion."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from bp_core.uploads.kinds import IMAGES
from tests.world import (
    NOON,
    Person,
    World,
    confirmation,
    error_of,
    fields_of,
    invalid,
    picture,
    refusal_of,
    upload_request,
)

PRESIGN_PATHS = ["/upload/presigned-url", "/best-practices/upload/presigned-url"]


@pytest.fixture
def practice_id(world: World, author: Person) -> str:
    return str(world.practice(author)["id"])


def use_real_time(world: World) -> None:
    """Set the clock to now: the storage checks URLs against the real time."""
    world.clock.at = datetime.now(UTC)


def put_as_browser(url: str, data: bytes) -> int:
    return httpx.put(url, content=data, headers={"x-ms-blob-type": "BlockBlob"}).status_code


def put_image(world: World, author: Person, practice_id: str, data: bytes | None = None) -> str:
    """Request an upload, and write the blob directly to the storage; return its name."""
    blob_name = str(world.presign_image(author, practice_id)["blob_name"])
    world.put_blob(blob_name, picture() if data is None else data)
    return blob_name


def recorded(world: World, author: Person, practice_id: str, image_type: str = "before") -> dict[str, Any]:
    """Request, write, deliver and confirm an image."""
    permit = world.presign_image(author, practice_id, image_type=image_type)
    world.put_blob(permit["blob_name"], picture())
    world.deliver(permit["blob_name"])
    body = confirmation(permit["blob_name"], image_type=image_type)
    response = author.post(f"/best-practices/{practice_id}/images", body)
    assert response.status_code == 200, response.text
    image: dict[str, Any] = response.json()["data"]
    return image


def states(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT state, reason FROM uploads ORDER BY created_at, blob_name")


def nothing_is_stored(world: World) -> bool:
    rows = world.query("SELECT FROM uploads UNION ALL SELECT FROM practice_images")
    return not rows and not world.blob_names("best-practices") and not world.blob_names("quarantine")


# --- pre-signed URLs


@pytest.mark.parametrize("path", PRESIGN_PATHS)
def test_a_permit_is_for_one_blob_for_fifteen_minutes(
    world: World, author: Person, practice_id: str, path: str
) -> None:
    response = author.post(path, upload_request(practice_id))

    permit = response.json()["data"]
    blob_name = f"practices/{practice_id}/before_{int(NOON.timestamp() * 1000)}.jpg"
    assert (response.status_code, permit["blob_name"], permit["container"]) == (
        200, blob_name, "best-practices"
    )  # fmt: skip
    assert datetime.fromisoformat(permit["expiry"]) == NOON + timedelta(minutes=15)
    url = urlsplit(permit["upload_url"])
    signed = parse_qs(url.query)
    assert url.path.endswith(f"/best-practices/{blob_name}")
    assert (signed["sp"], signed["sr"], signed["se"]) == (["c"], ["b"], ["2026-08-15T06:45:00Z"])
    assert states(world) == [("pending", None)]


def test_an_upload_url_creates_its_blob_once_and_allows_nothing_else(
    world: World, author: Person, practice_id: str
) -> None:
    use_real_time(world)
    author.sign_in()
    permit = world.presign_image(author, practice_id)
    url: str = permit["upload_url"]
    other = world.presign_image(author, practice_id)["blob_name"]

    assert httpx.get(url).status_code == 403
    assert put_as_browser(url.replace(permit["blob_name"], other), picture()) == 403
    assert put_as_browser(url, picture()) == 201
    assert put_as_browser(url, picture(color="green")) == 403
    assert httpx.get(url).status_code == 403
    assert httpx.delete(url).status_code == 403
    assert world.blob_names("best-practices") == [permit["blob_name"]]


def test_a_permit_expires(world: World, author: Person, practice_id: str) -> None:
    world.clock.at = datetime.now(UTC) - timedelta(minutes=16)
    permit = world.presign_image(author.sign_in(), practice_id)
    assert put_as_browser(permit["upload_url"], picture()) == 403

    world.clock.advance(timedelta(minutes=16))
    response = author.get(f"/best-practices/{practice_id}/uploads")
    assert [upload["state"] for upload in response.json()["data"]] == ["expired"]


def test_requests_of_the_same_millisecond_get_different_names(
    world: World, author: Person, practice_id: str
) -> None:
    names = [world.presign_image(author, practice_id)["blob_name"] for _ in range(3)]
    epoch_ms = int(NOON.timestamp() * 1000)
    assert names == [f"practices/{practice_id}/before_{epoch_ms + step}.jpg" for step in range(3)]


def test_a_blob_name_contains_only_the_extension_of_the_file_name(
    world: World, author: Person, practice_id: str
) -> None:
    epoch_ms = int(NOON.timestamp() * 1000)
    for filename, content_type, extension in [
        ("IMG 1.JPG", "image/jpeg", "jpg"),
        ("x.jpeg", "image/jpeg", "jpeg"),
        ("a.b.png", "image/png", "png"),
        ("नाम.webp", "image/webp", "webp"),
    ]:
        permit = world.presign_image(author, practice_id, filename=filename, content_type=content_type)
        assert permit["blob_name"] == f"practices/{practice_id}/before_{epoch_ms}.{extension}"


INVALID_FILE_NAMES = [
    "../x.jpg", "a/b.jpg", "a\\b.jpg", "%2e%2e%2fx.jpg", "a%5Cb.jpg", "..jpg", "x\x00.jpg", "x\n.jpg",
    "x", ".jpg", "x.", "", "x.svg", "x.exe", "x.jpg.exe", "x" * 252 + ".jpg",
]  # fmt: skip


@pytest.mark.parametrize("path", PRESIGN_PATHS)
def test_no_permit_for_an_invalid_file_name(
    world: World, author: Person, practice_id: str, path: str
) -> None:
    for filename in INVALID_FILE_NAMES:
        response = author.post(path, upload_request(practice_id, filename=filename))
        assert refusal_of(response) == invalid("filename"), filename
    assert nothing_is_stored(world)


INVALID_REQUESTS: list[dict[str, object]] = [
    {"content_type": "image/png"},
    {"content_type": "image/svg+xml"},
    {"content_type": ""},
    {"file_size": 0},
    {"file_size": -1},
    {"file_size": IMAGES.max_bytes + 1},
    {"file_size": 11 * 1024 * 1024},
    {"file_size": "big"},
    {"file_size": "2048"},
    {"file_size": True},
    {"file_size": 1.5},
    {"file_size": None},
    {"file_type": "film"},
    {"image_type": "during"},
    {"image_type": None},
    {"practice_id": "7"},
    {"overwrite": True},
]


def test_no_permit_for_an_invalid_request(world: World, author: Person, practice_id: str) -> None:
    for changes in INVALID_REQUESTS:
        response = author.post("/upload/presigned-url", {**upload_request(practice_id), **changes})
        assert refusal_of(response) == invalid(*changes), changes
    assert nothing_is_stored(world)


def test_the_largest_image_can_be_uploaded(world: World, author: Person, practice_id: str) -> None:
    world.presign_image(author, practice_id, file_size=IMAGES.max_bytes)


@pytest.mark.parametrize("path", PRESIGN_PATHS)
def test_the_practice_decides_who_gets_a_permit(world: World, author: Person, path: str) -> None:
    hq = world.headquarters()
    draft = world.practice(author)["id"]
    submitted = world.practice(author, "submitted")["id"]
    approved = world.approved(hq, 0)["id"]
    other_plant = world.plant_user(1)

    assert error_of(author.post(path, upload_request(str(uuid4())))) == (404, "NOT_FOUND")
    assert error_of(other_plant.post(path, upload_request(draft))) == (404, "NOT_FOUND")
    assert error_of(other_plant.post(path, upload_request(submitted))) == (403, "FORBIDDEN")
    assert error_of(author.post(path, upload_request(approved))) == (403, "FORBIDDEN")
    anonymous = world.browser().post(f"/api/v1{path}", json=upload_request(draft))
    assert error_of(anonymous) == (401, "UNAUTHENTICATED")
    assert nothing_is_stored(world)
    for practice_id in (draft, submitted, approved):
        assert hq.post(path, upload_request(practice_id)).status_code == 200
    assert author.post(path, upload_request(submitted)).status_code == 200


# --- confirmations


def test_an_image_is_recorded_by_the_first_confirmation_and_returned_by_the_second(
    world: World, author: Person, practice_id: str
) -> None:
    data = picture(640, 480)
    blob_name = put_image(world, author, practice_id, data)
    body = confirmation(blob_name, file_size=1)  # the stored file counts, not what is declared

    first = author.post(f"/best-practices/{practice_id}/images", body)
    second = author.post(f"/best-practices/{practice_id}/images", body)

    assert (first.status_code, second.status_code) == (201, 200)
    image = first.json()["data"]
    assert second.json()["data"] == image
    assert {key: image[key] for key in image.keys() - {"id", "blob_url"}} == {
        "practice_id": practice_id, "image_type": "before", "blob_container": "best-practices",
        "blob_name": blob_name, "thumbnail_url": None, "file_size": len(data), "content_type": "image/jpeg",
        "width": 640, "height": 480, "uploaded_at": "2026-08-15T06:30:00Z",
    }  # fmt: skip
    assert states(world) == [("recorded", None)]
    assert world.query("SELECT count(*) FROM practice_images") == [(1,)]


def test_a_confirmation_before_the_upload_fails_and_can_be_repeated(
    world: World, author: Person, practice_id: str
) -> None:
    blob_name = world.presign_image(author, practice_id)["blob_name"]
    path = f"/best-practices/{practice_id}/images"

    assert error_of(author.post(path, confirmation(blob_name))) == (409, "UPLOAD_MISSING")
    assert (states(world), author.get(path).json()["data"]) == ([("pending", None)], [])
    world.put_blob(blob_name, picture())
    assert author.post(path, confirmation(blob_name)).status_code == 201


def test_headquarters_confirms_for_a_plant(world: World, author: Person, practice_id: str) -> None:
    blob_name = put_image(world, author, practice_id)
    response = world.headquarters().post(f"/best-practices/{practice_id}/images", confirmation(blob_name))
    assert response.status_code == 201


INVALID_CONFIRMATIONS: list[dict[str, object]] = [
    {"blob_container": "supporting-documents"},
    {"blob_container": "quarantine"},
    {"image_type": "after"},
    {"image_type": "during"},
    {"file_size": 0},
    {"reason": "x"},
]


def test_an_invalid_confirmation_is_refused(world: World, author: Person, practice_id: str) -> None:
    blob_name = put_image(world, author, practice_id)
    path = f"/best-practices/{practice_id}/images"
    elsewhere = f"/best-practices/{world.practice(author)['id']}/images"

    assert refusal_of(author.post(elsewhere, confirmation(blob_name))) == invalid("blob_name")
    for changes in INVALID_CONFIRMATIONS:
        assert refusal_of(author.post(path, confirmation(blob_name, **changes))) == invalid(*changes)
    assert world.query("SELECT count(*) FROM practice_images") == [(0,)]
    assert world.blob_names("best-practices") == [blob_name]


FOREIGN_NAMES = [
    "practices/{id}/during_1.jpg", "practices/{id}/before_1.svg", "practices/{id}/before_01.jpg",
    "practices/{id}/before_1.JPG", "practices/{id}/../{id}/before_1.jpg", "practices/{id}/a/before_1.jpg",
    "practices/{id}%2fbefore_1.jpg", "practices\\{id}\\before_1.jpg", "/practices/{id}/before_1.jpg",
    "documents/{id}/before_1.jpg", "before_1.jpg", "x\x00", "",
]  # fmt: skip


def test_older_clients_confirm_an_image_with_its_practice_and_url(
    world: World, author: Person, practice_id: str
) -> None:
    permit = world.presign_image(author, practice_id)
    blob_name, signed = permit["blob_name"], permit["upload_url"]
    world.put_blob(blob_name, picture())
    path = f"/best-practices/{practice_id}/images"
    accepted: list[dict[str, object]] = [
        {"practice_id": practice_id, "blob_url": signed},
        {"practice_id": practice_id.upper(), "blob_url": signed.partition("?")[0]},
        {"practice_id": None, "blob_url": None},
        {"blob_url": ""},
    ]
    refused: list[dict[str, object]] = [
        {"practice_id": str(uuid4())},
        {"practice_id": "7"},
        {"practice_id": 7},
        {"blob_url": signed.replace("before", "after")},
        {"blob_url": f"https://elsewhere.test/best-practices/{blob_name}"},
        {"blob_url": blob_name},
        {"blob_url": "x" * 4097},
        {"blob_url": ["x"]},
    ]
    for changes in refused:
        assert refusal_of(author.post(path, confirmation(blob_name, **changes))) == invalid(*changes), changes
    assert states(world) == [("pending", None)]
    for status, changes in zip((201, 200, 200, 200), accepted, strict=True):
        assert author.post(path, confirmation(blob_name, **changes)).status_code == status, changes


def test_image_jpg_counts_as_image_jpeg(world: World, author: Person, practice_id: str) -> None:
    for content_type in ("image/jpg", "IMAGE/JPG", "Image/Jpeg"):
        permit = world.presign_image(author, practice_id, content_type=content_type)
        world.put_blob(permit["blob_name"], picture())
        body = confirmation(permit["blob_name"], content_type=content_type)
        response = author.post(f"/best-practices/{practice_id}/images", body)
        assert (response.status_code, response.json()["data"]["content_type"]) == (201, "image/jpeg")
    form = send_form(author, practice_id, {"file": ("x.jpg", picture(), "image/jpg")})

    name = form.json()["data"]["blob_name"]
    assert (form.status_code, form.json()["data"]["content_type"]) == (201, "image/jpeg")
    assert world.query("SELECT DISTINCT declared_content_type FROM uploads") == [("image/jpeg",)]
    with world.container("best-practices").get_blob_client(name) as blob:
        assert blob.get_blob_properties().content_settings.content_type == "image/jpeg"
    refused = author.post(
        "/upload/presigned-url", upload_request(practice_id, filename="x.png", content_type="image/jpg")
    )
    assert refusal_of(refused) == invalid("content_type")


def test_foreign_names_are_not_confirmed(world: World, author: Person, practice_id: str) -> None:
    for name in FOREIGN_NAMES:
        body = confirmation(name.replace("{id}", practice_id))
        response = author.post(f"/best-practices/{practice_id}/images", body)
        assert refusal_of(response) == invalid("blob_name"), name
    assert nothing_is_stored(world)


def test_only_the_owner_confirms(world: World, author: Person, practice_id: str) -> None:
    blob_name = put_image(world, author, practice_id)
    path = f"/best-practices/{practice_id}/images"

    assert error_of(world.plant_user(1).post(path, confirmation(blob_name))) == (404, "NOT_FOUND")
    anonymous = world.browser().post(f"/api/v1{path}", json=confirmation(blob_name))
    assert error_of(anonymous) == (401, "UNAUTHENTICATED")
    assert states(world) == [("pending", None)]


def test_a_confirmed_file_that_is_not_an_image_stays_rejected(
    world: World, author: Person, practice_id: str
) -> None:
    blob_name = put_image(world, author, practice_id, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    path = f"/best-practices/{practice_id}/images"

    for _ in range(2):
        response = author.post(path, confirmation(blob_name))
        assert error_of(response) == (422, "UPLOAD_REJECTED")
        assert response.json()["error"]["details"] == [
            {"field": "blob_name", "message": "The file is not of type image/jpeg."}
        ]
    assert states(world) == [("rejected", "The file is not of type image/jpeg.")]
    assert world.blob_names("best-practices") == []
    assert world.blob_names("quarantine") == [f"best-practices/{blob_name}"]
    assert author.get(path).json()["data"] == []


# --- forms


def send_form(
    author: Person, practice_id: str, files: Any, fields: dict[str, str] | None = None
) -> httpx.Response:
    fields = {"image_type": "before"} if fields is None else fields
    return author.http.post(
        f"/api/v1/best-practices/{practice_id}/upload-image", data=fields, files=files
    )  # fmt: skip


def test_an_image_is_uploaded_as_a_form(world: World, author: Person, practice_id: str) -> None:
    data = picture(kind="PNG")
    response = send_form(
        author, practice_id, {"file": ("A b.PNG", data, "image/png")}, {"image_type": "after"}
    )

    image = response.json()["data"]
    assert (response.status_code, image["image_type"], image["content_type"]) == (201, "after", "image/png")
    assert (image["file_size"], image["width"], image["height"]) == (len(data), 800, 600)
    assert world.blob_names("best-practices") == [image["blob_name"]]
    assert states(world) == [("recorded", None)]
    world.deliver(image["blob_name"])
    assert world.query("SELECT count(*), count(thumbnail_name) FROM practice_images") == [(1, 1)]


def test_a_file_name_in_a_form_may_have_any_length(world: World, author: Person, practice_id: str) -> None:
    response = send_form(author, practice_id, {"file": ("x" * 1000 + ".jpg", picture(), "image/jpeg")})
    assert response.status_code == 201, response.text


def test_a_form_with_an_image_that_is_too_large_is_refused(
    world: World, author: Person, practice_id: str
) -> None:
    for size in (IMAGES.max_bytes + 1, 11 * 1024 * 1024):
        data = picture().ljust(size, b"\0")
        response = send_form(author, practice_id, {"file": ("x.jpg", data, "image/jpeg")})
        assert error_of(response) == (413, "PAYLOAD_TOO_LARGE")
    assert nothing_is_stored(world)


IMAGE = ("x.jpg", picture(), "image/jpeg")


BEFORE = {"image_type": "before"}
INVALID_FORMS: list[tuple[Any, dict[str, str], str]] = [
    ({"photo": IMAGE}, BEFORE, "file"),
    ([("file", IMAGE), ("file", IMAGE)], BEFORE, "file"),
    ([("file", IMAGE), ("other", IMAGE)], BEFORE, "file"),
    ({"file": (None, b"no file", None)}, BEFORE, "file"),
    ({"file": IMAGE}, {"image_type": "during"}, "image_type"),
    ({"file": IMAGE}, {}, "image_type"),
    ({"file": IMAGE}, {**BEFORE, "caption": "x"}, "caption"),
    ({"file": ("../x.jpg", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("..\\x.jpg", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("x%2fy.jpg", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("x", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("x.svg", b"<svg/>", "image/svg+xml")}, BEFORE, "filename"),
    ({"file": ("x.jpg", picture(), "image/png")}, BEFORE, "content_type"),
]


def test_an_invalid_form_is_refused(world: World, author: Person, practice_id: str) -> None:
    for files, fields, field in INVALID_FORMS:
        response = send_form(author, practice_id, files, fields)
        assert refusal_of(response) == invalid(field), (fields, response.text)
    assert nothing_is_stored(world)


PART = b"--b\r\nContent-Disposition: form-data"
NOT_FORMS: list[tuple[str, bytes, int, str]] = [
    ("", picture(), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("application/json", b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("application/x-www-form-urlencoded", b"image_type=before", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("image/jpeg", picture(), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("multipart/form-data", b"x", 400, "BAD_REQUEST"),
    ("multipart/form-data; boundary=", b"--\r\n", 400, "BAD_REQUEST"),
    ("multipart/form-data; boundary=b", b"", 400, "BAD_REQUEST"),
    ("multipart/form-data; boundary=b", b"no part at all", 400, "BAD_REQUEST"),
    ("multipart/form-data; boundary=b", b"--b\r\n\xff\xfe: \xff\r\n\r\nx\r\n--b--", 400, "BAD_REQUEST"),
    ("multipart/form-data; boundary=b", PART + b"\r\n\r\nx\r\n--b--", 422, "VALIDATION_ERROR"),
    (
        "multipart/form-data; boundary=b",
        PART + b'; name="file"; filename="x.jpg"\r\n\r\ncut',
        400,
        "BAD_REQUEST",
    ),
]


def test_a_body_that_is_not_a_form_is_refused(world: World, author: Person, practice_id: str) -> None:
    path = f"/api/v1/best-practices/{practice_id}/upload-image"
    for content_type, body, status, code in NOT_FORMS:
        headers = {"Content-Type": content_type} if content_type else {}
        response = author.http.post(path, content=body, headers=headers)
        assert error_of(response) == (status, code), (content_type, body[:80])
    assert nothing_is_stored(world)


def test_a_form_with_a_file_that_is_not_an_image_is_rejected_and_stored_in_quarantine(
    world: World, author: Person, practice_id: str
) -> None:
    response = send_form(author, practice_id, {"file": ("x.jpg", b"hello", "image/jpeg")})

    assert error_of(response) == (422, "UPLOAD_REJECTED")
    assert fields_of(response) == {"file"}
    assert states(world) == [("rejected", "The file is not of type image/jpeg.")]
    assert world.blob_names("best-practices") == []
    assert len(world.blob_names("quarantine")) == 1


def test_the_practice_decides_who_may_send_a_form(world: World, author: Person) -> None:
    hq = world.headquarters()
    other_plant = world.plant_user(1)
    submitted, approved = str(world.practice(author, "submitted")["id"]), str(world.approved(hq, 0)["id"])
    files = {"file": IMAGE}

    assert error_of(send_form(author, str(uuid4()), files)) == (404, "NOT_FOUND")
    assert error_of(send_form(other_plant, submitted, files)) == (403, "FORBIDDEN")
    assert error_of(send_form(author, approved, files)) == (403, "FORBIDDEN")
    assert nothing_is_stored(world)
    assert send_form(hq, approved, files).status_code == 201


# --- reading


@pytest.fixture
def images(world: World, author: Person, practice_id: str) -> list[dict[str, Any]]:
    """Two images of a practice as the list shows them: the one of after is the newer."""
    use_real_time(world)
    author.sign_in()
    recorded(world, author, practice_id, "before")
    world.clock.advance(timedelta(seconds=1))
    recorded(world, author, practice_id, "after")
    listed: list[dict[str, Any]] = author.get(f"/best-practices/{practice_id}/images").json()["data"]
    return listed


def test_images_are_listed_newest_first_and_shown_with_their_practice(
    author: Person, practice_id: str, images: list[dict[str, Any]]
) -> None:
    assert [image["image_type"] for image in images] == ["after", "before"]
    practice = author.get(f"/best-practices/{practice_id}").json()["data"]
    assert [image["id"] for image in practice["images"]] == [image["id"] for image in images]
    assert practice["before_image_url"] == images[1]["blob_url"]
    assert practice["after_image_url"] == images[0]["blob_url"]


def test_the_urls_of_an_image_are_signed_for_reading_for_a_day(
    world: World, images: list[dict[str, Any]]
) -> None:
    tomorrow = world.clock.at.replace(microsecond=0) + timedelta(hours=24)
    for image in images:
        for url in (image["blob_url"], image["thumbnail_url"]):
            signed = parse_qs(urlsplit(url).query)
            assert (signed["sp"], datetime.fromisoformat(signed["se"][0])) == (["r"], tomorrow)


def test_the_urls_of_an_image_allow_reading_and_nothing_else(images: list[dict[str, Any]]) -> None:
    for image in images:
        assert httpx.get(image["blob_url"]).content == picture()
        assert httpx.get(image["thumbnail_url"]).headers["Content-Type"] == "image/webp"
        assert httpx.delete(image["blob_url"]).status_code == 403
        assert put_as_browser(image["blob_url"], b"x") == 403


def test_a_url_that_reads_an_image_expires_after_a_day(
    world: World, author: Person, practice_id: str
) -> None:
    world.clock.at = datetime.now(UTC) - timedelta(hours=24, minutes=1)
    image = recorded(world, author.sign_in(), practice_id)
    assert httpx.get(image["blob_url"]).status_code == 403


def test_an_image_and_its_thumbnail_are_served_with_their_recorded_types_whatever_the_uploader_declared(
    world: World, author: Person, practice_id: str
) -> None:
    use_real_time(world)
    permit = world.presign_image(author.sign_in(), practice_id)
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": "text/html",
               "x-ms-blob-content-disposition": "attachment; filename=evil.html"}  # fmt: skip
    assert httpx.put(permit["upload_url"], content=picture(), headers=headers).status_code == 201
    world.deliver(permit["blob_name"])
    [image] = author.get(f"/best-practices/{practice_id}/images").json()["data"]

    for url, content_type in ((image["blob_url"], "image/jpeg"), (image["thumbnail_url"], "image/webp")):
        response = httpx.get(url)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == content_type
        assert response.headers["Content-Disposition"] == "inline"
        forged = url.replace("rsct=image", "rsct=text")
        assert (forged == url, httpx.get(forged).status_code) == (False, 403)


def test_other_plants_see_the_images_of_submitted_practices(world: World, author: Person) -> None:
    other_plant = world.plant_user(1)
    draft, submitted = world.practice(author)["id"], world.practice(author, "submitted")["id"]
    image = recorded(world, author, submitted)

    response = other_plant.get(f"/best-practices/{submitted}/images")
    assert [seen["id"] for seen in response.json()["data"]] == [image["id"]]
    assert error_of(other_plant.get(f"/best-practices/{draft}/images")) == (404, "NOT_FOUND")
    assert error_of(other_plant.get(f"/best-practices/{submitted}/uploads")) == (403, "FORBIDDEN")
    assert error_of(other_plant.get(f"/best-practices/{draft}/uploads")) == (404, "NOT_FOUND")


def test_uploads_are_listed_with_their_states(world: World, author: Person, practice_id: str) -> None:
    recorded(world, author, practice_id)
    refused = put_image(world, author, practice_id, b"text")
    world.deliver(refused)
    world.clock.advance(timedelta(minutes=14))
    world.presign_image(author, practice_id)

    def counts() -> dict[str, int]:
        uploads = author.get(f"/best-practices/{practice_id}/uploads").json()["data"]
        assert {upload["reason"] for upload in uploads if upload["state"] == "rejected"} == {
            "The file is not of type image/jpeg."
        }
        found = [upload["state"] for upload in uploads]
        return {state: found.count(state) for state in found}

    assert counts() == {"recorded": 1, "rejected": 1, "pending": 1}
    world.clock.advance(timedelta(minutes=15, seconds=1))
    assert counts() == {"recorded": 1, "rejected": 1, "expired": 1}


# --- deletion


def test_a_deleted_image_leaves_no_row_and_no_blob(world: World, author: Person, practice_id: str) -> None:
    image = recorded(world, author, practice_id)
    remaining = recorded(world, author, practice_id, "after")
    path = f"/best-practices/{practice_id}/images/{image['id']}"

    response = author.delete(path)

    assert (response.status_code, response.json()["data"]) == (200, None)
    assert world.query("SELECT id::text FROM practice_images") == [(remaining["id"],)]
    assert world.query("SELECT blob_name FROM uploads WHERE deleted_at IS NULL") == [
        (remaining["blob_name"],)
    ]
    assert world.blob_names("best-practices") == [remaining["blob_name"]]
    assert world.blob_names("thumbnails") == [f"{remaining['blob_name']}.webp"]
    assert error_of(author.delete(path)) == (404, "NOT_FOUND")
    world.deliver(image["blob_name"])  # a late event
    assert world.query("SELECT count(*) FROM practice_images") == [(1,)]


def test_only_the_owner_deletes_an_image_and_only_through_its_practice(world: World, author: Person) -> None:
    hq = world.headquarters()
    first, second = world.practice(author, "submitted")["id"], world.practice(author, "submitted")["id"]
    image_id = recorded(world, author, first)["id"]

    assert error_of(author.delete(f"/best-practices/{second}/images/{image_id}")) == (404, "NOT_FOUND")
    assert error_of(author.delete(f"/best-practices/{first}/images/{uuid4()}")) == (404, "NOT_FOUND")
    assert author.delete(f"/best-practices/{first}/images/7").status_code == 404
    other_plant = world.plant_user(1)
    assert error_of(other_plant.delete(f"/best-practices/{first}/images/{image_id}")) == (403, "FORBIDDEN")
    assert hq.post(f"/best-practices/{first}/approve").status_code == 200
    assert error_of(author.delete(f"/best-practices/{first}/images/{image_id}")) == (403, "FORBIDDEN")
    assert world.query("SELECT count(*) FROM practice_images") == [(1,)]
    assert hq.delete(f"/best-practices/{first}/images/{image_id}").status_code == 200
