"""Requests that are repeated with the same Idempotency-Key: one thing is created, one response returned."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import cycle

import httpx
import pytest

from bp_core.practices.service import PracticeService
from functions import bootstrap
from functions.edge.access import ANYONE
from functions.edge.declaration import DeclarationError
from functions.edge.endpoint import ENDPOINTS, endpoints
from functions.settings import load_settings
from functions.unit_of_work import UnitOfWork
from tests.world import (
    Person,
    World,
    concurrently,
    confirmation,
    error_of,
    invalid,
    picture,
    refusal_of,
    upload_request,
)

REUSED = (409, "IDEMPOTENCY_KEY_REUSED")
REPLAYED = "Idempotency-Replayed"
BODY = {"title": "Less scrap"}


def count(world: World, table: str = "best_practices") -> int:
    number: int = world.query(f"SELECT count(*) FROM {table}")[0][0]
    return number


def send_photograph(author: Person, practice_id: str, key: str, color: str = "red") -> httpx.Response:
    return author.http.post(
        f"/api/v1/best-practices/{practice_id}/upload-image",
        data={"image_type": "before"},
        files={"file": ("joint.jpg", picture(color=color), "image/jpeg")},
        headers={"Idempotency-Key": key},
    )


def replay_of(first: httpx.Response) -> bytes:
    """The body of the same response when it is replayed."""
    return first.content.removesuffix(b"}") + b',"replayed":true}'


def test_a_repeated_call_returns_the_first_response_and_creates_nothing(world: World) -> None:
    author = world.plant_user()
    first = author.post("/best-practices", BODY, idempotency_key="k1")
    assert (first.status_code, REPLAYED in first.headers) == (201, False)
    author.patch(f"/best-practices/{first.json()['data']['id']}", {"title": "Changed since"})
    world.clock.advance(timedelta(minutes=20))
    before = world.snapshot()
    again = author.post("/best-practices", BODY, idempotency_key="k1")
    assert (again.status_code, again.content) == (201, replay_of(first))
    assert "replayed" not in first.json()
    assert (again.headers[REPLAYED], again.headers["ETag"]) == ("true", first.headers["ETag"])
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert world.snapshot() == before


def test_a_key_belongs_to_its_user(world: World) -> None:
    for person in (world.plant_user(), world.plant_user(), world.plant_user(1)):
        assert REPLAYED not in person.post("/best-practices", BODY, idempotency_key="k").headers
    assert count(world) == 3


def test_a_key_with_another_body_or_route_is_refused(world: World) -> None:
    author, hq = world.plant_user(), world.headquarters()
    author.post("/best-practices", BODY, idempotency_key="k")
    assert error_of(author.post("/best-practices", {"title": "Other"}, idempotency_key="k")) == REUSED
    practices = [world.practice(author)["id"] for _ in range(2)]
    first, second = (
        author.post(path, upload_request(practice_id), idempotency_key="k2")
        for path, practice_id in (
            ("/upload/presigned-url", practices[0]),
            ("/upload/presigned-url", practices[1]),
        )
    )
    assert (first.status_code, error_of(second)) == (200, REUSED)
    upload = upload_request(practices[0])
    assert (
        error_of(author.post("/best-practices/upload/presigned-url", upload, idempotency_key="k2")) == REUSED
    )
    body = {"name": "Same", "short_name": "S", "division": "D"}
    assert hq.post("/plants", body, idempotency_key="k").status_code == 201
    assert count(world) == 3
    assert count(world, "uploads") == 1


def test_after_24_hours_a_key_is_free_again(world: World) -> None:
    author = world.plant_user()
    author.post("/best-practices", BODY, idempotency_key="k")
    world.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert author.sign_in().post("/best-practices", BODY, idempotency_key="k").headers[REPLAYED] == "true"
    world.clock.advance(timedelta(seconds=1))
    fresh = author.post("/best-practices", {"title": "Another"}, idempotency_key="k")
    assert (fresh.status_code, REPLAYED in fresh.headers) == (201, False)
    assert count(world) == 2


def test_a_refused_call_leaves_its_key_free(world: World) -> None:
    author, hq = world.plant_user(), world.headquarters()
    refused: list[tuple[Person, str, object]] = [
        (author, "/best-practices", {"title": ""}),
        (author, "/best-practices", {**BODY, "status": "submitted"}),
        (author, "/best-practices", {**BODY, "plant_id": str(world.plants[3])}),
        (hq, "/best-practices", {**BODY, "plant_id": "00000000-0000-4000-8000-000000000000"}),
        (author, "/plants", {"name": "x", "short_name": "x", "division": "x"}),
    ]
    for person, path, body in refused:
        assert person.post(path, body, idempotency_key="k").status_code in (403, 422)
    assert count(world, "idempotency_keys") == 0
    assert author.post("/best-practices", BODY, idempotency_key="k").status_code == 201


def test_a_call_that_fails_leaves_its_key_free(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    author = world.plant_user()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(PracticeService, "create", fail)
        assert author.post("/best-practices", BODY, idempotency_key="k").status_code == 500
    assert author.post("/best-practices", BODY, idempotency_key="k").status_code == 201
    assert count(world) == 1


def test_a_key_has_1_to_64_printable_characters(world: World) -> None:
    author = world.plant_user()
    for bad in ("", "x" * 65, "a b", "a\tb"):
        response = author.post("/best-practices", BODY, idempotency_key=bad)
        assert refusal_of(response) == invalid("Idempotency-Key"), bad
    assert count(world) == 0
    for good in ("1", "x" * 64, "4e1c0b9a-5d0e-4c53-9a0e-8f6f6d1f2b11", "a/b:c;d=~"):
        assert author.post("/best-practices", BODY, idempotency_key=good).status_code == 201, good


def test_the_same_call_at_the_same_time_on_two_instances_creates_one_practice(world: World) -> None:
    author = world.plant_user()
    with two_instances(world):
        for turn in range(5):
            call = partial(author.post, "/best-practices", BODY, idempotency_key=f"k{turn}")
            responses = concurrently(*[call] * 4)
            assert [response.status_code for response in responses] == [201] * 4
            assert len({str(response.json()["data"]) for response in responses}) == 1
            assert sum(response.json().get("replayed", False) for response in responses) == 3
            assert sum(REPLAYED in response.headers for response in responses) == 3
            assert count(world) == turn + 1


@contextmanager
def two_instances(world: World) -> Iterator[None]:
    """Let two portals, each with its own connection pool, serve the calls in turn."""
    other = bootstrap.build(load_settings(world.settings), world.clock)
    turns = cycle((world.portal, other))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bootstrap, "portal", lambda: next(turns))
        yield
    other.close()


def test_an_image_that_is_sent_twice_is_stored_once_whatever_the_boundary_of_the_form(world: World) -> None:
    author = world.plant_user()
    practice_id = world.practice(author)["id"]
    first = send_photograph(author, practice_id, "k")
    again = send_photograph(author, practice_id, "k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.request.headers["Content-Type"] != again.request.headers["Content-Type"]
    assert (again.content, again.headers[REPLAYED]) == (replay_of(first), "true")
    assert error_of(send_photograph(author, practice_id, "k", color="blue")) == REUSED
    assert count(world, "practice_images") == 1


def test_a_refused_or_running_call_is_not_replayed(
    world: World,
) -> None:
    author = world.plant_user()
    practice_id = world.practice(author)["id"]
    path = f"/best-practices/{practice_id}/images"
    permit = world.presign_image(author, practice_id)
    body = confirmation(permit["blob_name"])
    assert error_of(author.post(path, body, idempotency_key="k")) == (409, "UPLOAD_MISSING")
    world.put_blob(permit["blob_name"], picture())
    assert author.post(path, body, idempotency_key="k").status_code == 201
    world.query("UPDATE idempotency_keys SET status = NULL, answer = NULL")
    assert error_of(author.post(path, body, idempotency_key="k")) == (409, "IDEMPOTENCY_KEY_BUSY")


def test_the_token_of_an_invite_is_not_stored_in_plain_text(world: World) -> None:
    hq = world.headquarters()
    body = {"email": "new@amber.test", "role": "hq"}
    first, again = (hq.post("/auth/invites", body, idempotency_key="k") for _ in range(2))
    token = first.json()["data"]["token"]
    assert again.json()["data"]["token"] == token
    [(response,)] = world.query("SELECT answer FROM idempotency_keys")
    assert token.encode() not in bytes(response)
    assert count(world, "invites") == 1


def test_every_post_that_creates_something_accepts_a_key() -> None:
    takes = {endpoint.name for endpoint in ENDPOINTS.values() if endpoint.creates}
    assert takes >= {
        "create_practice", "create_plant", "create_category", "create_invite", "ask_for_upload",
        "ask_for_practice_upload", "confirm_image", "upload_image",
    }  # fmt: skip
    making = {one.name for one in ENDPOINTS.values() if one.status == 201}
    assert making - takes == {"register"}  # nobody is signed in there


def test_an_endpoint_for_anyone_cannot_accept_a_key() -> None:
    def anybody(work: UnitOfWork) -> None: ...

    _, declare = endpoints()
    with pytest.raises(DeclarationError, match="an idempotency key needs a user"):
        declare("POST", "/api/v1/secrets", who=ANYONE, status=201)(anybody)
