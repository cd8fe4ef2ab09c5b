from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from bp_core.auth.ports import Claims, NewToken
from bp_core.auth.sign_in import GRACE, SEEN_EVERY
from bp_core.shared.access import Caller
from bp_core.shared.errors import Forbidden, NotFound, Unauthenticated
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.auth.fakes import A_SECOND, HERE, AuthServices
from tests.unit.bp_core.fakes import ASHA, person
from tests.unit.bp_core.support import CHENNAI, NOW, PUNE


def code_of(refusal: pytest.ExceptionInfo[Unauthenticated]) -> str:
    return refusal.value.code


def session_of(caller: Caller) -> UUID:
    assert caller.session_id is not None
    return caller.session_id


def test_the_right_password_opens_a_session() -> None:
    auth = AuthServices()

    tokens = auth.sign_in()

    (opened,) = auth.sessions.opened.values()
    assert opened.user_id == ASHA.id
    assert opened.refresh_token_hash == auth.tokens.fingerprint(tokens.refresh_token)
    assert (opened.opened_at, opened.user_agent, opened.remember_me) == (NOW, "a browser", False)
    assert (tokens.token_type, tokens.expires_in) == ("bearer", 30 * 60)


def test_the_audit_trail_has_the_opened_session_without_its_tokens() -> None:
    auth = AuthServices()

    tokens = auth.sign_in()

    (note,) = auth.audit_trail.notes
    assert (note.action, note.entity) == ("session.opened", "session")
    assert note.after == {"user_id": ASHA.id, "user_agent": "a browser"}
    assert tokens.refresh_token not in str(note)
    assert tokens.access_token not in str(note)


def test_the_case_of_an_e_mail_does_not_matter() -> None:
    assert AuthServices().sign_in(email="ASHA@Amber.example").access_token


@pytest.mark.parametrize(("remember_me", "days"), [(False, 7), (True, 30)])
def test_a_session_lasts_7_days_and_30_with_remember_me(remember_me: bool, days: int) -> None:
    auth = AuthServices()

    tokens = auth.sign_in(remember_me=remember_me)

    (opened,) = auth.sessions.opened.values()
    refresh = auth.tokens.issued[tokens.refresh_token]
    assert opened.expires_at == refresh.expires_at == NOW + timedelta(days=days)


def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_answer_after_the_same_work() -> None:
    auth = AuthServices()

    with pytest.raises(Unauthenticated) as wrong:
        auth.sign_in("papaya")
    with pytest.raises(Unauthenticated) as unknown:
        auth.sign_in(email="nobody@amber.example")

    assert code_of(wrong) == code_of(unknown) == "INVALID_CREDENTIALS"
    assert str(wrong.value) == str(unknown.value)
    assert auth.hasher.compared == ["hash of mango", None]
    assert auth.sessions.opened == {}


def test_an_account_that_is_not_active_is_like_a_wrong_password_and_counts_as_a_failure() -> None:
    auth = AuthServices(person(is_active=False), hashed_password="old hash of mango")

    for password in ("mango", "papaya", "mango"):
        with pytest.raises(Unauthenticated) as refusal:
            auth.sign_in(password)
        assert code_of(refusal) == "INVALID_CREDENTIALS"

    assert auth.sessions.opened == {}
    assert auth.failures.stored == {(ASHA.email, HERE): (NOW, 3)}
    assert list(auth.accounts.hashes.values()) == ["old hash of mango"]


def change_password_meanwhile(auth: AuthServices) -> None:
    auth.accounts.hashes[ASHA.id] = "hash of kiwi"


def deactivate_meanwhile(auth: AuthServices) -> None:
    auth.users.save(person(id=ASHA.id, is_active=False))


