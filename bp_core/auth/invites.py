"""Inviting people: single use, one e-mail, seven days, the token kept as a hash only (rules 9)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bp_core.auth.models import IssuedInvite, NewInvite
from bp_core.auth.store import AccountStore, InviteStore, TokenMint
from bp_core.shared.access import Caller
from bp_core.shared.errors import Conflict, NotFound
from bp_core.shared.trail import Trail
from bp_core.users import require_role_and_plant

INVITE_LIFETIME: Final = timedelta(days=7)


def invite(
    store: InviteStore,
    accounts: AccountStore,
    mint: TokenMint,
    trail: Trail,
    caller: Caller,
    new: NewInvite,
    now: datetime,
) -> IssuedInvite:
    """Invite somebody; the token is in this answer and nowhere else.

    Raises Conflict (DUPLICATE) if an active user has the e-mail, Invalid where role and plant do not fit.
    """
    require_role_and_plant(new.role, new.plant_id)
    account = accounts.account(new.email)
    if account is not None and account.is_active:
        raise Conflict("An active user has this e-mail already.", code="DUPLICATE")
    token = mint.new_invite_token()
    kept = store.add(
        new,
        token_hash=mint.fingerprint(token),
        invited_by=caller.user_id,
        expires_at=now + INVITE_LIFETIME,
        now=now,
    )
    facts = {"email": kept.email, "role": kept.role, "plant_id": kept.plant_id, "expires_at": kept.expires_at}
    trail.note("invite.created", "invite", kept.id, after=facts)
    return IssuedInvite(**kept.model_dump(), token=token)


def withdraw(store: InviteStore, trail: Trail, invite_id: UUID) -> None:
    """Take an invite back that was not used.

    Raises NotFound.
    """
    withdrawn = store.withdraw(invite_id)
    if withdrawn is None:
        raise NotFound("There is no such invite, or it was used.")
    trail.note("invite.withdrawn", "invite", invite_id, before={"email": withdrawn.email})
