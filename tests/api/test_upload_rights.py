"""Files of practices that their uploader may no longer edit, and files that come back after a deletion."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from tests.api.image_uploads import confirm, put
from tests.documents import pdf
from tests.e2e.function_host.support import eventually
from tests.world import Person, World, document_confirmation, error_of, picture

APPROVED = "Only headquarters can edit a practice with the status approved."
MOVED = "This practice belongs to another plant."
NO_LONGER_ACTIVE = "The account of the uploader is no longer active."
DELETED = "The file was deleted. Upload it again with a new upload permit."

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

Practice = dict[str, Any]


@pytest.fixture
def practice(world: World, author: Person) -> Practice:
    return world.practice(author, "submitted")


def images(world: World) -> list[str]:
    return [row[0] for row in world.query("SELECT blob_name FROM practice_images ORDER BY blob_name")]


def state(world: World, blob_name: str) -> tuple[Any, ...]:
    [row] = world.query("SELECT state, reason FROM uploads WHERE blob_name = %s", blob_name)
    return row


def confirm_and_deliver_during(
    world: World, author: Person, practice: Practice, blob_name: str, change: LiteralString, value: str
) -> httpx.Response:
    """Confirm and deliver an image while a change of one row is open, which then commits."""
    with psycopg.connect(world.database_url) as rival, ThreadPoolExecutor(2) as calls:
        rival.execute(change, (value,))
        confirmed = calls.submit(confirm, author, practice, blob_name)
        delivered = calls.submit(world.deliver, blob_name)
        eventually(lambda: world.query(WAITING) == [(2,)] or confirmed.done() or delivered.done())
        rival.commit()
        response = confirmed.result()
        delivered.result()
    return response


def reconcile(world: World, _: str) -> None:
    world.clock.advance(timedelta(days=1))
    world.run_timer("reconcile_uploads")


def deliver(world: World, blob_name: str) -> None:
    world.deliver(blob_name)


def approve(world: World, author: Person, practice: Practice) -> None:
    response = world.headquarters().post(f"/best-practices/{practice['id']}/approve")
    assert response.status_code == 200


def move(world: World, author: Person, practice: Practice) -> None:
    change = {"plant_id": str(world.plants[1])}
    assert world.headquarters().patch(f"/best-practices/{practice['id']}", change).status_code == 200


def delete(world: World, author: Person, practice: Practice) -> None:
    assert author.delete(f"/best-practices/{practice['id']}").status_code == 200


def deactivate(world: World, author: Person, practice: Practice) -> None:
    world.query("UPDATE users SET is_active = false WHERE email = %s", author.email)


CHANGES: list[tuple[Callable[[World, Person, Practice], None], str, int]] = [
    (approve, APPROVED, 403),
    (move, MOVED, 403),
    (delete, "The practice was deleted.", 404),
    (deactivate, NO_LONGER_ACTIVE, 401),
]


@pytest.mark.parametrize("learn", [deliver, reconcile])
@pytest.mark.parametrize(("change", "reason", "status"), CHANGES)
def test_what_was_uploaded_for_a_practice_that_its_uploader_may_no_longer_edit_is_rejected(
    world: World,
    author: Person,
    practice: Practice,
    learn: Callable[[World, str], None],
    change: Callable[[World, Person, Practice], None],
    reason: str,
    status: int,
) -> None:
    blob_name = put(world, author, practice)
    change(world, author, practice)

    assert confirm(author, practice, blob_name).status_code == status
    assert (state(world, blob_name), images(world)) == (("pending", None), [])
    for _ in range(2):
        learn(world, blob_name)

    assert state(world, blob_name) == ("rejected", reason)
    assert images(world) == []
    assert world.blob_names("best-practices") == world.blob_names("thumbnails") == []
    assert world.blob_names("quarantine") == [f"best-practices/{blob_name}"]
    notices = world.query(
        "SELECT u.email, n.message FROM notifications n JOIN users u ON u.id = n.user_id"
        " WHERE n.type = 'upload_rejected'"
    )
    expected = [(author.email, f"{blob_name.rpartition('/')[2]}: {reason}")]
    assert notices == ([] if change is deactivate else expected)


def test_a_confirmation_after_the_approval_is_refused_and_records_nothing(
    world: World, author: Person, practice: Practice
) -> None:
    image = put(world, author, practice)
    document = world.presign_document(author, practice["id"])["blob_name"]
    world.put_blob(document, pdf(), "supporting-documents")
    approve(world, author, practice)

    response = confirm(author, practice, image)
    assert (error_of(response), response.json()["error"]["message"]) == ((403, "FORBIDDEN"), APPROVED)
    path = f"/best-practices/{practice['id']}/documents"
    assert error_of(author.post(path, document_confirmation(document))) == (403, "FORBIDDEN")
    assert world.query("SELECT count(*) FROM practice_documents") == [(0,)]
    assert (images(world), state(world, image)) == ([], ("pending", None))


def test_headquarters_adds_files_to_an_approved_practice_and_confirms_those_of_its_plant(
    world: World, author: Person, practice: Practice
) -> None:
    of_plant = put(world, author, practice)
    approve(world, author, practice)
    hq = world.headquarters()
    of_hq = put(world, hq, practice)

    assert confirm(hq, practice, of_plant).status_code == 201
    for name in (of_plant, of_hq):
        world.deliver(name)

    assert images(world) == sorted([of_plant, of_hq])
    assert len(world.blob_names("thumbnails")) == 2


def test_an_image_recorded_before_the_approval_gets_its_thumbnail_and_is_confirmed_again(
    world: World, author: Person, practice: Practice
) -> None:
    blob_name = put(world, author, practice)
    assert confirm(author, practice, blob_name).status_code == 201
    approve(world, author, practice)

    world.deliver(blob_name)

    assert confirm(author, practice, blob_name).status_code == 200
    assert world.blob_names("thumbnails") == [f"{blob_name}.webp"]


def test_a_blob_that_nobody_requested_is_not_added_to_an_approved_practice(
    world: World, author: Person, practice: Practice
) -> None:
    approve(world, author, practice)
    blob_name = f"practices/{practice['id']}/after_1.jpg"
    world.put_blob(blob_name, picture())

    world.deliver(blob_name)

    assert (images(world), world.query("SELECT count(*) FROM uploads")) == ([], [(0,)])
    assert world.blob_names("best-practices") == [blob_name], "it may belong to another database"


def test_an_approval_that_commits_while_an_image_is_confirmed_or_delivered_wins(
    world: World, author: Person, practice: Practice
) -> None:
    blob_name = put(world, author, practice)

    approval = "UPDATE best_practices SET status = 'approved', version = version + 1 WHERE id = %s"
    response = confirm_and_deliver_during(world, author, practice, blob_name, approval, practice["id"])

    assert response.status_code in (403, 422)  # the delivery may reject the file first
    assert (state(world, blob_name), images(world)) == (("rejected", APPROVED), [])
    assert world.blob_names("best-practices") == []


# --- deleted files


def test_a_deleted_image_does_not_come_back_by_its_old_urls(
    world: World, author: Person, practice: Practice
) -> None:
    world.clock.at = datetime.now(UTC)
    permit = world.presign_image(author.sign_in(), practice["id"])
    headers = {"x-ms-blob-type": "BlockBlob"}

    def put_again() -> int:
        return httpx.put(permit["upload_url"], content=picture(), headers=headers).status_code

    assert put_again() == 201
    image = confirm(author, practice, permit["blob_name"]).json()["data"]
    path = f"/best-practices/{practice['id']}"
    assert author.delete(f"{path}/images/{image['id']}").status_code == 200
    assert httpx.get(image["blob_url"]).status_code == 404

    assert put_again() == 201  # the permit is still valid, and the blob does not exist
    world.deliver(permit["blob_name"])
    assert httpx.get(image["blob_url"]).status_code == 404
    assert put_again() == 201
    response = confirm(author, practice, permit["blob_name"])

    assert error_of(response) == (422, "UPLOAD_REJECTED")
    assert response.json()["error"]["details"] == [{"field": "blob_name", "message": DELETED}]
    assert put_again() == 201
    reconcile(world, "")
    assert world.blob_names("best-practices") == []
    assert images(world) == []
    assert author.sign_in().get(f"{path}/uploads").json()["data"] == []


def test_a_deleted_file_that_was_uploaded_as_a_form_or_by_nobody_does_not_come_back(
    world: World, author: Person, practice: Practice
) -> None:
    path = f"/best-practices/{practice['id']}"
    files = {"file": ("joint.jpg", picture(), "image/jpeg")}
    form = author.http.post(f"/api/v1{path}/upload-image", data={"image_type": "before"}, files=files)
    unrequested = f"practices/{practice['id']}/after_1.jpg"
    world.put_blob(unrequested, picture())
    world.deliver(unrequested)
    names = [form.json()["data"]["blob_name"], unrequested]

    for image in author.get(f"{path}/images").json()["data"]:
        assert author.delete(f"{path}/images/{image['id']}").status_code == 200
    for name in names:
        world.put_blob(name, picture())
        world.deliver(name)

    assert images(world) == []
    assert world.blob_names("best-practices") == []
    assert world.query("SELECT DISTINCT state, deleted_at FROM uploads") == [("expired", world.clock.at)]


def test_a_name_of_a_deleted_file_is_refused_for_30_days(
    world: World, author: Person, practice: Practice
) -> None:
    blob_name = put(world, author, practice)
    image = confirm(author, practice, blob_name).json()["data"]
    author.delete(f"/best-practices/{practice['id']}/images/{image['id']}")
    for days, left in ((30, 1), (1, 0)):
        world.clock.advance(timedelta(days=days))
        world.run_timer("purge_expired")
        assert world.query("SELECT count(*) FROM uploads") == [(left,)]


def test_a_deletion_that_commits_while_its_image_is_confirmed_or_delivered_wins(
    world: World, author: Person, practice: Practice
) -> None:
    blob_name = put(world, author, practice)

    deletion = "UPDATE uploads SET state = 'expired', deleted_at = now() WHERE blob_name = %s"
    response = confirm_and_deliver_during(world, author, practice, blob_name, deletion, blob_name)

    assert error_of(response) == (422, "UPLOAD_REJECTED")
    assert (images(world), world.blob_names("best-practices")) == ([], [])
