from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import Field

from bp_core.shared.errors import BadRequest, Invalid, NotFound, TooLarge, UnsupportedMedia
from bp_core.shared.schemas import Day, RequestModel, Text
from functions.edge import parsing
from functions.edge.parsing import NoBody, NoQuery, SentFile
from tests.unit.functions.edge.requests import multipart, request

PRACTICE = "0b5bd0b3-9a5c-4f6e-8a3e-5a0a2f0c9d11"
PHOTOGRAPH = (
    'file"; filename="a photo.jpg"\r\nContent-Type: image/JPEG',
    b"\xff\xd8\xff\r\n--not the edge\x00",
)


class Line(RequestModel):
    number: Annotated[int, Field(ge=1)]


class Order(RequestModel):
    customer: Text
    lines: list[Line] = Field(default_factory=list)


class Search(RequestModel):
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    plant_id: UUID | None = None
    since: Day | None = None
    order: Literal["asc", "desc"] = "asc"


def test_a_body_of_exactly_the_limit_is_accepted() -> None:
    parsing.require_size(request(b"x" * 10), 10)


def test_a_larger_body_is_rejected() -> None:
    with pytest.raises(TooLarge):
        parsing.require_size(request(b"x" * 11), 10)


def test_an_id_is_read_from_the_path() -> None:
    sent = request(route_params={"practice_id": PRACTICE})

    assert parsing.path_id(sent, "practice_id") == UUID(PRACTICE)


@pytest.mark.parametrize("sent", ["", "7", "latest", f"{PRACTICE}0"])
def test_a_malformed_id_in_a_path_is_not_found(sent: str) -> None:
    with pytest.raises(NotFound):
        parsing.path_id(request(route_params={"practice_id": sent}), "practice_id")


def test_a_query_is_read_into_its_model() -> None:
    sent = request(params={"limit": "5", "plant_id": PRACTICE})

    assert parsing.query(sent, Search) == Search(limit=5, plant_id=UUID(PRACTICE))


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "five"), ("plant_id", "pune"), ("since", "yesterday"), ("since", "20260801")],
)
def test_a_value_of_a_query_that_cannot_be_read_at_all_is_a_bad_request(name: str, value: str) -> None:
    with pytest.raises(BadRequest) as error:
        parsing.query(request(params={name: value}), Search)

    assert [fault.field for fault in error.value.details] == [name]


@pytest.mark.parametrize(
    ("name", "value"), [("limit", "0"), ("limit", "101"), ("order", "sideways"), ("color", "red")]
)
def test_a_value_of_a_query_that_can_be_read_and_is_wrong_is_invalid(name: str, value: str) -> None:
    with pytest.raises(Invalid) as error:
        parsing.query(request(params={name: value}), Search)

    assert [fault.field for fault in error.value.details] == [name]


def test_a_call_without_parameters_refuses_every_parameter() -> None:
    assert parsing.query(request(), NoQuery) == NoQuery()
    with pytest.raises(Invalid) as error:
        parsing.query(request(params={"limit": "5", "colour": "red"}), NoQuery)

    assert [fault.field for fault in error.value.details] == ["limit", "colour"]


def test_an_empty_value_of_a_query_counts_as_not_sent() -> None:
    assert parsing.query(request(params={"limit": "", "colour": ""}), Search) == Search()


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON", ""]
)
def test_a_json_body_is_read_into_its_model(content_type: str) -> None:
    sent = request('{"customer": "आशा"}'.encode(), headers={"content-type": content_type})

    assert parsing.json_body(sent, Order) == Order(customer="आशा")


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"{",
        b"{'customer': 'x'}",
        b'{"customer": "x",}',
        b'{"customer": "x"} and more',
        b'{"customer": "\xff"}',
        b'{"customer": "\\ud800"}',
        b"[" * 100_000,
    ],
    ids=lambda body: ascii(body[:20]),
)
def test_a_body_that_is_no_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest, match="not JSON"):
        parsing.json_body(request(body), Order)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"[]", ["body"]),
        (b'"text"', ["body"]),
        (b"null", ["body"]),
        (b"{}", ["customer"]),
        (b"", ["customer"]),
        (b'{"customer": 7}', ["customer"]),
        (b'{"customer": "a\\u0000b"}', ["customer"]),
        (b'{"customer": "x", "colour": "red", "size": 1}', ["colour", "size"]),
        (b'{"customer": "x", "lines": [{"number": 1}, {"number": 0}]}', ["lines.1.number"]),
    ],
)
def test_a_body_that_breaks_its_model_is_invalid_and_every_field_is_named(
    body: bytes, fields: list[str]
) -> None:
    with pytest.raises(Invalid) as error:
        parsing.json_body(request(body), Order)

    assert [fault.field for fault in error.value.details] == fields


def test_the_message_of_a_wrong_field_is_written_for_people() -> None:
    with pytest.raises(Invalid) as error:
        parsing.json_body(request(b'{"customer": "a\\u0000b"}'), Order)

    assert [fault.message for fault in error.value.details] == ["must not contain NUL characters"]


def test_what_was_sent_is_not_repeated_in_a_error() -> None:
    with pytest.raises(Invalid) as error:
        parsing.json_body(request(b'{"customer": ["my secret"]}'), Order)

    assert "my secret" not in f"{error.value} {error.value.details}"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_a_body_of_another_type_is_unsupported(content_type: str) -> None:
    with pytest.raises(UnsupportedMedia):
        parsing.json_body(request(b"{}", headers={"content-type": content_type}), Order)


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}])
def test_an_endpoint_without_a_body_ignores_the_content_type(headers: dict[str, str]) -> None:
    assert parsing.json_body(request(b"", headers=headers), NoBody) == NoBody()


def test_a_form_is_read_into_its_fields_and_its_file() -> None:
    form = parsing.form(multipart(('limit"', b"5"), PHOTOGRAPH), Search)

    assert form.texts == {"limit": "5"}
    assert form.fields == Search(limit=5)
    assert form.file == SentFile("a photo.jpg", "image/jpeg", PHOTOGRAPH[1])


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [('limit"', b"5")],
        [('photo"; filename="a.jpg"', b"x")],
        [PHOTOGRAPH, PHOTOGRAPH],
        [PHOTOGRAPH, ('other"; filename="b.jpg"', b"x")],
    ],
)
def test_a_form_has_exactly_one_file_in_the_field_file(parts: list[tuple[str, bytes]]) -> None:
    with pytest.raises(Invalid) as error:
        parsing.form(multipart(*parts), Search)

    assert [fault.field for fault in error.value.details] == ["file"]


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "application/json"}, {"content-type": "image/jpeg"}]
)
def test_another_content_type_than_a_form_is_unsupported(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMedia):
        parsing.form(request(b"{}", headers=headers), Search)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"--edge\r\nContent-Disposition"])
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=edge", "multipart/form-data"])
def test_a_malformed_form_is_a_bad_request(body: bytes, content_type: str) -> None:
    with pytest.raises(BadRequest):
        parsing.form(request(body, headers={"content-type": content_type}), Search)


def test_the_fields_of_a_form_are_validated_by_their_model() -> None:
    with pytest.raises(Invalid) as error:
        parsing.form(multipart(('limit"', b"five"), ('color"', b"red"), PHOTOGRAPH), Search)
    assert [fault.field for fault in error.value.details] == ["limit", "color"]
