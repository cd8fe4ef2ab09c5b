"""Notifications: who gets which, reading them, marking them as read."""

from typing import Any
from uuid import uuid4

from bp_core.notifications import NotificationQuery
from bp_core.shared.access import Caller
from tests.api.test_sheets import HEADINGS, complete_row, import_practices, report, workbook
from tests.world import PASSWORD, Person, World, confirmation, error_of, invalid, picture, refusal_of


def notified(person: Person) -> list[tuple[str, str]]:
    """The types and messages of a person's notifications, newest first."""
    return [(one["type"], one["message"]) for one in person.get("/notifications", limit=100).json()["data"]]


def user_id(world: World, person: Person) -> Any:
    return world.query("SELECT id FROM users WHERE email = %s", person.email)[0][0]


def test_everybody_concerned_is_notified_except_the_acting_user(world: World) -> None:
    author, colleague, asker = world.plant_user(0), world.plant_user(0), world.plant_user(1)
    hq, inactive = world.headquarters(), world.plant_user(0)
    world.query("UPDATE users SET is_active = false WHERE email = %s", inactive.email)
    practice = world.practice(author, "submitted")
    path = f"/questions/practice/{practice['id']}"
    asked = asker.post(path, {"question_text": "Which gas?"}).json()["data"]
    colleague.post(path, {"question_text": "And how much?"})
    author.patch(f"/questions/{asked['id']}/answer", {"answer_text": "Argon."})
    hq.post(f"/best-practices/{practice['id']}/approve")
    hq.patch(f"/best-practices/{practice['id']}", {"status": "revision_required", "comment": "Which?"})
    decisions = {("practice_approved", practice["title"]), ("revision_requested", practice["title"])}
    by_colleague, by_asker = ("question_asked", "And how much?"), ("question_asked", "Which gas?")
    assert set(notified(author)) == {by_asker, by_colleague, *decisions}
    assert set(notified(colleague)) == {by_asker, *decisions}
    assert notified(asker) == [("question_answered", "Argon.")]
    assert notified(hq) == [("practice_submitted", practice["title"])]
    assert world.query("SELECT 1 FROM notifications WHERE user_id = %s", user_id(world, inactive)) == []


def test_headquarters_is_told_of_submissions_by_others(world: World) -> None:
    author, first, second = world.plant_user(0), world.headquarters(), world.headquarters()
    inactive = world.headquarters()
    world.query("UPDATE users SET is_active = false WHERE email = %s", inactive.email)
    practice = world.practice(author)
    assert notified(first) == []
    author.post(f"/best-practices/{practice['id']}/submit")
    world.practice(first, "submitted", plant_id=str(world.plants[0]), title="Mine")
    submitted = ("practice_submitted", practice["title"])
    assert notified(first) == [submitted]
    assert sorted(notified(second)) == sorted([submitted, ("practice_submitted", "Mine")])
    assert world.query("SELECT 1 FROM notifications WHERE user_id = %s", user_id(world, inactive)) == []


def test_a_resubmission_is_told_its_reviewer_or_else_all_of_headquarters(world: World) -> None:
    author, reviewer, other = world.plant_user(0), world.headquarters(), world.headquarters()
    practice = world.practice(author, "submitted")
    path = f"/best-practices/{practice['id']}"
    reviewer.post(f"/reviews/{practice['id']}/take")
    for _ in range(2):
        other.post(f"{path}/request-revision", {"comment": "Why?"})
        author.post(f"{path}/submit")
        world.query("UPDATE users SET is_active = false WHERE email = %s", reviewer.email)
    again = ("practice_resubmitted", practice["title"])
    assert notified(other).count(again) == 1
    world.query("UPDATE users SET is_active = true WHERE email = %s", reviewer.email)
    assert notified(reviewer).count(again) == 1


