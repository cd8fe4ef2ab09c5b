from collections.abc import Callable
from datetime import timedelta

import pytest

from bp_core.auth.password_resets import RESET_LIFETIME
from bp_core.auth.schemas import IssuedPasswordReset, PasswordChange, PasswordReset
from bp_core.shared.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated
from bp_core.users import User
from tests.unit.bp_core.auth.fakes import A_SECOND, HERE, AuthServices
from tests.unit.bp_core.fakes import ASHA, Note, person
from tests.unit.bp_core.support import HQ, NOW, OWNER

CHIEF = person(id=HQ.user_id, email="chief@amber.example", role="hq", plant_id=None)


def portal(user: User = ASHA, hashed_password: str | None = "hash of mango") -> AuthServices:
    """A user and a headquarters user."""
    auth = AuthServices(user, hashed_password)
    auth.users.people[CHIEF.id] = CHIEF
    auth.accounts.hashes[CHIEF.id] = "hash of kiwi"
    return auth


def issued(auth: AuthServices) -> IssuedPasswordReset:
    return auth.reset_service().issue(HQ, ASHA.id)


def reset(auth: AuthServices, token: str, later: timedelta | None = None) -> None:
    request = PasswordReset(token=token, new_password="a new mango")
    auth.reset_service(NOW + (later or timedelta(0))).reset(request, HERE)


def assert_refused(auth: AuthServices, token: str, later: timedelta | None = None) -> None:
    with pytest.raises(Invalid) as refusal:
        reset(auth, token, later)
    assert [(fault.field, fault.message) for fault in refusal.value.details] == [
        ("token", "is not valid: it was used or replaced, has expired, or was never issued")
    ]


def test_a_password_reset_shows_its_token_once_and_stores_its_hash() -> None:
    auth = portal()

    shown = issued(auth)

    [stored] = auth.resets.stored.values()
    assert stored.token_hash == auth.tokens.fingerprint(shown.token)
    assert (shown.user_id, shown.expires_at) == (ASHA.id, NOW + timedelta(hours=1))
    assert shown.link == f"https://portal.example/reset-password#token={shown.token}"
    facts = {"expires_at": shown.expires_at}
    assert auth.audit_trail.notes == [Note("user.password_reset_issued", "user", ASHA.id, None, facts)]


def test_a_new_password_ends_all_sessions_and_the_failures_of_this_client() -> None:
    auth = portal()
    tokens = auth.sign_in()
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya")

    reset(auth, issued(auth).token)

    with pytest.raises(Unauthenticated):
        auth.authenticate(tokens.access_token)
    assert auth.sessions.reasons() == ["password_reset"]
    assert auth.audit_trail.notes[-1] == Note("user.password_reset", "user", ASHA.id)
    assert auth.sign_in("a new mango").access_token
    with pytest.raises(Unauthenticated):
        auth.sign_in("mango")


def test_the_old_password_and_the_sessions_stay_until_the_token_is_used() -> None:
    auth = portal()
    tokens = auth.sign_in()

    issued(auth)

    assert auth.authenticate(tokens.access_token).user_id == ASHA.id
    assert auth.sign_in().access_token


def test_a_token_works_once() -> None:
    auth = portal()
    token = issued(auth).token

    reset(auth, token)

    assert_refused(auth, token)


def test_a_token_works_for_an_hour() -> None:
    auth = portal()
    token = issued(auth).token

    assert_refused(auth, token, RESET_LIFETIME)
    reset(auth, token, RESET_LIFETIME - A_SECOND)


def change_own_password(auth: AuthServices) -> None:
    change = PasswordChange(current_password="mango", new_password="a kiwi tree")
    auth.account_service().change_password(OWNER, change, HERE)


def deactivate(auth: AuthServices) -> None:
    auth.users.save(ASHA.model_copy(update={"is_active": False}))


def lose_password(auth: AuthServices) -> None:
    auth.accounts.hashes[ASHA.id] = None


def issue_another(auth: AuthServices) -> None:
    issued(auth)


@pytest.mark.parametrize("event", [issue_another, change_own_password, deactivate, lose_password])
def test_a_token_ends_with_the_next_one_a_change_of_the_password_or_the_account(
    event: Callable[[AuthServices], None],
) -> None:
    auth = portal()
    token = issued(auth).token

    event(auth)

    assert_refused(auth, token)
    assert auth.accounts.hashes[ASHA.id] != "hash of a new mango"


def test_an_unknown_token_is_refused_without_hashing_a_password() -> None:
    auth = portal()

    assert_refused(auth, "never issued")

    assert auth.hasher.hashes_made == 0


def test_a_deactivation_while_the_password_is_hashed_refuses_the_token() -> None:
    auth = portal()
    token = issued(auth).token
    auth.accounts.meanwhile = lambda: deactivate(auth)  # type: ignore[method-assign]

    assert_refused(auth, token)


@pytest.mark.parametrize(
    ("user", "hashed_password", "code"),
    [
        (person(id=ASHA.id, is_active=False), "hash of mango", "INACTIVE_USER"),
        (ASHA, None, "NO_PASSWORD"),
        (person(), "hash of mango", "NOT_FOUND"),
    ],
)
def test_a_reset_needs_an_active_user_with_a_password(
    user: User, hashed_password: str | None, code: str
) -> None:
    auth = portal(user, hashed_password)

    with pytest.raises((Conflict, NotFound)) as refusal:
        issued(auth)

    assert refusal.value.code == code
    assert auth.resets.stored == {}


def test_nobody_resets_their_own_password_and_a_plant_user_none() -> None:
    auth = portal()

    with pytest.raises(Conflict) as refusal:
        auth.reset_service().issue(HQ, HQ.user_id)
    with pytest.raises(Forbidden):
        auth.reset_service().issue(OWNER, CHIEF.id)

    assert refusal.value.code == "OWN_ACCOUNT"
    assert auth.resets.stored == {}


def test_a_reset_clears_no_failures_of_other_clients() -> None:
    auth = portal()
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            auth.sign_in("papaya", client="198.51.100.9")

    reset(auth, issued(auth).token)

    with pytest.raises(RateLimited):
        auth.sign_in("a new mango", client="198.51.100.9")
