"""Passwords, hashed with bcrypt (rules 9).

bcrypt is imported when the first password is checked or hashed: only sign-ins need it.
"""

from typing_extensions import override

from bp_core.auth.ports import PasswordHasher
from bp_core.auth.schemas import LONGEST_PASSWORD_BYTES

SALT_AND_DIGEST = "." * 53


class BcryptPasswords(PasswordHasher):
    """Hashes passwords with bcrypt, at a cost of 2**rounds."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds

    @override
    def matches(self, password: str, hashed_password: str | None, least_cost: int) -> bool:
        import bcrypt

        secret = password.encode()  # bcrypt reads 72 bytes; no longer password is ever set, so none matches
        read = secret[:LONGEST_PASSWORD_BYTES]
        cost = max(least_cost, self._rounds)
        if hashed_password is None:
            bcrypt.checkpw(read, _hash_of_no_password(cost))
            return False
        matches = bcrypt.checkpw(read, hashed_password.encode())
        # Each round doubles the work: 2**8 + (2**8 + 2**9) is 2**10, the work of a hash of ten rounds.
        for missing in range(_cost_of(hashed_password), cost):
            bcrypt.checkpw(read, _hash_of_no_password(missing))
        return matches and len(secret) <= LONGEST_PASSWORD_BYTES

    @override
    def rehashed(self, password: str, hashed_password: str) -> str | None:
        return self.hashed(password) if _cost_of(hashed_password) != self._rounds else None

    @override
    def hashed(self, password: str) -> str:
        import bcrypt

        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._rounds)).decode()


def _cost_of(hashed_password: str) -> int:
    """Return the rounds of a hash: 10 of "$2b$10$..."."""
    return int(hashed_password.split("$")[2])


def _hash_of_no_password(rounds: int) -> bytes:
    """Return a hash that no password has: a comparison with it takes as long as with a real one."""
    return f"$2b${rounds:02d}${SALT_AND_DIGEST}".encode()
