"""Forged tokens, sent to a portal that also accepts tokens of another issuer."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.api.issuer import (
    AUDIENCE,
    ISSUER,
    Issuer,
    claims_for,
    ec_key,
    public_pem,
    published,
    rsa_key,
    running,
    token,
)
from tests.api.tokens import HEADER, claims_of, encoded_json, signed, unsigned
from tests.world import NOON, Person, World, error_of, invalid, refusal_of

NOT_VALID: Final = (401, "UNAUTHENTICATED")
EXPIRED: Final = (401, "TOKEN_EXPIRED")
REVOKED: Final = (401, "TOKEN_REVOKED")

Claims = dict[str, Any]
ACCESS_SECONDS: Final = 30 * 60


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running(Issuer()) as issuer:
        yield issuer


@pytest.fixture
def portal_settings(issuer: Issuer) -> dict[str, str]:
    return issuer.settings


def call(world: World, token: str) -> httpx.Response:
    return world.browser().get("/api/v1/plants", headers={"Authorization": f"Bearer {token}"})


def secret_of_public_key() -> bytes:
    return public_pem(rsa_key("first"))


def modulus() -> bytes:
    return base64.urlsafe_b64decode(published(rsa_key("first"), "first")["n"] + "==")


FORGED_PORTAL_TOKENS: dict[str, Callable[[Claims], str]] = {
    "alg none": lambda claims: unsigned(claims, header={"alg": "none", "typ": "JWT"}),
    "alg None": lambda claims: unsigned(claims, header={"alg": "None"}),
    "alg NONE, signed": lambda claims: signed(claims, header={"alg": "NONE"}),
    "no alg": lambda claims: signed(claims, header={"typ": "JWT"}),
    "alg is a list": lambda claims: signed(claims, header={"alg": ["HS256"]}),
    "alg is null": lambda claims: signed(claims, header={"alg": None}),
    "no signature": lambda claims: unsigned(claims, header=HEADER),
    "HS384": lambda claims: signed(claims, header={"alg": "HS384"}),
    "HS512": lambda claims: signed(claims, header={"alg": "HS512"}),
    "an empty secret": lambda claims: signed(claims, secret=b""),
    "the issuer's public key as secret": lambda claims: signed(claims, secret=secret_of_public_key()),
    "the issuer's modulus as secret": lambda claims: signed(claims, secret=modulus()),
    "RS256 by the issuer's key": token,
    "RS256 by an attacker's key": lambda claims: token(claims, key=rsa_key("attacker")),
    "ES256 by an attacker's key": lambda claims: token(claims, key=ec_key("attacker"), algorithm="ES256"),
    "jwk in the header": lambda claims: token(
        claims, key=rsa_key("attacker"), jwk=published(rsa_key("attacker"), "mine")
    ),
    "jku in the header": lambda claims: token(claims, key=rsa_key("attacker"), jku="http://127.0.0.1:9/keys"),
    "an unknown critical extension": lambda claims: signed(claims, header={**HEADER, "crit": ["later"]}),
    "kid is a number": lambda claims: signed(claims, header={**HEADER, "kid": 7}),
    "kid is a list": lambda claims: signed(claims, header={**HEADER, "kid": ["first"]}),
    "a path for a kid, an empty file's secret": lambda claims: signed(
        claims, header={**HEADER, "kid": "../../../dev/null"}, secret=b""
    ),
    "an SQL union for a kid, and its secret": lambda claims: signed(
        claims, header={**HEADER, "kid": "x' UNION SELECT 'secret' --"}, secret=b"secret"
    ),
    "an address for a kid": lambda claims: signed(
        claims, header={**HEADER, "kid": "http://127.0.0.1:9/secret"}, secret=b"secret"
    ),
    "claims that are a list": lambda claims: signed([claims]),
    "claims that are a text": lambda claims: signed("claims"),
    "a header that is a list": lambda claims: f"{encoded_json([])}.{encoded_json(claims)}.c2ln",
    "not base64": lambda claims: f"!.{encoded_json(claims)}.c2ln",
    "five parts, as of an encrypted one": lambda claims: f"{signed(claims)}.x.y",
}


def test_a_forged_token_of_the_portal_is_refused(world: World) -> None:
    person = world.plant_user()
    claims = claims_of(person.tokens["access_token"])
    for attack, forge in FORGED_PORTAL_TOKENS.items():
        response = call(world, forge(claims))
        assert error_of(response) == NOT_VALID, attack
        assert response.headers["WWW-Authenticate"] == "Bearer", attack
    assert call(world, signed(claims)).status_code == 200  # the helpers of this test sign correctly


def test_a_tampered_token_is_refused(world: World) -> None:
    person = world.plant_user()
    head, body, signature = str(person.tokens["access_token"]).split(".")
    claims = claims_of(person.tokens["access_token"])
    promoted = encoded_json({**claims, "role": "hq"})
    longer = encoded_json({**claims, "exp": claims["exp"] + 86400})
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for tampered in (
        f"{head}.{promoted}.{signature}",
        f"{head}.{longer}.{signature}",
        f"{head}.{body}.{flipped}",
        f"{head}.{body}.{signature[:-2]}",
        f"{encoded_json({**HEADER, 'kid': 'x'})}.{body}.{signature}",
        "x.y.z",
        "token",
        "..",
    ):
        assert error_of(call(world, tampered)) == NOT_VALID, tampered


FAR_FUTURE: Final = int((NOON + timedelta(hours=1)).timestamp())

WRONG_CLAIMS: list[tuple[str, object]] = [
    ("iss", "another issuer"), ("iss", ["amber-portal"]), ("iss", ""), ("iss", ISSUER),
    ("aud", "another api"), ("aud", ["amber-portal-api"]), ("aud", ["amber-portal-api", "another api"]),
    ("aud", AUDIENCE), ("aud", []),
    ("typ", "refresh"), ("typ", "ACCESS"), ("typ", ["access"]),
    ("iat", FAR_FUTURE), ("iat", "now"), ("iat", -1e30),
    ("nbf", FAR_FUTURE), ("nbf", "later"),
    ("exp", "soon"), ("exp", 1e30), ("exp", [1]),
    ("sub", "me"), ("sub", 7), ("sid", "mine"), ("sid", 7), ("sid", {"id": 7}), ("jti", 7),
]  # fmt: skip


def test_a_well_signed_token_with_a_wrong_or_a_missing_claim_is_refused(world: World) -> None:
    person = world.plant_user()
    claims = claims_of(person.tokens["access_token"])
    for name, value in WRONG_CLAIMS:
        status, code = error_of(call(world, signed({**claims, name: value})))
        assert (status, code) in (NOT_VALID, EXPIRED), (name, value)
    for name in claims:
        lacking = {key: value for key, value in claims.items() if key != name}
        assert error_of(call(world, signed(lacking))) == NOT_VALID, name


def test_a_token_of_an_instance_with_a_clock_a_little_ahead_is_accepted(world: World) -> None:
    claims = claims_of(world.plant_user().tokens["access_token"])
    ahead = {**claims, "iat": claims["iat"] + 120}
    assert call(world, signed(ahead)).status_code == 200
    assert error_of(call(world, signed({**claims, "iat": claims["iat"] + 121}))) == NOT_VALID


def test_a_token_is_valid_for_its_own_open_session_only(world: World) -> None:
    person, other = world.plant_user(), world.headquarters()
    claims, others = (claims_of(one.tokens["access_token"]) for one in (person, other))
    for changes in (
        {"sid": str(uuid4())},
        {"sub": str(uuid4())},
        {"sub": others["sub"]},
        {"sid": others["sid"]},
    ):
        assert error_of(call(world, signed({**claims, **changes}))) == REVOKED, changes
    promoted = signed({**claims, "role": "hq"})  # the stored role counts, not that of the token
    response = world.browser().get("/api/v1/jobs", headers={"Authorization": f"Bearer {promoted}"})
    assert error_of(response) == (403, "FORBIDDEN")
    assert person.post("/auth/logout").status_code == 200
    assert error_of(call(world, signed(claims))) == REVOKED
    world.clock.advance(timedelta(seconds=ACCESS_SECONDS))
    assert error_of(call(world, other.tokens["access_token"])) == EXPIRED


def test_access_and_refresh_tokens_are_not_interchangeable(world: World) -> None:
    person = world.plant_user()
    access, refresh = person.tokens["access_token"], person.tokens["refresh_token"]
    assert error_of(call(world, refresh)) == NOT_VALID
    assert error_of(refreshed(person, access)) == NOT_VALID
    claims = claims_of(refresh)
    for forged in (
        signed({**claims, "typ": "access"}, secret=b"another secret: 0123456789abcdef 0123456789"),
        signed({**claims, "aud": "another api"}),
        signed({**claims, "exp": "soon"}),
        unsigned(claims, header={"alg": "none"}),
        token(claims),
        token(claims_for(person.email)),
        "x.y.z",
    ):
        assert error_of(refreshed(person, forged)) == NOT_VALID, forged
    assert error_of(refreshed(person, signed({**claims, "sid": str(uuid4())}))) == REVOKED
    assert refusal_of(person.post("/auth/refresh", {})) == invalid("refresh_token")
    assert world.query("SELECT revoked_at FROM sessions") == [(None,)]
    assert refreshed(person, refresh).status_code == 200


def refreshed(person: Person, token: str) -> httpx.Response:
    return person.post("/auth/refresh", {"refresh_token": token})


FORGED_ISSUER_TOKENS: dict[str, Callable[[Claims], str]] = {
    "alg none": lambda claims: unsigned(claims, header={"alg": "none", "kid": "first"}),
    "alg None": lambda claims: unsigned(claims, header={"alg": "None", "kid": "first"}),
    "no signature": lambda claims: unsigned(claims, header={"alg": "RS256", "kid": "first"}),
    "HS256 with the public key as secret": lambda claims: signed(
        claims, header={**HEADER, "kid": "first"}, secret=secret_of_public_key()
    ),
    "HS256 with the public key's numbers as secret": lambda claims: signed(
        claims,
        header={**HEADER, "kid": "first"},
        secret=json.dumps(published(rsa_key("first"), "first")).encode(),
    ),
    "HS256 with the portal's own secret": lambda claims: signed(claims, header={**HEADER, "kid": "first"}),
    "RS384": lambda claims: token(claims, algorithm="RS384"),
    "PS256": lambda claims: token(claims, algorithm="PS256"),
    "an attacker's key": lambda claims: token(claims, key=rsa_key("attacker")),
    "an attacker's EC key under an RSA kid": lambda claims: token(
        claims, key=ec_key("attacker"), algorithm="ES256"
    ),
    "jwk in the header": lambda claims: token(
        claims, key=rsa_key("attacker"), jwk=published(rsa_key("attacker"), "first")
    ),
    "jwk in the header, no kid": lambda claims: token(
        claims, key=rsa_key("attacker"), kid=None, jwk=published(rsa_key("attacker"), "first")
    ),
    "an unknown kid": lambda claims: token(claims, kid="second"),
    "no kid": lambda claims: token(claims, kid=None),
    "an empty kid": lambda claims: token(claims, kid=""),
    "a path for a kid": lambda claims: token(claims, kid="../../../dev/null"),
    "an SQL union for a kid": lambda claims: token(claims, kid="first' OR '1'='1"),
    "an upper-case kid": lambda claims: token(claims, kid="FIRST"),
}


def test_a_forged_token_of_the_outside_issuer_is_refused(world: World) -> None:
    person = world.add_person("asha@amber.test", plant=0)
    claims = claims_for(person.email)
    assert call(world, token(claims)).status_code == 200
    for attack, forge in FORGED_ISSUER_TOKENS.items():
        assert error_of(call(world, forge(claims))) == NOT_VALID, attack


def test_a_key_url_in_a_token_is_never_requested(world: World, issuer: Issuer) -> None:
    world.add_person("asha@amber.test", plant=0)
    attacker = Issuer()
    attacker.keys = [published(rsa_key("attacker"), "mine")]
    with running(attacker):
        for header in ({"jku": attacker.url}, {"x5u": attacker.url}):
            forged = token(claims_for("asha@amber.test"), key=rsa_key("attacker"), kid="mine", **header)
            assert error_of(call(world, forged)) == NOT_VALID
    assert (attacker.requests, issuer.requests) == (
        0,
        1,
    )  # a forged kid causes no new request to the issuer
