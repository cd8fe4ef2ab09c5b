"""Requests that are made to cost much are refused early, with a short answer."""

import json
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from functions.edge.declaration import BODY_LIMIT, STRANGER_BODY_LIMIT, Endpoint
from functions.edge.endpoint import ENDPOINTS
from functions.edge.responses import MAX_DETAILS
from tests.world import World, error_of, invalid, refusal_of

TOO_LARGE: Final = (413, "PAYLOAD_TOO_LARGE")
UNREADABLE: Final = (400, "BAD_REQUEST")
SOME_ID: Final = "00000000-0000-4000-8000-000000000000"

WRITES: Final = [endpoint for endpoint in ENDPOINTS.values() if endpoint.writes]
FOR_ANYONE: Final = [endpoint for endpoint in WRITES if not endpoint.who.signed_in]


def path_of(endpoint: Endpoint) -> str:
    """The path of an endpoint, with an id for each of its parameters."""
    path = endpoint.route
    for name in endpoint.inputs.path_ids:
        path = path.replace(f"{{{name}:guid}}", SOME_ID)
    return path


def send(browser: httpx.Client, endpoint: Endpoint, body: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return browser.request(endpoint.method, path_of(endpoint), content=body, headers=headers)


def unknown_fields(number: int) -> bytes:
    """A JSON object with this many fields that no call knows."""
    return json.dumps({f"{name:x}": 1 for name in range(number)}, separators=(",", ":")).encode()


def test_nobody_without_a_session_sends_more_than_16_kilobytes(world: World) -> None:
    assert {"login", "register", "refresh_tokens"} <= {endpoint.name for endpoint in FOR_ANYONE}
    browser = world.browser()
    for endpoint in FOR_ANYONE:
        refused = send(browser, endpoint, b"{}".ljust(STRANGER_BODY_LIMIT + 1))
        assert error_of(refused) == TOO_LARGE, endpoint.name
        taken = send(browser, endpoint, b"{}".ljust(STRANGER_BODY_LIMIT))
        assert error_of(taken)[0] in (401, 422), endpoint.name


@pytest.mark.parametrize("token", ["none", "forged", "ended"])
def test_a_large_body_without_a_live_session_is_401_before_it_is_looked_at(world: World, token: str) -> None:
    person, browser = world.plant_user(), world.browser()
    person.post("/auth/logout")
    sent = {"none": "", "forged": "Bearer x.y.z", "ended": f"Bearer {person.tokens['access_token']}"}[token]
    browser.headers["Authorization"] = sent
    signed_in = [endpoint for endpoint in WRITES if endpoint.who.signed_in]
    for endpoint in signed_in:
        response = send(browser, endpoint, b"[" * (endpoint.body_limit + 1))
        assert response.status_code == 401, endpoint.name
        assert len(response.content) < 300


def test_a_large_body_with_a_session_is_413(world: World) -> None:
    person = world.plant_user()
    response = person.http.post("/api/v1/best-practices", content=b"[" * (BODY_LIMIT + 1))
    assert error_of(response) == TOO_LARGE


def test_at_most_twenty_wrong_fields_are_listed_and_the_message_counts_the_others(world: World) -> None:
    person = world.plant_user()
    for number, others in ((19, ""), (20, " Wrong fields that are not listed: 1."),
                           (1500, " Wrong fields that are not listed: 1481.")):  # fmt: skip
        response = person.http.post("/api/v1/best-practices", content=unknown_fields(number))
        assert error_of(response) == (422, "VALIDATION_ERROR")
        error = response.json()["error"]
        assert len(error["details"]) == min(number + 1, MAX_DETAILS)  # the missing title is one, too
        assert error["message"] == "The body is not valid." + others
        assert len(response.content) < 3000


def test_the_name_of_an_unknown_field_is_cut_in_the_answer(world: World) -> None:
    person = world.plant_user()
    response = person.post("/best-practices", {"title": "x", "k" * 500_000: 1})
    assert [wrong["field"] for wrong in response.json()["error"]["details"]] == ["k" * 100 + "..."]


@pytest.mark.parametrize(
    "body",
    [
        unknown_fields(110_000),
        b'{"title": "x", "benefits": [' + b"1," * 400_000 + b"1]}",
        b'{"title": "x", "benefits": [' + b"[]," * 300_000 + b"[]]}",
        b'{"title": "x", ' + b'"title": "x",' * 70_000 + b'"title": "x"}',
        b'"" ' * 300_000,
    ],
    ids=["unknown fields", "numbers", "arrays", "one field again and again", "texts"],
)
def test_a_body_with_very_many_values_is_refused_with_one_fault(world: World, body: bytes) -> None:
    assert len(body) <= BODY_LIMIT
    response = world.plant_user().http.post("/api/v1/best-practices", content=body)
    assert refusal_of(response) == invalid("body")
    assert len(response.content) < 300


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"title": "x", "title": "y"}', invalid("title")),
        (b'{"a": [{"b": 1, "b": 2}]}', invalid("b")),
        (b'{"title": "x", "savings_amount": ' + b"9" * 500_000 + b"}", (*UNREADABLE, set())),
        (b'{"title": "x", "savings_amount": ' + b"9" * 4000 + b"}", invalid("savings_amount")),
        (b'{"title": "x", "savings_amount": 1e999999999}', invalid("savings_amount")),
        (b'{"title": "x", "savings_amount": "1e-999999"}', invalid("savings_amount")),
        (b'{"title": ' + b"[" * 40 + b"]" * 40 + b"}", invalid("title")),
        (b'{"title": ' + b"[" * 60 + b"]" * 60 + b"}", (*UNREADABLE, set())),
        (b'{"title": "' + b'\\"' * 500_000, (*UNREADABLE, set())),
    ],
    ids=["twice", "twice below", "huge", "large", "exponent", "small", "nested", "deep", "without an end"],
)  # fmt: skip
def test_repeated_names_huge_numbers_and_deep_nesting_are_refused(
    world: World, body: bytes, expected: object
) -> None:
    assert refusal_of(world.plant_user().http.post("/api/v1/best-practices", content=body)) == expected
    assert world.query("SELECT count(*) FROM best_practices") == [(0,)]


