"""The audit trail: every change, by whom, before and after, in the change's own transaction."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from functions.edge.declaration import READS
from functions.edge.endpoint import ENDPOINTS
from tests.api.test_sheets import HEADINGS, complete_row, import_practices, workbook
from tests.api.tokens import claims_of
from tests.world import (
    COMPLETE,
    NOON,
    PASSWORD,
    Person,
    World,
    confirmation,
    error_of,
    picture,
    refusal_of,
    upload_request,
)

NEW_PASSWORD: Final = "another horse battery"
MINUTE: Final = timedelta(minutes=1)

WITHOUT_ENTRY: Final = {
    "refresh_tokens": "the session continues; its end after a theft has an entry (test_sessions.py)",
    "ask_for_upload": "a permit is no change; the upload has an entry when it is recorded or rejected",
    "ask_for_practice_upload": "the same, at the older path",
    "find_similar_practices": "a query with a body",
    "read_notification": "what a user has read is private",
    "read_all_notifications": "the same for all notifications",
    "recalculate_savings": "derived figures; the run is recorded as a run of a job",
    "recalculate_leaderboard": "the same",
}
"""The routes that write without an entry."""


class Entry(NamedTuple):
    """An entry of the trail."""

    action: str
    entity: str
    entity_id: str
    user_id: str | None
    request_id: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def audit_trail(world: World) -> list[Entry]:
    rows = world.query(
        "SELECT action, entity, entity_id::text, user_id::text, request_id, before, after"
        " FROM audit_log ORDER BY id"
    )
    return [Entry(*row) for row in rows]


def id_of(person: Person) -> str:
    return str(claims_of(person.tokens["access_token"])["sub"])


class TrailReader:
    """Reads the entries of each call, and remembers the routes that were called."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: set[str] = set()
        self._known = len(audit_trail(world))

    def catch_up(self) -> None:
        """Skip the entries until now."""
        self._known = len(audit_trail(self.world))

    def entries_of(self, name: str, response: httpx.Response, by: str | None, *actions: str) -> list[Entry]:
        """The entries of a call: they must have these actions, this user and the request id of the call."""
        entries = audit_trail(self.world)[self._known :]
        self._known += len(entries)
        self.seen.add(name)
        assert [entry.action for entry in entries] == list(actions), (name, response.text)
        for entry in entries:
            assert (entry.user_id, entry.request_id) == (by, response.headers["X-Request-ID"]), name
        return entries

    def entry_of(self, name: str, response: httpx.Response, by: str | None, action: str) -> Entry:
        """The single entry of a call that succeeded."""
        assert response.status_code < 300, (name, response.text)
        return self.entries_of(name, response, by, action)[0]


