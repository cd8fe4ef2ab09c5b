"""Sealing what is kept for a while and must not be readable where it is kept."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken


class Seal:
    """Seals bytes with a key that is made from a secret of the portal (AES-CBC with HMAC, by Fernet)."""

    def __init__(self, secret: str, purpose: str) -> None:
        key = hashlib.sha256(f"{purpose}:{secret}".encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, content: bytes) -> bytes:
        """Seal bytes."""
        return self._fernet.encrypt(content)

    def open(self, sealed: bytes) -> bytes | None:
        """Read sealed bytes; None where they were sealed with another secret."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None
