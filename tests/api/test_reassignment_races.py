"""Headquarters gives a practice to another plant while the old plant writes.

The old plant's request passes the early check, which reads the row without a lock. Then it waits for the
lock. When the reassignment has committed, the request must be refused, and nothing may be written. The same
holds for the right of the caller: it is checked again, under a lock, at the end of every request that writes.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Any, Final

import httpx
import psycopg
import pytest

from tests.e2e.function_host.support import eventually
from tests.world import Person, World, concurrently, error_of, picture, upload_request

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

TRIES: Final = 40
OFFSETS: Final = Random(7)

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


def later(seconds: float, call: Callable[[], httpx.Response]) -> httpx.Response:
    time.sleep(seconds)
    return call()


@pytest.mark.parametrize("call", [edit, delete])
def test_every_change_of_the_old_plant_that_succeeds_is_before_the_reassignment(
    world: World, call: Call
) -> None:
    author, hq = world.plant_user(0), world.headquarters()
    reassignment = {"plant_id": str(world.plants[1])}
    outcomes = []
    for _ in range(TRIES):
        practice = world.practice(author, "submitted")
        reassign = partial(hq.patch, f"/best-practices/{practice['id']}", reassignment)
        offsets = (OFFSETS.uniform(0, 0.02) for _ in range(2))
        calls = [
            partial(later, next(offsets), one) for one in (reassign, partial(call, world, author, practice))
        ]
        moved, changed = concurrently(*calls)
        actors = world.query(
            "SELECT u.email FROM audit_log a JOIN users u ON u.id = a.user_id"
            " WHERE a.entity_id = %s AND a.action <> 'practice.created' ORDER BY a.id",
            practice["id"],
        )
        outcomes.append((moved.status_code, changed.status_code, [email for (email,) in actors]))
    before, after = [author.email, hq.email], [hq.email]
    allowed = [(200, 200, before), (404, 200, [author.email]), (200, 403, after)]
    assert [outcome for outcome in outcomes if outcome not in allowed] == []


def move_the_caller(world: World, author: Person) -> tuple[str, object]:
    return "UPDATE users SET plant_id = %s WHERE email = %s", world.plants[1]


def promote_the_caller(world: World, author: Person) -> tuple[str, object]:
    return "UPDATE users SET role = 'hq', plant_id = %s WHERE email = %s", None


def deactivate_the_caller(world: World, author: Person) -> tuple[str, object]:
    return "UPDATE users SET is_active = %s WHERE email = %s", False


@pytest.mark.parametrize("call", [edit, delete, presign, answer_question, delete_image])
@pytest.mark.parametrize(
    ("loss", "refusal"),
    [
        (move_the_caller, (403, "FORBIDDEN")),
        (promote_the_caller, (403, "FORBIDDEN")),
        (deactivate_the_caller, (401, "TOKEN_REVOKED")),
    ],
)
def test_a_caller_who_loses_the_right_meanwhile_is_refused(
    world: World,
    call: Call,
    loss: Callable[[World, Person], tuple[str, object]],
    refusal: tuple[int, str],
) -> None:
    author = world.plant_user(0)
    practice = world.practice(author, "submitted")
    asked_question(world, practice)
    recorded_image(world, author, practice)
    statement, value = loss(world, author)

    with psycopg.connect(world.database_url) as headquarters, ThreadPoolExecutor(1) as rival:
        headquarters.execute(statement.encode(), (value, author.email))
        request = rival.submit(call, world, author, practice)
        eventually(lambda: world.query(WAITING) == [(1,)] or request.done())
        before = written(world)
        headquarters.commit()
        response = request.result()

    assert error_of(response) == refusal
    assert written(world) == before
