from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from bp_core.auth.sessions import GRACE, SEEN_EVERY, caller_by_email, caller_of
from bp_core.auth.store import Claims
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound, Unauthenticated
from tests.unit.bp_core.auth.fakes import A_SECOND, NOW, Portal
from tests.unit.bp_core.fakes import ASHA, person
from tests.unit.bp_core.support import CHENNAI, PUNE


def code_of(refusal: pytest.ExceptionInfo[Unauthenticated]) -> str:
    return refusal.value.code


def session_of(caller: Caller) -> UUID:
    assert caller.session_id is not None
    return caller.session_id


def test_the_right_password_opens_a_session() -> None:
    portal = Portal()

    tokens = portal.sign_in()

    (opened,) = portal.sessions.opened.values()
    assert opened.user_id == ASHA.id
    assert opened.refresh_token_hash == portal.mint.fingerprint(tokens.refresh_token)
    assert (opened.opened_at, opened.user_agent, opened.remember_me) == (NOW, "a browser", False)
    assert (tokens.token_type, tokens.expires_in) == ("bearer", 30 * 60)


def test_the_trail_keeps_that_a_session_was_opened_and_no_token() -> None:
    portal = Portal()

    tokens = portal.sign_in()

    (note,) = portal.trail.notes
    assert (note.action, note.entity) == ("session.opened", "session")
    assert note.after == {"user_id": ASHA.id, "user_agent": "a browser"}
    assert tokens.refresh_token not in str(note)
    assert tokens.access_token not in str(note)


def test_the_e_mail_is_known_in_upper_case_too() -> None:
    assert Portal().sign_in(email="ASHA@Amber.example").access_token


@pytest.mark.parametrize(("remember_me", "days"), [(False, 7), (True, 30)])
def test_a_session_lasts_7_days_and_30_if_it_is_to_be_remembered(remember_me: bool, days: int) -> None:
    portal = Portal()

    tokens = portal.sign_in(remember_me=remember_me)

    (opened,) = portal.sessions.opened.values()
    refresh = portal.mint.issued[tokens.refresh_token]
    assert opened.expires_at == refresh.claims.expires_at == NOW + timedelta(days=days)


def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_answer_after_the_same_work() -> None:
    portal = Portal()

    with pytest.raises(Unauthenticated) as wrong:
        portal.sign_in("papaya")
    with pytest.raises(Unauthenticated) as unknown:
        portal.sign_in(email="nobody@amber.example")

    assert code_of(wrong) == code_of(unknown) == "INVALID_CREDENTIALS"
    assert str(wrong.value) == str(unknown.value)
    assert portal.passwords.compared == ["hash of mango", None]
    assert portal.sessions.opened == {}


def test_only_who_knows_the_password_learns_that_an_account_is_inactive() -> None:
    portal = Portal(person(is_active=False))

    with pytest.raises(Forbidden) as told:
        portal.sign_in()
    with pytest.raises(Unauthenticated) as untold:
        portal.sign_in("papaya")

    assert told.value.code == "ACCOUNT_INACTIVE"
    assert code_of(untold) == "INVALID_CREDENTIALS"
    assert portal.sessions.opened == {}


def test_who_signs_in_elsewhere_has_no_password_here() -> None:
    with pytest.raises(Unauthenticated) as refusal:
        Portal(hashed_password=None).sign_in()

    assert code_of(refusal) == "INVALID_CREDENTIALS"


def test_a_password_that_was_hashed_at_an_older_cost_is_hashed_again() -> None:
    portal = Portal(hashed_password="old hash of mango")

    portal.sign_in()

    assert portal.accounts.hashes == {ASHA.id: "hash of mango"}


def test_a_failed_login_hashes_nothing_again() -> None:
    portal = Portal(hashed_password="old hash of mango")

    with pytest.raises(Unauthenticated):
        portal.sign_in("papaya")

    assert portal.accounts.hashes == {ASHA.id: "old hash of mango"}


def test_an_access_token_tells_who_is_calling() -> None:
    portal = Portal()

    caller = portal.authenticate(portal.sign_in().access_token)

    (session_id,) = portal.sessions.opened
    assert caller == Caller(ASHA.id, session_id, "plant", PUNE)


