"""Encryption of stored content that must not be readable in the database."""

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32


class Encryption:
    """Encrypts bytes with a key derived from a secret of the portal, one key for each purpose.

    The content is encrypted and authenticated by Fernet (AES-CBC with HMAC); the key is derived by HKDF.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key.derive(secret.encode())))

    def encrypt(self, content: bytes) -> bytes:
        """Encrypt bytes; the result is different each time."""
        return self._fernet.encrypt(content)

    def decrypt(self, encrypted: bytes) -> bytes | None:
        """Decrypt bytes; None if they were encrypted with another key, or changed."""
        try:
            return self._fernet.decrypt(encrypted)
        except InvalidToken:
            return None