@pytest.mark.parametrize("meanwhile", [change_password_meanwhile, deactivate_meanwhile])
def test_no_session_opens_if_the_account_changed_while_the_password_was_checked(
    meanwhile: Callable[[AuthServices], None],
) -> None:
    auth = AuthServices(hashed_password="old hash of mango")
    auth.accounts.meanwhile = partial(meanwhile, auth)  # type: ignore[method-assign]

    with pytest.raises(Unauthenticated) as refusal:
        auth.sign_in()

    assert code_of(refusal) == "INVALID_CREDENTIALS"
    assert auth.sessions.opened == {}
    assert auth.accounts.hashes[ASHA.id] != "hash of mango", "the old password must not be written back"


def test_a_login_returns_a_token_for_this_device_that_opens_nothing() -> None:
    auth = AuthServices()

    first = auth.sign_in()
    again = auth.sign_in(device=first.device_token)

    devices = [auth.tokens.issued[signed_in.device_token] for signed_in in (first, again)]
    assert devices[0].session_id == devices[1].session_id not in auth.sessions.opened
    assert {device.kind for device in devices} == {"device"}
    assert devices[0].expires_at == NOW + timedelta(days=90)
    for use in (auth.authenticate, auth.refreshed):
        with pytest.raises(Unauthenticated):
            use(first.device_token)


def test_a_user_without_a_password_cannot_sign_in_with_one() -> None:
    with pytest.raises(Unauthenticated) as refusal:
        AuthServices(hashed_password=None).sign_in()

    assert code_of(refusal) == "INVALID_CREDENTIALS"


def test_a_password_that_was_hashed_at_a_lower_cost_is_hashed_again() -> None:
    auth = AuthServices(hashed_password="old hash of mango")

    auth.sign_in()

    assert auth.accounts.hashes == {ASHA.id: "hash of mango"}


def test_a_failed_login_hashes_nothing_again() -> None:
    auth = AuthServices(hashed_password="old hash of mango")

    with pytest.raises(Unauthenticated):
        auth.sign_in("papaya")

    assert auth.accounts.hashes == {ASHA.id: "old hash of mango"}


def test_an_access_token_tells_who_is_calling() -> None:
    auth = AuthServices()

    caller = auth.authenticate(auth.sign_in().access_token)

    (session_id,) = auth.sessions.opened
    assert caller == Caller(ASHA.id, session_id, "plant", PUNE)


def test_role_and_plant_are_the_current_ones_not_those_of_the_token() -> None:
    auth = AuthServices()
    token = auth.sign_in().access_token

    auth.users.save(person(id=ASHA.id, plant_id=CHENNAI))
    assert auth.authenticate(token).plant_id == CHENNAI
    auth.users.save(person(id=ASHA.id, role="hq", plant_id=None))
    assert auth.authenticate(token).is_hq


def test_an_access_token_lasts_30_minutes() -> None:
    auth = AuthServices()
    token = auth.sign_in().access_token
    ends = NOW + timedelta(minutes=30)

    assert auth.authenticate(token, now=ends - A_SECOND).user_id == ASHA.id
    with pytest.raises(Unauthenticated) as refusal:
        auth.authenticate(token, now=ends)
    assert code_of(refusal) == "TOKEN_EXPIRED"


def test_tokens_of_a_deactivated_user_are_refused_at_once() -> None:
    auth = AuthServices()
    tokens = auth.sign_in()

    auth.users.save(person(id=ASHA.id, is_active=False))

    with pytest.raises(Unauthenticated) as refusal:
        auth.authenticate(tokens.access_token)
    assert code_of(refusal) == "TOKEN_REVOKED"
    with pytest.raises(Unauthenticated) as refusal:
        auth.sign_ins(NOW).refresh(tokens.refresh_token)
    assert code_of(refusal) == "TOKEN_REVOKED"