def get(path: str, **headers: str) -> Callable[[httpx.Client], httpx.Response]:
    return lambda browser: browser.get(path, headers=headers)


LONG_HEADS: Final[dict[str, tuple[Callable[[httpx.Client], httpx.Response], Any]]] = {
    "a URL of 9,000 characters": (get("/api/v1/plants?x=" + "y" * 9000), UNREADABLE),
    "a URL without a session": (get("/health?x=" + "y" * 9000), UNREADABLE),
    "a cookie of 1 MB": (get("/api/v1/plants", cookie="x" * 2**20), UNREADABLE),
    "X-Forwarded-For of 1 MB": (get("/api/v1/plants", **{"X-Forwarded-For": "1," * 2**19}), UNREADABLE),
    "If-Match with 100,000 tags": (get("/api/v1/plants", **{"If-Match": '"1",' * 100_000}), UNREADABLE),
    "a token of 1 MB": (get("/api/v1/plants", Authorization="Bearer " + "x" * 2**20), UNREADABLE),
    "a token of 20 kB": (
        get("/api/v1/plants", Authorization="Bearer " + "x" * 20_000), (401, "UNAUTHENTICATED")
    ),
    "a long key": (
        lambda browser: browser.post("/api/v1/best-practices", headers={"Idempotency-Key": "k" * 20_000}),
        (422, "VALIDATION_ERROR"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG_HEADS)
def test_long_urls_and_headers_are_refused_before_they_are_read(world: World, name: str) -> None:
    call, expected = LONG_HEADS[name]
    assert error_of(call(world.plant_user().http)) == expected


def test_a_query_with_very_many_parameters_is_refused_with_one_fault(world: World) -> None:
    query = "&".join(f"a{number}=1" for number in range(51))
    assert refusal_of(world.plant_user().http.get(f"/api/v1/best-practices?{query}")) == invalid("query")


def test_the_version_of_a_practice_is_found_among_many_tags(world: World) -> None:
    author = world.plant_user()
    path = f"/best-practices/{world.practice(author)['id']}"
    others = ",".join(f'"{number}"' for number in range(10, 3000))
    assert author.patch(path, {"title": "y"}, if_match=f'{others},"1"').status_code == 200
    assert error_of(author.patch(path, {"title": "z"}, if_match=f"{others},2"))[0] == 412


@pytest.mark.parametrize(
    "body",
    [
        b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 100_000 + b"--edge--\r\n",
        b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 2**22 + b"\r\n--edge--\r\n",
        b"--edge\r\n" + b"a: b\r\n" * 700_000 + b"\r\n\r\n--edge--\r\n",
    ],
    ids=["100,000 parts", "a field of 4 MB", "700,000 headers of a part"],
)
def test_a_form_with_very_many_parts_or_long_ones_is_refused(world: World, body: bytes) -> None:
    author = world.plant_user()
    url = f"/api/v1/best-practices/{world.practice(author)['id']}/upload-image"
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    response = author.http.post(url, content=body, headers=headers)
    assert refusal_of(response) == invalid("form")
