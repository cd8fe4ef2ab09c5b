from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bp_core.auth.schemas import IssuedInvite, NewInvite
from bp_core.shared.errors import Conflict, Invalid, NotFound
from bp_core.shared.schemas import PageQuery
from tests.unit.bp_core.auth.fakes import AuthServices
from tests.unit.bp_core.fakes import ASHA, person
from tests.unit.bp_core.support import CHENNAI, HQ, NOW


def invite(auth: AuthServices, **changes: Any) -> IssuedInvite:
    new = NewInvite.model_validate(
        {"email": "ravi@amber.example", "role": "plant", "plant_id": CHENNAI, **changes}
    )
    return auth.invite_service().invite(HQ, new)


def test_an_invite_shows_its_token_once_and_stores_its_hash() -> None:
    auth = AuthServices()

    issued = invite(auth)

    ((token_hash, stored),) = auth.invites.stored.items()
    assert token_hash == auth.tokens.fingerprint(issued.token)
    assert issued.model_dump(exclude={"token"}) == stored.model_dump()
    assert issued.expires_at == NOW + timedelta(days=7)
    assert issued.invited_by_user_id == HQ.user_id


def test_the_audit_trail_has_the_invite_without_its_token() -> None:
    auth = AuthServices()

    issued = invite(auth)

    (note,) = auth.audit_trail.notes
    assert note.action == "invite.created"
    assert note.after == {
        "email": "ravi@amber.example",
        "role": "plant",
        "plant_id": CHENNAI,
        "expires_at": issued.expires_at,
    }


def test_an_active_user_is_not_invited_and_a_pending_one_is() -> None:
    with pytest.raises(Conflict) as refusal:
        invite(AuthServices(), email=ASHA.email)
    assert refusal.value.code == "DUPLICATE"

    assert invite(AuthServices(person(is_active=False)), email=ASHA.email).token


@pytest.mark.parametrize(("role", "plant_id"), [("plant", None), ("hq", CHENNAI)])
def test_a_plant_user_is_invited_to_a_plant_and_headquarters_to_none(role: str, plant_id: object) -> None:
    with pytest.raises(Invalid) as refusal:
        invite(AuthServices(), role=role, plant_id=plant_id)

    assert [fault.field for fault in refusal.value.details] == ["plant_id"]


def test_an_invite_is_withdrawn_once() -> None:
    auth = AuthServices()
    issued = invite(auth)

    auth.invite_service().withdraw(HQ, issued.id)

    assert auth.invites.stored == {}
    assert auth.audit_trail.notes[-1].action == "invite.withdrawn"
    assert auth.audit_trail.notes[-1].before == {"email": "ravi@amber.example"}
    for unknown in (issued.id, uuid4()):
        with pytest.raises(NotFound):
            auth.invite_service().withdraw(HQ, unknown)


def test_invites_are_shown_a_page_at_a_time_newest_first() -> None:
    auth = AuthServices()
    first, second = invite(auth), invite(auth, email="mira@amber.example")

    page = auth.invite_service().search(HQ, PageQuery(limit=1))

    assert (page.total, [shown.id for shown in page.items]) == (2, [second.id])
    rest = auth.invite_service().search(HQ, PageQuery(limit=1, offset=1))
    assert [shown.id for shown in rest.items] == [first.id]