def test_role_and_plant_are_the_live_users_not_those_of_the_token() -> None:
    portal = Portal()
    token = portal.sign_in().access_token

    portal.users.save(person(id=ASHA.id, plant_id=CHENNAI))
    assert portal.authenticate(token).plant_id == CHENNAI
    portal.users.save(person(id=ASHA.id, role="hq", plant_id=None))
    assert portal.authenticate(token).is_hq


def test_an_access_token_lasts_30_minutes() -> None:
    portal = Portal()
    token = portal.sign_in().access_token
    ends = NOW + timedelta(minutes=30)

    assert portal.authenticate(token, now=ends - A_SECOND).user_id == ASHA.id
    with pytest.raises(Unauthenticated) as refusal:
        portal.authenticate(token, now=ends)
    assert code_of(refusal) == "TOKEN_EXPIRED"


def test_a_deactivated_user_is_out_at_once() -> None:
    portal = Portal()
    tokens = portal.sign_in()

    portal.users.save(person(id=ASHA.id, is_active=False))

    with pytest.raises(Unauthenticated) as refusal:
        portal.authenticate(tokens.access_token)
    assert code_of(refusal) == "TOKEN_REVOKED"
    with pytest.raises(Unauthenticated) as refusal:
        portal.door.refresh(tokens.refresh_token, now=NOW)
    assert code_of(refusal) == "TOKEN_REVOKED"


def test_a_token_of_a_session_that_is_gone_or_of_another_user_is_refused() -> None:
    portal = Portal()
    session_id = session_of(portal.authenticate(portal.sign_in().access_token))

    for user, session in ((uuid4(), session_id), (ASHA.id, uuid4())):
        token = portal.mint.issue(
            "access",
            token_id="forged",
            user_id=user,
            session_id=session,
            role="plant",
            issued_at=NOW,
            expires_at=NOW + timedelta(minutes=30),
        )
        with pytest.raises(Unauthenticated) as refusal:
            portal.authenticate(token)
        assert code_of(refusal) == "TOKEN_REVOKED"


def test_it_is_kept_now_and_then_that_a_session_is_in_use() -> None:
    portal = Portal()
    token = portal.sign_in().access_token
    (session_id,) = portal.sessions.kept

    portal.authenticate(token, now=NOW + SEEN_EVERY)
    assert portal.sessions.kept[session_id].last_seen_at == NOW
    portal.authenticate(token, now=NOW + SEEN_EVERY + A_SECOND)
    assert portal.sessions.kept[session_id].last_seen_at == NOW + SEEN_EVERY + A_SECOND


def test_an_active_user_is_known_by_the_e_mail_that_another_issuer_vouches_for() -> None:
    caller = caller_by_email(Portal().accounts, "Asha@amber.example")

    assert caller == Caller(ASHA.id, None, "plant", PUNE)


@pytest.mark.parametrize("email", ["nobody@amber.example", "asleep@amber.example"])
def test_another_issuer_lets_in_neither_strangers_nor_inactive_users(email: str) -> None:
    portal = Portal(person(email="asleep@amber.example", is_active=False))

    with pytest.raises(Unauthenticated, match="No active user"):
        caller_by_email(portal.accounts, email)


def test_refresh_and_access_tokens_do_not_stand_in_for_each_other() -> None:
    portal = Portal()
    tokens = portal.sign_in()

    with pytest.raises(Unauthenticated):
        portal.authenticate(tokens.refresh_token)
    with pytest.raises(Unauthenticated):
        portal.door.refresh(tokens.access_token, now=NOW)


def test_refreshing_gives_new_tokens_of_the_same_session() -> None:
    portal = Portal()
    first = portal.sign_in()

    second = portal.refreshed(first.refresh_token)

    assert {second.access_token, second.refresh_token}.isdisjoint({first.access_token, first.refresh_token})
    assert portal.authenticate(second.access_token) == portal.authenticate(first.access_token)