def test_a_withdrawal_or_deletion_is_told_the_reviewer_only(world: World) -> None:
    author, reviewer, other = world.plant_user(0), world.headquarters(), world.headquarters()
    deleted = world.practice(author, "submitted", title="Deleted")
    practice = world.practice(author, "submitted")
    for one in (deleted, practice):
        reviewer.post(f"/reviews/{one['id']}/take")
    author.delete(f"/best-practices/{deleted['id']}")
    author.post(f"/best-practices/{practice['id']}/withdraw")
    for title in ("Deleted", practice["title"]):
        withdrawn = ("practice_withdrawn", title)
        assert (withdrawn in notified(reviewer), withdrawn in notified(other)) == (True, False)
    assert author.get(f"/best-practices/{practice['id']}").json()["data"]["reviewer_name"] is None


def register(world: World, email: str, **more: str) -> None:
    body = {"email": email, "password": PASSWORD, "full_name": "Asha Rao", **more}
    assert world.browser().post("/api/v1/auth/register", json=body).status_code in (201, 202)


def test_headquarters_is_told_once_of_the_registrations_that_wait(world: World) -> None:
    first, second = world.headquarters(), world.headquarters()
    author = world.plant_user(0)
    waits = ("user_registered", "Somebody has registered. See the inactive users.")
    register(world, author.email)
    assert notified(first) == []
    for number in range(20):
        register(world, f"new{number % 10}@amber.test")
    assert (notified(first), notified(second), notified(author)) == ([waits], [waits], [])
    [shown] = first.get("/notifications").json()["data"]
    assert (shown["related_practice_id"], shown["practice_title"]) == (None, None)
    first.patch("/notifications/read-all", {})
    register(world, "new1@amber.test")
    assert (len(notified(first)), len(notified(second))) == (1, 1)
    register(world, "another@amber.test")
    assert (len(notified(first)), len(notified(second))) == (2, 1)


def test_headquarters_is_not_told_of_a_registration_by_invite(world: World) -> None:
    hq = world.headquarters()
    body = {"email": "a@amber.test", "role": "plant", "plant_id": str(world.plants[0])}
    token = hq.post("/auth/invites", body).json()["data"]["token"]
    register(world, "a@amber.test", invite_token=token)
    assert notified(hq) == []


def test_an_import_of_2000_practices_is_one_notice_for_each_headquarters_user(world: World) -> None:
    author, headquarters = world.plant_user(0), [world.headquarters(), world.headquarters()]
    row = complete_row(world)
    response = import_practices(author, workbook(HEADINGS, *[row] * 2000), dry_run="false")
    assert report(response, 201)["created"] == 2000
    for person in headquarters:
        assert notified(person) == [("practices_imported", "2000 imported practices wait for a decision.")]
    drafts = workbook(HEADINGS, complete_row(world, Status="draft"))
    assert import_practices(author, drafts, dry_run="false").status_code == 201
    own = import_practices(headquarters[0], workbook(HEADINGS, row), dry_run="false")
    assert own.status_code == 201
    assert [len(notified(person)) for person in headquarters] == [1, 2]


def test_a_notification_names_its_practice_and_question(world: World) -> None:
    author, asker = world.plant_user(0), world.plant_user(1)
    practice = world.practice(author, "submitted")
    path = f"/questions/practice/{practice['id']}"
    question = asker.post(path, {"question_text": "Why?"}).json()["data"]
    [shown] = author.get("/notifications").json()["data"]
    assert shown == {
        "id": shown["id"],
        "user_id": str(user_id(world, author)),
        "type": "question_asked",
        "title": "A question about your practice",
        "message": "Why?",
        "related_practice_id": practice["id"],
        "related_question_id": question["id"],
        "practice_title": practice["title"],
        "is_read": False,
        "created_at": "2026-08-15T06:30:00Z",
    }
    asker.delete(f"/questions/{question['id']}")
    assert author.get("/notifications").json()["data"] == [{**shown, "related_question_id": None}]


def test_the_title_of_a_practice_that_became_hidden_is_not_shown(world: World) -> None:
    author, asker, hq = world.plant_user(0), world.plant_user(1), world.headquarters()
    practice = world.practice(author, "submitted")
    path = f"/questions/practice/{practice['id']}"
    question = asker.post(path, {"question_text": "Why?"}).json()["data"]
    author.patch(f"/questions/{question['id']}/answer", {"answer_text": "So."})
    assert asker.get("/notifications").json()["data"][0]["practice_title"] == practice["title"]
    hq.post(f"/best-practices/{practice['id']}/request-revision", {"comment": "No"})
    assert asker.get("/notifications").json()["data"][0]["practice_title"] is None
    assert author.get("/notifications").json()["data"][0]["practice_title"] == practice["title"]


