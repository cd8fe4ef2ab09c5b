from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bp_core.auth.ports import Claims, NewToken
from bp_core.shared.errors import Unauthenticated
from functions.bootstrap import Portal, build
from functions.edge.authentication import OutsideToken, OwnToken, identify
from functions.settings import load_settings
from tests.unit.functions.edge.requests import request

NOW = datetime(2025, 7, 15, 9, 30, tzinfo=UTC)
ENDS = datetime(2025, 7, 15, 10, tzinfo=UTC)
USER, SESSION = uuid4(), uuid4()

PORTAL = build(
    load_settings(
        {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "JWT_SECRET": "a secret that only these tests know, and nobody else",
        }
    )
)


def access_token(portal: Portal = PORTAL) -> str:
    return portal.tokens.issue(
        NewToken(
            kind="access",
            id="one",
            user_id=USER,
            session_id=SESSION,
            role="plant",
            issued_at=NOW,
            expires_at=ENDS,
        )
    )


def identity_of(authorization: str | None) -> object:
    headers = {} if authorization is None else {"authorization": authorization}
    return identify(request(headers=headers), PORTAL, NOW)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   ", "  Bearer "])
def test_a_bearer_token_of_ours_identifies_the_session(scheme: str) -> None:
    assert identity_of(scheme + access_token() + " ") == OwnToken(Claims(USER, SESSION, ENDS, "one"))


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YXNoYTptYW5nbw==",
        access_token(),
        f"Bearer{access_token()}",
        f"Bearer {access_token()} {access_token()}",
        f"Bearer {access_token()}, Bearer {access_token()}",
        f"Token {access_token()}",
    ],
)
def test_a_request_without_exactly_one_bearer_token_is_unauthenticated(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated) as error:
        identity_of(authorization)

    assert error.value.code == "UNAUTHENTICATED"


def test_requests_are_counted_by_user_in_whatever_session() -> None:
    here, elsewhere = (OwnToken(Claims(USER, session, ENDS, "one")) for session in (SESSION, uuid4()))

    assert here.key == elsewhere.key == str(USER)


def test_requests_with_an_outside_token_are_counted_by_a_hash_of_the_email() -> None:
    key = OutsideToken("Asha@amber.example").key

    assert key == OutsideToken("asha@amber.example").key
    assert key != OutsideToken("ravi@amber.example").key
    assert "asha" not in key
    assert len(OutsideToken("x" * 320 + "@amber.example").key) == len(key) == 64