def test_a_token_of_a_session_that_is_gone_or_of_another_user_is_refused() -> None:
    auth = AuthServices()
    session_id = session_of(auth.authenticate(auth.sign_in().access_token))

    for user, session in ((uuid4(), session_id), (ASHA.id, uuid4())):
        ends = NOW + timedelta(minutes=30)
        token = auth.tokens.issue(NewToken("access", "forged", user, session, "plant", NOW, ends))
        with pytest.raises(Unauthenticated) as refusal:
            auth.authenticate(token)
        assert code_of(refusal) == "TOKEN_REVOKED"


def test_the_use_of_a_session_is_recorded_every_five_minutes() -> None:
    auth = AuthServices()
    token = auth.sign_in().access_token
    (session_id,) = auth.sessions.stored

    auth.authenticate(token, now=NOW + SEEN_EVERY)
    assert auth.sessions.stored[session_id].last_seen_at == NOW
    auth.authenticate(token, now=NOW + SEEN_EVERY + A_SECOND)
    assert auth.sessions.stored[session_id].last_seen_at == NOW + SEEN_EVERY + A_SECOND


def test_the_verified_e_mail_of_another_issuer_identifies_an_active_user() -> None:
    caller = AuthServices().sign_ins().caller_by_email("Asha@amber.example")

    assert caller == Caller(ASHA.id, None, "plant", PUNE)


@pytest.mark.parametrize("email", ["nobody@amber.example", "asleep@amber.example"])
def test_tokens_of_another_issuer_need_an_active_user(email: str) -> None:
    auth = AuthServices(person(email="asleep@amber.example", is_active=False))

    with pytest.raises(Unauthenticated, match="No active user"):
        auth.sign_ins().caller_by_email(email)


def test_refresh_and_access_tokens_cannot_replace_each_other() -> None:
    auth = AuthServices()
    tokens = auth.sign_in()

    with pytest.raises(Unauthenticated):
        auth.authenticate(tokens.refresh_token)
    with pytest.raises(Unauthenticated):
        auth.sign_ins(NOW).refresh(tokens.access_token)


def test_refreshing_gives_new_tokens_of_the_same_session() -> None:
    auth = AuthServices()
    first = auth.sign_in()

    second = auth.refreshed(first.refresh_token)

    assert {second.access_token, second.refresh_token}.isdisjoint({first.access_token, first.refresh_token})
    assert auth.authenticate(second.access_token) == auth.authenticate(first.access_token)


def test_refreshing_does_not_make_a_session_longer() -> None:
    auth = AuthServices()
    ends = NOW + timedelta(days=7)
    tokens = auth.refreshed(auth.sign_in().refresh_token, now=ends - timedelta(minutes=10))

    assert tokens.expires_in == 10 * 60
    with pytest.raises(Unauthenticated) as refusal:
        auth.sign_ins(ends).refresh(tokens.refresh_token)
    assert code_of(refusal) == "TOKEN_EXPIRED"
    with pytest.raises(Unauthenticated) as refusal:
        auth.authenticate(tokens.access_token, now=ends)
    assert code_of(refusal) == "TOKEN_EXPIRED"


@pytest.mark.parametrize("later", [timedelta(0), A_SECOND, GRACE])
def test_a_second_tab_gets_the_same_successor_within_the_grace(later: timedelta) -> None:
    auth = AuthServices()
    old = auth.sign_in().refresh_token

    first, second = auth.refreshed(old), auth.refreshed(old, now=NOW + later)

    assert second.refresh_token == first.refresh_token
    assert second.access_token != first.access_token
    assert auth.authenticate(second.access_token) == auth.authenticate(first.access_token)
    assert auth.sessions.reasons() == []


def test_the_grace_begins_with_the_first_refresh_and_is_not_extended_by_the_next() -> None:
    auth = AuthServices()
    old = auth.sign_in().refresh_token
    auth.refreshed(old)
    auth.refreshed(old, now=NOW + GRACE)

    assert isinstance(auth.sign_ins(NOW + GRACE + A_SECOND).refresh(old), Unauthenticated)


