"""Passwords, hashed with bcrypt (rules 9)."""

import bcrypt

from bp_core.auth.models import LONGEST_PASSWORD_BYTES

SALT_AND_DIGEST = "." * 53


class BcryptPasswords:
    """Hashes passwords with bcrypt, at 2**rounds."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds

    def matches(self, password: str, hashed_password: str | None) -> bool:
        """Compare a password with a hash; with no hash, do the same work and say no."""
        secret = password.encode()  # bcrypt reads 72 bytes: a longer password was never set and never matches
        known = hashed_password is not None and len(secret) <= LONGEST_PASSWORD_BYTES
        hashed = hashed_password.encode() if hashed_password is not None else self._nobodys_hash
        return bcrypt.checkpw(secret[:LONGEST_PASSWORD_BYTES], hashed) and known

    def rehashed(self, password: str, hashed_password: str) -> str | None:
        """Hash the password again if its hash was made at a lower cost than today's; None if it was not."""
        cost = int(hashed_password.split("$")[2])
        return self.hashed(password) if cost < self._rounds else None

    def hashed(self, password: str) -> str:
        """Hash a password of 72 bytes at most."""
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._rounds)).decode()

    @property
    def _nobodys_hash(self) -> bytes:
        """A hash that no password has, of today's cost: comparing with it is the same work."""
        return f"$2b${self._rounds:02d}${SALT_AND_DIGEST}".encode()
