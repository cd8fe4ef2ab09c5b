from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from bp_core.auth import accounts
from bp_core.auth.invites import INVITE_LIFETIME, invite
from bp_core.auth.models import NewInvite, PasswordChange, Registration
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, Invalid, NotFound, RateLimited, Unauthenticated
from bp_core.users import User
from tests.unit.bp_core.auth.fakes import A_SECOND, HERE, NOW, Portal
from tests.unit.bp_core.fakes import ASHA, person
from tests.unit.bp_core.support import CHENNAI, HQ

STAND_IN = UUID("00000000-0000-4000-8000-0000000000ff")
RAVI = "ravi@amber.example"


def register(
    portal: Portal, email: str = RAVI, *, token: str | None = None, later: timedelta | None = None
) -> User:
    registration = Registration(email=email, password="a long mango", full_name="Ravi", invite_token=token)
    now = NOW + (later or timedelta(0))
    return accounts.register(portal.door, portal.invites, registration, stand_in_id=STAND_IN, now=now)


def invited(portal: Portal, email: str = RAVI) -> str:
    new = NewInvite(email=email, role="plant", plant_id=CHENNAI)
    return invite(portal.invites, portal.accounts, portal.mint, portal.trail, HQ, new, NOW).token


def test_who_registers_without_an_invite_waits_for_headquarters() -> None:
    portal = Portal()

    user = register(portal)

    assert (user.role, user.plant_id, user.is_active) == ("plant", None, False)
    assert portal.accounts.hashes[user.id] == "hash of a long mango"
    assert portal.trail.actions() == ["user.registered"]


def test_a_known_e_mail_gets_the_same_answer_after_the_same_work_and_changes_nothing() -> None:
    portal = Portal()

    known, unknown = register(portal, "ASHA@amber.example"), register(portal)

    differing = {"id", "email"}
    assert known.model_dump(exclude=differing) == unknown.model_dump(exclude=differing)
    assert (known.id, known.email) == (STAND_IN, "ASHA@amber.example")
    assert portal.passwords.hashes_made == 2
    assert portal.users.people[ASHA.id] == ASHA
    assert portal.accounts.hashes[ASHA.id] == "hash of mango"
    assert [note.entity_id for note in portal.trail.notes] == [unknown.id]


def test_an_invite_makes_an_active_account_of_its_role_and_plant() -> None:
    portal = Portal()

    user = register(portal, token=invited(portal))

    assert (user.email, user.full_name, user.role, user.plant_id, user.is_active) == (
        RAVI, "Ravi", "plant", CHENNAI, True,
    )  # fmt: skip
    assert portal.trail.actions() == ["invite.created", "invite.used", "user.registered"]


def test_an_invite_makes_a_pending_account_active_with_the_password_that_comes_with_it() -> None:
    portal = Portal()
    pending = register(portal)

    user = register(portal, token=invited(portal))

    assert (user.id, user.is_active) == (pending.id, True)
    assert portal.sign_in("a long mango", email=RAVI).access_token


def test_an_invite_is_good_once_for_its_e_mail_and_for_seven_days() -> None:
    portal = Portal()
    token = invited(portal)

    for wrong in (
        {"token": "never issued"},
        {"token": token, "email": "somebody@amber.example"},
        {"token": token, "later": INVITE_LIFETIME},
    ):
        with pytest.raises(Invalid) as refusal:
            register(portal, **wrong)
        assert [fault.field for fault in refusal.value.details] == ["invite_token"]
    assert register(portal, token=token, later=INVITE_LIFETIME - A_SECOND).is_active
    with pytest.raises(Invalid):
        register(portal, token=token)


def test_an_invite_does_not_take_an_active_account_over() -> None:
    portal = Portal()
    token = invited(portal)
    portal.users.save(person(email=RAVI))

    with pytest.raises(Invalid):
        register(portal, token=token)


def change(
    portal: Portal, caller: Caller, current: str, new: str = "a new mango", *, seconds: int = 0
) -> Invalid | None:
    return accounts.change_password(
        portal.door,
        portal.users,
        caller,
        PasswordChange(current_password=current, new_password=new),
        client=HERE,
        now=NOW + seconds * A_SECOND,
    )


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one() -> None:
    portal = Portal()
    here, elsewhere = portal.sign_in(), portal.sign_in()
    caller = portal.authenticate(here.access_token)

    assert change(portal, caller, "mango") is None

    assert portal.authenticate(here.access_token) == caller
    with pytest.raises(Unauthenticated):
        portal.authenticate(elsewhere.access_token)
    assert portal.sessions.reasons() == ["password_changed"]
    assert portal.trail.notes[-1].action == "user.password_changed"
    assert (portal.trail.notes[-1].before, portal.trail.notes[-1].after) == (None, None)
    assert portal.sign_in("a new mango").access_token


def test_a_wrong_current_password_changes_nothing_and_is_returned_so_that_it_counts() -> None:
    portal = Portal()
    caller = portal.authenticate(portal.sign_in().access_token)

    refusal = change(portal, caller, "papaya")

    assert isinstance(refusal, Invalid)
    assert [fault.field for fault in refusal.details] == ["current_password"]
    assert portal.accounts.hashes[ASHA.id] == "hash of mango"
    assert portal.failures.failures(ASHA.email, HERE, NOW - A_SECOND).own == 1


def test_guessing_the_current_password_is_slowed_down_like_signing_in() -> None:
    portal = Portal()
    caller = portal.authenticate(portal.sign_in().access_token)
    for _ in range(4):
        change(portal, caller, "papaya")

    with pytest.raises(RateLimited):
        change(portal, caller, "mango")
    assert change(portal, caller, "mango", seconds=2) is None


def test_who_signs_in_elsewhere_has_no_password_to_change() -> None:
    portal = Portal(hashed_password=None)

    with pytest.raises(Conflict) as refusal:
        change(portal, Caller(ASHA.id, None, "plant", ASHA.plant_id), "mango")

    assert refusal.value.code == "NO_PASSWORD"


def test_a_user_who_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        change(Portal(), Caller(uuid4(), None, "plant", CHENNAI), "mango")