def test_refreshing_does_not_make_a_session_longer() -> None:
    portal = Portal()
    ends = NOW + timedelta(days=7)
    tokens = portal.refreshed(portal.sign_in().refresh_token, now=ends - timedelta(minutes=10))

    assert tokens.expires_in == 10 * 60
    with pytest.raises(Unauthenticated) as refusal:
        portal.door.refresh(tokens.refresh_token, now=ends)
    assert code_of(refusal) == "TOKEN_EXPIRED"
    with pytest.raises(Unauthenticated) as refusal:
        portal.authenticate(tokens.access_token, now=ends)
    assert code_of(refusal) == "TOKEN_EXPIRED"


@pytest.mark.parametrize("later", [timedelta(0), A_SECOND, GRACE])
def test_a_second_tab_gets_the_same_successor_within_the_grace(later: timedelta) -> None:
    portal = Portal()
    old = portal.sign_in().refresh_token

    first, second = portal.refreshed(old), portal.refreshed(old, now=NOW + later)

    assert second.refresh_token == first.refresh_token
    assert second.access_token != first.access_token
    assert portal.authenticate(second.access_token) == portal.authenticate(first.access_token)
    assert portal.sessions.reasons() == []


def test_the_grace_begins_with_the_first_refresh_and_is_not_prolonged_by_the_next() -> None:
    portal = Portal()
    old = portal.sign_in().refresh_token
    portal.refreshed(old)
    portal.refreshed(old, now=NOW + GRACE)

    assert isinstance(portal.door.refresh(old, now=NOW + GRACE + A_SECOND), Unauthenticated)


@pytest.mark.parametrize("later", [GRACE + timedelta(microseconds=1), timedelta(hours=1)])
def test_a_refresh_token_that_is_used_again_after_the_grace_ends_the_session(later: timedelta) -> None:
    portal = Portal()
    stolen = portal.sign_in().refresh_token
    tokens = portal.refreshed(stolen)
    when = NOW + later

    outcome = portal.door.refresh(stolen, now=when)

    assert isinstance(outcome, Unauthenticated), "returned, not raised, so that the revocation is kept"
    assert outcome.code == "TOKEN_REVOKED"
    assert portal.sessions.reasons() == ["refresh_token_reused"]
    assert portal.trail.notes[-1].after == {"user_id": ASHA.id, "reason": "refresh_token_reused"}
    with pytest.raises(Unauthenticated):
        portal.authenticate(tokens.access_token)
    with pytest.raises(Unauthenticated):
        portal.door.refresh(tokens.refresh_token, now=when)


def test_the_last_but_one_refresh_token_has_no_grace() -> None:
    portal = Portal()
    old = portal.sign_in().refresh_token
    portal.refreshed(portal.refreshed(old).refresh_token)

    assert isinstance(portal.door.refresh(old, now=NOW), Unauthenticated)
    assert portal.sessions.reasons() == ["refresh_token_reused"]


def test_a_role_that_changed_between_two_tabs_ends_the_session_rather_than_give_two_successors() -> None:
    portal = Portal()
    old = portal.sign_in().refresh_token
    portal.refreshed(old)

    portal.users.save(person(id=ASHA.id, role="hq", plant_id=None))

    assert isinstance(portal.door.refresh(old, now=NOW + A_SECOND), Unauthenticated)
    assert portal.sessions.reasons() == ["refresh_token_reused"]


def test_a_refresh_token_of_a_session_that_has_ended_is_refused_and_nothing_more_is_kept() -> None:
    portal = Portal()
    tokens = portal.sign_in()
    portal.door.sign_out(portal.authenticate(tokens.access_token), None, now=NOW)

    with pytest.raises(Unauthenticated) as refusal:
        portal.door.refresh(tokens.refresh_token, now=NOW)

    assert code_of(refusal) == "TOKEN_REVOKED"
    assert portal.sessions.reasons() == ["logout"]


def test_signing_out_ends_the_session_at_once_and_no_other() -> None:
    portal = Portal()
    here, elsewhere = portal.sign_in(), portal.sign_in()

    portal.door.sign_out(portal.authenticate(here.access_token), None, now=NOW)

    with pytest.raises(Unauthenticated) as refusal:
        portal.authenticate(here.access_token)
    assert code_of(refusal) == "TOKEN_REVOKED"
    assert portal.authenticate(elsewhere.access_token).user_id == ASHA.id


