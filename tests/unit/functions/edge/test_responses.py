import json
from typing import Any

import azure.functions as func
import pytest
from pydantic import TypeAdapter

from bp_core.shared import errors
from bp_core.shared.errors import FieldError, Invalid, NotFound, PortalError, Unauthenticated, Unavailable
from bp_core.shared.paging import Page
from bp_core.shared.schemas import ResponseModel, Versioned
from functions.edge import responses
from functions.edge.responses import SECURITY_HEADERS, STATUS, Reply, ReplyBeside, envelope_of, versioned

FAMILIES = PortalError.__subclasses__()


class Plant(ResponseModel):
    name: str


PLANT = envelope_of(Plant)
PLANTS = envelope_of(list[Plant])
PUNE = Plant(name="Pune")


def body(response: func.HttpResponse) -> Any:
    return json.loads(response.get_body())


def render(result: object, envelope: TypeAdapter[Any] = PLANT, status: int = 200) -> func.HttpResponse:
    return responses.render(result, envelope, status=status, request_id="r1")


def test_a_result_is_in_the_envelope() -> None:
    response = render(PUNE)

    assert response.status_code == 200
    assert body(response) == {"success": True, "data": {"name": "Pune"}}


def test_the_status_of_a_result_is_the_declared_one() -> None:
    assert render(PUNE, status=201).status_code == 201


def test_a_page_of_a_list_has_its_position_in_the_list() -> None:
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


def test_a_reply_may_have_a_message_for_people() -> None:
    response = render(Reply(None, message='Signed "out".'), envelope_of(None))

    assert body(response) == {"success": True, "data": None, "message": 'Signed "out".'}


def test_the_fields_of_a_reply_may_be_at_the_top_level_too() -> None:
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
    "response", [render(PUNE), responses.render_error(NotFound("No."), "r1"), responses.render_failure("r1")]
)
def test_every_response_has_its_id_and_the_security_headers(response: func.HttpResponse) -> None:
    headers = dict(response.headers)

    assert headers["X-Request-ID"] == "r1"
    assert SECURITY_HEADERS.items() <= headers.items()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_an_error_has_its_code_its_message_and_the_wrong_fields() -> None:
    refusal = Invalid("Not like this.", details=(FieldError("title", "is too long"),))

    response = responses.render_error(refusal, "r1")

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
        (errors.PracticeDeleted, 409, "CONFLICT"),
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
    response = responses.render_error(family("No."), "r1")

    assert (response.status_code, body(response)["error"]["code"]) == (status, code)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_of_errors_is_without_a_status(family: type[PortalError]) -> None:
    assert family in STATUS


def test_an_error_has_the_status_of_its_family_whatever_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PortalError, "catalogue", [])

    class GoneFishing(NotFound):
        code = "GONE_FISHING"
        description = "an error of this test only"

    assert responses.status_of(GoneFishing) == 404


def test_an_error_of_no_family_is_an_internal_error() -> None:
    assert responses.status_of(PortalError) == 500


def test_an_unauthenticated_caller_learns_how_to_sign_in() -> None:
    assert responses.render_error(Unauthenticated("No."), "r1").headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in responses.render_error(NotFound("No."), "r1").headers


def test_a_caller_learns_when_to_retry_if_the_database_is_unavailable() -> None:
    assert responses.render_error(Unavailable("No."), "r1").headers["Retry-After"] == "5"
    assert "Retry-After" not in responses.render_error(NotFound("No."), "r1").headers


def test_an_internal_error_shows_nothing_but_its_id() -> None:
    response = responses.render_failure("r1")

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


def test_a_versioned_model_is_a_reply_with_its_version_as_etag() -> None:
    class Practice(Versioned):
        title: str

    practice = Practice(version=7, title="Less scrap")

    response = render(versioned(practice), envelope_of(Practice))

    assert response.headers["ETag"] == '"7"'
    assert body(response)["data"] == {"version": 7, "title": "Less scrap"}


def test_data_has_the_fields_of_the_declared_type_only() -> None:
    class Secretive(Plant):
        password_hash: str

    assert body(render(Secretive(name="Pune", password_hash="x")))["data"] == {"name": "Pune"}
