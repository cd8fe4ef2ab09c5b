"""Tokens of another OpenID Connect issuer; a local server publishes its keys (rules 9)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import httpx
import pytest

from adapters.security.oidc import OidcTokens
from functions import bootstrap
from functions.settings import SettingsError, load_settings
from tests.api.issuer import (
    AUDIENCE,
    ISSUER,
    Issuer,
    claims_for,
    ec_key,
    published,
    rsa_key,
    running,
    token,
)
from tests.world import NOON, Person, World, concurrently, error_of

NOT_VALID: Final = (401, "UNAUTHENTICATED")
EXPIRED: Final = (401, "TOKEN_EXPIRED")
AWAY: Final = (503, "UNAVAILABLE")
EMAIL: Final = "asha@amber.test"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running(Issuer()) as issuer:
        yield issuer


@pytest.fixture
def portal_settings(issuer: Issuer) -> dict[str, str]:
    return issuer.settings


@pytest.fixture
def asha(world: World) -> Person:
    """An active user without a session."""
    return world.add_person(EMAIL, plant=2)


def call(world: World, token: str, path: str = "/auth/me") -> httpx.Response:
    return world.browser().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


def replace_issuer(world: World, issuer: Issuer, **seconds: float) -> None:
    """Replace the portal's issuer by one with an empty cache, with other pauses between requests for keys."""
    anew = OidcTokens(issuer=ISSUER, audience=AUDIENCE, jwks_url=issuer.url, **seconds)
    bootstrap.install(replace(world.portal, oidc=anew))


def test_the_verified_email_of_a_token_identifies_the_user(
    world: World, issuer: Issuer, asha: Person
) -> None:
    for email in (EMAIL, "ASHA@Amber.Test"):
        me = call(world, token(claims_for(email))).json()["data"]
        assert (me["email"], me["plant_id"]) == (EMAIL, str(asha.plant_id))
    assert call(world, token(claims_for(EMAIL, aud=["another", AUDIENCE]))).status_code == 200
    assert world.query("SELECT count(*) FROM sessions") == [(0,)]
    assert issuer.requests == 1
    local = asha.sign_in()  # the same user, signed in here
    assert local.get("/auth/me").json()["data"] == me


def test_changes_of_a_user_take_effect_on_the_next_call_with_an_outside_token(
    world: World, asha: Person
) -> None:
    hq, outside = world.headquarters(), token(claims_for(EMAIL))
    assert error_of(call(world, outside, "/users")) == (403, "FORBIDDEN")
    asha_id = call(world, outside).json()["data"]["id"]
    assert hq.patch(f"/users/{asha_id}", {"role": "hq", "plant_id": None}).status_code == 200
    assert call(world, outside, "/users").status_code == 200
    assert hq.patch(f"/users/{asha_id}/deactivate", {}).status_code == 200
    assert error_of(call(world, outside)) == NOT_VALID


def test_a_caller_without_a_session_can_use_the_session_endpoints(world: World, asha: Person) -> None:
    here = asha.sign_in()
    asha.http.headers["Authorization"] = f"Bearer {token(claims_for(EMAIL))}"
    assert [session["is_current"] for session in asha.get("/auth/sessions").json()["data"]] == [False]
    assert asha.post("/auth/logout").status_code == 200
    assert asha.get("/auth/me").status_code == 200  # a token of the issuer is valid until it expires
    body = {"refresh_token": here.tokens["refresh_token"]}
    assert asha.post("/auth/logout", body).status_code == 200
    assert asha.get("/auth/sessions").json()["data"] == []


def test_keys_of_both_kinds_are_accepted_with_and_without_their_use_and_algorithm(
    world: World, issuer: Issuer, asha: Person
) -> None:
    for key, algorithm in ((rsa_key("first"), "RS256"), (ec_key("first"), "ES256")):
        for more in ({}, {"use": "sig"}, {"alg": algorithm}, {"use": "sig", "alg": algorithm}):
            issuer.keys = [published(rsa_key("other"), "other"), published(key, "mine", **more)]
            replace_issuer(world, issuer)
            response = call(world, token(claims_for(EMAIL), key=key, algorithm=algorithm, kid="mine"))
            assert response.json()["data"]["email"] == EMAIL, (algorithm, more)


def test_a_key_that_is_not_for_signing_or_for_another_algorithm_is_not_used(
    world: World, issuer: Issuer, asha: Person
) -> None:
    issuer.keys = [
        published(rsa_key("first"), "enc", use="enc"),
        published(rsa_key("first"), "384", alg="RS384"),
        published(rsa_key("first"), "good"),
        {"kid": "symmetric", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kid": "broken", "kty": "RSA", "n": "!", "e": "AQAB"},
        {"kid": "strange", "kty": "??"},
    ]
    for kid in ("enc", "384", "symmetric", "broken", "strange"):
        assert error_of(call(world, token(claims_for(EMAIL), kid=kid))) == NOT_VALID, kid
    assert call(world, token(claims_for(EMAIL), kid="good")).status_code == 200


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email_verified": 1},
    {"email": None}, {"email": [EMAIL]}, {"email": ""}, {"email": "nobody@amber.test"},
    {"email": "inactive@amber.test"}, {"email": EMAIL + " "}, {"email": "%"},
    {"iss": "https://issuer.test/another"}, {"iss": ISSUER + "/"}, {"iss": None},
    {"aud": "another-client"}, {"aud": ["another-client"]}, {"aud": None}, {"aud": AUDIENCE + "x"},
    {"sub": None}, {"iat": None}, {"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": 1e30},
    {"iat": "now"}, {"nbf": "later"},
    {"iat": int(NOON.timestamp()) + 61}, {"nbf": int(NOON.timestamp()) + 61},
]  # fmt: skip


