"""Checking the password of an account, and slowing down clients that guess (rules 9)."""

from dataclasses import dataclass

from bp_core.auth import throttling
from bp_core.auth.ports import Account, FailureStore, PasswordHasher
from bp_core.shared.context import Context


@dataclass(frozen=True)
class PasswordVerifier:
    """Compares passwords with those of accounts, and counts the failures."""

    failures: FailureStore
    hasher: PasswordHasher
    context: Context

    def verify(self, account: Account | None, email: str, password: str, address: str) -> bool:
        """Check whether a password is the account's; without an account, do the same work.

        A wrong password counts as a failed sign-in of this e-mail from this client address. Raises
        RateLimited before the password is compared, if this client must still wait.
        """
        since = self.context.now - throttling.COUNTED_FOR
        failures = self.failures.count(email, address, since)
        throttling.require_delay_passed(failures, self.context.now)
        if not self.hasher.matches(password, account.hashed_password if account else None):
            self.failures.add(email, address, self.context.now, since)
            return False
        if failures.this_client:
            self.failures.clear(email, address)
        return True
