import json
from typing import Any

import azure.functions as func
import pytest
from pydantic import TypeAdapter

from bp_core.shared import errors
from bp_core.shared.errors import FieldError, Invalid, NotFound, PortalError, Unauthenticated, Unavailable
from bp_core.shared.model import Shown
from bp_core.shared.paging import Page
from functions import answers
from functions.answers import SECURITY_HEADERS, STATUS, Reply, ReplyBeside

FAMILIES = [
    family
    for family in vars(errors).values()
    if isinstance(family, type) and issubclass(family, PortalError) and family is not PortalError
]


class Plant(Shown):
    name: str


PLANT: TypeAdapter[Any] = TypeAdapter(Plant)
PLANTS: TypeAdapter[Any] = TypeAdapter(list[Plant])
PUNE = Plant(name="Pune")


def body(response: func.HttpResponse) -> Any:
    return json.loads(response.get_body())


def render(result: object, adapter: TypeAdapter[Any] = PLANT, status: int = 200) -> func.HttpResponse:
    return answers.render(result, adapter, status=status, request_id="r1")


def test_a_result_is_put_into_the_envelope() -> None:
    response = render(PUNE)

    assert response.status_code == 200
    assert body(response) == {"success": True, "data": {"name": "Pune"}}


def test_the_status_of_a_result_is_the_declared_one() -> None:
    assert render(PUNE, status=201).status_code == 201


def test_a_part_of_a_list_tells_how_the_list_goes_on() -> None:
    response = render(Page([PUNE], total=3, limit=1, offset=1), PLANTS)

    assert body(response) == {
        "success": True,
        "data": [{"name": "Pune"}],
        "pagination": {"total": 3, "limit": 1, "offset": 1, "has_more": True},
    }


def test_a_reply_may_have_a_status_and_a_header_of_its_own() -> None:
    response = render(Reply(PUNE, status=202, headers={"Location": "/plants/1"}))

    assert response.status_code == 202
    assert response.headers["Location"] == "/plants/1"
    assert body(response) == {"success": True, "data": {"name": "Pune"}}


def test_a_reply_may_say_something_to_people() -> None:
    response = render(Reply(None, message='Signed "out".'), TypeAdapter(None))

    assert body(response) == {"success": True, "data": None, "message": 'Signed "out".'}


def test_the_fields_of_a_reply_may_stand_at_the_top_as_well() -> None:
    spread = {"success": True, "data": {"name": "Pune"}, "name": "Pune"}

    assert body(render(ReplyBeside(data=PUNE, beside=PUNE))) == spread
    assert body(render(ReplyBeside(data=PUNE, beside=PUNE, message="Hello."))) == spread | {
        "message": "Hello."
    }


def test_texts_are_written_in_utf_8() -> None:
    response = render(Plant(name="पुणे"))

    assert response.mimetype == "application/json"
    assert response.charset == "utf-8"
    assert "पुणे".encode() in response.get_body()


@pytest.mark.parametrize(
    "response", [render(PUNE), answers.render_error(NotFound("No."), "r1"), answers.render_failure("r1")]
)
def test_every_answer_carries_its_id_and_the_security_headers(response: func.HttpResponse) -> None:
    headers = dict(response.headers)

    assert headers["X-Request-ID"] == "r1"
    assert SECURITY_HEADERS.items() <= headers.items()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_a_refusal_tells_its_code_what_is_wrong_and_with_which_field() -> None:
    refusal = Invalid("Not like this.", details=(FieldError("title", "is too long"),))

    response = answers.render_error(refusal, "r1")

    assert response.status_code == 422
    assert body(response) == {
        "success": False,
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "Not like this.",
            "details": [{"field": "title", "message": "is too long"}],
            "request_id": "r1",
        },
    }


@pytest.mark.parametrize(
    ("family", "status", "code"),
    [
        (errors.BadRequest, 400, "BAD_REQUEST"),
        (errors.Unauthenticated, 401, "UNAUTHENTICATED"),
        (errors.Forbidden, 403, "FORBIDDEN"),
        (errors.NotFound, 404, "NOT_FOUND"),
        (errors.Conflict, 409, "CONFLICT"),
        (errors.PreconditionFailed, 412, "PRECONDITION_FAILED"),
        (errors.TooLarge, 413, "PAYLOAD_TOO_LARGE"),
        (errors.UnsupportedMedia, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (errors.Invalid, 422, "VALIDATION_ERROR"),
        (errors.Unavailable, 503, "UNAVAILABLE"),
    ],
)
def test_each_family_of_errors_has_its_status_and_code(
    family: type[PortalError], status: int, code: str
) -> None:
    response = answers.render_error(family("No."), "r1")

    assert (response.status_code, body(response)["error"]["code"]) == (status, code)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_of_errors_is_without_a_status(family: type[PortalError]) -> None:
    assert family in STATUS


def test_an_error_has_the_status_of_its_family_whatever_its_code() -> None:
    class GoneFishing(NotFound):
        """A kind of NotFound that this test makes up."""

    assert answers.status_of(GoneFishing("Gone.", code="GONE_FISHING")) == 404


def test_an_error_of_no_family_is_a_failure_of_ours() -> None:
    assert answers.status_of(PortalError("Odd.")) == 500


def test_who_is_not_signed_in_learns_how_to_be() -> None:
    assert answers.render_error(Unauthenticated("No."), "r1").headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in answers.render_error(NotFound("No."), "r1").headers


def test_who_comes_while_the_database_is_away_learns_when_to_come_again() -> None:
    assert answers.render_error(Unavailable("No."), "r1").headers["Retry-After"] == "5"
    assert "Retry-After" not in answers.render_error(NotFound("No."), "r1").headers


def test_a_failure_of_ours_tells_nothing_but_its_id() -> None:
    response = answers.render_failure("r1")

    assert response.status_code == 500
    assert body(response)["error"] == {
        "code": "INTERNAL",
        "message": "Something went wrong on our side.",
        "details": [],
        "request_id": "r1",
    }


def test_a_reply_may_have_other_fields_beside_its_data() -> None:
    reply = ReplyBeside(data=[PUNE], beside=PUNE, message="Two of a kind.")

    assert body(render(reply, PLANTS)) == {
        "success": True, "data": [{"name": "Pune"}], "name": "Pune", "message": "Two of a kind."
    }  # fmt: skip