def test_a_token_without_a_known_verified_user_or_for_another_portal_is_refused(
    world: World, asha: Person
) -> None:
    world.add_person("inactive@amber.test", plant=0, is_active=False)
    for changes in WRONG_CLAIMS:
        response = call(world, token(claims_for(EMAIL, **changes)))
        assert error_of(response) == NOT_VALID, changes
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_an_outside_token_expires_by_the_portals_clock(world: World, asha: Person) -> None:
    good = token(claims_for(EMAIL))
    world.clock.advance(timedelta(hours=1) - timedelta(seconds=1))
    assert call(world, good).status_code == 200
    world.clock.advance(timedelta(seconds=1))
    assert error_of(call(world, good)) == EXPIRED
    world.clock.at = NOON - timedelta(minutes=1)
    assert call(world, good).status_code == 200
    world.clock.at = NOON - timedelta(seconds=61)
    assert error_of(call(world, good)) == NOT_VALID


def test_after_a_key_rotation_the_new_key_is_accepted_and_the_old_one_refused(
    world: World, issuer: Issuer, asha: Person
) -> None:
    old, new = token(claims_for(EMAIL)), token(claims_for(EMAIL), key=rsa_key("second"), kid="second")
    replace_issuer(world, issuer, new_key_after=0)
    assert call(world, old).status_code == 200
    issuer.keys = [published(rsa_key("second"), "second")]
    assert call(world, new).status_code == 200
    assert error_of(call(world, old)) == NOT_VALID
    issuer.keys = [published(rsa_key("third"), "second")]  # another key with the old name
    replace_issuer(world, issuer, keys_cached_for=1e-9)
    third = token(claims_for(EMAIL), key=rsa_key("third"), kid="second")
    assert call(world, third).status_code == 200
    assert error_of(call(world, new)) == NOT_VALID


def test_tokens_with_unknown_keys_do_not_cause_a_request_for_keys_each_time(
    world: World, issuer: Issuer, asha: Person
) -> None:
    good = token(claims_for(EMAIL))
    assert call(world, good).status_code == 200
    for number in range(20):
        assert error_of(call(world, token(claims_for(EMAIL), kid=f"invented {number}"))) == NOT_VALID
    assert call(world, good).status_code == 200
    assert issuer.requests == 1


NO_KEYS: dict[str, tuple[int, bytes | None]] = {
    "an error": (500, None),
    "a redirection": (302, None),
    "not found": (404, b"{}"),
    "a page for people": (200, b"<html>down for maintenance</html>"),
    "not an object": (200, b"[]"),
    "no keys": (200, b'{"keys": []}'),
    "no usable keys": (200, b'{"keys": [{"kty": "??"}, 7]}'),
    "keys that are none": (200, b'{"keys": "none"}'),
    "not UTF-8": (200, b"\xff\xfe\xfd"),
}


def test_while_the_issuer_is_down_local_sign_in_works_and_outside_tokens_get_503(
    world: World, issuer: Issuer, asha: Person
) -> None:
    outside = token(claims_for(EMAIL))
    for case, (issuer.status, issuer.body) in NO_KEYS.items():
        replace_issuer(world, issuer)
        response = call(world, outside)
        assert error_of(response) == AWAY, case
        assert int(response.headers["Retry-After"]) > 0
        assert asha.sign_in().get("/auth/me").status_code == 200, case
    issuer.status, issuer.body = 200, None
    assert error_of(call(world, outside)) == AWAY  # keys were requested just before: no second request
    replace_issuer(world, issuer, retry_after=0)
    assert call(world, outside).status_code == 200


def test_concurrent_calls_send_one_request_to_an_issuer_that_is_down(
    world: World, issuer: Issuer, asha: Person
) -> None:
    issuer.status = 500
    replace_issuer(world, issuer)
    responses = concurrently(*[partial(call, world, token(claims_for(EMAIL)))] * 10)
    assert [error_of(response) for response in responses] == [AWAY] * 10
    assert issuer.requests == 1


def test_cached_keys_work_during_an_outage(world: World, issuer: Issuer, asha: Person) -> None:
    replace_issuer(world, issuer, new_key_after=0)
    good = token(claims_for(EMAIL))
    assert call(world, good).status_code == 200
    issuer.status = 500
    assert call(world, good).status_code == 200
    assert error_of(call(world, token(claims_for(EMAIL), kid="second"))) == AWAY
    assert call(world, good).status_code == 200
    replace_issuer(world, issuer, keys_cached_for=1e-9)
    assert error_of(call(world, good)) == AWAY


def test_a_refused_connection_to_the_issuer_is_an_outage_too(world: World, asha: Person) -> None:
    with running(Issuer()) as stopped:
        replace_issuer(world, stopped)
    assert error_of(call(world, token(claims_for(EMAIL)))) == AWAY
    assert asha.sign_in().get("/auth/me").status_code == 200


def test_an_issuer_needs_all_its_settings_and_a_safe_url_for_its_keys(world: World) -> None:
    whole = {"OIDC_ISSUER": ISSUER, "OIDC_AUDIENCE": AUDIENCE, "OIDC_JWKS_URL": "https://issuer.test/keys"}
    assert load_settings({**world.settings, **whole}).oidc_issuer == ISSUER
    for missing in whole:
        with pytest.raises(SettingsError, match=missing):
            load_settings({**world.settings, **whole, missing: ""})
    for url in ("http://issuer.test/keys", "file:///etc/passwd", "ftp://issuer.test/keys", "x"):
        with pytest.raises(SettingsError, match="OIDC_JWKS_URL"):
            load_settings({**world.settings, **whole, "OIDC_JWKS_URL": url})
