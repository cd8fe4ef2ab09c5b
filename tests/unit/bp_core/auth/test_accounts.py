from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from bp_core.auth.invites import INVITE_LIFETIME
from bp_core.auth.schemas import NewInvite, PasswordChange, Registration
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Invalid, NotFound, RateLimited, Unauthenticated
from bp_core.users import User
from tests.unit.bp_core.auth.fakes import A_SECOND, HERE, AuthServices
from tests.unit.bp_core.fakes import ASHA, person
from tests.unit.bp_core.support import CHENNAI, HQ, NOW

RANDOM_ID = UUID("00000000-0000-4000-8000-0000000000ff")
RAVI = "ravi@amber.example"


def register(
    auth: AuthServices, email: str = RAVI, *, token: str | None = None, later: timedelta | None = None
) -> User:
    registration = Registration(email=email, password="a long mango", full_name="Ravi", invite_token=token)
    now = NOW + (later or timedelta(0))
    return auth.account_service(now).register(registration)


def invited(auth: AuthServices, email: str = RAVI) -> str:
    new = NewInvite(email=email, role="plant", plant_id=CHENNAI)
    return auth.invite_service().invite(HQ, new).token


def test_a_registration_without_an_invite_makes_an_inactive_account() -> None:
    auth = AuthServices()

    user = register(auth)

    assert (user.role, user.plant_id, user.is_active) == ("plant", None, False)
    assert auth.accounts.hashes[user.id] == "hash of a long mango"
    assert auth.audit_trail.actions() == ["user.registered"]


def test_a_known_e_mail_gets_the_same_answer_after_the_same_work_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    auth = AuthServices()
    monkeypatch.setattr(auth.tokens, "new_id", lambda: RANDOM_ID)

    known, unknown = register(auth, "ASHA@amber.example"), register(auth)

    differing = {"id", "email"}
    assert known.model_dump(exclude=differing) == unknown.model_dump(exclude=differing)
    assert (known.id, known.email) == (RANDOM_ID, "ASHA@amber.example")
    assert auth.hasher.hashes_made == 2
    assert auth.users.people[ASHA.id] == ASHA
    assert auth.accounts.hashes[ASHA.id] == "hash of mango"
    assert [(note.action, note.entity_id) for note in auth.audit_trail.notes] == [
        ("user.registered_again", ASHA.id),
        ("user.registered", unknown.id),
    ]
    assert [(user_id, notice.type) for user_id, notice in auth.notifier.notices] == [
        (RANDOM_ID, "user_registered"),
        (unknown.id, "user_registered"),
    ]


def test_an_invite_makes_an_active_account_of_its_role_and_plant() -> None:
    auth = AuthServices()

    user = register(auth, token=invited(auth))

    assert (user.email, user.full_name, user.role, user.plant_id, user.is_active) == (
        RAVI, "Ravi", "plant", CHENNAI, True,
    )  # fmt: skip
    assert auth.audit_trail.actions() == ["invite.created", "invite.used", "user.registered"]


def test_an_invite_makes_a_pending_account_active_with_the_password_that_comes_with_it() -> None:
    auth = AuthServices()
    pending = register(auth)

    user = register(auth, token=invited(auth))

    assert (user.id, user.is_active) == (pending.id, True)
    assert auth.sign_in("a long mango", email=RAVI).access_token


def test_an_invite_works_once_for_its_e_mail_and_for_seven_days() -> None:
    auth = AuthServices()
    token = invited(auth)

    for wrong in (
        {"token": "never issued"},
        {"token": token, "email": "somebody@amber.example"},
        {"token": token, "later": INVITE_LIFETIME},
    ):
        with pytest.raises(Invalid) as refusal:
            register(auth, **wrong)
        assert [fault.field for fault in refusal.value.details] == ["invite_token"]
    assert register(auth, token=token, later=INVITE_LIFETIME - A_SECOND).is_active
    with pytest.raises(Invalid):
        register(auth, token=token)


def test_an_invite_does_not_take_an_active_account_over() -> None:
    auth = AuthServices()
    token = invited(auth)
    auth.users.save(person(email=RAVI))

    with pytest.raises(Invalid):
        register(auth, token=token)


def change(
    auth: AuthServices, caller: Caller, current: str, new: str = "a new mango", *, seconds: int = 0
) -> None:
    service = auth.account_service(NOW + seconds * A_SECOND)
    service.change_password(caller, PasswordChange(current_password=current, new_password=new), HERE)


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one() -> None:
    auth = AuthServices()
    here, elsewhere = auth.sign_in(), auth.sign_in()
    caller = auth.authenticate(here.access_token)

    change(auth, caller, "mango")

    assert auth.authenticate(here.access_token) == caller
    with pytest.raises(Unauthenticated):
        auth.authenticate(elsewhere.access_token)
    assert auth.sessions.reasons() == ["password_changed"]
    assert auth.audit_trail.notes[-1].action == "user.password_changed"
    assert (auth.audit_trail.notes[-1].before, auth.audit_trail.notes[-1].after) == (None, None)
    assert auth.sign_in("a new mango").access_token


def guess(auth: AuthServices, caller: Caller) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        change(auth, caller, "papaya")
    return refusal.value


def test_a_wrong_current_password_changes_nothing_and_counts_for_the_session() -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)

    refusal = guess(auth, caller)

    assert [fault.field for fault in refusal.details] == ["current_password"]
    assert auth.accounts.hashes[ASHA.id] == "hash of mango"
    assert auth.failures.stored == {(ASHA.email, f"device:{caller.session_id}"): (NOW, 1)}


@pytest.mark.parametrize("change_meanwhile", ["another password", "deactivated"])
def test_a_password_is_not_changed_if_the_account_changed_during_the_check(change_meanwhile: str) -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)

    def meanwhile() -> None:
        if change_meanwhile == "deactivated":
            auth.users.save(person(id=ASHA.id, is_active=False))
        else:
            auth.accounts.hashes[ASHA.id] = "hash of kiwi"

    auth.accounts.meanwhile = meanwhile  # type: ignore[method-assign]
    with pytest.raises(Invalid):
        change(auth, caller, "mango")

    assert auth.accounts.hashes[ASHA.id] in ("hash of kiwi", "hash of mango")
    assert auth.sessions.reasons() == []


def test_guessing_the_current_password_is_slowed_down_like_signing_in() -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)
    for _ in range(4):
        guess(auth, caller)

    with pytest.raises(RateLimited):
        change(auth, caller, "mango")
    change(auth, caller, "mango", seconds=2)


def test_a_user_of_another_token_issuer_has_no_password_to_change() -> None:
    auth = AuthServices(hashed_password=None)

    with pytest.raises(Conflict) as refusal:
        change(auth, Caller(ASHA.id, None, "plant", ASHA.plant_id), "mango")

    assert refusal.value.code == "NO_PASSWORD"


def test_an_unknown_user_is_not_found() -> None:
    with pytest.raises(NotFound):
        change(AuthServices(), Caller(uuid4(), None, "plant", CHENNAI), "mango")