@pytest.mark.parametrize("later", [GRACE + timedelta(microseconds=1), timedelta(hours=1)])
def test_a_refresh_token_that_is_used_again_after_the_grace_ends_the_session(later: timedelta) -> None:
    auth = AuthServices()
    stolen = auth.sign_in().refresh_token
    tokens = auth.refreshed(stolen)
    when = NOW + later

    outcome = auth.sign_ins(when).refresh(stolen)

    assert isinstance(outcome, Unauthenticated), "returned, not raised, so that the revocation is committed"
    assert outcome.code == "TOKEN_REVOKED"
    assert auth.sessions.reasons() == ["refresh_token_reused"]
    assert auth.audit_trail.notes[-1].after == {"user_id": ASHA.id, "reason": "refresh_token_reused"}
    with pytest.raises(Unauthenticated):
        auth.authenticate(tokens.access_token)
    with pytest.raises(Unauthenticated):
        auth.sign_ins(when).refresh(tokens.refresh_token)


def test_the_last_but_one_refresh_token_has_no_grace() -> None:
    auth = AuthServices()
    old = auth.sign_in().refresh_token
    auth.refreshed(auth.refreshed(old).refresh_token)

    assert isinstance(auth.sign_ins(NOW).refresh(old), Unauthenticated)
    assert auth.sessions.reasons() == ["refresh_token_reused"]


def test_a_role_that_changed_between_two_tabs_ends_the_session_rather_than_give_two_successors() -> None:
    auth = AuthServices()
    old = auth.sign_in().refresh_token
    auth.refreshed(old)

    auth.users.save(person(id=ASHA.id, role="hq", plant_id=None))

    assert isinstance(auth.sign_ins(NOW + A_SECOND).refresh(old), Unauthenticated)
    assert auth.sessions.reasons() == ["refresh_token_reused"]


def test_a_refresh_token_of_a_session_that_has_ended_is_refused_and_nothing_is_stored() -> None:
    auth = AuthServices()
    tokens = auth.sign_in()
    auth.sign_ins().sign_out(auth.authenticate(tokens.access_token), None)

    with pytest.raises(Unauthenticated) as refusal:
        auth.sign_ins(NOW).refresh(tokens.refresh_token)

    assert code_of(refusal) == "TOKEN_REVOKED"
    assert auth.sessions.reasons() == ["logout"]


def test_signing_out_ends_the_session_at_once_and_no_other() -> None:
    auth = AuthServices()
    here, elsewhere = auth.sign_in(), auth.sign_in()

    auth.sign_ins().sign_out(auth.authenticate(here.access_token), None)

    with pytest.raises(Unauthenticated) as refusal:
        auth.authenticate(here.access_token)
    assert code_of(refusal) == "TOKEN_REVOKED"
    assert auth.authenticate(elsewhere.access_token).user_id == ASHA.id


def test_signing_out_ends_the_session_of_a_refresh_token_that_is_sent_along() -> None:
    auth = AuthServices()
    here, elsewhere = auth.sign_in(), auth.sign_in()

    auth.sign_ins().sign_out(auth.authenticate(here.access_token), elsewhere.refresh_token)

    assert auth.sessions.reasons() == ["logout", "logout"]


def test_signing_out_with_ones_own_refresh_token_is_recorded_once() -> None:
    auth = AuthServices()
    here = auth.sign_in()

    auth.sign_ins().sign_out(auth.authenticate(here.access_token), here.refresh_token)

    assert auth.audit_trail.actions() == ["session.opened", "session.ended"]


@pytest.mark.parametrize("token", ["nonsense", ""])
def test_signing_out_succeeds_with_a_malformed_refresh_token(token: str) -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)

    auth.sign_ins().sign_out(caller, token)

    assert auth.sessions.reasons() == ["logout"]


