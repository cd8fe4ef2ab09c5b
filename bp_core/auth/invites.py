"""Invites: for one e-mail, usable once, within seven days; only a hash of the token is stored (rules 9)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from bp_core.auth.ports import AccountStore, InviteStore, TokenIssuer
from bp_core.auth.schemas import Invite, IssuedInvite, NewInvite
from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import Duplicate, NotFound
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.users import require_role_and_plant

INVITE_LIFETIME: Final = timedelta(days=7)


@dataclass(frozen=True)
class InviteService:
    """Invites people to the portal, for headquarters only."""

    store: InviteStore
    accounts: AccountStore
    tokens: TokenIssuer
    audit_trail: AuditTrail
    context: Context

    def invite(self, caller: Caller, new: NewInvite) -> IssuedInvite:
        """Invite a person; only this answer has the token.

        Raises Forbidden, Duplicate if an active user has the e-mail, Invalid where role and plant do not
        fit.
        """
        require_headquarters(caller)
        require_role_and_plant(new.role, new.plant_id)
        account = self.accounts.account_by_email(new.email)
        if account is not None and account.is_active:
            raise Duplicate("An active user already has this e-mail.")
        token = self.tokens.new_secret()
        invite = self.store.add(
            new,
            token_hash=self.tokens.fingerprint(token),
            invited_by=caller.user_id,
            expires_at=self.context.now + INVITE_LIFETIME,
            now=self.context.now,
        )
        facts = invite.model_dump(include={"email", "role", "plant_id", "expires_at"})
        self.audit_trail.record("invite.created", "invite", invite.id, after=facts)
        return IssuedInvite(**invite.model_dump(), token=token)

    def search(self, caller: Caller, query: PageQuery) -> Page[Invite]:
        """Show one page of the invites, newest first. Raises Forbidden."""
        require_headquarters(caller)
        return self.store.invites(query)

    def withdraw(self, caller: Caller, invite_id: UUID) -> None:
        """Delete an unused invite.

        Raises Forbidden, NotFound.
        """
        require_headquarters(caller)
        withdrawn = self.store.withdraw(invite_id)
        if withdrawn is None:
            raise NotFound("There is no such invite, or it was used already.")
        self.audit_trail.record("invite.withdrawn", "invite", invite_id, before={"email": withdrawn.email})
