"""Photographs over HTTP: leave to put one, the word that it was put, forms, lists, deletion."""

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

WHERE_TO_ASK = ["/upload/presigned-url", "/best-practices/upload/presigned-url"]


@pytest.fixture
def author(world: World) -> Person:
    return world.plant_user(0)


@pytest.fixture
def practice_id(world: World, author: Person) -> str:
    return str(world.practice(author)["id"])


def let_time_be_real(world: World) -> None:
    """The storage looks at the real clock when it is shown a URL."""
    world.clock.at = datetime.now(UTC)


def put_as_browser(url: str, data: bytes) -> int:
    return httpx.put(url, content=data, headers={"x-ms-blob-type": "BlockBlob"}).status_code


def put_photograph(world: World, author: Person, practice_id: str, data: bytes | None = None) -> str:
    """Ask, and put past the portal; the blob's name."""
    blob_name = str(world.ask_for_upload(author, practice_id)["blob_name"])
    world.put_blob(blob_name, picture() if data is None else data)
    return blob_name


def recorded(world: World, author: Person, practice_id: str, image_type: str = "before") -> dict[str, Any]:
    """A photograph that was asked for, put, delivered to the trigger and confirmed."""
    permit = world.ask_for_upload(author, practice_id, image_type=image_type)
    world.put_blob(permit["blob_name"], picture())
    world.deliver(permit["blob_name"])
    body = confirmation(permit["blob_name"], image_type=image_type)
    answer = author.post(f"/best-practices/{practice_id}/images", body)
    assert answer.status_code == 200, answer.text
    image: dict[str, Any] = answer.json()["data"]
    return image


