from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from bp_core import users
from bp_core.shared.errors import Conflict, Invalid, NotFound
from bp_core.users import ProfileChanges, User, UserChanges
from tests.unit.bp_core.fakes import ASHA, MemoryUsers, Note, NotedTrail, person
from tests.unit.bp_core.support import CHENNAI, HQ, NOW, OWNER, PUNE

CHIEF = person(id=HQ.user_id, email="chief@amber.example", role="hq", plant_id=None)
PENDING = person(plant_id=None, is_active=False)


class NotedEndings:
    """Notes whose sessions were ended, and why, and whose invites were withdrawn."""

    def __init__(self) -> None:
        self.ended: list[tuple[UUID, str, UUID | None]] = []
        self.withdrawn: list[str] = []

    def withdraw_all(self, email: str) -> None:
        self.withdrawn.append(email)

    def revoke_all(self, user_id: UUID, reason: str, now: object, *, but: UUID | None) -> None:
        self.ended.append((user_id, reason, but))


def change(user: User, **sent: Any) -> tuple[User, MemoryUsers, NotedTrail]:
    """Change a person as headquarters."""
    store, trail = MemoryUsers(user, CHIEF), NotedTrail()
    changes = UserChanges.model_validate(sent)
    return users.change(store, trail, HQ, user.id, changes, NOW.at), store, trail


def test_a_person_is_shown_with_the_names_of_their_plant() -> None:
    shown = users.show_profile(MemoryUsers(ASHA), OWNER.user_id)

    assert (shown.full_name, shown.plant_name, shown.plant_short_name) == ("Asha", "Pune Works", "Pune")


def test_a_person_who_is_not_there_is_not_found() -> None:
    nobody, trail = uuid4(), NotedTrail()
    calls: list[Callable[[], object]] = [
        lambda: users.show_profile(MemoryUsers(), nobody),
        lambda: users.show(MemoryUsers(), nobody),
        lambda: users.change(MemoryUsers(), trail, HQ, nobody, UserChanges(), NOW.at),
        lambda: users.activate(MemoryUsers(), trail, nobody, NOW.at),
        lambda: users.deactivate(MemoryUsers(), NotedEndings(), NotedEndings(), trail, HQ, nobody, NOW.at),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert trail.notes == []


def test_people_change_their_own_name() -> None:
    store, trail = MemoryUsers(ASHA), NotedTrail()

    shown = users.rename(store, trail, OWNER, ProfileChanges(full_name=" Asha Rao "), NOW.at)

    assert shown.full_name == "Asha Rao"
    assert store.people[ASHA.id].updated_at == NOW.at
    assert trail.notes == [
        Note("user.changed", "user", ASHA.id, {"full_name": "Asha"}, {"full_name": "Asha Rao"})
    ]


def test_a_name_that_is_not_sent_or_the_same_keeps_nothing() -> None:
    store, trail = MemoryUsers(ASHA), NotedTrail()

    users.rename(store, trail, OWNER, ProfileChanges(), NOW.at)
    users.rename(store, trail, OWNER, ProfileChanges(full_name="Asha"), NOW.at)

    assert (store.saved, trail.notes) == ([], [])


@pytest.mark.parametrize("name", ["", "   ", "n" * 201, "A\x00"])
def test_a_name_says_something(name: str) -> None:
    with pytest.raises(ValidationError):
        ProfileChanges(full_name=name)
    with pytest.raises(ValidationError):
        UserChanges(full_name=name)


def test_headquarters_moves_a_person_to_another_plant_and_what_changed_is_kept() -> None:
    changed, store, trail = change(ASHA, plant_id=str(CHENNAI))

    assert (changed.plant_id, changed.role, changed.full_name) == (CHENNAI, "plant", "Asha")
    assert store.people[ASHA.id] == changed
    assert trail.notes == [Note("user.changed", "user", ASHA.id, {"plant_id": PUNE}, {"plant_id": CHENNAI})]


def test_a_person_who_joins_headquarters_leaves_their_plant_in_the_same_step() -> None:
    changed, _, _ = change(ASHA, role="hq", plant_id=None)

    assert (changed.role, changed.plant_id) == ("hq", None)


@pytest.mark.parametrize(
    "sent", [{"role": "hq"}, {"plant_id": None}, {"role": "hq", "plant_id": str(CHENNAI)}]
)
def test_role_and_plant_fit_each_other(sent: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        change(ASHA, **sent)

    assert [fault.field for fault in refusal.value.details] == ["plant_id"]


def test_a_person_who_waits_may_be_given_a_plant_or_wait_on_without_one() -> None:
    assert change(PENDING, plant_id=str(PUNE))[0].plant_id == PUNE
    assert change(PENDING, full_name="Ravi")[0].plant_id is None


def test_nobody_changes_their_own_role() -> None:
    with pytest.raises(Conflict) as refusal:
        change(CHIEF, role="plant", plant_id=str(PUNE))

    assert refusal.value.code == "OWN_ACCOUNT"
    assert change(CHIEF, full_name="The chief", role="hq")[0].full_name == "The chief"


def test_a_change_that_changes_nothing_keeps_nothing() -> None:
    _, store, trail = change(ASHA, role="plant", plant_id=str(PUNE))

    assert (store.saved, trail.notes) == ([], [])


@pytest.mark.parametrize("field", ["email", "is_active", "id", "password"])
def test_headquarters_changes_no_other_fields(field: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        UserChanges.model_validate({field: "x"})


def test_an_activated_person_is_let_in_and_a_second_time_changes_nothing() -> None:
    waiting = person(is_active=False)
    store, trail = MemoryUsers(waiting), NotedTrail()

    assert users.activate(store, trail, waiting.id, NOW.at).is_active
    assert users.activate(store, trail, waiting.id, NOW.at).is_active

    assert trail.notes == [
        Note("user.activated", "user", waiting.id, {"is_active": False}, {"is_active": True})
    ]


def test_a_plant_user_without_a_plant_is_not_let_in() -> None:
    store = MemoryUsers(PENDING)

    with pytest.raises(Invalid) as refusal:
        users.activate(store, NotedTrail(), PENDING.id, NOW.at)

    assert [fault.field for fault in refusal.value.details] == ["plant_id"]
    assert not store.people[PENDING.id].is_active


def test_a_deactivated_person_loses_every_session_at_once() -> None:
    store, sessions, trail = MemoryUsers(ASHA), NotedEndings(), NotedTrail()

    deactivated = users.deactivate(store, sessions, sessions, trail, HQ, ASHA.id, NOW.at)

    assert not deactivated.is_active
    assert sessions.ended == [(ASHA.id, "deactivated", None)]
    assert sessions.withdrawn == [ASHA.email]
    assert trail.notes == [
        Note("user.deactivated", "user", ASHA.id, {"is_active": True}, {"is_active": False})
    ]


def test_nobody_deactivates_themselves() -> None:
    store, sessions = MemoryUsers(CHIEF), NotedEndings()

    with pytest.raises(Conflict) as refusal:
        users.deactivate(store, sessions, sessions, NotedTrail(), HQ, CHIEF.id, NOW.at)

    assert refusal.value.code == "OWN_ACCOUNT"
    assert store.people[CHIEF.id].is_active
    assert sessions.ended == []
