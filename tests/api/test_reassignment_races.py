"""Headquarters gives a practice to another plant while the old plant writes.

The old plant's request passes the early check, which reads the row without a lock. Then it waits for the
lock. When the reassignment has committed, the request must be refused, and nothing may be written.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e.function_host.support import eventually
from tests.world import Person, World, error_of, picture, upload_request

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

Practice = dict[str, Any]
Call = Callable[[World, Person, Practice], httpx.Response]


def asked_question(world: World, practice: Practice) -> str:
    asker = world.plant_user(2)
    response = asker.post(f"/questions/practice/{practice['id']}", {"question_text": "Which nozzle?"})
    question_id: str = response.json()["data"]["id"]
    return question_id


def recorded_image(world: World, author: Person, practice: Practice) -> str:
    files = {"file": ("joint.jpg", picture(), "image/jpeg")}
    path = f"/api/v1/best-practices/{practice['id']}/upload-image"
    response = author.http.post(path, data={"image_type": "before"}, files=files)
    image_id: str = response.json()["data"]["id"]
    return image_id


def edit(world: World, author: Person, practice: Practice) -> httpx.Response:
    return author.patch(f"/best-practices/{practice['id']}", {"title": "Not mine any more"})


def delete(world: World, author: Person, practice: Practice) -> httpx.Response:
    return author.delete(f"/best-practices/{practice['id']}")


def submit(world: World, author: Person, practice: Practice) -> httpx.Response:
    return author.post(f"/best-practices/{practice['id']}/submit")


def withdraw(world: World, author: Person, practice: Practice) -> httpx.Response:
    return author.post(f"/best-practices/{practice['id']}/withdraw")


def presign(world: World, author: Person, practice: Practice) -> httpx.Response:
    return author.post("/upload/presigned-url", upload_request(practice["id"]))


def answer_question(world: World, author: Person, practice: Practice) -> httpx.Response:
    [[question_id]] = world.query("SELECT id FROM practice_questions")
    return author.patch(f"/questions/{question_id}/answer", {"answer_text": "The old one."})


def delete_image(world: World, author: Person, practice: Practice) -> httpx.Response:
    [[image_id]] = world.query("SELECT id FROM practice_images")
    return author.delete(f"/best-practices/{practice['id']}/images/{image_id}")


def written(world: World) -> list[list[tuple[Any, ...]]]:
    """Everything that these calls could have written."""
    tables = ("practice_questions", "practice_images", "uploads", "audit_log", "notifications")
    return [*world.snapshot(), *(world.query(f"SELECT * FROM {table} ORDER BY id") for table in tables)]


@pytest.mark.parametrize("call", [edit, delete, submit, withdraw, presign, answer_question, delete_image])
def test_the_old_plant_is_refused_when_a_practice_is_moved_meanwhile(world: World, call: Call) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted")
    asked_question(world, practice)
    recorded_image(world, author, practice)

    with psycopg.connect(world.database_url) as headquarters, ThreadPoolExecutor(1) as rival:
        headquarters.execute(
            "UPDATE best_practices SET plant_id = %s, version = version + 1 WHERE id = %s",
            (world.plants[1], practice["id"]),
        )
        request = rival.submit(call, world, author, practice)
        eventually(lambda: world.query(WAITING) == [(1,)] or request.done())
        headquarters.commit()
        before = written(world)
        response = request.result()

    assert error_of(response) == (403, "FORBIDDEN")
    assert written(world) == before


@pytest.mark.parametrize("call", [edit, delete, submit, withdraw, presign])
def test_a_draft_that_is_moved_meanwhile_does_not_exist_for_the_old_plant(world: World, call: Call) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "draft")

    with psycopg.connect(world.database_url) as headquarters, ThreadPoolExecutor(1) as rival:
        headquarters.execute(
            "UPDATE best_practices SET plant_id = %s WHERE id = %s", (world.plants[1], practice["id"])
        )
        request = rival.submit(call, world, author, practice)
        eventually(lambda: world.query(WAITING) == [(1,)] or request.done())
        headquarters.commit()
        response = request.result()

    assert error_of(response) == (404, "NOT_FOUND")
    assert world.query("SELECT status, is_deleted, plant_id FROM best_practices") == [
        ("draft", False, world.plants[1])
    ]
