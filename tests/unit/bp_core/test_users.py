from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from bp_core.shared.errors import Conflict, Forbidden, Invalid, NotFound, TokenRevoked
from bp_core.users import ProfileChanges, User, UserChanges, UserService
from tests.unit.bp_core.fakes import ASHA, MemoryUsers, Note, RecordedAuditTrail, person
from tests.unit.bp_core.support import CHENNAI, HQ, NOW, OWNER, PUNE, context

CHIEF = person(id=HQ.user_id, email="chief@amber.example", role="hq", plant_id=None)
PENDING = person(plant_id=None, is_active=False)


class RecordedEndings:
    """Records whose sessions were ended, and why, and whose invites were withdrawn."""

    def __init__(self) -> None:
        self.ended: list[tuple[UUID, str, UUID | None]] = []
        self.withdrawn: list[str] = []
        self.resets_withdrawn: list[UUID] = []

    def withdraw_reset(self, user_id: UUID) -> None:
        self.resets_withdrawn.append(user_id)

    def withdraw_all(self, email: str) -> None:
        self.withdrawn.append(email)

    def revoke_all(self, user_id: UUID, reason: str, now: object, *, but: UUID | None) -> None:
        self.ended.append((user_id, reason, but))


class Users:
    """The service over users in memory."""

    def __init__(self, *users: User) -> None:
        self.store = MemoryUsers(CHIEF, *users)
        self.endings = RecordedEndings()
        self.audit_trail = RecordedAuditTrail()
        self.service = UserService(
            self.store, self.endings, self.endings, self.endings, self.audit_trail, context()
        )


def edit(user: User, **sent: Any) -> tuple[User, Users]:
    """Change a user as headquarters."""
    users = Users(user)
    return users.service.edit(HQ, user.id, UserChanges.model_validate(sent)), users


def test_a_profile_has_the_names_of_the_plant() -> None:
    shown = Users(ASHA).service.profile(OWNER)

    assert (shown.full_name, shown.plant_name, shown.plant_short_name) == ("Asha", "Pune Works", "Pune")