def test_signing_out_does_not_end_the_session_of_another_user() -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)
    session_id = session_of(auth.authenticate(auth.sign_in().access_token))
    ends = NOW + timedelta(days=7)
    theirs = auth.tokens.issue(NewToken("refresh", "theirs", uuid4(), session_id, "plant", NOW, ends))

    auth.sign_ins().sign_out(caller, theirs)

    assert list(auth.sessions.ended) == [caller.session_id]


def test_a_caller_with_a_token_of_another_issuer_has_no_session_to_end() -> None:
    auth = AuthServices()
    auth.sign_in()

    auth.sign_ins().sign_out(Caller(ASHA.id, None, "plant", PUNE), None)

    assert auth.sessions.reasons() == []


def test_users_see_their_open_sessions_and_which_is_the_current() -> None:
    auth = AuthServices()
    here, elsewhere = auth.sign_in(), auth.sign_in()
    caller = auth.authenticate(here.access_token)

    shown = {one.id: one.is_current for one in auth.sign_ins().open_sessions(caller, PageQuery()).items}

    assert shown == {
        session_of(caller): True,
        session_of(auth.authenticate(elsewhere.access_token)): False,
    }


def test_users_end_their_own_sessions() -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)
    other = session_of(auth.authenticate(auth.sign_in().access_token))

    auth.sign_ins().end_session(caller, other)

    assert auth.sessions.ended == {other: "ended_by_user"}
    assert auth.audit_trail.notes[-1].after == {"user_id": ASHA.id, "reason": "ended_by_user"}


def session_that_is(state: str, auth: AuthServices, caller: Caller) -> UUID:
    """A session that the caller cannot end."""
    if state == "unknown":
        return uuid4()
    if state == "another user's":
        stranger = person(email="ravi@amber.example")
        auth.users.save(stranger)
        auth.accounts.hashes[stranger.id] = "hash of kiwi"
        tokens = auth.sign_in("kiwi", email=stranger.email)
    else:
        tokens = auth.sign_in()
    session_id = auth.tokens.read(tokens.access_token, "access", NOW).session_id
    if state == "ended":
        auth.sessions.revoke(session_id, "logout", NOW)
    return session_id


@pytest.mark.parametrize("state", ["unknown", "ended", "another user's"])
def test_nobody_ends_a_session_that_is_not_theirs_or_has_ended(state: str) -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)
    session_id = session_that_is(state, auth, caller)

    with pytest.raises(NotFound):
        auth.sign_ins().end_session(caller, session_id)

    assert "ended_by_user" not in auth.sessions.reasons()


@pytest.mark.parametrize("now", [NOW + timedelta(days=7), NOW + timedelta(days=8)])
def test_an_expired_session_is_refused_whatever_the_token_says(now: datetime) -> None:
    auth = AuthServices()
    session_id = session_of(auth.authenticate(auth.sign_in().access_token))

    with pytest.raises(Unauthenticated) as refusal:
        auth.sign_ins(now).caller_of(Claims(ASHA.id, session_id, now + A_SECOND, "forged"))

    assert code_of(refusal) == "TOKEN_REVOKED"


def test_a_caller_who_has_the_same_role_and_plant_as_before_keeps_them() -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)

    auth.users.save(person(id=ASHA.id, full_name="Asha Rao"))

    auth.sign_ins().require_unchanged(caller)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plant_id": CHENNAI}, "FORBIDDEN"),
        ({"role": "hq", "plant_id": None}, "FORBIDDEN"),
        ({"is_active": False}, "TOKEN_REVOKED"),
    ],
)
def test_a_caller_whose_role_plant_or_state_has_changed_is_refused(
    changes: dict[str, Any], code: str
) -> None:
    auth = AuthServices()
    caller = auth.authenticate(auth.sign_in().access_token)

    auth.users.save(person(id=ASHA.id, **changes))

    with pytest.raises((Forbidden, Unauthenticated)) as refusal:
        auth.sign_ins().require_unchanged(caller)
    assert refusal.value.code == code
