from cryptography.fernet import Fernet

from adapters.security.encryption import Encryption

SECRET = "a secret that only these tests know, and nobody else"
CONTENT = b'{"token": "a token of an invite"}'

ENCRYPTION = Encryption(SECRET, "idempotency")


def test_content_is_read_by_every_instance_with_the_same_secret_and_purpose() -> None:
    encrypted = ENCRYPTION.encrypt(CONTENT)

    assert CONTENT not in encrypted
    assert ENCRYPTION.decrypt(encrypted) == CONTENT
    assert Encryption(SECRET, "idempotency").decrypt(encrypted) == CONTENT


def test_the_same_content_is_encrypted_differently_each_time() -> None:
    assert ENCRYPTION.encrypt(CONTENT) != ENCRYPTION.encrypt(CONTENT)


def test_content_of_another_key_and_changed_content_are_not_read() -> None:
    encrypted = ENCRYPTION.encrypt(CONTENT)

    assert Encryption(SECRET[::-1], "idempotency").decrypt(encrypted) is None
    assert Encryption(SECRET, "another purpose").decrypt(encrypted) is None
    assert ENCRYPTION.decrypt(Fernet(Fernet.generate_key()).encrypt(CONTENT)) is None
    assert ENCRYPTION.decrypt(encrypted[:-1]) is None
    assert ENCRYPTION.decrypt(b"") is None
