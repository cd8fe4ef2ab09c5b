"""Questions about practices: asking, answering, deleting."""

from functools import partial
from typing import Any
from uuid import uuid4

from tests.world import Person, World, concurrently, error_of, invalid, refusal_of


def ask(asker: Person, practice: dict[str, Any], text: str = "Which gas?") -> dict[str, Any]:
    """Ask a question. Returns it."""
    response = asker.post(f"/questions/practice/{practice['id']}", {"question_text": text})
    assert response.status_code == 201, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


def rows(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT * FROM practice_questions ORDER BY id")


def test_a_question_is_asked_answered_and_its_answer_corrected(world: World) -> None:
    author, asker = world.plant_user(0), world.plant_user(1)
    practice = world.practice(author, "submitted")
    question = ask(asker, practice, "  Which gas?  ")
    assert question == {
        "id": question["id"],
        "practice_id": practice["id"],
        "asked_by_user_id": question["asked_by_user_id"],
        "asked_by_name": asker.email.partition("@")[0],
        "question_text": "Which gas?",
        "answer_text": None,
        "answered_by_user_id": None,
        "answered_by_name": None,
        "answered_at": None,
        "created_at": "2026-08-15T06:30:00Z",
    }
    path = f"/questions/{question['id']}/answer"
    answered = author.patch(path, {"answer_text": "Argon."}).json()["data"]
    assert (answered["answer_text"], answered["answered_at"]) == ("Argon.", "2026-08-15T06:30:00Z")
    assert answered["answered_by_name"] == author.email.partition("@")[0]
    corrected = world.headquarters().patch(path, {"answer_text": "Nitrogen."}).json()["data"]
    assert corrected["answer_text"] == "Nitrogen."
    assert corrected["answered_by_user_id"] != answered["answered_by_user_id"]
    assert asker.get(f"/questions/practice/{practice['id']}").json()["data"] == [corrected]
    assert asker.get(f"/best-practices/{practice['id']}").json()["data"]["question_count"] == 1
    audit_trail = world.query("SELECT action FROM audit_log WHERE entity = 'question' ORDER BY id")
    assert audit_trail == [("question.asked",), ("question.answered",), ("question.answered",)]


def test_the_same_answer_again_changes_nothing(world: World) -> None:
    author, asker = world.plant_user(0), world.plant_user(1)
    question = ask(asker, world.practice(author, "submitted"))
    path = f"/questions/{question['id']}/answer"
    answered = author.patch(path, {"answer_text": "Argon."}).json()["data"]
    assert world.plant_user(0).patch(path, {"answer_text": " Argon. "}).json()["data"] == answered
    assert asker.get("/notifications/unread-count").json()["data"] == {"unread_count": 1}


def test_questions_are_listed_oldest_first_in_pages(world: World) -> None:
    author = world.plant_user(0)
    practice, other = world.practice(author, "submitted"), world.practice(author, "submitted")
    ask(author, other)
    for number in range(3):
        world.query(
            "INSERT INTO practice_questions (practice_id, asked_by_user_id, question_text, created_at)"
            " SELECT %s, id, %s, now() - interval '1 hour' * %s FROM users LIMIT 1",
            practice["id"], str(number), number,
        )  # fmt: skip
    path = f"/questions/practice/{practice['id']}"
    first = author.get(path, limit=2).json()
    assert [one["question_text"] for one in first["data"]] == ["2", "1"]
    assert first["pagination"] == {"total": 3, "limit": 2, "offset": 0, "has_more": True}
    assert [one["question_text"] for one in author.get(path, offset=2).json()["data"]] == ["0"]
    assert author.get(path, offset=9).json()["pagination"]["total"] == 3
    assert refusal_of(author.get(path, limit=101)) == invalid("limit")
    assert refusal_of(author.get(path, answered="no")) == invalid("answered")


def test_an_invalid_text_is_refused_with_its_field(world: World) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted")
    question = ask(author, practice, "x" * 2000)
    before = rows(world)
    bad: object
    for path, call, field, longest in (
        (f"/questions/practice/{practice['id']}", author.post, "question_text", 2000),
        (f"/questions/{question['id']}/answer", author.patch, "answer_text", 4000),
    ):
        for bad in (None, "", " \n", 7, [], {"a": 1}, "x" * (longest + 1), "a\x00b"):
            assert refusal_of(call(path, {field: bad})) == invalid(field), bad
        assert refusal_of(call(path, {})) == invalid(field)
        assert refusal_of(call(path, {field: "x", "id": "y"})) == invalid("id")
    assert rows(world) == before
    assert author.patch(f"/questions/{question['id']}/answer", {"answer_text": "x" * 4000}).status_code == 200


def test_questions_of_a_hidden_practice_are_not_found(world: World) -> None:
    author, other_plant = world.plant_user(0), world.plant_user(1)
    draft, deleted = world.practice(author), world.practice(author, "submitted")
    question = ask(author, draft)
    of_deleted = ask(author, deleted)
    world.mark_deleted(deleted)
    before = rows(world)
    for response in (
        other_plant.get(f"/questions/practice/{draft['id']}"),
        other_plant.post(f"/questions/practice/{draft['id']}", {"question_text": "x"}),
        other_plant.patch(f"/questions/{question['id']}/answer", {"answer_text": "x"}),
        other_plant.delete(f"/questions/{question['id']}"),
        author.get(f"/questions/practice/{deleted['id']}"),
        author.patch(f"/questions/{of_deleted['id']}/answer", {"answer_text": "x"}),
        author.delete(f"/questions/{of_deleted['id']}"),
        author.get(f"/questions/practice/{uuid4()}"),
        author.post(f"/questions/practice/{uuid4()}", {"question_text": "x"}),
        author.patch(f"/questions/{uuid4()}/answer", {"answer_text": "x"}),
        author.delete(f"/questions/{uuid4()}"),
    ):
        assert error_of(response) == (404, "NOT_FOUND")
    assert rows(world) == before


def test_another_plant_cannot_answer_a_question(world: World) -> None:
    author, asker = world.plant_user(0), world.plant_user(1)
    question = ask(asker, world.practice(author, "submitted"))
    before = rows(world)
    path = f"/questions/{question['id']}/answer"
    assert error_of(asker.patch(path, {"answer_text": "x"})) == (403, "FORBIDDEN")
    nobody = world.browser()
    assert nobody.patch(f"/api/v1{path}", json={"answer_text": "x"}).status_code == 401
    assert rows(world) == before


def test_a_question_is_deleted_by_its_author_until_it_is_answered_and_by_headquarters_always(
    world: World,
) -> None:
    author, asker, hq = world.plant_user(0), world.plant_user(1), world.headquarters()
    practice = world.practice(author, "submitted")
    open_one, answered = ask(asker, practice), ask(asker, practice)
    author.patch(f"/questions/{answered['id']}/answer", {"answer_text": "x"})
    for person, question in ((asker, answered), (author, open_one), (world.plant_user(2), open_one)):
        assert error_of(person.delete(f"/questions/{question['id']}")) == (403, "FORBIDDEN")
    assert len(rows(world)) == 2
    assert asker.delete(f"/questions/{open_one['id']}").status_code == 200
    assert error_of(asker.delete(f"/questions/{open_one['id']}")) == (404, "NOT_FOUND")
    assert hq.delete(f"/questions/{answered['id']}").status_code == 200
    assert rows(world) == []


def test_answering_and_deleting_at_the_same_time_leave_an_answer_or_no_question(world: World) -> None:
    author, asker = world.plant_user(0), world.plant_user(1)
    practice = world.practice(author, "submitted")
    for _ in range(5):
        path = f"/questions/{ask(asker, practice)['id']}"
        answered, taken = concurrently(
            partial(author.patch, f"{path}/answer", {"answer_text": "x"}), partial(asker.delete, path)
        )
        assert (answered.status_code, taken.status_code) in {(200, 403), (404, 200)}
