"""Password resets: headquarters issues a token for a user who has forgotten the password (rules 9).

The token is usable once, within an hour; only its hash is stored. Users cannot ask for one themselves: that
needs delivery of e-mails.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from bp_core.auth.passwords import PasswordVerifier
from bp_core.auth.ports import Account, NewPasswordReset, PasswordResetStore, SessionStore, TokenIssuer
from bp_core.auth.schemas import IssuedPasswordReset, PasswordReset
from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import InactiveUser, Invalid, NoPassword, NotFound, OwnAccount
from bp_core.users import UserService

RESET_LIFETIME: Final = timedelta(hours=1)


@dataclass(frozen=True)
class PasswordResetService:
    """Issues password resets, for headquarters, and sets the new passwords.

    `web_app_url` is the address of the web client, for links; "" if it is not known.
    """

    store: PasswordResetStore
    users: UserService
    sessions: SessionStore
    passwords: PasswordVerifier
    tokens: TokenIssuer
    audit_trail: AuditTrail
    context: Context
    web_app_url: str

    def issue(self, caller: Caller, user_id: UUID) -> IssuedPasswordReset:
        """Issue a token for another user, for headquarters; only this answer has it.

        It replaces an earlier one. The old password and the sessions stay valid until the token is used.
        Raises Forbidden, OwnAccount, NotFound, TokenRevoked, InactiveUser, NoPassword for a user who signs in
        with another issuer only.
        """
        require_headquarters(caller)
        if user_id == caller.user_id:
            raise OwnAccount("Change your own password with the current one.")
        administered = self.users.lock(caller, user_id)
        administered.require_allowed(administered.user)
        self._require_password(user_id)
        token, now = self.tokens.new_secret(), self.context.now
        reset = NewPasswordReset(
            user_id, self.tokens.fingerprint(token), caller.user_id, now, now + RESET_LIFETIME
        )
        self.store.replace(reset)
        facts = {"expires_at": reset.expires_at}
        self.audit_trail.record("user.password_reset_issued", "user", user_id, after=facts)
        return IssuedPasswordReset(
            user_id=user_id, token=token, link=self._link(token), expires_at=reset.expires_at
        )

    def reset(self, request: PasswordReset, address: str) -> None:
        """Set a new password with a token, and end all sessions of the user.

        Raises Invalid, the same for every token that cannot be used: unknown, used, replaced, expired, or of
        a user who is not active.
        """
        token_hash = self.tokens.fingerprint(request.token)
        user_id = self.store.user_of(token_hash, self.context.now)
        if user_id is None:
            raise _not_usable()
        hashed_password = self.passwords.hasher.hashed(request.new_password)
        with self.sessions.atomic():
            account = self._use(user_id, token_hash)
            self.passwords.accounts.set_password(user_id, hashed_password, self.context.now)
            self.sessions.revoke_all(user_id, "password_reset", self.context.now, but=None)
            self.passwords.forget_failures(account, address)
            self.audit_trail.record("user.password_reset", "user", user_id)

    def _require_password(self, user_id: UUID) -> None:
        account = self.passwords.accounts.account(user_id)
        if account is None:
            raise NotFound("There is no such user.")
        if not account.is_active:
            raise InactiveUser("The user is not active. Activate the user first.")
        if account.hashed_password is None:
            raise NoPassword("The user signs in with another provider and has no password here.")

    def _use(self, user_id: UUID, token_hash: bytes) -> Account:
        """Lock the user, and use the token up."""
        account = self.passwords.accounts.account_for_update(user_id)
        is_usable = account is not None and account.is_active and account.hashed_password is not None
        if account is None or not is_usable or not self.store.use(token_hash, self.context.now):
            raise _not_usable()
        return account

    def _link(self, token: str) -> str | None:
        """Return the page of the web client. The token is behind #: browsers send that to no server."""
        return f"{self.web_app_url.rstrip('/')}/reset-password#token={token}" if self.web_app_url else None


def _not_usable() -> Invalid:
    return Invalid.of("token", "is not valid: it was used or replaced, has expired, or was never issued")