def test_signing_out_ends_the_session_of_a_refresh_token_that_comes_along() -> None:
    portal = Portal()
    here, elsewhere = portal.sign_in(), portal.sign_in()

    portal.door.sign_out(portal.authenticate(here.access_token), elsewhere.refresh_token, now=NOW)

    assert portal.sessions.reasons() == ["logout", "logout"]


def test_signing_out_with_ones_own_refresh_token_is_kept_once() -> None:
    portal = Portal()
    here = portal.sign_in()

    portal.door.sign_out(portal.authenticate(here.access_token), here.refresh_token, now=NOW)

    assert portal.trail.actions() == ["session.opened", "session.ended"]


@pytest.mark.parametrize("token", ["nonsense", ""])
def test_signing_out_succeeds_whatever_comes_along(token: str) -> None:
    portal = Portal()
    caller = portal.authenticate(portal.sign_in().access_token)

    portal.door.sign_out(caller, token, now=NOW)

    assert portal.sessions.reasons() == ["logout"]


def test_signing_out_does_not_end_the_session_of_somebody_else() -> None:
    portal = Portal()
    caller = portal.authenticate(portal.sign_in().access_token)
    theirs = portal.mint.issue(
        "refresh",
        token_id="theirs",
        user_id=uuid4(),
        session_id=session_of(portal.authenticate(portal.sign_in().access_token)),
        role="plant",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )

    portal.door.sign_out(caller, theirs, now=NOW)

    assert list(portal.sessions.ended) == [caller.session_id]


def test_who_comes_with_another_issuers_token_has_no_session_to_end() -> None:
    portal = Portal()
    portal.sign_in()

    portal.door.sign_out(Caller(ASHA.id, None, "plant", PUNE), None, now=NOW)

    assert portal.sessions.reasons() == []


def test_people_see_their_open_sessions_and_which_one_is_this() -> None:
    portal = Portal()
    here, elsewhere = portal.sign_in(), portal.sign_in()
    caller = portal.authenticate(here.access_token)

    shown = {one.id: one.is_current for one in portal.door.open_sessions(caller, NOW)}

    assert shown == {
        session_of(caller): True,
        session_of(portal.authenticate(elsewhere.access_token)): False,
    }


def test_people_end_their_own_sessions() -> None:
    portal = Portal()
    caller = portal.authenticate(portal.sign_in().access_token)
    other = session_of(portal.authenticate(portal.sign_in().access_token))

    portal.door.end_session(caller, other, now=NOW)

    assert portal.sessions.ended == {other: "ended_by_user"}
    assert portal.trail.notes[-1].after == {"user_id": ASHA.id, "reason": "ended_by_user"}


def session_that_is(state: str, portal: Portal, caller: Caller) -> UUID:
    """A session that the caller may not end."""
    if state == "unknown":
        return uuid4()
    if state == "somebody else's":
        stranger = person(email="ravi@amber.example")
        portal.users.save(stranger)
        portal.accounts.hashes[stranger.id] = "hash of kiwi"
        tokens = portal.sign_in("kiwi", email=stranger.email)
    else:
        tokens = portal.sign_in()
    session_id = portal.mint.read(tokens.access_token, "access", NOW).session_id
    if state == "ended":
        portal.sessions.revoke(session_id, "logout", NOW)
    return session_id


@pytest.mark.parametrize("state", ["unknown", "ended", "somebody else's"])
def test_nobody_ends_a_session_that_is_not_theirs_or_has_ended(state: str) -> None:
    portal = Portal()
    caller = portal.authenticate(portal.sign_in().access_token)
    session_id = session_that_is(state, portal, caller)

    with pytest.raises(NotFound):
        portal.door.end_session(caller, session_id, now=NOW)

    assert "ended_by_user" not in portal.sessions.reasons()


@pytest.mark.parametrize("now", [NOW + timedelta(days=7), NOW + timedelta(days=8)])
def test_a_session_that_has_run_out_lets_nobody_in_whatever_the_token_says(now: datetime) -> None:
    portal = Portal()
    session_id = session_of(portal.authenticate(portal.sign_in().access_token))

    with pytest.raises(Unauthenticated) as refusal:
        caller_of(portal.sessions, Claims(ASHA.id, session_id, now + A_SECOND), now=now)

    assert code_of(refusal) == "TOKEN_REVOKED"