def test_nobody_is_notified_of_a_practice_that_they_may_no_longer_see(world: World) -> None:
    author, asker, hq = world.plant_user(0), world.plant_user(1), world.headquarters()
    for step in ("hidden", "shown again"):
        practice = world.practice(author, "submitted")
        path = f"/questions/practice/{practice['id']}"
        question = asker.post(path, {"question_text": "Why?"}).json()["data"]
        hq.post(f"/best-practices/{practice['id']}/request-revision", {"comment": "No"})
        if step == "shown again":
            author.post(f"/best-practices/{practice['id']}/submit")
        response = author.patch(f"/questions/{question['id']}/answer", {"answer_text": f"It was {step}."})
        assert response.status_code == 200
    assert notified(asker) == [("question_answered", "It was shown again.")]

    own = author.post(path, {"question_text": "Which?"}).json()["data"]
    world.query("UPDATE users SET plant_id = %s WHERE email = %s", world.plants[2], author.email)
    world.query("UPDATE best_practices SET status = 'revision_required'")
    hq.patch(f"/questions/{own['id']}/answer", {"answer_text": "This one."})
    assert "This one." not in str(notified(author))


def test_a_refused_transition_notifies_nobody(world: World) -> None:
    author, hq = world.plant_user(0), world.headquarters()
    practice = world.practice(author)
    assert hq.post(f"/best-practices/{practice['id']}/approve").status_code == 409
    assert notified(author) == []


def test_a_rejected_upload_notifies_who_requested_it_or_else_the_plant(world: World) -> None:
    author, colleague = world.plant_user(0), world.plant_user(0)
    practice = world.practice(author)
    permit = world.presign_image(author, practice["id"])
    world.put_blob(permit["blob_name"], b"no picture")
    world.deliver(permit["blob_name"])
    world.deliver(permit["blob_name"])
    [(kind, message)] = notified(author)
    assert kind == "upload_rejected"
    assert message.startswith(permit["blob_name"].rpartition("/")[2] + ": ")
    assert notified(colleague) == []
    of_nobody = world.presign_image(author, practice["id"], image_type="after")["blob_name"]
    world.query("UPDATE uploads SET user_id = NULL WHERE blob_name = %s", of_nobody)
    world.put_blob(of_nobody, b"no picture")
    world.deliver(of_nobody)
    assert (len(notified(author)), len(notified(colleague))) == (2, 1)


def test_a_rejection_in_the_response_is_not_notified_again(world: World) -> None:
    author = world.plant_user(0)
    practice = world.practice(author)
    permit = world.presign_image(author, practice["id"])
    world.put_blob(permit["blob_name"], b"no picture")
    path = f"/best-practices/{practice['id']}/images"
    assert author.post(path, confirmation(permit["blob_name"])).status_code == 422
    assert notified(author) == []
    permit = world.presign_image(author, practice["id"])
    world.put_blob(permit["blob_name"], picture())
    world.deliver(permit["blob_name"])
    assert notified(author) == []


def fill(world: World, person: Person, count: int) -> None:
    """Add notifications of a user, a minute apart; every fourth is read."""
    world.query(
        "INSERT INTO notifications (user_id, type, title, message, is_read, created_at)"
        " SELECT %s, 'practice_approved', 'x', n::text, n %% 4 = 0, now() - interval '1 minute' * n"
        " FROM generate_series(1, %s) n",
        user_id(world, person), count,
    )  # fmt: skip


