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

CHANGE_NOTHING_OF_NOTE: Final = {
    "refresh_tokens": "a session goes on; its end by theft is kept (test_sessions.py)",
    "ask_for_upload": "leave is no change; what is put with it is kept when it is recorded or rejected",
    "ask_for_practice_upload": "the same, at the older path",
    "find_similar_practices": "a question, asked with a body",
    "read_notification": "what somebody has read is nobody else's affair",
    "read_all_notifications": "the same, all at once",
    "recalculate_savings": "derived figures; the run is kept among the jobs' runs",
    "recalculate_leaderboard": "the same",
}
"""The routes that write, and leave no entry."""


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


class Watcher:
    """Looks at what each call leaves in the trail, and remembers which routes it has seen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: set[str] = set()
        self._known = len(audit_trail(world))

    def catch_up(self) -> None:
        """Pass over what was left until now."""
        self._known = len(audit_trail(self.world))

    def left_by(self, name: str, answer: httpx.Response, by: str | None, *actions: str) -> list[Entry]:
        """The entries that a call of a route has left: of these actions, by this user, with the call's id."""
        entries = audit_trail(self.world)[self._known :]
        self._known += len(entries)
        self.seen.add(name)
        assert [entry.action for entry in entries] == list(actions), (name, answer.text)
        for entry in entries:
            assert (entry.user_id, entry.request_id) == (by, answer.headers["X-Request-ID"]), name
        return entries

    def by_one(self, name: str, answer: httpx.Response, by: str | None, action: str) -> Entry:
        """The one entry that a call has left, which succeeded."""
        assert answer.status_code < 300, (name, answer.text)
        return self.left_by(name, answer, by, action)[0]


