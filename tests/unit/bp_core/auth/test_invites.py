from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bp_core.auth import invites
from bp_core.auth.models import IssuedInvite, NewInvite
from bp_core.shared.errors import Conflict, Invalid, NotFound
from tests.unit.bp_core.auth.fakes import NOW, Portal
from tests.unit.bp_core.fakes import ASHA, person
from tests.unit.bp_core.support import CHENNAI, HQ


def invite(portal: Portal, **changes: Any) -> IssuedInvite:
    new = NewInvite.model_validate(
        {"email": "ravi@amber.example", "role": "plant", "plant_id": CHENNAI, **changes}
    )
    return invites.invite(portal.invites, portal.accounts, portal.mint, portal.trail, HQ, new, NOW)


def test_an_invite_shows_its_token_once_and_keeps_its_hash() -> None:
    portal = Portal()

    issued = invite(portal)

    ((token_hash, kept),) = portal.invites.kept.items()
    assert token_hash == portal.mint.fingerprint(issued.token)
    assert issued.model_dump(exclude={"token"}) == kept.model_dump()
    assert issued.expires_at == NOW + timedelta(days=7)
    assert issued.invited_by_user_id == HQ.user_id


def test_the_trail_keeps_whom_an_invite_is_for_and_not_its_token() -> None:
    portal = Portal()

    issued = invite(portal)

    (note,) = portal.trail.notes
    assert note.action == "invite.created"
    assert note.after == {
        "email": "ravi@amber.example",
        "role": "plant",
        "plant_id": CHENNAI,
        "expires_at": issued.expires_at,
    }


def test_an_active_user_is_not_invited_and_a_pending_one_is() -> None:
    with pytest.raises(Conflict) as refusal:
        invite(Portal(), email=ASHA.email)
    assert refusal.value.code == "DUPLICATE"

    assert invite(Portal(person(is_active=False)), email=ASHA.email).token


@pytest.mark.parametrize(("role", "plant_id"), [("plant", None), ("hq", CHENNAI)])
def test_a_plant_user_is_invited_to_a_plant_and_headquarters_to_none(role: str, plant_id: object) -> None:
    with pytest.raises(Invalid) as refusal:
        invite(Portal(), role=role, plant_id=plant_id)

    assert [fault.field for fault in refusal.value.details] == ["plant_id"]


def test_an_invite_is_withdrawn_once() -> None:
    portal = Portal()
    issued = invite(portal)

    invites.withdraw(portal.invites, portal.trail, issued.id)

    assert portal.invites.kept == {}
    assert portal.trail.notes[-1].action == "invite.withdrawn"
    assert portal.trail.notes[-1].before == {"email": "ravi@amber.example"}
    for unknown in (issued.id, uuid4()):
        with pytest.raises(NotFound):
            invites.withdraw(portal.invites, portal.trail, unknown)
