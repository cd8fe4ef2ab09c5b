"""What all routes have in common: parsing, errors, headers and logging."""

import json
import logging
import re
from uuid import uuid4

import httpx
import pytest

from adapters.postgres.categories import PostgresCategories
from functions.edge.declaration import BODY_LIMIT
from tests.world import PASSWORD, Person, World, error_of, invalid, refusal_of

UNREADABLE = (400, "BAD_REQUEST", set[str]())

BAD_BODIES = [
    (b"title=x", UNREADABLE),
    (b'{"title": "x"', UNREADABLE),
    (b'{"title": "x"} and more', UNREADABLE),
    (b'{"title": "\xff"}', UNREADABLE),
    ('{"title": "x"}'.encode("utf-16"), UNREADABLE),
    (b'{"title": "\\ud800"}', UNREADABLE),
    (b"[" * 100_000, UNREADABLE),
    (b"[]", invalid("body")),
    (b'[{"title": "x"}]', invalid("body")),
    (b"null", invalid("body")),
    (b'"x"', invalid("body")),
    (b"{}", invalid("title")),
    (b'{"title": "x", "colour": "red"}', invalid("colour")),
    (b'{"title": "x", "id": "a", "is_deleted": true}', invalid("id", "is_deleted")),
    (b'{"title": "a\\u0000b"}', invalid("title")),
    (b'{"title": "x", "solution": "\\u0000"}', invalid("solution")),
    (b'{"title": "x", "benefits": ["good", "b\\u0000d"]}', invalid("benefits.1")),
    (b'{"title": 5}', invalid("title")),
    (b'{"title": " \\n "}', invalid("title")),
]  # fmt: skip

BAD_QUERIES = [
    ("limit=ten", (400, "BAD_REQUEST", {"limit"})),
    ("limit=1.5", (400, "BAD_REQUEST", {"limit"})),
    ("offset=1,2", (400, "BAD_REQUEST", {"offset"})),
    ("category_id=cost", (400, "BAD_REQUEST", {"category_id"})),
    ("start_date=yesterday", (400, "BAD_REQUEST", {"start_date"})),
    ("end_date=2026-02-30", (400, "BAD_REQUEST", {"end_date"})),
    ("end_date=1755216000", (400, "BAD_REQUEST", {"end_date"})),
    ("is_benchmarked=maybe", (400, "BAD_REQUEST", {"is_benchmarked"})),
    ("limit=ten&status=lost", (400, "BAD_REQUEST", {"limit", "status"})),
    ("limit=0", invalid("limit")),
    ("limit=101", invalid("limit")),
    ("limit=-1", invalid("limit")),
    ("limit=99999999999999999999999", invalid("limit")),
    ("offset=-1", invalid("offset")),
    ("status=lost", invalid("status")),
    ("sort_by=colour", invalid("sort_by")),
    ("sort_order=up", invalid("sort_order")),
    ("colour=red", invalid("colour")),
    ("search=a%00b", invalid("search")),
    ("search=" + "x" * 201, invalid("search")),
    ("limit=0&offset=-1", invalid("limit", "offset")),
]


