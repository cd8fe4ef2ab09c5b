import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from adapters.security.tokens import REQUIRED_CLAIMS, JwtTokens
from bp_core.auth.ports import Claims, NewToken, TokenKind
from bp_core.shared.errors import Unauthenticated

SECRET = "a secret that only these tests know, and nobody else"
NOW = datetime(2025, 7, 15, 9, 30, tzinfo=UTC)
ENDS = NOW + timedelta(minutes=30)
USER = UUID("00000000-0000-4000-8000-000000000001")
SESSION = UUID("00000000-0000-4000-8000-000000000002")
READ = Claims(USER, SESSION, ENDS, "one of a kind")

TOKENS = JwtTokens(SECRET, issuer="amber-portal", audience="amber-portal-api")

CLAIMS: dict[str, Any] = {
    "sub": str(USER),
    "sid": str(SESSION),
    "role": "plant",
    "typ": "access",
    "iat": int(NOW.timestamp()),
    "exp": int(ENDS.timestamp()),
    "jti": "one of a kind",
    "iss": "amber-portal",
    "aud": "amber-portal-api",
}


def issue(kind: TokenKind = "access", token_id: str = "one of a kind") -> str:
    return TOKENS.issue(NewToken(kind, token_id, USER, SESSION, "plant", NOW, ENDS))


def forged(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """A token with our claims, except for those that are given."""
    payload = json.dumps(CLAIMS | claims).encode()  # jwt.encode itself refuses some of what is to be refused
    return jwt.PyJWS().encode(payload, secret, algorithm=algorithm)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refusal_of(token: str, kind: TokenKind = "access", now: datetime = NOW) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        TOKENS.read(token, kind, now)
    return refusal.value.code


@pytest.mark.parametrize("kind", ["access", "refresh", "device"])
def test_reading_a_token_returns_what_it_was_issued_with(kind: TokenKind) -> None:
    assert TOKENS.read(issue(kind), kind, NOW) == READ


def test_a_token_carries_the_claims_of_the_rules_and_no_others() -> None:
    said = jwt.decode(
        issue(),
        SECRET,
        algorithms=["HS256"],
        audience="amber-portal-api",
        options={"verify_exp": False, "verify_iat": False},
    )

    assert list(said) == REQUIRED_CLAIMS
    assert said == CLAIMS


def test_the_same_content_gives_the_same_token() -> None:
    assert issue() == issue()
    assert issue() != issue(token_id="another")


def test_ids_are_random() -> None:
    drawn = [
        TOKENS.new_token_id(),
        TOKENS.new_token_id(),
        TOKENS.new_secret(),
        TOKENS.new_secret(),
    ]

    assert len(set(drawn)) == 4
    assert TOKENS.new_id() != TOKENS.new_id()


def test_an_invite_cannot_be_guessed() -> None:
    assert len(base64.urlsafe_b64decode(TOKENS.new_secret() + "=")) == 32


def test_a_refresh_token_has_one_successor_that_depends_on_the_secret() -> None:
    token, other = issue("refresh"), issue("refresh", "another")
    elsewhere = JwtTokens(SECRET[::-1], issuer="amber-portal", audience="amber-portal-api")

    assert TOKENS.successor_id(token) == TOKENS.successor_id(token)
    assert TOKENS.successor_id(token) != TOKENS.successor_id(other)
    assert TOKENS.successor_id(token) != elsewhere.successor_id(token)
    assert TOKENS.successor_id(token) != TOKENS.fingerprint(token).hex()


def test_a_token_with_our_secret_and_claims_is_accepted() -> None:
    assert TOKENS.read(forged(), "access", NOW) == READ


@pytest.mark.parametrize("name", REQUIRED_CLAIMS)
def test_a_token_without_one_of_its_claims_is_refused(name: str) -> None:
    claims = {claim: value for claim, value in CLAIMS.items() if claim != name}

    assert refusal_of(jwt.encode(claims, SECRET, algorithm="HS256")) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "another-portal"},
        {"iss": ["amber-portal"]},
        {"aud": "another-api"},
        {"aud": ["amber-portal-api", "another-api"]},
        {"typ": "refresh"},
        {"typ": "ACCESS"},
        {"typ": None},
        {"sub": 42},
        {"sub": None},
        {"sub": "asha@amber.example"},
        {"sub": [str(USER)]},
        {"sid": 42},
        {"sid": None},
        {"sid": "the first"},
        {"sid": {}},
        {"exp": "soon"},
        {"exp": None},
        {"exp": []},
        {"exp": 10**30},
        {"exp": float("inf")},
        {"iat": "before"},
        {"iat": None},
        {"iat": -(10**30)},
        {"nbf": "soon"},
        {"nbf": int(ENDS.timestamp())},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(claims: dict[str, Any]) -> None:
    assert refusal_of(forged(**claims)) == "UNAUTHENTICATED"


