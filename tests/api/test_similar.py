"""Similar practices, and the statistics of a practice."""

import logging

import httpx
import pytest

from adapters.postgres.practices import PostgresPractices
from bp_core.shared.errors import Unavailable
from tests.world import World, concurrently, error_of, invalid, refusal_of

NOTHING = {"view_count": 0, "copy_count": 0, "question_count": 0, "answered_count": 0}


def titles(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["title"] for item in response.json()["data"]]


def test_the_most_similar_practices_share_the_most_words(world: World) -> None:
    author, other = world.plant_user(0), world.plant_user(1)
    own = world.practice(author, title="Leaking joints after brazing", problem_statement="Copper tubes leak.")
    plain = {"description": "d", "solution": "s"}
    for title, problem in (
        ("Copper tubes leaked at brazed joints", "After brazing, joints leak."),
        ("Brazing with nitrogen", "Oxide flakes."),
        ("Conveyor guards", "Fingers were caught."),
    ):
        world.practice(other, "submitted", title=title, problem_statement=problem, **plain)
    wanted = ["Copper tubes leaked at brazed joints", "Brazing with nitrogen"]
    assert titles(author.get(f"/best-practices/{own['id']}/similar")) == wanted
    idea = {"title": own["title"], "problem_statement": own["problem_statement"]}
    for reader in (author, other, world.headquarters()):
        assert titles(reader.post("/best-practices/similar", idea)) == wanted
    assert titles(author.post("/best-practices/similar", {"title": "the of and"})) == []
    assert titles(author.post("/best-practices/similar", {"title": "conveyors"})) == ["Conveyor guards"]


def test_hidden_and_deleted_practices_are_not_similar(world: World) -> None:
    author, colleague, other = world.plant_user(0), world.plant_user(0), world.plant_user(1)
    hq = world.headquarters()
    world.practice(author, "draft", title="Scrap draft")
    sent_back = world.practice(author, "submitted", title="Scrap sent back")
    hq.post(f"/best-practices/{sent_back['id']}/request-revision", {"comment": "Why?"})
    deleted = world.practice(author, "submitted", title="Scrap deleted")
    author.delete(f"/best-practices/{deleted['id']}")
    for reader, seen in ((author, 1), (colleague, 1), (hq, 1), (other, 0)):
        assert (
            titles(reader.post("/best-practices/similar", {"title": "scrap"})) == ["Scrap sent back"] * seen
        )


def test_at_most_five_practices_are_similar(world: World) -> None:
    author = world.plant_user()
    for number in range(7):
        world.practice(author, "submitted", title=f"Scrap {number}")
    assert len(titles(author.post("/best-practices/similar", {"title": "Less scrap"}))) == 5


def test_every_text_can_be_compared(world: World) -> None:
    author = world.plant_user()
    world.practice(author, "submitted")
    for text in (
        "'",
        "\\",
        "''\\'",
        "a'b\\c http://x.y/z\\'?a=b",
        ":* & | !()",
        "%s %(text)s",
        "🙂",
        "x " * 240,
        "ब्रेज़िंग",
    ):
        body = {"title": text, "problem_statement": text * 10}
        assert author.post("/best-practices/similar", body).status_code == 200, text
    for bad, fields in (
        ({}, ["title"]),
        ({"title": " "}, ["title"]),
        ({"title": 5}, ["title"]),
        ({"title": "x", "problem_statement": "a\0b"}, ["problem_statement"]),
        ({"title": "x" * 501, "solution": "x"}, ["title", "solution"]),
    ):
        assert refusal_of(author.post("/best-practices/similar", bad)) == invalid(*fields)


def test_similar_practices_and_statistics_of_a_hidden_practice_are_not_found(world: World) -> None:
    author, other = world.plant_user(0), world.plant_user(1)
    draft = world.practice(author)
    for call in ("similar", "statistics"):
        path = f"/best-practices/{draft['id']}/{call}"
        assert error_of(other.get(path)) == (404, "NOT_FOUND")
        assert world.browser().get(f"/api/v1{path}").status_code == 401
        assert author.get(path).status_code == 200
    assert world.browser().post("/api/v1/best-practices/similar", json={"title": "x"}).status_code == 401


def test_only_reading_a_practice_counts_as_a_view(world: World) -> None:
    author, hq = world.plant_user(), world.headquarters()
    practice = world.practice(author)
    path = f"/best-practices/{practice['id']}"
    author.patch(path, {"title": "Another"})
    author.post(f"{path}/submit")
    author.get("/best-practices")
    author.get(f"{path}/images")
    assert author.get(f"{path}/statistics").json()["data"] == NOTHING
    concurrently(*[lambda: hq.get(path)] * 8)
    author.get(path)
    assert author.get(f"{path}/statistics").json()["data"] == {**NOTHING, "view_count": 9}


def test_questions_and_answers_are_counted(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    world.query(
        """
        INSERT INTO practice_questions
            (practice_id, asked_by_user_id, question_text, answer_text, answered_by_user_id, answered_at)
        SELECT %s, id, 'Why?', a, CASE WHEN a IS NOT NULL THEN id END, CASE WHEN a IS NOT NULL THEN now() END
        FROM users, (VALUES ('So'), (NULL), (NULL)) answers (a)
        """,
        practice["id"],
    )
    shown = author.get(f"/best-practices/{practice['id']}/statistics").json()["data"]
    assert shown == {**NOTHING, "question_count": 3, "answered_count": 1}


def test_a_practice_is_shown_even_if_the_view_cannot_be_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    author = world.plant_user()
    path = f"/best-practices/{world.practice(author)['id']}"

    def fail(*_: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(PostgresPractices, "count_view", fail)
    caplog.set_level(logging.INFO, logger="portal")
    assert author.get(path).status_code == 200
    assert "view_not_counted" in caplog.text