def states(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT state, reason FROM uploads ORDER BY created_at, blob_name")


def nothing_is_kept(world: World) -> bool:
    rows = world.query("SELECT FROM uploads UNION ALL SELECT FROM practice_images")
    return not rows and not world.blob_names("best-practices") and not world.blob_names("quarantine")


# --- leave to upload


@pytest.mark.parametrize("path", WHERE_TO_ASK)
def test_leave_is_given_for_one_blob_for_fifteen_minutes(
    world: World, author: Person, practice_id: str, path: str
) -> None:
    answer = author.post(path, upload_request(practice_id))

    permit = answer.json()["data"]
    blob_name = f"practices/{practice_id}/before_{int(NOON.timestamp() * 1000)}.jpg"
    assert (answer.status_code, permit["blob_name"], permit["container"]) == (
        200, blob_name, "best-practices"
    )  # fmt: skip
    assert datetime.fromisoformat(permit["expiry"]) == NOON + timedelta(minutes=15)
    url = urlsplit(permit["upload_url"])
    signed = parse_qs(url.query)
    assert url.path.endswith(f"/best-practices/{blob_name}")
    assert (signed["sp"], signed["sr"], signed["se"]) == (["c"], ["b"], ["2026-08-15T06:45:00Z"])
    assert states(world) == [("pending", None)]


def test_a_browser_puts_with_it_once_and_does_nothing_else_with_it(
    world: World, author: Person, practice_id: str
) -> None:
    let_time_be_real(world)
    author.sign_in()
    permit = world.ask_for_upload(author, practice_id)
    url: str = permit["upload_url"]
    other = world.ask_for_upload(author, practice_id)["blob_name"]

    assert httpx.get(url).status_code == 403
    assert put_as_browser(url.replace(permit["blob_name"], other), picture()) == 403
    assert put_as_browser(url, picture()) == 201
    assert put_as_browser(url, picture(color="green")) == 403
    assert httpx.get(url).status_code == 403
    assert httpx.delete(url).status_code == 403
    assert world.blob_names("best-practices") == [permit["blob_name"]]


def test_leave_ends(world: World, author: Person, practice_id: str) -> None:
    world.clock.at = datetime.now(UTC) - timedelta(minutes=16)
    permit = world.ask_for_upload(author.sign_in(), practice_id)
    assert put_as_browser(permit["upload_url"], picture()) == 403

    world.clock.advance(timedelta(minutes=16))
    answer = author.get(f"/best-practices/{practice_id}/uploads")
    assert [upload["state"] for upload in answer.json()["data"]] == ["expired"]


def test_two_wishes_of_the_same_millisecond_get_two_names(
    world: World, author: Person, practice_id: str
) -> None:
    names = [world.ask_for_upload(author, practice_id)["blob_name"] for _ in range(3)]
    moment = int(NOON.timestamp() * 1000)
    assert names == [f"practices/{practice_id}/before_{moment + step}.jpg" for step in range(3)]


def test_only_the_extension_of_a_file_name_is_taken_over(
    world: World, author: Person, practice_id: str
) -> None:
    moment = int(NOON.timestamp() * 1000)
    for filename, content_type, extension in [
        ("IMG 1.JPG", "image/jpeg", "jpg"),
        ("x.jpeg", "image/jpeg", "jpeg"),
        ("a.b.png", "image/png", "png"),
        ("नाम.webp", "image/webp", "webp"),
    ]:
        permit = world.ask_for_upload(author, practice_id, filename=filename, content_type=content_type)
        assert permit["blob_name"] == f"practices/{practice_id}/before_{moment}.{extension}"


FILE_NAMES_NOT_TAKEN = [
    "../x.jpg", "a/b.jpg", "a\\b.jpg", "%2e%2e%2fx.jpg", "a%5Cb.jpg", "..jpg", "x\x00.jpg", "x\n.jpg",
    "x", ".jpg", "x.", "", "x.svg", "x.exe", "x.jpg.exe", "x" * 252 + ".jpg",
]  # fmt: skip


@pytest.mark.parametrize("path", WHERE_TO_ASK)
def test_no_leave_for_a_file_name_that_plays_tricks_or_is_no_photograph(
    world: World, author: Person, practice_id: str, path: str
) -> None:
    for filename in FILE_NAMES_NOT_TAKEN:
        answer = author.post(path, upload_request(practice_id, filename=filename))
        assert refusal_of(answer) == invalid("filename"), filename
    assert nothing_is_kept(world)


WISHES_NOT_GRANTED: list[dict[str, object]] = [
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


def test_no_leave_for_a_wish_that_breaks_the_rules(world: World, author: Person, practice_id: str) -> None:
    for wish in WISHES_NOT_GRANTED:
        answer = author.post("/upload/presigned-url", {**upload_request(practice_id), **wish})
        assert refusal_of(answer) == invalid(*wish), wish
    assert nothing_is_kept(world)


def test_the_largest_photograph_may_be_asked_for(world: World, author: Person, practice_id: str) -> None:
    world.ask_for_upload(author, practice_id, file_size=IMAGES.max_bytes)


@pytest.mark.parametrize("path", WHERE_TO_ASK)
def test_who_may_ask_follows_from_the_practice(world: World, author: Person, path: str) -> None:
    hq = world.headquarters()
    draft = world.practice(author)["id"]
    submitted = world.practice(author, "submitted")["id"]
    approved = world.approved(hq, 0)["id"]
    stranger = world.plant_user(1)

    assert error_of(author.post(path, upload_request(str(uuid4())))) == (404, "NOT_FOUND")
    assert error_of(stranger.post(path, upload_request(draft))) == (404, "NOT_FOUND")
    assert error_of(stranger.post(path, upload_request(submitted))) == (403, "FORBIDDEN")
    assert error_of(author.post(path, upload_request(approved))) == (403, "FORBIDDEN")
    nobody = world.browser().post(f"/api/v1{path}", json=upload_request(draft))
    assert error_of(nobody) == (401, "UNAUTHENTICATED")
    assert nothing_is_kept(world)
    for practice_id in (draft, submitted, approved):
        assert hq.post(path, upload_request(practice_id)).status_code == 200
    assert author.post(path, upload_request(submitted)).status_code == 200


# --- the word that it was put


def test_a_photograph_is_confirmed_once_and_known_afterwards(
    world: World, author: Person, practice_id: str
) -> None:
    data = picture(640, 480)
    blob_name = put_photograph(world, author, practice_id, data)
    body = confirmation(blob_name, file_size=1)  # what is stored counts, not what is declared

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


def test_an_upload_confirmed_before_it_was_made_is_confirmed_afterwards(
    world: World, author: Person, practice_id: str
) -> None:
    blob_name = world.ask_for_upload(author, practice_id)["blob_name"]
    path = f"/best-practices/{practice_id}/images"

    assert error_of(author.post(path, confirmation(blob_name))) == (409, "UPLOAD_MISSING")
    assert (states(world), author.get(path).json()["data"]) == ([("pending", None)], [])
    world.put_blob(blob_name, picture())
    assert author.post(path, confirmation(blob_name)).status_code == 201


def test_headquarters_confirms_for_a_plant(world: World, author: Person, practice_id: str) -> None:
    blob_name = put_photograph(world, author, practice_id)
    answer = world.headquarters().post(f"/best-practices/{practice_id}/images", confirmation(blob_name))
    assert answer.status_code == 201


CONFIRMATIONS_NOT_TAKEN: list[dict[str, object]] = [
    {"blob_container": "supporting-documents"},
    {"blob_container": "quarantine"},
    {"image_type": "after"},
    {"image_type": "during"},
    {"file_size": 0},
    {"reason": "x"},
]


def test_a_blob_is_confirmed_for_its_own_practice_and_kind_only(
    world: World, author: Person, practice_id: str
) -> None:
    blob_name = put_photograph(world, author, practice_id)
    path = f"/best-practices/{practice_id}/images"
    elsewhere = f"/best-practices/{world.practice(author)['id']}/images"

    assert refusal_of(author.post(elsewhere, confirmation(blob_name))) == invalid("blob_name")
    for changes in CONFIRMATIONS_NOT_TAKEN:
        assert refusal_of(author.post(path, confirmation(blob_name, **changes))) == invalid(*changes)
    assert world.query("SELECT count(*) FROM practice_images") == [(0,)]
    assert world.blob_names("best-practices") == [blob_name]


FOREIGN_NAMES = [
    "practices/{id}/during_1.jpg", "practices/{id}/before_1.svg", "practices/{id}/before_01.jpg",
    "practices/{id}/before_1.JPG", "practices/{id}/../{id}/before_1.jpg", "practices/{id}/a/before_1.jpg",
    "practices/{id}%2fbefore_1.jpg", "practices\\{id}\\before_1.jpg", "/practices/{id}/before_1.jpg",
    "documents/{id}/before_1.jpg", "before_1.jpg", "x\x00", "",
]  # fmt: skip


def test_names_that_the_portal_does_not_give_are_not_confirmed(
    world: World, author: Person, practice_id: str
) -> None:
    for name in FOREIGN_NAMES:
        body = confirmation(name.replace("{id}", practice_id))
        answer = author.post(f"/best-practices/{practice_id}/images", body)
        assert refusal_of(answer) == invalid("blob_name"), name
    assert nothing_is_kept(world)


def test_who_may_not_write_a_practice_confirms_nothing(
    world: World, author: Person, practice_id: str
) -> None:
    blob_name = put_photograph(world, author, practice_id)
    path = f"/best-practices/{practice_id}/images"

    assert error_of(world.plant_user(1).post(path, confirmation(blob_name))) == (404, "NOT_FOUND")
    nobody = world.browser().post(f"/api/v1{path}", json=confirmation(blob_name))
    assert error_of(nobody) == (401, "UNAUTHENTICATED")
    assert states(world) == [("pending", None)]


def test_a_confirmed_file_that_is_no_photograph_is_refused_for_good(
    world: World, author: Person, practice_id: str
) -> None:
    blob_name = put_photograph(world, author, practice_id, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    path = f"/best-practices/{practice_id}/images"

    for _ in range(2):
        answer = author.post(path, confirmation(blob_name))
        assert error_of(answer) == (422, "UPLOAD_REJECTED")
        assert answer.json()["error"]["details"] == [
            {"field": "blob_name", "message": "not a file of type image/jpeg"}
        ]
    assert states(world) == [("rejected", "not a file of type image/jpeg")]
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


def test_a_photograph_may_come_as_a_form(world: World, author: Person, practice_id: str) -> None:
    data = picture(kind="PNG")
    answer = send_form(author, practice_id, {"file": ("A b.PNG", data, "image/png")}, {"image_type": "after"})

    image = answer.json()["data"]
    assert (answer.status_code, image["image_type"], image["content_type"]) == (201, "after", "image/png")
    assert (image["file_size"], image["width"], image["height"]) == (len(data), 800, 600)
    assert world.blob_names("best-practices") == [image["blob_name"]]
    assert states(world) == [("recorded", None)]
    world.deliver(image["blob_name"])
    assert world.query("SELECT count(*), count(thumbnail_name) FROM practice_images") == [(1, 1)]


def test_a_form_may_name_its_file_at_any_length(world: World, author: Person, practice_id: str) -> None:
    answer = send_form(author, practice_id, {"file": ("x" * 1000 + ".jpg", picture(), "image/jpeg")})
    assert answer.status_code == 201, answer.text


def test_a_form_with_too_large_a_photograph_is_refused(
    world: World, author: Person, practice_id: str
) -> None:
    for size in (IMAGES.max_bytes + 1, 11 * 1024 * 1024):
        data = picture().ljust(size, b"\0")
        answer = send_form(author, practice_id, {"file": ("x.jpg", data, "image/jpeg")})
        assert error_of(answer) == (413, "PAYLOAD_TOO_LARGE")
    assert nothing_is_kept(world)


PHOTOGRAPH = ("x.jpg", picture(), "image/jpeg")


BEFORE = {"image_type": "before"}
FORMS_NOT_TAKEN: list[tuple[Any, dict[str, str], str]] = [
    ({"photo": PHOTOGRAPH}, BEFORE, "file"),
    ([("file", PHOTOGRAPH), ("file", PHOTOGRAPH)], BEFORE, "file"),
    ([("file", PHOTOGRAPH), ("other", PHOTOGRAPH)], BEFORE, "file"),
    ({"file": (None, b"no file", None)}, BEFORE, "file"),
    ({"file": PHOTOGRAPH}, {"image_type": "during"}, "image_type"),
    ({"file": PHOTOGRAPH}, {}, "image_type"),
    ({"file": PHOTOGRAPH}, {**BEFORE, "caption": "x"}, "caption"),
    ({"file": ("../x.jpg", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("..\\x.jpg", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("x%2fy.jpg", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("x", picture(), "image/jpeg")}, BEFORE, "filename"),
    ({"file": ("x.svg", b"<svg/>", "image/svg+xml")}, BEFORE, "filename"),
    ({"file": ("x.jpg", picture(), "image/png")}, BEFORE, "content_type"),
]


def test_a_form_that_breaks_the_rules_is_refused(world: World, author: Person, practice_id: str) -> None:
    for files, fields, blamed in FORMS_NOT_TAKEN:
        answer = send_form(author, practice_id, files, fields)
        assert refusal_of(answer) == invalid(blamed), (fields, answer.text)
    assert nothing_is_kept(world)


PART = b"--b\r\nContent-Disposition: form-data"
NO_FORMS: list[tuple[str, bytes, int, str]] = [
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


def test_what_is_no_form_is_refused(world: World, author: Person, practice_id: str) -> None:
    path = f"/api/v1/best-practices/{practice_id}/upload-image"
    for content_type, body, status, code in NO_FORMS:
        headers = {"Content-Type": content_type} if content_type else {}
        answer = author.http.post(path, content=body, headers=headers)
        assert error_of(answer) == (status, code), (content_type, body[:80])
    assert nothing_is_kept(world)


def test_a_form_with_a_file_that_is_no_photograph_is_refused_and_kept_in_quarantine(
    world: World, author: Person, practice_id: str
) -> None:
    answer = send_form(author, practice_id, {"file": ("x.jpg", b"hello", "image/jpeg")})

    assert error_of(answer) == (422, "UPLOAD_REJECTED")
    assert fields_of(answer) == {"file"}
    assert states(world) == [("rejected", "not a file of type image/jpeg")]
    assert world.blob_names("best-practices") == []
    assert len(world.blob_names("quarantine")) == 1


def test_who_may_send_a_form_follows_from_the_practice(world: World, author: Person) -> None:
    hq = world.headquarters()
    stranger = world.plant_user(1)
    submitted, approved = str(world.practice(author, "submitted")["id"]), str(world.approved(hq, 0)["id"])
    files = {"file": PHOTOGRAPH}

    assert error_of(send_form(author, str(uuid4()), files)) == (404, "NOT_FOUND")
    assert error_of(send_form(stranger, submitted, files)) == (403, "FORBIDDEN")
    assert error_of(send_form(author, approved, files)) == (403, "FORBIDDEN")
    assert nothing_is_kept(world)
    assert send_form(hq, approved, files).status_code == 201


# --- reading


def test_photographs_are_listed_newest_first_with_urls_that_read_them_for_a_day(
    world: World, author: Person, practice_id: str
) -> None:
    let_time_be_real(world)
    author.sign_in()
    recorded(world, author, practice_id, "before")
    world.clock.advance(timedelta(seconds=1))
    recorded(world, author, practice_id, "after")

    images = author.get(f"/best-practices/{practice_id}/images").json()["data"]

    assert [image["image_type"] for image in images] == ["after", "before"]
    for image in images:
        for url in (image["blob_url"], image["thumbnail_url"]):
            signed = parse_qs(urlsplit(url).query)
            ends = datetime.fromisoformat(signed["se"][0])
            assert ends == world.clock.at.replace(microsecond=0) + timedelta(hours=24)
            assert signed["sp"] == ["r"]
        assert httpx.get(image["blob_url"]).content == picture()
        assert httpx.get(image["thumbnail_url"]).headers["Content-Type"] == "image/webp"
        assert httpx.delete(image["blob_url"]).status_code == 403
        assert put_as_browser(image["blob_url"], b"x") == 403
    practice = author.get(f"/best-practices/{practice_id}").json()["data"]
    assert [image["id"] for image in practice["images"]] == [image["id"] for image in images]
    assert practice["before_image_url"] == images[1]["blob_url"]
    assert practice["after_image_url"] == images[0]["blob_url"]


def test_a_url_that_reads_a_photograph_ends_after_a_day(
    world: World, author: Person, practice_id: str
) -> None:
    world.clock.at = datetime.now(UTC) - timedelta(hours=24, minutes=1)
    image = recorded(world, author.sign_in(), practice_id)
    assert httpx.get(image["blob_url"]).status_code == 403


def test_other_plants_see_the_photographs_of_what_was_submitted(world: World, author: Person) -> None:
    stranger = world.plant_user(1)
    draft, submitted = world.practice(author)["id"], world.practice(author, "submitted")["id"]
    image = recorded(world, author, submitted)

    answer = stranger.get(f"/best-practices/{submitted}/images")
    assert [seen["id"] for seen in answer.json()["data"]] == [image["id"]]
    assert error_of(stranger.get(f"/best-practices/{draft}/images")) == (404, "NOT_FOUND")
    assert error_of(stranger.get(f"/best-practices/{submitted}/uploads")) == (403, "FORBIDDEN")
    assert error_of(stranger.get(f"/best-practices/{draft}/uploads")) == (404, "NOT_FOUND")


def test_uploads_tell_what_became_of_every_wish(world: World, author: Person, practice_id: str) -> None:
    recorded(world, author, practice_id)
    refused = put_photograph(world, author, practice_id, b"text")
    world.deliver(refused)
    world.clock.advance(timedelta(minutes=14))
    world.ask_for_upload(author, practice_id)

    def told() -> dict[str, int]:
        uploads = author.get(f"/best-practices/{practice_id}/uploads").json()["data"]
        assert {upload["reason"] for upload in uploads if upload["state"] == "rejected"} == {
            "not a file of type image/jpeg"
        }
        found = [upload["state"] for upload in uploads]
        return {state: found.count(state) for state in found}

    assert told() == {"recorded": 1, "rejected": 1, "pending": 1}
    world.clock.advance(timedelta(minutes=15, seconds=1))
    assert told() == {"recorded": 1, "rejected": 1, "expired": 1}


# --- deletion


def test_a_deleted_photograph_leaves_no_row_and_no_blob(
    world: World, author: Person, practice_id: str
) -> None:
    image = recorded(world, author, practice_id)
    kept = recorded(world, author, practice_id, "after")
    path = f"/best-practices/{practice_id}/images/{image['id']}"

    answer = author.delete(path)

    assert (answer.status_code, answer.json()["data"]) == (200, None)
    assert world.query("SELECT id::text FROM practice_images") == [(kept["id"],)]
    assert world.query("SELECT blob_name FROM uploads") == [(kept["blob_name"],)]
    assert world.blob_names("best-practices") == [kept["blob_name"]]
    assert world.blob_names("thumbnails") == [f"{kept['blob_name']}.webp"]
    assert error_of(author.delete(path)) == (404, "NOT_FOUND")
    world.deliver(image["blob_name"])  # a late event
    assert world.query("SELECT count(*) FROM practice_images") == [(1,)]


def test_a_photograph_is_deleted_through_its_own_practice_by_who_may_write_it(
    world: World, author: Person
) -> None:
    hq = world.headquarters()
    first, second = world.practice(author, "submitted")["id"], world.practice(author, "submitted")["id"]
    image_id = recorded(world, author, first)["id"]

    assert error_of(author.delete(f"/best-practices/{second}/images/{image_id}")) == (404, "NOT_FOUND")
    assert error_of(author.delete(f"/best-practices/{first}/images/{uuid4()}")) == (404, "NOT_FOUND")
    assert author.delete(f"/best-practices/{first}/images/7").status_code == 404
    stranger = world.plant_user(1)
    assert error_of(stranger.delete(f"/best-practices/{first}/images/{image_id}")) == (403, "FORBIDDEN")
    assert hq.post(f"/best-practices/{first}/approve").status_code == 200
    assert error_of(author.delete(f"/best-practices/{first}/images/{image_id}")) == (403, "FORBIDDEN")
    assert world.query("SELECT count(*) FROM practice_images") == [(1,)]
    assert hq.delete(f"/best-practices/{first}/images/{image_id}").status_code == 200