def test_every_route_that_writes_leaves_what_it_changed_and_no_secret(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    watcher = Watcher(world)
    tokens = [*tell_of_people(watcher, hq), *tell_of_sessions(watcher, "asha@amber.test")]
    tell_of_plants_and_categories(watcher, hq)
    practice_id = tell_of_practices(watcher, hq, author)
    tell_of_images(watcher, author, practice_id)
    tell_of_documents(watcher, author, practice_id)
    tell_of_questions(watcher, hq, author, practice_id)
    tell_of_an_import(watcher, hq)
    tell_of_copies(watcher, hq)
    writing = {name for name, endpoint in ENDPOINTS.items() if endpoint.method not in READS}
    assert watcher.seen == writing - set(CHANGE_NOTHING_OF_NOTE), "every route that writes is looked at here"

    [(whole,)] = world.query("SELECT string_agg(a::text, ' ') FROM audit_log a")
    hashes = world.query(
        "SELECT encode(token_hash, 'hex') FROM invites UNION SELECT encode(refresh_token_hash, 'hex')"
        " FROM sessions UNION SELECT hashed_password FROM users"
    )
    for secret in (PASSWORD, NEW_PASSWORD, "a wrong guess", "$2b$", *tokens, *(row[0] for row in hashes)):
        assert secret not in whole


def tell_of_people(watcher: Watcher, hq: Person) -> list[str]:
    """Invite, register, change, let in and shut out; the tokens that were given."""
    world, head = watcher.world, id_of(hq)
    wish = {"email": "asha@amber.test", "role": "plant", "plant_id": str(world.plants[1])}
    answer = hq.post("/auth/invites", wish)
    invite = answer.json()["data"]
    entry = watcher.by_one("create_invite", answer, head, "invite.created")
    assert (entry.entity, entry.entity_id, entry.before) == ("invite", invite["id"], None)
    assert entry.after == {**wish, "expires_at": "2026-08-22 06:30:00+00:00"}

    body = {
        "email": wish["email"],
        "full_name": "Asha",
        "password": PASSWORD,
        "invite_token": invite["token"],
    }
    answer = world.browser().post("/api/v1/auth/register", json=body)
    user = answer.json()["data"]
    used, registered = watcher.left_by("register", answer, None, "invite.used", "user.registered")
    assert (used.entity_id, used.after) == (invite["id"], {"user_id": user["id"]})
    facts = {**wish, "full_name": "Asha", "is_active": True}
    assert (registered.entity_id, registered.before, registered.after) == (user["id"], None, facts)

    withdrawn = hq.post("/auth/invites", {"email": "b@amber.test", "role": "hq"})
    watcher.by_one("create_invite", withdrawn, head, "invite.created")
    answer = hq.delete(f"/auth/invites/{withdrawn.json()['data']['id']}")
    entry = watcher.by_one("withdraw_invite", answer, head, "invite.withdrawn")
    assert (entry.before, entry.after) == ({"email": "b@amber.test"}, None)

    path, supa = f"/users/{user['id']}", str(world.plants[6])
    answer = hq.patch(path, {"plant_id": supa, "full_name": "Asha", "role": "plant"})
    entry = watcher.by_one("edit_user", answer, head, "user.changed")
    assert (entry.before, entry.after) == ({"plant_id": wish["plant_id"]}, {"plant_id": supa})
    for step, was_active in (("deactivate", True), ("activate", False)):
        answer = hq.patch(f"{path}/{step}", {})
        entry = watcher.by_one(f"{step}_user", answer, head, f"user.{step}d")
        assert (entry.entity, entry.entity_id) == ("user", user["id"])
        assert (entry.before, entry.after) == ({"is_active": was_active}, {"is_active": not was_active})
    return [invite["token"], withdrawn.json()["data"]["token"]]


def tell_of_sessions(watcher: Watcher, email: str) -> list[str]:
    """Sign in, change one's name and password, end sessions; the tokens that were given."""
    world = watcher.world
    desk, phone = (Person(email, "plant", world.plants[0], world.browser()) for _ in range(2))
    credentials, given = {"email": email, "password": PASSWORD}, []
    for person in (desk, phone):
        person.http.headers["User-Agent"] = "Firefox/140"
        answer = person.post("/auth/login", credentials)
        person.tokens = answer.json()["data"]
        person.http.headers["Authorization"] = f"Bearer {person.tokens['access_token']}"
        given += [person.tokens["access_token"], person.tokens["refresh_token"]]
        entry = watcher.by_one("login", answer, None, "session.opened")
        assert entry.after == {"user_id": id_of(person), "user_agent": "Firefox/140"}
        assert entry.entity_id == claims_of(person.tokens["access_token"])["sid"]
    own = id_of(desk)
    answer = desk.post("/auth/login", {**credentials, "password": "a wrong guess"})
    watcher.left_by("login", answer, None)

    answer = desk.patch("/auth/me", {"full_name": "A. Rao"})
    entry = watcher.by_one("edit_me", answer, own, "user.changed")
    assert entry.after == {"full_name": "A. Rao"}
    answer = desk.delete(f"/auth/sessions/{claims_of(phone.tokens['access_token'])['sid']}")
    entry = watcher.by_one("end_session", answer, own, "session.ended")
    assert entry.after == {"user_id": own, "reason": "ended_by_user"}
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = desk.post("/auth/change-password", change)
    entry = watcher.by_one("change_password", answer, own, "user.password_changed")
    assert (entry.entity_id, entry.before, entry.after) == (own, None, None)
    answer = desk.post("/auth/change-password", {**change, "new_password": PASSWORD})
    watcher.left_by("change_password", answer, own)  # the old one is wrong by now: nothing was changed
    back = {"current_password": NEW_PASSWORD, "new_password": PASSWORD}
    answer = desk.post("/auth/change-password", back)
    watcher.by_one("change_password", answer, own, "user.password_changed")
    answer = desk.post("/auth/logout")
    entry = watcher.by_one("logout", answer, own, "session.ended")
    assert entry.after == {"user_id": own, "reason": "logout"}
    return given


def tell_of_plants_and_categories(watcher: Watcher, hq: Person) -> None:
    head = id_of(hq)
    facts = {"name": "Chennai", "short_name": "MAA", "division": "Component"}
    answer = hq.post("/plants", facts)
    entry = watcher.by_one("create_plant", answer, head, "plant.created")
    path = f"/plants/{entry.entity_id}"
    assert (entry.before, entry.after) == (None, {**facts, "is_active": True})
    answer = hq.patch(path, {**facts, "name": "Madras"})
    entry = watcher.by_one("edit_plant", answer, head, "plant.changed")
    assert (entry.before, entry.after) == ({"name": "Chennai"}, {"name": "Madras"})
    watcher.left_by("edit_plant", hq.patch(path, {"name": "Madras"}), head)
    for step in ("deactivate", "activate"):
        answer = hq.patch(f"{path}/{step}", {})
        watcher.by_one(f"{step}_plant", answer, head, f"plant.{step}d")

    facts = {"name": "Energy", "color_class": "x", "icon_name": "bolt"}
    answer = hq.post("/categories", facts)
    entry = watcher.by_one("create_category", answer, head, "category.created")
    assert (entry.before, entry.after) == (None, {**facts, "slug": "energy"})
    answer = hq.patch(f"/categories/{entry.entity_id}", {"icon_name": "sun", "name": "Energy"})
    entry = watcher.by_one("edit_category", answer, head, "category.changed")
    assert (entry.before, entry.after) == ({"icon_name": "bolt"}, {"icon_name": "sun"})


def tell_of_practices(watcher: Watcher, hq: Person, author: Person) -> str:
    """Write, edit, submit, approve, send back and delete practices; the id of one that is left."""
    practice_id = tell_of_writing(watcher, author)
    tell_of_transitions(watcher, hq, author, practice_id)
    own = id_of(author)
    answer = author.post("/best-practices", {"title": "A mistake"})
    mistake = str(watcher.by_one("create_practice", answer, own, "practice.created").entity_id)
    answer = author.delete(f"/best-practices/{mistake}")
    entry = watcher.by_one("delete_practice", answer, own, "practice.deleted")
    assert (entry.entity_id, entry.after) == (mistake, None)
    return practice_id


def tell_of_writing(watcher: Watcher, author: Person) -> str:
    """Write and edit a practice; its id."""
    own = id_of(author)
    body = {
        "title": "Less scrap", "description": "x", "problem_statement": "x", "solution": "x",
        "category_id": str(watcher.world.categories[0]),
    }  # fmt: skip
    answer = author.post("/best-practices", body)
    entry = watcher.by_one("create_practice", answer, own, "practice.created")
    practice_id = str(answer.json()["data"]["id"])
    assert (entry.entity, entry.entity_id, entry.before) == ("practice", practice_id, None)
    expected = {**body, "status": "draft", "plant_id": str(author.plant_id)}
    assert {name: (entry.after or {})[name] for name in expected} == expected

    answer = author.patch(f"/best-practices/{practice_id}", {**body, "title": "No scrap"})
    entry = watcher.by_one("edit_practice", answer, own, "practice.changed")
    assert (entry.before, entry.after) == ({"title": "Less scrap"}, {"title": "No scrap"})
    return practice_id


def tell_of_transitions(watcher: Watcher, hq: Person, author: Person, practice_id: str) -> None:
    """Submit, approve and send back a practice; a refused approval leaves no entry."""
    path = f"/best-practices/{practice_id}"
    answer = author.post(f"{path}/submit", {})
    entry = watcher.by_one("submit_practice", answer, id_of(author), "practice.submitted")
    assert entry.before == {"status": "draft", "submitted_date": None}
    assert entry.after == {"status": "submitted", "submitted_date": "2026-08-15"}
    answer = hq.post(f"{path}/approve", {})
    entry = watcher.by_one("approve_practice", answer, id_of(hq), "practice.approved")
    assert (entry.before, entry.after) == ({"status": "submitted"}, {"status": "approved"})
    answer = hq.post(f"{path}/request-revision", {"comment": "How was it measured?"})
    entry = watcher.by_one("request_revision", answer, id_of(hq), "practice.revision_required")
    assert (entry.before, entry.after) == ({"status": "approved"}, {"status": "revision_required"})
    watcher.left_by("approve_practice", hq.post(f"{path}/approve"), id_of(hq))


def tell_of_images(watcher: Watcher, author: Person, practice_id: str) -> None:
    world, own = watcher.world, id_of(author)
    path = f"/best-practices/{practice_id}/images"

    def put(data: bytes) -> str:
        answer = author.post("/upload/presigned-url", upload_request(practice_id))
        blob_name = str(answer.json()["data"]["blob_name"])
        world.put_blob(blob_name, data)
        return blob_name

    blob_name = put(picture(8, 8))
    answer = author.post(path, confirmation(blob_name))
    entry = watcher.by_one("confirm_image", answer, own, "image.recorded")
    facts = {
        "practice_id": practice_id, "image_type": "before", "blob_container": "best-practices",
        "blob_name": blob_name,
    }  # fmt: skip
    image_id = answer.json()["data"]["id"]
    assert (entry.entity_id, entry.before, entry.after) == (image_id, None, facts)
    watcher.left_by("confirm_image", author.post(path, confirmation(blob_name)), own)  # known already

    blob_name = put(b"no picture")
    answer = author.post(path, confirmation(blob_name))
    [entry] = watcher.left_by("confirm_image", answer, own, "upload.rejected")
    assert (entry.entity_id, entry.after) == (
        practice_id, {"blob_name": blob_name, "reason": "The file is not of type image/jpeg."}
    )  # fmt: skip
    answer = author.http.post(
        f"/api/v1/best-practices/{practice_id}/upload-image",
        data={"image_type": "after"},
        files={"file": ("a.jpg", picture(8, 8))},
    )
    watcher.by_one("upload_image", answer, own, "image.recorded")
    answer = author.delete(f"{path}/{image_id}")
    entry = watcher.by_one("delete_image", answer, own, "image.deleted")
    assert (entry.entity_id, entry.before, entry.after) == (image_id, facts, None)


def tell_of_documents(watcher: Watcher, author: Person, practice_id: str) -> None:
    own, path = id_of(author), f"/best-practices/{practice_id}/documents"
    wish = {"practice_id": practice_id, "file_type": "document", "filename": "leaks.pdf"}
    wish["content_type"] = "application/pdf"
    permit = author.post("/upload/presigned-url", {**wish, "file_size": 1}).json()["data"]
    watcher.world.put_blob(permit["blob_name"], b"%PDF-1.7\n", permit["container"])
    body = {"document_name": "Leaks", "blob_name": permit["blob_name"], "blob_container": permit["container"]}
    answer = author.post(path, {**body, "file_size": 1, "content_type": "application/pdf"})
    entry = watcher.by_one("confirm_document", answer, own, "document.recorded")
    assert entry.after == {**body, "practice_id": practice_id}
    answer = author.delete(f"{path}/{entry.entity_id}")
    entry = watcher.by_one("delete_document", answer, own, "document.deleted")
    assert (entry.before, entry.after) == ({**body, "practice_id": practice_id}, None)


def tell_of_questions(watcher: Watcher, hq: Person, author: Person, practice_id: str) -> None:
    answer = hq.post(f"/questions/practice/{practice_id}", {"question_text": "How warm is it?"})
    question = watcher.by_one("ask_question", answer, id_of(hq), "question.asked")
    assert question.after is not None
    assert question.after["question_text"] == "How warm is it?"
    path = f"/questions/{question.entity_id}"
    answer = author.patch(f"{path}/answer", {"answer_text": "620 degrees."})
    entry = watcher.by_one("answer_question", answer, id_of(author), "question.answered")
    assert (entry.before or {})["answer_text"] is None
    assert (entry.after or {})["answer_text"] == "620 degrees."
    entry = watcher.by_one("delete_question", hq.delete(path), id_of(hq), "question.deleted")
    assert (entry.entity_id, entry.after) == (question.entity_id, None)


def tell_of_an_import(watcher: Watcher, hq: Person) -> None:
    row = complete_row(watcher.world)
    answer = import_practices(hq, workbook(HEADINGS, row, row), dry_run="false")
    entries = watcher.left_by("import_practices", answer, id_of(hq), "practice.created", "practice.created")
    assert [(entry.after or {})["title"] for entry in entries] == ["Less scrap in brazing"] * 2


def tell_of_copies(watcher: Watcher, hq: Person) -> None:
    world, head = watcher.world, id_of(hq)
    original = world.practice(world.plant_user(0), "submitted")
    copier = world.plant_user(1)
    watcher.catch_up()
    answer = hq.post(f"/benchmarking/benchmark/{original['id']}")
    approved, benchmarked = watcher.left_by(
        "benchmark_practice", answer, head, "practice.approved", "practice.benchmarked"
    )
    assert approved.after == {"status": "approved"}
    facts = {"benchmarked_by_user_id": head, "benchmarked_date": "2026-08-15"}
    assert (benchmarked.entity_id, benchmarked.before, benchmarked.after) == (original["id"], None, facts)

    answer = copier.post("/copy/implement", {"original_practice_id": original["id"]})
    written, copied = watcher.left_by("copy_practice", answer, id_of(copier), "practice.created", "copy.made")
    copy = answer.json()["data"]["copy_record"]
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
    answer = copier.patch(f"/copy/{copy['id']}", {"implementation_status": "in_progress"})
    entry = watcher.by_one("edit_copy", answer, id_of(copier), "copy.changed")
    assert (entry.before, entry.after) == (
        {"implementation_status": "planning"}, {"implementation_status": "in_progress"}
    )  # fmt: skip
    answer = copier.patch(f"/copy/{copy['id']}", {"implementation_status": "in_progress"})
    watcher.left_by("edit_copy", answer, id_of(copier))  # nothing has changed
    answer = hq.delete(f"/benchmarking/unbenchmark/{original['id']}")
    entry = watcher.by_one("unbenchmark_practice", answer, head, "practice.unbenchmarked")
    assert (entry.entity_id, entry.before, entry.after) == (original["id"], facts, None)


def test_what_the_portal_does_by_itself_is_kept_as_nobodys(world: World) -> None:
    author = world.plant_user(0)
    blob_name = world.ask_for_upload(author, world.practice(author)["id"])["blob_name"]
    world.put_blob(blob_name, picture(8, 8))
    world.deliver(blob_name)
    world.deliver(blob_name)
    [recorded] = [entry for entry in audit_trail(world) if entry.entity == "image"]
    assert (recorded.action, recorded.user_id, recorded.request_id) == ("image.recorded", None, None)


def test_an_entry_has_the_id_that_its_call_came_with(world: World) -> None:
    hq = world.headquarters()
    body = {"name": "Chennai", "short_name": "MAA", "division": "Component"}
    hq.http.post("/api/v1/plants", json=body, headers={"X-Request-ID": "call-17"})
    assert audit_trail(world)[-1].request_id == "call-17"


# --- one transaction, and never rewritten


def test_a_change_that_fails_later_leaves_neither_itself_nor_an_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = world.plant_user(0)
    before = audit_trail(world), world.written()

    def fail(*_: object) -> None:
        raise RuntimeError("after the trail was written")

    with monkeypatch.context() as patched:
        patched.setattr("bp_core.savings.SavingsLedger.practice_changed", fail)
        assert error_of(author.post("/best-practices", {"title": "x"})) == (500, "INTERNAL")
    assert (audit_trail(world), world.written()) == before
    assert author.post("/best-practices", {"title": "x"}).status_code == 201
    assert len(audit_trail(world)) == len(before[0]) + 1


def test_a_change_whose_commit_fails_leaves_neither_itself_nor_an_entry(world: World) -> None:
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
    for answer in (
        hq.post("/plants", plant),
        hq.patch(f"/users/{user_id}/activate", {}),
        hq.post("/auth/login", {"email": hq.email, "password": PASSWORD}),
    ):
        assert error_of(answer) == (500, "INTERNAL")
        assert "disk" not in answer.text
    assert audit_trail(world) == entries
    assert world.query("SELECT * FROM users ORDER BY id") == people
    assert world.query("SELECT count(*) FROM plants") == [(7,)]
    assert world.query("SELECT count(*) FROM sessions") == [(1,)]


def test_a_change_that_cannot_be_kept_in_the_trail_is_not_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = world.headquarters()
    world.query("ALTER TABLE audit_log ADD CONSTRAINT full_up CHECK (action <> 'plant.deactivated')")
    assert error_of(hq.patch(f"/plants/{world.plants[0]}/deactivate", {})) == (500, "INTERNAL")
    assert len(hq.get("/plants/active").json()["data"]) == 7


def test_the_database_refuses_to_rewrite_the_trail(world: World) -> None:
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


# --- looking into it


@pytest.fixture
def hq(world: World) -> Person:
    """Headquarters, who have made four changes a minute apart after they signed in."""
    hq = world.add_person("hq@amber.test").sign_in()
    for plant, step in ((0, "deactivate"), (1, "deactivate"), (0, "activate")):
        world.clock.advance(MINUTE)
        assert hq.patch(f"/plants/{world.plants[plant]}/{step}", {}).status_code == 200
    world.clock.advance(MINUTE)
    asha = world.add_person("asha@amber.test", plant=0).sign_in()
    assert asha.patch("/auth/me", {"full_name": "Asha Rao"}).status_code == 200
    return hq


def actions(hq: Person, **query: Any) -> list[str]:
    answer = hq.get("/audit", **query)
    assert answer.status_code == 200, answer.text
    return [entry["action"] for entry in answer.json()["data"]]


def test_headquarters_look_into_the_trail_latest_first_and_narrowed_down(world: World, hq: Person) -> None:
    everything = [
        "user.changed", "session.opened", "plant.activated", "plant.deactivated", "plant.deactivated",
        "session.opened",
    ]  # fmt: skip
    plant, head = str(world.plants[0]), id_of(hq)
    for query, expected in (
        ({}, everything),
        ({"entity": "plant"}, everything[2:5]),
        ({"entity": "plan%"}, []),
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


def test_the_trail_comes_in_parts(world: World, hq: Person) -> None:
    parts = [hq.get("/audit", limit=4, offset=offset).json() for offset in (0, 4, 8)]
    assert [len(part["data"]) for part in parts] == [4, 2, 0]
    assert [part["pagination"] for part in parts] == [
        {"total": 6, "limit": 4, "offset": offset, "has_more": offset == 0} for offset in (0, 4, 8)
    ]
    ids = [entry["id"] for part in parts for entry in part["data"]]
    assert ids == sorted(ids, reverse=True)


def test_a_question_about_the_trail_that_makes_no_sense_is_refused(world: World, hq: Person) -> None:
    for query, status, field in (
        ("entity_id=Supa", 400, "entity_id"),
        ("user_id=me", 400, "user_id"),
        ("from=yesterday", 400, "from"),
        ("from=1755239400", 400, "from"),
        ("to=2026-13-01T00:00:00Z", 400, "to"),
        ("from=2026-08-15T06:30:00", 422, "from"),
        ("to=2026-08-15", 422, "to"),
        ("entity=" + "x" * 51, 422, "entity"),
        ("entity=a%00b", 422, "entity"),
        ("since=2026-08-15T06:30:00Z", 422, "since"),
        ("action=user.changed", 422, "action"),
        ("limit=0", 422, "limit"),
        ("limit=101", 422, "limit"),
        ("offset=-1", 422, "offset"),
    ):
        code = "BAD_REQUEST" if status == 400 else "VALIDATION_ERROR"
        answer = hq.http.get(f"/api/v1/audit?{query}")
        assert refusal_of(answer) == (status, code, {field}), query
    assert error_of(world.plant_user().get("/audit")) == (403, "FORBIDDEN")
    assert world.query("SELECT max(at) FROM audit_log") == [(NOON + 4 * MINUTE,)]
