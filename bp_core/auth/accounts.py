"""Registration, and changes of one's own password (rules 9)."""

from dataclasses import dataclass

from bp_core.auth.passwords import PasswordVerifier
from bp_core.auth.ports import AccountStore, InviteStore, TokenIssuer
from bp_core.auth.schemas import PasswordChange, Registration
from bp_core.shared.access import Caller
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import Invalid, NoPassword, NotFound
from bp_core.users import SessionEnder, User, facts_of


@dataclass(frozen=True)
class AccountService:
    """Creates accounts and changes their passwords."""

    accounts: AccountStore
    sessions: SessionEnder
    invites: InviteStore
    passwords: PasswordVerifier
    tokens: TokenIssuer
    audit_trail: AuditTrail
    context: Context

    def register(self, registration: Registration) -> User:
        """Create an account: active with an invite for its e-mail, inactive without one.

        Without an invite, a known e-mail gets the same answer after the same work: nothing is stored, and
        the user in the answer has a random id. Raises Invalid for an invite that cannot be used.
        """
        hashed_password = self.passwords.hasher.hashed(registration.password)
        if registration.invite_token is not None:
            return self._redeem(registration, registration.invite_token, hashed_password)
        user = self.accounts.add_pending(
            registration.email, registration.full_name, hashed_password, self.context.now
        )
        if user is None:
            return self._not_stored(registration)
        self._record_registration(user)
        return user

    def change_password(self, caller: Caller, change: PasswordChange, address: str) -> Invalid | None:
        """Change the caller's password, and end their other sessions.

        A wrong current password is returned, not raised: it counts as a failed sign-in from this client
        address, and that must be committed. Raises NotFound, NoPassword, RateLimited.
        """
        account = self.accounts.account(caller.user_id)
        if account is None:
            raise NotFound("There is no such user.")
        if account.hashed_password is None:
            raise NoPassword("You sign in with another provider, so you have no password here.")
        if not self.passwords.verify(account, account.email, change.current_password, address):
            return Invalid.of("current_password", "is wrong")
        hashed_password = self.passwords.hasher.hashed(change.new_password)
        self.accounts.set_password(caller.user_id, hashed_password, self.context.now)
        self.sessions.revoke_all(caller.user_id, "password_changed", self.context.now, but=caller.session_id)
        self.audit_trail.record("user.password_changed", "user", caller.user_id)
        return None

    def _redeem(self, registration: Registration, token: str, hashed_password: str) -> User:
        now = self.context.now
        invite = self.invites.use(self.tokens.fingerprint(token), registration.email, now)
        user = self.accounts.redeem(invite, registration.full_name, hashed_password, now) if invite else None
        if invite is None or user is None:
            message = "is not valid: it was used, has expired, or is for another e-mail"
            raise Invalid.of("invite_token", message)
        self.audit_trail.record("invite.used", "invite", invite.id, after={"user_id": user.id})
        self._record_registration(user)
        return user

    def _record_registration(self, user: User) -> None:
        self.audit_trail.record("user.registered", "user", user.id, after=facts_of(user))

    def _not_stored(self, registration: Registration) -> User:
        """Return what a new account would look like, so that the answer does not show that it exists."""
        return User(
            id=self.tokens.new_id(),
            email=registration.email,
            full_name=registration.full_name,
            role="plant",
            plant_id=None,
            is_active=False,
            created_at=self.context.now,
            updated_at=self.context.now,
        )
