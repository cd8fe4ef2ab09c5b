"""Registration, and changes of one's own password (rules 9)."""

from dataclasses import dataclass
from typing import Final

from bp_core.auth.passwords import PasswordVerifier
from bp_core.auth.ports import Account, AccountStore, Attempt, InviteStore, SessionStore, TokenIssuer
from bp_core.auth.schemas import PasswordChange, Registration
from bp_core.notifications import Notice, Notifier
from bp_core.shared.access import Caller
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import Invalid, NoPassword, NotFound
from bp_core.users import PasswordResetWithdrawer, User, facts_of

WAITING_USER: Final = Notice(
    "user_registered",
    "A registration waits for activation",
    "Somebody has registered. See the inactive users.",
)
"""It names nobody, because one notice is for all registrations until it is read."""


@dataclass(frozen=True)
class AccountService:
    """Creates accounts and changes their passwords."""

    accounts: AccountStore
    sessions: SessionStore
    invites: InviteStore
    resets: PasswordResetWithdrawer
    passwords: PasswordVerifier
    tokens: TokenIssuer
    notifier: Notifier
    audit_trail: AuditTrail
    context: Context

    def register(self, registration: Registration) -> User:
        """Create an account: active with an invite for its e-mail, inactive without one.

        Without an invite, a known e-mail gets the same answer after the same work: no user is stored or
        changed, the audit trail has the attempt, and the user in the answer has a random id. Headquarters is
        notified of a new inactive user. Raises Invalid for an invite that cannot be used.
        """
        hashed_password = self.passwords.hasher.hashed(registration.password)
        with self.sessions.atomic():
            if registration.invite_token is not None:
                return self._redeem(registration, registration.invite_token, hashed_password)
            user = self._add_pending(registration, hashed_password)
            self.notifier.notify_of_registration(user.id, WAITING_USER)
            return user

    def change_password(self, caller: Caller, change: PasswordChange, address: str) -> None:
        """Change the caller's password, and end their other sessions.

        A wrong current password counts as a failed sign-in from the caller's session. Raises NotFound,
        NoPassword, RateLimited, and Invalid also if the password was changed meanwhile.
        """
        account = self._own(caller)
        session = str(caller.session_id) if caller.session_id else None
        attempt = Attempt(account.email, address, session)
        if not self.passwords.verify(account, change.current_password, attempt):
            raise _wrong_password()
        hashed_password = self.passwords.hasher.hashed(change.new_password)
        user_id, now = caller.user_id, self.context.now
        with self.sessions.atomic():
            if self.passwords.lock_verified(account, change.current_password) is None:
                raise _wrong_password()
            self.accounts.set_password(user_id, hashed_password, now)
            self.sessions.revoke_all(user_id, "password_changed", now, but=caller.session_id)
            self.resets.withdraw_reset(user_id)
            self.audit_trail.record("user.password_changed", "user", user_id)

    def _own(self, caller: Caller) -> Account:
        account = self.accounts.account(caller.user_id)
        if account is None:
            raise NotFound("There is no such user.")
        if account.hashed_password is None:
            raise NoPassword("You sign in with another provider, so you have no password here.")
        return account

    def _add_pending(self, registration: Registration, hashed_password: str) -> User:
        """Add an inactive user. A known e-mail takes the same statements, so that the time is the same."""
        email = registration.email
        known = self.accounts.account_by_email(email)
        user = self.accounts.add_pending(email, registration.full_name, hashed_password, self.context.now)
        if user is not None:
            self._record_registration(user)
            return user
        known = known or self.accounts.account_by_email(email)  # another registration was faster
        if known is not None:
            self.audit_trail.record("user.registered_again", "user", known.user_id)
        return self._not_stored(registration)

    def _redeem(self, registration: Registration, token: str, hashed_password: str) -> User:
        now = self.context.now
        self.accounts.lock_email(registration.email)
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
            plant_name=None,
            is_active=False,
            created_at=self.context.now,
            updated_at=self.context.now,
        )


def _wrong_password() -> Invalid:
    return Invalid.of("current_password", "is wrong")