@pytest.fixture
def log_lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of the portal from level INFO."""
    caplog.set_level(logging.INFO, logger="portal")
    return caplog


def test_an_unreadable_or_invalid_body_is_refused_and_nothing_is_written(
    world: World,
) -> None:
    author = world.plant_user()
    for body, expected in BAD_BODIES:
        response = author.http.post(
            "/api/v1/best-practices", content=body, headers={"Content-Type": "application/json"}
        )
        assert refusal_of(response) == expected, body[:60]
    assert world.query("SELECT count(*) FROM best_practices") == [(0,)]


def test_a_body_of_another_type_is_refused(world: World) -> None:
    author = world.plant_user()
    for declared in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json"):
        response = _post(author.http, b'{"title": "x"}', declared)
        assert error_of(response) == (415, "UNSUPPORTED_MEDIA_TYPE"), declared
    assert world.query("SELECT count(*) FROM best_practices") == [(0,)]
    for taken in ("application/json", "Application/JSON; charset=utf-8", None):
        assert _post(author.http, b'{"title": "x"}', taken).status_code == 201, taken


def test_a_body_over_the_limit_is_refused_unread(world: World) -> None:
    author = world.plant_user()
    for size in (BODY_LIMIT + 1, 2 * BODY_LIMIT):
        response = _post(author.http, b'{"title": "x"}'.ljust(size), "application/json")
        assert error_of(response) == (413, "PAYLOAD_TOO_LARGE")
    assert world.query("SELECT count(*) FROM best_practices") == [(0,)]
    assert _post(author.http, b'{"title": "x"}'.ljust(BODY_LIMIT), "application/json").status_code == 201


def test_the_body_of_a_read_is_ignored(world: World) -> None:
    body = b"not JSON".ljust(BODY_LIMIT + 1)
    assert world.plant_user().http.request("GET", "/api/v1/plants", content=body).status_code == 200


def test_an_unreadable_or_invalid_query_is_refused(world: World) -> None:
    reader = world.plant_user()
    for query, expected in BAD_QUERIES:
        assert refusal_of(reader.http.get(f"/api/v1/best-practices?{query}")) == expected, query


def test_an_unknown_or_malformed_id_and_an_unknown_path_are_not_found(world: World) -> None:
    reader = world.plant_user()
    for kind in ("best-practices", "plants", "categories"):
        assert error_of(reader.get(f"/{kind}/{uuid4()}")) == (404, "NOT_FOUND")
        for malformed in ("1", "x" * 36, str(uuid4())[:-1], f"{uuid4()}x", "%00", "..%2f"):
            assert reader.get(f"/{kind}/{malformed}").status_code == 404, (kind, malformed)
    assert reader.get("/nothing").status_code == 404


def test_a_method_that_a_path_does_not_have_is_refused(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    for method, path in (
        ("PUT", f"/best-practices/{practice['id']}"),
        ("DELETE", "/best-practices"),
        ("GET", "/auth/login"),
        ("PUT", "/plants"),
        ("GET", f"/best-practices/{practice['id']}/approve"),
    ):
        assert author.http.request(method, f"/api/v1{path}").status_code == 405, (method, path)


def test_a_valid_request_id_is_kept_and_an_invalid_one_is_replaced(world: World) -> None:
    browser = world.browser()
    for good in ("a", "A-Z_0.9", "x" * 64):
        response = browser.get("/api/v1/plants", headers={"X-Request-ID": good})
        assert response.headers["X-Request-ID"] == good
        assert response.json()["error"]["request_id"] == good
    for bad in ("", "x" * 65, "two words", "a/b", 'a"b', "<script>"):
        response = browser.get("/health", headers={"X-Request-ID": bad})
        assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"]), bad
    assert browser.get("/health").headers["X-Request-ID"] != browser.get("/health").headers["X-Request-ID"]


def test_every_response_has_the_security_headers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    responses = [
        world.browser().get("/health"),
        author.get("/plants"),
        author.post("/best-practices", {"title": "x"}),
        world.browser().get("/api/v1/plants"),
        author.get("/jobs"),
        author.get(f"/best-practices/{uuid4()}"),
        world.plant_user().post(f"/best-practices/{practice['id']}/submit", {"colour": "red"}),
        _post(author.http, b"{", "application/json"),
        _post(author.http, b"{}", "text/plain"),
        _post(author.http, b" " * 2 * BODY_LIMIT, "application/json"),
    ]
    monkeypatch.setattr(PostgresCategories, "categories", _broken)
    responses.append(author.get("/categories"))
    assert [response.status_code for response in responses] == [
        200,
        200,
        201,
        401,
        403,
        404,
        422,
        400,
        415,
        413,
        500,
    ]
    for response in responses:
        assert response.headers["Content-Type"].startswith("application/json")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert response.headers["X-Request-ID"]


def test_the_cause_of_a_failure_is_in_the_log_and_not_in_the_response(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: pytest.LogCaptureFixture
) -> None:
    reader = world.plant_user()
    monkeypatch.setattr(PostgresCategories, "categories", _broken)
    log_lines.clear()
    response = reader.http.get("/api/v1/categories", headers={"X-Request-ID": "call-17"})
    assert error_of(response) == (500, "INTERNAL")
    assert response.json()["error"] == {
        "code": "INTERNAL",
        "message": "Something went wrong on our side.",
        "details": [],
        "request_id": "call-17",
    }
    failure = next(record for record in log_lines.records if record.exc_info)
    assert "internal secret" in str(failure.exc_info)
    written = json.loads(failure.getMessage())
    [(user_id,)] = world.query("SELECT id FROM users WHERE email = %s", reader.email)
    assert written == {
        "event": "failed",
        "request_id": "call-17",
        "function": "list_categories",
        "user_id": str(user_id),
    }


def test_a_failure_rolls_back_what_the_call_has_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = world.plant_user()
    before = world.snapshot()
    monkeypatch.setattr("bp_core.savings.StarRatingListener.practice_changed", _broken)
    assert error_of(author.post("/best-practices", {"title": "x"})) == (500, "INTERNAL")
    assert world.snapshot() == before


def call_with_secrets(world: World) -> Person:
    """Sign in, refresh, mistype the password, search, and ask for an unknown practice."""
    person = world.add_person("secretive@amber.test", plant=0).sign_in()
    person.post("/auth/refresh", {"refresh_token": person.tokens["refresh_token"]})
    person.post("/auth/login", {"email": person.email, "password": "a wrong guess"})
    person.get("/best-practices", search="private question", category_id=str(uuid4()))
    person.get(f"/best-practices/{uuid4()}")
    return person


def test_every_call_is_logged_in_one_line_of_json(world: World, log_lines: pytest.LogCaptureFixture) -> None:
    call_with_secrets(world)
    lines = [json.loads(record.getMessage()) for record in log_lines.records]
    answered = [line for line in lines if line["event"] == "answered"]
    assert [(line["function"], line["method"], line["status"]) for line in answered] == [
        ("login", "POST", 200),
        ("refresh_tokens", "POST", 200),
        ("login", "POST", 401),
        ("list_practices", "GET", 200),
        ("show_practice", "GET", 404),
    ]
    assert all(line["request_id"] and line["milliseconds"] >= 0 for line in answered)
    assert len({line["request_id"] for line in answered}) == len(answered)
    refused = [(line["function"], line["code"]) for line in lines if line["event"] == "refused"]
    assert refused == [("login", "INVALID_CREDENTIALS"), ("show_practice", "NOT_FOUND")]


def test_the_log_has_no_bodies_queries_passwords_or_tokens(
    world: World, log_lines: pytest.LogCaptureFixture
) -> None:
    person = call_with_secrets(world)
    tokens = (person.tokens["access_token"], person.tokens["refresh_token"])
    for secret in (PASSWORD, "a wrong guess", "secretive@", "question", *tokens):
        assert secret not in log_lines.text


def _post(client: httpx.Client, body: bytes, declared: str | None) -> httpx.Response:
    headers = {} if declared is None else {"Content-Type": declared}
    return client.post("/api/v1/best-practices", content=body, headers=headers)


def _broken(*_: object) -> None:
    raise RuntimeError("an internal secret")