def test_every_route_that_writes_leaves_an_audit_entry_without_secrets(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    trail = TrailReader(world)
    tokens = [*check_users(trail, hq), *check_sessions(trail, "asha@amber.test")]
    check_plants_and_categories(trail, hq)
    practice_id = check_practices(trail, hq, author)
    check_images(trail, author, practice_id)
    check_documents(trail, author, practice_id)
    check_questions(trail, hq, author, practice_id)
    check_import(trail, hq)
    check_copies(trail, hq)
    writing = {name for name, endpoint in ENDPOINTS.items() if endpoint.method not in READS}
    assert trail.seen == writing - set(WITHOUT_ENTRY), "every route that writes must be called here"

    [(whole,)] = world.query("SELECT string_agg(a::text, ' ') FROM audit_log a")
    hashes = world.query(
        "SELECT encode(token_hash, 'hex') FROM invites UNION SELECT encode(refresh_token_hash, 'hex')"
        " FROM sessions UNION SELECT hashed_password FROM users"
    )
    for secret in (PASSWORD, NEW_PASSWORD, "a wrong guess", "$2b$", *tokens, *(row[0] for row in hashes)):
        assert secret not in whole


def check_users(trail: TrailReader, hq: Person) -> list[str]:
    """Invite, register, edit, activate and deactivate users. Returns the tokens of the invites."""
    world, head = trail.world, id_of(hq)
    invited = {"email": "asha@amber.test", "role": "plant", "plant_id": str(world.plants[1])}
    response = hq.post("/auth/invites", invited)
    invite = response.json()["data"]
    entry = trail.entry_of("create_invite", response, head, "invite.created")
    assert (entry.entity, entry.entity_id, entry.before) == ("invite", invite["id"], None)
    assert entry.after == {**invited, "expires_at": "2026-08-22 06:30:00+00:00"}

    body = {
        "email": invited["email"],
        "full_name": "Asha",
        "password": PASSWORD,
        "invite_token": invite["token"],
    }
    response = world.browser().post("/api/v1/auth/register", json=body)
    user = response.json()["data"]
    used, registered = trail.entries_of("register", response, None, "invite.used", "user.registered")
    assert (used.entity_id, used.after) == (invite["id"], {"user_id": user["id"]})
    facts = {**invited, "full_name": "Asha", "is_active": True}
    assert (registered.entity_id, registered.before, registered.after) == (user["id"], None, facts)

    withdrawn = hq.post("/auth/invites", {"email": "b@amber.test", "role": "hq"})
    trail.entry_of("create_invite", withdrawn, head, "invite.created")
    response = hq.delete(f"/auth/invites/{withdrawn.json()['data']['id']}")
    entry = trail.entry_of("withdraw_invite", response, head, "invite.withdrawn")
    assert (entry.before, entry.after) == ({"email": "b@amber.test"}, None)

    path, supa = f"/users/{user['id']}", str(world.plants[6])
    response = hq.patch(path, {"plant_id": supa, "full_name": "Asha", "role": "plant"})
    entry = trail.entry_of("edit_user", response, head, "user.changed")
    assert (entry.before, entry.after) == ({"plant_id": invited["plant_id"]}, {"plant_id": supa})
    for step, was_active in (("deactivate", True), ("activate", False)):
        response = hq.patch(f"{path}/{step}", {})
        entry = trail.entry_of(f"{step}_user", response, head, f"user.{step}d")
        assert (entry.entity, entry.entity_id) == ("user", user["id"])
        assert (entry.before, entry.after) == ({"is_active": was_active}, {"is_active": not was_active})
    return [invite["token"], withdrawn.json()["data"]["token"], check_reset(trail, hq, user["id"])]


def check_reset(trail: TrailReader, hq: Person, user_id: str) -> str:
    """Issue a password reset and use it. Returns its token."""
    response = hq.post(f"/users/{user_id}/password-reset")
    entry = trail.entry_of("issue_password_reset", response, id_of(hq), "user.password_reset_issued")
    facts = {"expires_at": "2026-08-15 07:30:00+00:00"}
    assert (entry.entity_id, entry.before, entry.after) == (user_id, None, facts)
    token: str = response.json()["data"]["token"]
    body = {"token": token, "new_password": PASSWORD}
    response = trail.world.browser().post("/api/v1/auth/reset-password", json=body)
    entry = trail.entry_of("reset_password", response, None, "user.password_reset")
    assert (entry.entity_id, entry.before, entry.after) == (user_id, None, None)
    return token


def check_sessions(trail: TrailReader, email: str) -> list[str]:
    """Sign in, change name and password, end sessions. Returns the tokens."""
    world = trail.world
    desk, phone = (Person(email, "plant", world.plants[0], world.browser()) for _ in range(2))
    credentials, given = {"email": email, "password": PASSWORD}, []
    for person in (desk, phone):
        person.http.headers["User-Agent"] = "Firefox/140"
        response = person.post("/auth/login", credentials)
        person.tokens = response.json()["data"]
        person.http.headers["Authorization"] = f"Bearer {person.tokens['access_token']}"
        given += [person.tokens["access_token"], person.tokens["refresh_token"]]
        entry = trail.entry_of("login", response, None, "session.opened")
        assert entry.after == {"user_id": id_of(person), "user_agent": "Firefox/140"}
        assert entry.entity_id == claims_of(person.tokens["access_token"])["sid"]
    own = id_of(desk)
    response = desk.post("/auth/login", {**credentials, "password": "a wrong guess"})
    trail.entries_of("login", response, None)

    response = desk.patch("/auth/me", {"full_name": "A. Rao"})
    entry = trail.entry_of("edit_me", response, own, "user.changed")
    assert entry.after == {"full_name": "A. Rao"}
    response = desk.delete(f"/auth/sessions/{claims_of(phone.tokens['access_token'])['sid']}")
    entry = trail.entry_of("end_session", response, own, "session.ended")
    assert entry.after == {"user_id": own, "reason": "ended_by_user"}
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    response = desk.post("/auth/change-password", change)
    entry = trail.entry_of("change_password", response, own, "user.password_changed")
    assert (entry.entity_id, entry.before, entry.after) == (own, None, None)
    response = desk.post("/auth/change-password", {**change, "new_password": PASSWORD})
    trail.entries_of("change_password", response, own)  # the old password is wrong by now: no change
    back = {"current_password": NEW_PASSWORD, "new_password": PASSWORD}
    response = desk.post("/auth/change-password", back)
    trail.entry_of("change_password", response, own, "user.password_changed")
    response = desk.post("/auth/logout")
    entry = trail.entry_of("logout", response, own, "session.ended")
    assert entry.after == {"user_id": own, "reason": "logout"}
    return given


def check_plants_and_categories(trail: TrailReader, hq: Person) -> None:
    head = id_of(hq)
    facts = {"name": "Chennai", "short_name": "MAA", "division": "Component"}
    response = hq.post("/plants", facts)
    entry = trail.entry_of("create_plant", response, head, "plant.created")
    path = f"/plants/{entry.entity_id}"
    assert (entry.before, entry.after) == (None, {**facts, "is_active": True})
    response = hq.patch(path, {**facts, "name": "Madras"})
    entry = trail.entry_of("edit_plant", response, head, "plant.changed")
    assert (entry.before, entry.after) == ({"name": "Chennai"}, {"name": "Madras"})
    trail.entries_of("edit_plant", hq.patch(path, {"name": "Madras"}), head)
    for step in ("deactivate", "activate"):
        response = hq.patch(f"{path}/{step}", {})
        trail.entry_of(f"{step}_plant", response, head, f"plant.{step}d")

    facts = {"name": "Energy", "color_class": "x", "icon_name": "bolt"}
    response = hq.post("/categories", facts)
    entry = trail.entry_of("create_category", response, head, "category.created")
    assert (entry.before, entry.after) == (None, {**facts, "slug": "energy"})
    response = hq.patch(f"/categories/{entry.entity_id}", {"icon_name": "sun", "name": "Energy"})
    entry = trail.entry_of("edit_category", response, head, "category.changed")
    assert (entry.before, entry.after) == ({"icon_name": "bolt"}, {"icon_name": "sun"})


def check_practices(trail: TrailReader, hq: Person, author: Person) -> str:
    """Write, edit, submit, approve, send back and delete practices. Returns the id of one."""
    practice_id = check_writing(trail, author)
    check_transitions(trail, hq, author, practice_id)
    own = id_of(author)
    response = author.post("/best-practices", {"title": "A mistake"})
    mistake = str(trail.entry_of("create_practice", response, own, "practice.created").entity_id)
    response = author.delete(f"/best-practices/{mistake}")
    entry = trail.entry_of("delete_practice", response, own, "practice.deleted")
    assert (entry.entity_id, entry.after) == (mistake, None)
    return practice_id


def check_writing(trail: TrailReader, author: Person) -> str:
    """Write and edit a practice. Returns its id."""
    own = id_of(author)
    body = {
        "title": "Less scrap", "description": "x", "problem_statement": "x", "solution": "x",
        "category_id": str(trail.world.categories[0]),
    }  # fmt: skip
    response = author.post("/best-practices", body)
    entry = trail.entry_of("create_practice", response, own, "practice.created")
    practice_id = str(response.json()["data"]["id"])
    assert (entry.entity, entry.entity_id, entry.before) == ("practice", practice_id, None)
    expected = {**body, "status": "draft", "plant_id": str(author.plant_id)}
    assert {name: (entry.after or {})[name] for name in expected} == expected

    response = author.patch(f"/best-practices/{practice_id}", {**body, "title": "No scrap"})
    entry = trail.entry_of("edit_practice", response, own, "practice.changed")
    assert (entry.before, entry.after) == ({"title": "Less scrap"}, {"title": "No scrap"})
    return practice_id


def check_transitions(trail: TrailReader, hq: Person, author: Person, practice_id: str) -> None:
    """Submit, approve and send back a practice; a refused approval has no entry."""
    path = f"/best-practices/{practice_id}"
    response = author.post(f"{path}/submit", {})
    entry = trail.entry_of("submit_practice", response, id_of(author), "practice.submitted")
    assert entry.before == {"status": "draft", "submitted_date": None}
    assert entry.after == {"status": "submitted", "submitted_date": "2026-08-15"}
    response = hq.post(f"{path}/approve", {})
    entry = trail.entry_of("approve_practice", response, id_of(hq), "practice.approved")
    assert (entry.before, entry.after) == ({"status": "submitted"}, {"status": "approved"})
    response = hq.post(f"{path}/request-revision", {"comment": "How was it measured?"})
    entry = trail.entry_of("request_revision", response, id_of(hq), "practice.revision_required")
    assert (entry.before, entry.after) == ({"status": "approved"}, {"status": "revision_required"})
    trail.entries_of("approve_practice", hq.post(f"{path}/approve"), id_of(hq))
    trail.entry_of("submit_practice", author.post(f"{path}/submit"), id_of(author), "practice.submitted")
    review, own = f"/reviews/{practice_id}", {"reviewer_id": id_of(hq)}
    entry = trail.entry_of("take_review", hq.post(f"{review}/take"), id_of(hq), "practice.taken")
    assert (entry.before, entry.after) == ({"reviewer_id": None}, own)
    trail.entries_of("take_review", hq.post(f"{review}/take"), id_of(hq))  # it is theirs already
    response = hq.post(f"{review}/hand-over", {"user_id": None})
    entry = trail.entry_of("hand_over_review", response, id_of(hq), "practice.handed_over")
    assert (entry.entity_id, entry.before, entry.after) == (practice_id, own, {"reviewer_id": None})
    for name, call, body, before, after in (
        ("decline_practice", "decline", {"reason": "Too dear."}, "submitted", "declined"),
        ("reopen_practice", "reopen", {}, "declined", "submitted"),
        ("request_revision", "request-revision", {"comment": "Why?"}, "submitted", "revision_required"),
    ):
        entry = trail.entry_of(name, hq.post(f"{path}/{call}", body), id_of(hq), f"practice.{after}")
        assert (entry.before, entry.after) == ({"status": before}, {"status": after})
    other = author.post("/best-practices", {**COMPLETE, "category_id": str(trail.world.categories[0])})
    other_path = f"/best-practices/{other.json()['data']['id']}"
    author.post(f"{other_path}/submit")
    trail.catch_up()
    response = author.post(f"{other_path}/withdraw")
    entry = trail.entry_of("withdraw_practice", response, id_of(author), "practice.draft")
    assert entry.before == {"status": "submitted", "submitted_date": "2026-08-15"}
    assert entry.after == {"status": "draft", "submitted_date": None}


def check_images(trail: TrailReader, author: Person, practice_id: str) -> None:
    world, own = trail.world, id_of(author)
    path = f"/best-practices/{practice_id}/images"

    def put(data: bytes) -> str:
        response = author.post("/upload/presigned-url", upload_request(practice_id))
        blob_name = str(response.json()["data"]["blob_name"])
        world.put_blob(blob_name, data)
        return blob_name

    blob_name = put(picture(8, 8))
    response = author.post(path, confirmation(blob_name))
    entry = trail.entry_of("confirm_image", response, own, "image.recorded")
    facts = {
        "practice_id": practice_id, "image_type": "before", "blob_container": "best-practices",
        "blob_name": blob_name,
    }  # fmt: skip
    image_id = response.json()["data"]["id"]
    assert (entry.entity_id, entry.before, entry.after) == (image_id, None, facts)
    trail.entries_of("confirm_image", author.post(path, confirmation(blob_name)), own)  # already recorded

    blob_name = put(b"no picture")
    response = author.post(path, confirmation(blob_name))
    [entry] = trail.entries_of("confirm_image", response, own, "upload.rejected")
    assert (entry.entity_id, entry.after) == (
        practice_id, {"blob_name": blob_name, "reason": "The file is not of type image/jpeg."}
    )  # fmt: skip
    response = author.http.post(
        f"/api/v1/best-practices/{practice_id}/upload-image",
        data={"image_type": "after"},
        files={"file": ("a.jpg", picture(8, 8))},
    )
    trail.entry_of("upload_image", response, own, "image.recorded")
    response = author.delete(f"{path}/{image_id}")
    entry = trail.entry_of("delete_image", response, own, "image.deleted")
    assert (entry.entity_id, entry.before, entry.after) == (image_id, facts, None)


def check_documents(trail: TrailReader, author: Person, practice_id: str) -> None:
    own, path = id_of(author), f"/best-practices/{practice_id}/documents"
    upload = {"practice_id": practice_id, "file_type": "document", "filename": "leaks.pdf"}
    upload["content_type"] = "application/pdf"
    permit = author.post("/upload/presigned-url", {**upload, "file_size": 1}).json()["data"]
    trail.world.put_blob(permit["blob_name"], b"%PDF-1.7\n", permit["container"])
    body = {"document_name": "Leaks", "blob_name": permit["blob_name"], "blob_container": permit["container"]}
    response = author.post(path, {**body, "file_size": 1, "content_type": "application/pdf"})
    entry = trail.entry_of("confirm_document", response, own, "document.recorded")
    assert entry.after == {**body, "practice_id": practice_id}
    response = author.delete(f"{path}/{entry.entity_id}")
    entry = trail.entry_of("delete_document", response, own, "document.deleted")
    assert (entry.before, entry.after) == ({**body, "practice_id": practice_id}, None)


def check_questions(trail: TrailReader, hq: Person, author: Person, practice_id: str) -> None:
    response = hq.post(f"/questions/practice/{practice_id}", {"question_text": "How warm is it?"})
    question = trail.entry_of("ask_question", response, id_of(hq), "question.asked")
    assert question.after is not None
    assert question.after["question_text"] == "How warm is it?"
    path = f"/questions/{question.entity_id}"
    response = author.patch(f"{path}/answer", {"answer_text": "620 degrees."})
    entry = trail.entry_of("answer_question", response, id_of(author), "question.answered")
    assert (entry.before or {})["answer_text"] is None
    assert (entry.after or {})["answer_text"] == "620 degrees."
    entry = trail.entry_of("delete_question", hq.delete(path), id_of(hq), "question.deleted")
    assert (entry.entity_id, entry.after) == (question.entity_id, None)


def check_import(trail: TrailReader, hq: Person) -> None:
    row = complete_row(trail.world)
    response = import_practices(hq, workbook(HEADINGS, row, row), dry_run="false")
    entries = trail.entries_of(
        "import_practices", response, id_of(hq), "practice.created", "practice.created"
    )
    assert [(entry.after or {})["title"] for entry in entries] == ["Less scrap in brazing"] * 2


def check_copies(trail: TrailReader, hq: Person) -> None:
    world, head = trail.world, id_of(hq)
    original = world.practice(world.plant_user(0), "submitted")
    copier = world.plant_user(1)
    trail.catch_up()
    response = hq.post(f"/benchmarking/benchmark/{original['id']}")
    approved, benchmarked = trail.entries_of(
        "benchmark_practice", response, head, "practice.approved", "practice.benchmarked"
    )
    assert approved.after == {"status": "approved"}
    facts = {"benchmarked_by_user_id": head, "benchmarked_date": "2026-08-15"}
    assert (benchmarked.entity_id, benchmarked.before, benchmarked.after) == (original["id"], None, facts)

    response = copier.post("/copy/implement", {"original_practice_id": original["id"]})
    written, copied = trail.entries_of(
        "copy_practice", response, id_of(copier), "practice.created", "copy.made"
    )
    copy = response.json()["data"]["copy_record"]
    assert (written.entity_id, copied.entity, copied.entity_id, copied.before) == (
        copy["copied_practice_id"], "copy", copy["id"], None
    )  # fmt: skip
    assert copied.after == {
        "original_practice_id": original["id"],
        "copied_practice_id": copy["copied_practice_id"],
        "copying_plant_id": str(copier.plant_id),
        "copied_date": "2026-08-15",
        "implementation_status": "planning",
    }
    response = copier.patch(f"/copy/{copy['id']}", {"implementation_status": "in_progress"})
    entry = trail.entry_of("edit_copy", response, id_of(copier), "copy.changed")
    assert (entry.before, entry.after) == (
        {"implementation_status": "planning"}, {"implementation_status": "in_progress"}
    )  # fmt: skip
    response = copier.patch(f"/copy/{copy['id']}", {"implementation_status": "in_progress"})
    trail.entries_of("edit_copy", response, id_of(copier))  # nothing has changed
    response = hq.delete(f"/benchmarking/unbenchmark/{original['id']}")
    entry = trail.entry_of("unbenchmark_practice", response, head, "practice.unbenchmarked")
    assert (entry.entity_id, entry.before, entry.after) == (original["id"], facts, None)


def test_a_change_by_the_portal_itself_has_no_user(world: World) -> None:
    author = world.plant_user(0)
    blob_name = world.presign_image(author, world.practice(author)["id"])["blob_name"]
    world.put_blob(blob_name, picture(8, 8))
    world.deliver(blob_name)
    world.deliver(blob_name)
    [recorded] = [entry for entry in audit_trail(world) if entry.entity == "image"]
    assert (recorded.action, recorded.user_id, recorded.request_id) == ("image.recorded", None, None)


def test_an_entry_has_the_request_id_of_its_call(world: World) -> None:
    hq = world.headquarters()
    body = {"name": "Chennai", "short_name": "MAA", "division": "Component"}
    hq.http.post("/api/v1/plants", json=body, headers={"X-Request-ID": "call-17"})
    assert audit_trail(world)[-1].request_id == "call-17"


# --- one transaction, insert-only


def test_a_change_that_fails_later_is_rolled_back_with_its_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = world.plant_user(0)
    before = audit_trail(world), world.snapshot()

    def fail(*_: object) -> None:
        raise RuntimeError("after the trail was written")

    with monkeypatch.context() as patched:
        patched.setattr("bp_core.savings.StarRatingListener.practice_changed", fail)
        assert error_of(author.post("/best-practices", {"title": "x"})) == (500, "INTERNAL")
    assert (audit_trail(world), world.snapshot()) == before
    assert author.post("/best-practices", {"title": "x"}).status_code == 201
    assert len(audit_trail(world)) == len(before[0]) + 1


def test_a_change_whose_commit_fails_is_rolled_back_with_its_entry(world: World) -> None:
    hq, waiting = world.headquarters(), world.add_person("asha@amber.test", plant=0, is_active=False)
    [(user_id,)] = world.query("SELECT id FROM users WHERE email = %s", waiting.email)
    world.query(
        """
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is full'; END $$;
        CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON audit_log DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION fail();
        """
    )
    people, entries = world.query("SELECT * FROM users ORDER BY id"), audit_trail(world)
    plant = {"name": "Chennai", "short_name": "MAA", "division": "Component"}
    for response in (
        hq.post("/plants", plant),
        hq.patch(f"/users/{user_id}/activate", {}),
        hq.post("/auth/login", {"email": hq.email, "password": PASSWORD}),
    ):
        assert error_of(response) == (500, "INTERNAL")
        assert "disk" not in response.text
    assert audit_trail(world) == entries
    assert world.query("SELECT * FROM users ORDER BY id") == people
    assert world.query("SELECT count(*) FROM plants") == [(7,)]
    assert world.query("SELECT count(*) FROM sessions") == [(1,)]


def test_a_change_whose_entry_cannot_be_written_is_not_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = world.headquarters()
    world.query("ALTER TABLE audit_log ADD CONSTRAINT full_up CHECK (action <> 'plant.deactivated')")
    assert error_of(hq.patch(f"/plants/{world.plants[0]}/deactivate", {})) == (500, "INTERNAL")
    assert len(hq.get("/plants/active").json()["data"]) == 7


def test_the_database_refuses_to_change_the_audit_trail(world: World) -> None:
    world.headquarters()
    before = audit_trail(world)
    assert len(before) == 1
    for statement in (
        "UPDATE audit_log SET action = 'x'",
        "UPDATE audit_log SET action = 'x' WHERE false",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "TRUNCATE users CASCADE",
        "INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT * FROM audit_log"
        " ON CONFLICT (id) DO UPDATE SET action = 'x'",
        "MERGE INTO audit_log a USING (SELECT 1) o ON true WHEN MATCHED THEN DELETE",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="insert-only"):
            world.query(statement)
    assert audit_trail(world) == before


# --- reading the audit trail


@pytest.fixture
def hq(world: World) -> Person:
    """A user of headquarters after three changes of plants, a minute apart, and a change by another user."""
    hq = world.add_person("hq@amber.test").sign_in()
    for plant, step in ((0, "deactivate"), (1, "deactivate"), (0, "activate")):
        world.clock.advance(MINUTE)
        assert hq.patch(f"/plants/{world.plants[plant]}/{step}", {}).status_code == 200
    world.clock.advance(MINUTE)
    asha = world.add_person("asha@amber.test", plant=0).sign_in()
    assert asha.patch("/auth/me", {"full_name": "Asha Rao"}).status_code == 200
    return hq


def actions(hq: Person, **query: Any) -> list[str]:
    response = hq.get("/audit", **query)
    assert response.status_code == 200, response.text
    return [entry["action"] for entry in response.json()["data"]]


def test_headquarters_reads_and_filters_the_audit_trail_latest_first(world: World, hq: Person) -> None:
    everything = [
        "user.changed", "session.opened", "plant.activated", "plant.deactivated", "plant.deactivated",
        "session.opened",
    ]  # fmt: skip
    plant, head = str(world.plants[0]), id_of(hq)
    for query, expected in (
        ({}, everything),
        ({"entity": "plant"}, everything[2:5]),
        ({"entity": "question"}, []),
        ({"entity_id": plant}, ["plant.activated", "plant.deactivated"]),
        ({"entity": "user", "entity_id": plant}, []),
        ({"user_id": head}, everything[2:5]),
        ({"user_id": str(uuid4())}, []),
        ({"from": "2026-08-15T06:31:00Z", "to": "2026-08-15T06:33:00Z"}, ["plant.deactivated"] * 2),
        ({"from": "2026-08-15T12:03:00+05:30"}, everything[:3]),
        ({"to": "2026-08-15T06:30:00.000001Z"}, ["session.opened"]),
        ({"to": "2026-08-15T06:30:00Z"}, []),
        ({"from": "2026-08-15T06:34:00Z", "to": "2026-08-15T06:31:00Z"}, []),
    ):
        assert actions(hq, **query) == expected, query
    entry = hq.get("/audit", entity_id=plant, limit=1).json()["data"][0]
    assert entry == {
        "id": entry["id"],
        "at": "2026-08-15T06:33:00Z",
        "user_id": head,
        "user_name": "hq",
        "action": "plant.activated",
        "entity": "plant",
        "entity_id": plant,
        "before": {"is_active": False},
        "after": {"is_active": True},
        "request_id": entry["request_id"],
    }
    UUID(entry["request_id"])


def test_the_audit_trail_has_pages(world: World, hq: Person) -> None:
    parts = [hq.get("/audit", limit=4, offset=offset).json() for offset in (0, 4, 8)]
    assert [len(part["data"]) for part in parts] == [4, 2, 0]
    assert [part["pagination"] for part in parts] == [
        {"total": 6, "limit": 4, "offset": offset, "has_more": offset == 0} for offset in (0, 4, 8)
    ]
    ids = [entry["id"] for part in parts for entry in part["data"]]
    assert ids == sorted(ids, reverse=True)


def test_an_invalid_query_of_the_audit_trail_is_refused(world: World, hq: Person) -> None:
    for query, status, field in (
        ("entity_id=Supa", 400, "entity_id"),
        ("user_id=me", 400, "user_id"),
        ("from=yesterday", 400, "from"),
        ("from=1755239400", 400, "from"),
        ("to=2026-13-01T00:00:00Z", 400, "to"),
        ("from=2026-08-15T06:30:00", 422, "from"),
        ("to=2026-08-15", 422, "to"),
        ("entity=planet", 422, "entity"),
        ("entity=plan%25", 422, "entity"),
        ("entity=plant&entity=user", 422, "entity"),
        ("entity=a%00b", 422, "entity"),
        ("since=2026-08-15T06:30:00Z", 422, "since"),
        ("action=user.changed", 422, "action"),
        ("limit=0", 422, "limit"),
        ("limit=101", 422, "limit"),
        ("offset=-1", 422, "offset"),
    ):
        code = "BAD_REQUEST" if status == 400 else "VALIDATION_ERROR"
        response = hq.http.get(f"/api/v1/audit?{query}")
        assert refusal_of(response) == (status, code, {field}), query
    assert error_of(world.plant_user().get("/audit")) == (403, "FORBIDDEN")
    assert world.query("SELECT max(at) FROM audit_log") == [(NOON + 4 * MINUTE,)]
