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
    def matches(self, password: str, hashed_password: str | None) -> bool:
        import bcrypt

        secret = password.encode()  # bcrypt reads 72 bytes; no longer password is ever set, so none matches
        can_match = hashed_password is not None and len(secret) <= LONGEST_PASSWORD_BYTES
        hashed = hashed_password.encode() if hashed_password is not None else self._hash_of_no_password
        return bcrypt.checkpw(secret[:LONGEST_PASSWORD_BYTES], hashed) and can_match

    @override
    def rehashed(self, password: str, hashed_password: str) -> str | None:
        cost = int(hashed_password.split("$")[2])
        return self.hashed(password) if cost < self._rounds else None

    @override
    def hashed(self, password: str) -> str:
        import bcrypt

        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._rounds)).decode()

    @property
    def _hash_of_no_password(self) -> bytes:
        """A hash of the current cost that no password has: a comparison with it takes the same time."""
        return f"$2b${self._rounds:02d}${SALT_AND_DIGEST}".encode()
