"""Documents over HTTP and by the blob trigger."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from adapters.storage import blobs
from adapters.storage.blobs import AzureBlobs
from bp_core.shared.errors import Unavailable
from bp_core.uploads.kinds import DOCUMENTS
from tests import documents
from tests.documents import CONTENT_TYPES, doc, office, pdf, ppt, xls
from tests.world import (
    NOON,
    Person,
    World,
    concurrently,
    confirmation,
    document_confirmation,
    error_of,
    invalid,
    picture,
    refusal_of,
)

EPOCH_MS = int(NOON.timestamp() * 1000)


@pytest.fixture
def practice_id(world: World, author: Person) -> str:
    return str(world.practice(author)["id"])


def put(world: World, author: Person, practice_id: str, data: bytes, extension: str = "pdf") -> str:
    """Request an upload, and write the blob directly to the storage; return its name."""
    changes = {"filename": f"Plan {extension}.{extension}", "content_type": CONTENT_TYPES[extension]}
    blob_name = str(world.presign_document(author, practice_id, **changes)["blob_name"])
    world.put_blob(blob_name, data, "supporting-documents")
    return blob_name


def confirm(author: Person, practice_id: str, blob_name: str, **changes: object) -> httpx.Response:
    body = document_confirmation(blob_name, **changes)
    return author.post(f"/best-practices/{practice_id}/documents", body)


def listed(author: Person, practice_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = author.get(f"/best-practices/{practice_id}/documents").json()["data"]
    return found


def uploads(author: Person, practice_id: str) -> list[tuple[str, str | None]]:
    response = author.get(f"/best-practices/{practice_id}/uploads")
    return [(upload["state"], upload["reason"]) for upload in response.json()["data"]]


def actions(world: World) -> list[str]:
    return [
        row[0] for row in world.query("SELECT action FROM audit_log WHERE entity = 'document' ORDER BY id")
    ]


# --- pre-signed URLs


def test_a_permit_for_a_document_contains_a_safe_form_of_its_file_name(
    world: World, author: Person, practice_id: str
) -> None:
    for filename, stem in [
        ("Work instruction 7.pdf", "work-instruction-7"),
        ("Fügeplan (2).PDF", "fugeplan-2"),
        ("नाम.pdf", "document"),
        ("x" * 200 + ".pdf", "x" * 60),
        ("--a__b--.pdf", "a-b"),
    ]:
        permit = world.presign_document(author, practice_id, filename=filename)
        assert permit["blob_name"] == f"documents/{practice_id}/{stem}_{EPOCH_MS}.pdf"
        assert permit["container"] == "supporting-documents"
        url = urlsplit(permit["upload_url"])
        assert url.path.endswith(f"/supporting-documents/{permit['blob_name']}")
        assert parse_qs(url.query)["sp"] == ["c"]


def test_two_documents_with_the_same_name_and_millisecond_get_two_blobs(
    world: World, author: Person, practice_id: str
) -> None:
    names = [world.presign_document(author, practice_id)["blob_name"] for _ in range(2)]
    assert names == [f"documents/{practice_id}/work-instruction-7_{EPOCH_MS + step}.pdf" for step in range(2)]


def test_every_format_can_be_uploaded_up_to_20_megabytes(
    world: World, author: Person, practice_id: str
) -> None:
    for extension, content_type in CONTENT_TYPES.items():
        changes = {"filename": f"a.{extension}", "content_type": content_type}
        world.presign_document(author, practice_id, **changes, file_size=20 * 1024 * 1024)


INVALID_REQUESTS: list[tuple[dict[str, object], str]] = [
    ({"image_type": "before"}, "image_type"),
    ({"image_type": "during"}, "image_type"),
    ({"file_size": DOCUMENTS.max_bytes + 1}, "file_size"),
    ({"file_size": 0}, "file_size"),
    ({"filename": "a.docm"}, "filename"),
    ({"filename": "a.jpg", "content_type": "image/jpeg"}, "filename"),
    ({"filename": "../a.pdf"}, "filename"),
    ({"filename": "a%2fb.pdf"}, "filename"),
    ({"filename": "a\x00.pdf"}, "filename"),
    ({"filename": "pdf"}, "filename"),
    ({"content_type": "application/msword"}, "content_type"),
    ({"document_name": "x"}, "document_name"),
    ({"file_type": "image"}, "image_type"),
]


def test_no_permit_for_an_invalid_request(world: World, author: Person, practice_id: str) -> None:
    for changes, field in INVALID_REQUESTS:
        body = {
            "practice_id": practice_id, "file_type": "document", "filename": "a.pdf",
            "content_type": "application/pdf", "file_size": 1, **changes,
        }  # fmt: skip
        assert refusal_of(author.post("/upload/presigned-url", body)) == invalid(field), changes
    assert world.query("SELECT count(*) FROM uploads") == [(0,)]


# --- recording


VALID = {
    "pdf": pdf(), "doc": doc(), "xls": xls(), "ppt": ppt(),
    "docx": office("docx"), "xlsx": office("xlsx"), "pptx": office("pptx"),
}  # fmt: skip


@pytest.mark.parametrize("extension", VALID)
def test_a_document_is_recorded_by_the_first_confirmation_and_returned_by_the_second(
    world: World, author: Person, practice_id: str, extension: str
) -> None:
    blob_name = put(world, author, practice_id, VALID[extension], extension)
    assert error_of(confirm(author, practice_id, blob_name.replace("plan", "plain")))[0] == 409

    first, second = (confirm(author, practice_id, blob_name, file_size=1) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    document = first.json()["data"]
    assert second.json()["data"] == document
    assert {key: document[key] for key in document.keys() - {"id", "blob_url"}} == {
        "practice_id": practice_id, "document_name": "Work instruction",
        "blob_container": "supporting-documents", "blob_name": blob_name,
        "file_size": len(VALID[extension]), "content_type": CONTENT_TYPES[extension],
        "uploaded_at": "2026-08-15T06:30:00Z",
    }  # fmt: skip
    assert listed(author, practice_id) == [document]
    assert author.get(f"/best-practices/{practice_id}").json()["data"]["documents"] == [document]
    assert uploads(author, practice_id) == [("recorded", None)]
    assert actions(world) == ["document.recorded"]


def test_a_document_that_is_not_confirmed_has_the_name_of_its_file(
    world: World, author: Person, practice_id: str
) -> None:
    world.deliver(put(world, author, practice_id, pdf()))
    [document] = listed(author, practice_id)
    assert document["document_name"] == "Plan pdf.pdf"


def test_a_document_that_nobody_requested_has_the_name_of_its_blob(
    world: World, author: Person, practice_id: str
) -> None:
    name = f"documents/{practice_id}/plan-b_1.pdf"
    world.put_blob(name, pdf(), "supporting-documents")
    world.deliver(name)
    [document] = listed(author, practice_id)
    assert document["document_name"] == "plan-b.pdf"


def test_the_first_confirmation_names_a_document_even_after_the_trigger(
    world: World, author: Person, practice_id: str
) -> None:
    blob_name = put(world, author, practice_id, pdf())
    world.deliver(blob_name)
    for name in ("First", "Second"):
        response = confirm(author, practice_id, blob_name, document_name=f"  {name} ")
        assert (response.status_code, response.json()["data"]["document_name"]) == (200, "First")
    world.deliver(blob_name)
    assert [document["document_name"] for document in listed(author, practice_id)] == ["First"]
    assert actions(world) == ["document.recorded", "document.renamed"]


def test_a_document_delivered_and_confirmed_twenty_times_at_once_is_recorded_once_with_its_name(
    patient: World, author: Person, practice_id: str
) -> None:
    world = patient
    blob_name = put(world, author, practice_id, pdf())

    def confirmed() -> int:
        return confirm(author, practice_id, blob_name).status_code

    outcomes = concurrently(*[confirmed] * 20, *[partial(world.deliver, blob_name)] * 20)

    assert set(outcomes[:20]) <= {200, 201}
    assert outcomes[:20].count(201) <= 1
    [document] = listed(author, practice_id)
    assert document["document_name"] == "Work instruction"
    assert uploads(author, practice_id) == [("recorded", None)]
    assert actions(world).count("document.recorded") == 1
    assert actions(world).count("document.renamed") <= 1


INVALID_CONFIRMATIONS: list[dict[str, object]] = [
    {"blob_container": "best-practices"},
    {"document_name": ""},
    {"document_name": "   "},
    {"document_name": "a\x00"},
    {"document_name": "x" * 301},
    {"document_name": None},
    {"document_name": 7},
    {"image_type": "before"},
    {"file_size": "1"},
    {"reason": "x"},
]


def test_an_invalid_confirmation_is_refused(world: World, author: Person, practice_id: str) -> None:
    blob_name = put(world, author, practice_id, pdf())
    for changes in INVALID_CONFIRMATIONS:
        assert refusal_of(confirm(author, practice_id, blob_name, **changes)) == invalid(*changes), changes
    other = str(world.practice(author)["id"])
    assert refusal_of(confirm(author, other, blob_name)) == invalid("blob_name")
    for name in (f"documents/{practice_id}/../a_1.pdf", f"documents/{practice_id}/A_1.pdf",
                 f"documents/{practice_id}/a_1.exe", f"documents/{practice_id}/-a_1.pdf",
                 f"practices/{practice_id}/before_1.jpg", f"documents/{practice_id}%2fa_1.pdf"):  # fmt: skip
        assert refusal_of(confirm(author, practice_id, name)) == invalid("blob_name"), name
    image = author.post(f"/best-practices/{practice_id}/images", confirmation(blob_name))
    assert refusal_of(image) == invalid("blob_name")
    without = document_confirmation(blob_name)
    del without["document_name"]
    response = author.post(f"/best-practices/{practice_id}/documents", without)
    assert refusal_of(response) == invalid("document_name")
    assert listed(author, practice_id) == []


def test_the_practice_decides_who_may_confirm(world: World, author: Person) -> None:
    other_plant = world.plant_user(1)
    draft = str(world.practice(author)["id"])
    submitted = str(world.practice(author, "submitted")["id"])
    blob_name = put(world, author, submitted, pdf())
    hidden = put(world, author, draft, pdf())

    assert error_of(confirm(other_plant, draft, hidden)) == (404, "NOT_FOUND")
    assert error_of(confirm(other_plant, submitted, blob_name)) == (403, "FORBIDDEN")
    path = f"/api/v1/best-practices/{submitted}/documents"
    anonymous = world.browser().post(path, json=document_confirmation(blob_name))
    assert error_of(anonymous) == (401, "UNAUTHENTICATED")
    assert confirm(world.headquarters(), submitted, blob_name).status_code == 201


def test_other_plants_see_the_documents_of_submitted_practices(world: World, author: Person) -> None:
    other_plant = world.plant_user(1)
    draft = str(world.practice(author)["id"])
    submitted = str(world.practice(author, "submitted")["id"])
    document = confirm(author, submitted, put(world, author, submitted, pdf())).json()["data"]

    assert [seen["id"] for seen in listed(other_plant, submitted)] == [document["id"]]
    assert error_of(other_plant.get(f"/best-practices/{draft}/documents")) == (404, "NOT_FOUND")


def test_a_document_is_deleted_by_the_owner_of_its_practice_until_that_is_approved(
    world: World, author: Person
) -> None:
    hq = world.headquarters()
    draft = str(world.practice(author)["id"])
    submitted = str(world.practice(author, "submitted")["id"])
    document = confirm(author, submitted, put(world, author, submitted, pdf())).json()["data"]
    path = f"/best-practices/{submitted}/documents"

    assert error_of(world.plant_user(1).delete(f"{path}/{document['id']}")) == (403, "FORBIDDEN")
    assert error_of(author.delete(f"/best-practices/{draft}/documents/{document['id']}"))[0] == 404
    assert error_of(author.delete(f"{path}/{uuid4()}")) == (404, "NOT_FOUND")
    assert author.delete(f"{path}/7").status_code == 404
    assert hq.post(f"/best-practices/{submitted}/approve").status_code == 200
    assert error_of(author.delete(f"{path}/{document['id']}")) == (403, "FORBIDDEN")
    assert hq.delete(f"{path}/{document['id']}").status_code == 200


# --- rejected files


OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
REJECTED: dict[str, tuple[bytes | Callable[[], bytes], str, str]] = {
    "a docm renamed to docx": (
        office("docm", {"word/vbaProject.bin": b"x"}), "docx", "The file contains macros."
    ),
    "a doc with macros": (doc(more={"Macros/VBA": b"x"}), "doc", "The file contains macros."),
    "a PDF called docx": (pdf(), "docx", f"The file is not of type {OFFICE}."),
    "an xlsx called docx": (office("xlsx"), "docx", f"The file is not of type {OFFICE}."),
    "an image called pdf": (picture(), "pdf", "The file is not of type application/pdf."),
    "an empty file": (b"", "pdf", "The file is not of type application/pdf."),
    "a PDF of 21 MB": (
        pdf(21 * 1024 * 1024), "pdf", "The file has 22020096 bytes; at most 20971520 bytes are accepted."
    ),
    "a PDF with a script": (
        b"%PDF-1.7\n1 0 obj << /OpenAction << /S /JavaScript /JS (x) >> >> endobj", "pdf",
        "The file contains JavaScript, or an action that starts a program.",
    ),
    "a zip bomb": (documents.bomb, "docx", "The file unpacks to 629145"),
}  # fmt: skip


@pytest.mark.parametrize("what", REJECTED)
def test_a_rejected_file_is_moved_to_quarantine_and_the_upload_says_why(
    world: World, author: Person, practice_id: str, what: str
) -> None:
    made, extension, reason = REJECTED[what]
    data = made() if callable(made) else made
    blob_name = put(world, author, practice_id, data, extension)
    for _ in range(2):  # a second event changes nothing
        world.deliver(blob_name)
        [(state, shown)] = uploads(author, practice_id)
        assert (state, (shown or "")[: len(reason)]) == ("rejected", reason)
    with world.container("quarantine") as client:
        quarantined = client.get_blob_client(f"supporting-documents/{blob_name}")
        assert quarantined.download_blob().readall() == data
        assert "reason" in quarantined.get_blob_properties().metadata
    assert world.blob_names("supporting-documents") == []
    assert error_of(confirm(author, practice_id, blob_name)) == (422, "UPLOAD_REJECTED")
    assert listed(author, practice_id) == []


def test_a_confirmed_file_with_macros_stays_rejected(world: World, author: Person, practice_id: str) -> None:
    blob_name = put(world, author, practice_id, office("docm"), "docx")
    for _ in range(2):
        response = confirm(author, practice_id, blob_name)
        assert error_of(response) == (422, "UPLOAD_REJECTED")
        assert response.json()["error"]["details"] == [
            {"field": "blob_name", "message": "The file contains macros."}
        ]
    assert world.blob_names("quarantine") == [f"supporting-documents/{blob_name}"]


def test_blobs_with_foreign_names_are_moved_to_quarantine(world: World, practice_id: str) -> None:
    names = [f"documents/{practice_id}/{file}" for file in ("A_1.pdf", "a_1.docm", "a.pdf", "a_01.pdf")]
    unknown = f"documents/{uuid4()}/a_1.pdf"
    for name in [*names, unknown]:
        world.put_blob(name, pdf(), "supporting-documents")
        world.deliver(name)
    assert world.blob_names("supporting-documents") == [unknown], "it may belong to another database"
    assert len(world.blob_names("quarantine")) == 4


def test_a_blob_too_large_for_a_synchronous_copy_is_moved_to_quarantine(
    world: World, author: Person, practice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "MAX_SYNC_COPY", 0)
    blob_name = put(world, author, practice_id, b"no document")
    world.deliver(blob_name)
    with world.container("quarantine") as client:
        quarantined = client.download_blob(f"supporting-documents/{blob_name}")
        assert quarantined.readall() == b"no document"
    assert world.blob_names("supporting-documents") == []


# --- reading and deletion


def test_a_document_is_read_by_its_url_and_is_gone_after_its_deletion(
    world: World, author: Person, practice_id: str
) -> None:
    world.clock.at = datetime.now(UTC)
    author.sign_in()
    blob_name = put(world, author, practice_id, pdf())
    remaining = put(world, author, practice_id, pdf(), "pdf")
    document, _ = (confirm(author, practice_id, name).json()["data"] for name in (blob_name, remaining))

    assert httpx.get(document["blob_url"]).content == pdf()
    assert httpx.delete(document["blob_url"]).status_code == 403
    response = author.delete(f"/best-practices/{practice_id}/documents/{document['id']}")

    assert (response.status_code, response.json()["data"]) == (200, None)
    assert [one["blob_name"] for one in listed(author, practice_id)] == [remaining]
    assert world.blob_names("supporting-documents") == [remaining]
    assert world.query("SELECT blob_name FROM uploads WHERE deleted_at IS NULL") == [(remaining,)]
    assert actions(world)[-1] == "document.deleted"
    world.deliver(blob_name)  # a late event
    assert len(listed(author, practice_id)) == 1


def test_a_document_is_served_with_its_recorded_type_and_name_whatever_its_uploader_declared(
    world: World, author: Person, practice_id: str
) -> None:
    world.clock.at = datetime.now(UTC)
    permit = world.presign_document(author.sign_in(), practice_id)
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": "text/html",
               "x-ms-blob-content-disposition": "inline"}  # fmt: skip
    page = b"%PDF-1.7\n<script>alert(1)</script>"
    assert httpx.put(permit["upload_url"], content=page, headers=headers).status_code == 201
    document = confirm(
        author, practice_id, permit["blob_name"], document_name='Füge "plan" \u202efdp.html'
    ).json()["data"]

    response = httpx.get(document["blob_url"])

    assert response.content == page
    assert response.headers["Content-Type"] == "application/pdf"
    plain, encoded = "F_ge _plan_ fdp.html.pdf", "F%C3%BCge%20_plan_%20fdp.html.pdf"
    disposition = response.headers["Content-Disposition"]
    assert disposition == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def test_older_clients_confirm_a_document_with_its_practice_and_url(
    world: World, author: Person, practice_id: str
) -> None:
    permit = world.presign_document(author, practice_id)
    world.put_blob(permit["blob_name"], pdf(), "supporting-documents")
    extra = {"practice_id": practice_id, "blob_url": permit["upload_url"]}
    body = document_confirmation(permit["blob_name"], **extra)
    assert author.post(f"/best-practices/{practice_id}/documents", body).status_code == 201
    other = permit["upload_url"].replace("documents/", "documents/x", 1)
    response = confirm(author, practice_id, permit["blob_name"], blob_url=other)
    assert refusal_of(response) == invalid("blob_url")


def test_a_document_is_not_deleted_while_the_storage_is_away(
    world: World, author: Person, practice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob_name = put(world, author, practice_id, pdf())
    document = confirm(author, practice_id, blob_name).json()["data"]
    path = f"/best-practices/{practice_id}/documents/{document['id']}"

    def unavailable(*_: object) -> None:
        raise Unavailable("The file storage does not answer; try again shortly.")

    with monkeypatch.context() as patch:
        patch.setattr(AzureBlobs, "check", unavailable)
        assert error_of(author.delete(path)) == (503, "UNAVAILABLE")
    assert [one["id"] for one in listed(author, practice_id)] == [document["id"]]
    assert actions(world) == ["document.recorded"]
    assert author.delete(path).status_code == 200
    assert world.blob_names("supporting-documents") == []