def test_notifications_are_listed_newest_first_and_by_whether_they_are_read(world: World) -> None:
    mine, other = world.plant_user(0), world.plant_user(0)
    fill(world, mine, 8)
    fill(world, other, 4)
    expected: dict[tuple[tuple[str, object], ...], tuple[list[str], int]] = {
        (("limit", 3),): (["1", "2", "3"], 8),
        (("is_read", "true"),): (["4", "8"], 2),
        (("is_read", "false"),): (["1", "2", "3", "5", "6", "7"], 6),
        (("offset", 100),): ([], 8),
    }
    for query, (messages, total) in expected.items():
        shown = mine.get("/notifications", **dict(query)).json()
        assert [one["message"] for one in shown["data"]] == messages, query
        assert shown["pagination"]["total"] == total, query
    page = mine.get("/notifications", limit=3).json()["pagination"]
    assert page == {"total": 8, "limit": 3, "offset": 0, "has_more": True}


def unread(person: Person) -> int:
    count: int = person.get("/notifications/unread-count").json()["data"]["unread_count"]
    return count


def test_a_notification_is_marked_as_read_by_its_own_user_only(world: World) -> None:
    mine, other = world.plant_user(0), world.plant_user(0)
    fill(world, mine, 8)
    newest = mine.get("/notifications", limit=1).json()["data"][0]
    path = f"/notifications/{newest['id']}/read"
    assert error_of(other.patch(path, {})) == (404, "NOT_FOUND")
    assert error_of(mine.patch(f"/notifications/{uuid4()}/read", {})) == (404, "NOT_FOUND")
    assert unread(mine) == 6
    for _ in range(2):
        assert mine.patch(path, {}).json()["data"] == {**newest, "is_read": True}
    assert unread(mine) == 5


def test_a_user_marks_all_their_notifications_as_read_and_no_others(world: World) -> None:
    mine, other = world.plant_user(0), world.plant_user(0)
    fill(world, mine, 8)
    fill(world, other, 4)
    marked = [mine.patch("/notifications/read-all", {}).json()["data"] for _ in range(2)]
    assert marked == [{"marked_count": 6}, {"marked_count": 0}]
    assert (unread(mine), unread(other)) == (0, 3)


def test_invalid_queries_and_bodies_are_refused(world: World) -> None:
    person = world.plant_user(0)
    fill(world, person, 1)
    assert person.get("/notifications", is_read="perhaps").status_code in {400, 422}
    assert refusal_of(person.get("/notifications", limit=0)) == invalid("limit")
    assert refusal_of(person.get("/notifications", user_id=str(uuid4()))) == invalid("user_id")
    assert refusal_of(person.patch("/notifications/read-all", {"is_read": False})) == invalid("is_read")
    nobody = world.browser()
    for method, path in (
        ("GET", ""), ("GET", "/unread-count"), ("PATCH", "/read-all"), ("PATCH", f"/{uuid4()}/read"),
    ):  # fmt: skip
        assert nobody.request(method, f"/api/v1/notifications{path}").status_code == 401
    assert person.get("/notifications/unread-count").json()["data"] == {"unread_count": 1}


def test_ten_thousand_notifications_are_read_with_indexes(world: World) -> None:
    many, few = world.plant_user(0), world.plant_user(0)
    fill(world, many, 10_000)
    fill(world, few, 10)
    for number in range(10):
        fill(world, world.add_person(f"other{number}@amber.test", plant=1), 5_000)
    world.query("ANALYZE notifications")
    for person in (many, few):
        reader = Caller(user_id(world, person), None, "plant", person.plant_id)
        for is_read in (None, True, False):
            assert scans(world, reader, NotificationQuery(is_read=is_read)) == 0


def scans(world: World, reader: Caller, query: NotificationQuery) -> int:
    """The sequential scans for a list, the unread count, and marking all as read."""
    with world.portal.unit_of_work(transaction=True) as work:
        page = work.notifications.search(reader, query)
        assert page.items
        unread = work.notifications.unread_count(reader).unread_count
        assert unread == work.notifications.mark_all_read(reader).marked_count
        count: int = work.sql.value(
            "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'notifications'"
        )
        work.sql.run("UPDATE notifications SET is_read = message::int %% 4 = 0 WHERE user_id = %(id)s",
                     {"id": reader.user_id})  # fmt: skip
    return count
