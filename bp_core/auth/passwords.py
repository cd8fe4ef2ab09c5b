"""Checking the password of an account, and slowing down clients that guess (rules 9)."""

from dataclasses import dataclass

from bp_core.auth import throttling
from bp_core.auth.ports import Account, AccountStore, Attempt, FailureStore, PasswordHasher
from bp_core.shared.context import Context


@dataclass(frozen=True)
class PasswordVerifier:
    """Compares passwords with those of accounts, and counts the failures.

    `verify` must run outside of a transaction: comparing is slow, and the failure must stay counted.
    """

    accounts: AccountStore
    failures: FailureStore
    hasher: PasswordHasher
    context: Context

    def verify(self, account: Account | None, password: str, attempt: Attempt) -> bool:
        """Check whether a password is that of an active account; without one, do the same work.

        Every attempt counts as a failure until it has succeeded, so that attempts at the same time count like
        one after the other. Raises RateLimited before the password is compared, if this client must still
        wait.
        """
        self._count(attempt)
        matches = self._matches(password, account.hashed_password if account else None)
        if account is None or not account.is_active or not matches:
            return False
        self.failures.clear(attempt)
        return True

    def lock_verified(self, checked: Account, password: str) -> Account | None:
        """Lock a user; return the account if it is active and its password is the one that was checked.

        The check was made without a lock: meanwhile the account can have changed. If the hash has changed,
        the password is compared again: another login can have hashed the same password at another cost.
        """
        current = self.accounts.account_for_update(checked.user_id)
        if current is None or not current.is_active:
            return None
        is_unchanged = current.hashed_password == checked.hashed_password
        return current if is_unchanged or self._matches(password, current.hashed_password) else None

    def forget_failures(self, account: Account, address: str) -> None:
        """Delete the failures of an account from an address, after its password was set anew."""
        self.failures.clear(Attempt(account.email, address))

    def _matches(self, password: str, hashed_password: str | None) -> bool:
        return self.hasher.matches(password, hashed_password, self.accounts.highest_cost())

    def _count(self, attempt: Attempt) -> None:
        now = self.context.now
        since = now - throttling.COUNTED_FOR
        with self.failures.one_at_a_time(attempt.email):
            failures = self.failures.count(attempt, since, now - throttling.KNOWN_FOR)
            throttling.require_delay_passed(failures, now, own_device=attempt.device is not None)
            self.failures.add(attempt, now, since)