def test_a_token_of_the_other_kind_is_refused() -> None:
    assert refusal_of(issue("refresh"), "access") == "UNAUTHENTICATED"
    assert refusal_of(issue("access"), "refresh") == "UNAUTHENTICATED"


def test_a_token_without_a_signature_is_refused() -> None:
    header, claims = segment({"alg": "none", "typ": "JWT"}), segment(CLAIMS)

    assert refusal_of(f"{header}.{claims}.") == "UNAUTHENTICATED"
    assert refusal_of(jwt.encode(CLAIMS, "", algorithm="none")) == "UNAUTHENTICATED"


def test_a_token_signed_with_another_secret_is_refused() -> None:
    assert refusal_of(forged(secret="another secret, as long as ours and as hard to guess")) == (
        "UNAUTHENTICATED"
    )


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_signed_with_another_algorithm_is_refused(algorithm: str) -> None:
    secret = SECRET + SECRET

    with pytest.raises(Unauthenticated):
        JwtTokens(secret, issuer="amber-portal", audience="amber-portal-api").read(
            forged(secret=secret, algorithm=algorithm), "access", NOW
        )


def test_a_token_whose_claims_were_changed_after_signing_is_refused() -> None:
    header, _, signature = issue().split(".")
    promoted = segment(CLAIMS | {"role": "hq"})

    assert refusal_of(f"{header}.{promoted}.{signature}") == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "nonsense", "a.b.c", "\x00", "\udcff", segment([]) + "." + segment(CLAIMS) + ".x"],
    ids=ascii,
)
def test_a_text_that_is_no_token_is_refused(token: str) -> None:
    assert refusal_of(token) == "UNAUTHENTICATED"


def test_an_expired_token_is_refused_with_its_own_error() -> None:
    token = issue()

    assert TOKENS.read(token, "access", ENDS - timedelta(seconds=1)) == READ
    assert refusal_of(token, now=ENDS) == "TOKEN_EXPIRED"
    assert refusal_of(token, now=ENDS + timedelta(days=400)) == "TOKEN_EXPIRED"


def test_an_expired_token_of_another_secret_or_kind_is_just_invalid() -> None:
    assert refusal_of(forged(secret="x" * 40), now=ENDS) == "UNAUTHENTICATED"
    assert refusal_of(issue("refresh"), now=ENDS) == "UNAUTHENTICATED"


def test_a_token_from_the_future_is_refused_beyond_the_clock_skew() -> None:
    token = issue()

    assert TOKENS.read(token, "access", NOW - timedelta(seconds=120)) == READ
    assert refusal_of(token, now=NOW - timedelta(seconds=121)) == "UNAUTHENTICATED"


def test_a_fingerprint_belongs_to_one_token_and_does_not_contain_it() -> None:
    token = issue()

    assert TOKENS.fingerprint(token) == TOKENS.fingerprint(token)
    assert TOKENS.fingerprint(token) != TOKENS.fingerprint(issue(token_id="another"))
    assert token.encode() not in TOKENS.fingerprint(token)