def test_an_unknown_user_is_not_found() -> None:
    users, unknown = Users(), uuid4()
    calls: list[Callable[[], object]] = [
        lambda: users.service.profile(OWNER),
        lambda: users.service.rename(OWNER, ProfileChanges(full_name="Asha")),
        lambda: users.service.show(HQ, unknown),
        lambda: users.service.edit(HQ, unknown, UserChanges()),
        lambda: users.service.activate(HQ, unknown),
        lambda: users.service.deactivate(HQ, unknown),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert users.audit_trail.notes == []


def test_people_change_their_own_name() -> None:
    users = Users(ASHA)

    shown = users.service.rename(OWNER, ProfileChanges(full_name=" Asha Rao "))

    assert shown.full_name == "Asha Rao"
    assert users.store.people[ASHA.id].updated_at == NOW
    assert users.audit_trail.notes == [
        Note("user.changed", "user", ASHA.id, {"full_name": "Asha"}, {"full_name": "Asha Rao"})
    ]


def test_a_name_that_is_not_sent_or_the_same_changes_nothing() -> None:
    users = Users(ASHA)

    users.service.rename(OWNER, ProfileChanges())
    users.service.rename(OWNER, ProfileChanges(full_name="Asha"))

    assert (users.store.saved, users.audit_trail.notes) == ([], [])


@pytest.mark.parametrize("name", ["", "   ", "n" * 201, "A\x00"])
def test_a_name_that_is_empty_or_too_long_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        ProfileChanges(full_name=name)
    with pytest.raises(ValidationError):
        UserChanges(full_name=name)


def test_a_change_of_plant_is_saved_and_recorded() -> None:
    changed, users = edit(ASHA, plant_id=str(CHENNAI))

    assert (changed.plant_id, changed.role, changed.full_name) == (CHENNAI, "plant", "Asha")
    assert users.store.people[ASHA.id] == changed
    assert users.audit_trail.notes == [
        Note("user.changed", "user", ASHA.id, {"plant_id": PUNE}, {"plant_id": CHENNAI})
    ]


def test_role_and_plant_change_in_one_request() -> None:
    changed, _ = edit(ASHA, role="hq", plant_id=None)

    assert (changed.role, changed.plant_id) == ("hq", None)


@pytest.mark.parametrize(
    "sent", [{"role": "hq"}, {"plant_id": None}, {"role": "hq", "plant_id": str(CHENNAI)}]
)
def test_role_and_plant_must_fit_each_other(sent: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        edit(ASHA, **sent)

    assert [fault.field for fault in refusal.value.details] == ["plant_id"]


def test_a_pending_user_may_get_a_plant_or_have_none() -> None:
    assert edit(PENDING, plant_id=str(PUNE))[0].plant_id == PUNE
    assert edit(PENDING, full_name="Ravi")[0].plant_id is None


def test_nobody_changes_their_own_role() -> None:
    with pytest.raises(Conflict) as refusal:
        edit(CHIEF, role="plant", plant_id=str(PUNE))

    assert refusal.value.code == "OWN_ACCOUNT"
    assert edit(CHIEF, full_name="The chief", role="hq")[0].full_name == "The chief"


def test_a_change_without_an_effect_saves_nothing() -> None:
    _, users = edit(ASHA, role="plant", plant_id=str(PUNE))

    assert (users.store.saved, users.audit_trail.notes) == ([], [])


@pytest.mark.parametrize("field", ["email", "is_active", "id", "password"])
def test_other_fields_cannot_be_changed(field: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        UserChanges.model_validate({field: "x"})


def test_activating_a_user_twice_changes_nothing_the_second_time() -> None:
    inactive = person(is_active=False)
    users = Users(inactive)

    assert users.service.activate(HQ, inactive.id).is_active
    assert users.service.activate(HQ, inactive.id).is_active

    assert users.audit_trail.notes == [
        Note("user.activated", "user", inactive.id, {"is_active": False}, {"is_active": True})
    ]


def test_a_plant_user_without_a_plant_cannot_be_activated() -> None:
    users = Users(PENDING)

    with pytest.raises(Invalid) as refusal:
        users.service.activate(HQ, PENDING.id)

    assert [fault.field for fault in refusal.value.details] == ["plant_id"]
    assert not users.store.people[PENDING.id].is_active


def test_deactivating_a_user_ends_their_sessions_and_withdraws_their_invites() -> None:
    users = Users(ASHA)

    deactivated = users.service.deactivate(HQ, ASHA.id)

    assert not deactivated.is_active
    assert users.endings.ended == [(ASHA.id, "deactivated", None)]
    assert users.endings.withdrawn == [ASHA.email]
    assert users.endings.resets_withdrawn == [ASHA.id]
    assert users.audit_trail.notes == [
        Note("user.deactivated", "user", ASHA.id, {"is_active": True}, {"is_active": False})
    ]


def test_nobody_deactivates_themselves() -> None:
    users = Users(CHIEF)

    with pytest.raises(Conflict) as refusal:
        users.service.deactivate(HQ, CHIEF.id)

    assert refusal.value.code == "OWN_ACCOUNT"
    assert users.store.people[CHIEF.id].is_active
    assert users.endings.ended == []


def test_the_last_active_user_of_headquarters_stays() -> None:
    other = person(role="hq", plant_id=None)
    asleep = CHIEF.model_copy(update={"is_active": False})
    demotion = UserChanges(role="plant", plant_id=PUNE)
    calls: list[Callable[[UserService], object]] = [
        lambda service: service.deactivate(HQ, other.id),
        lambda service: service.edit(HQ, other.id, demotion),
    ]
    for call in calls:
        users = Users(asleep, other)  # the other one deactivated the caller a moment ago

        with pytest.raises(Conflict) as refusal:
            call(users.service)

        assert refusal.value.code == "LAST_HEADQUARTERS"
        assert users.store.saved == []


@pytest.mark.parametrize(
    ("lost", "error"),
    [({"is_active": False}, TokenRevoked), ({"role": "plant", "plant_id": PUNE}, Forbidden)],
)
def test_headquarters_that_has_lost_its_right_meanwhile_administers_nobody(
    lost: dict[str, Any], error: type[Exception]
) -> None:
    inactive = person(is_active=False)
    third = person(role="hq", plant_id=None)
    calls: list[Callable[[UserService], object]] = [
        lambda service: service.edit(HQ, ASHA.id, UserChanges(plant_id=CHENNAI)),
        lambda service: service.activate(HQ, inactive.id),
        lambda service: service.deactivate(HQ, ASHA.id),
    ]
    for call in calls:
        users = Users(ASHA, inactive, third, CHIEF.model_copy(update=lost))

        with pytest.raises(error):
            call(users.service)

        assert users.store.saved == []
