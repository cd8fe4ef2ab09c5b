"""The secrets of a local portal, created at its first start: the token signing key and the demo passwords.

They are in the data directory, next to the embedded database. For an external database they are in the user's
cache directory, in a file per database. So several instances of one portal use the same signing key.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from local.data_directory import DataDirectory, write_private
from local.errors import SetupError
from local.locking import FileLock
from local.node import cache_directory
from local.postgres import embedded_directory


@dataclass
class LocalSecrets:
    """The secrets that must not change at a restart. ``passwords`` maps e-mail to password."""

    jwt_secret: str
    passwords: dict[str, str]
    path: Path

    def save(self) -> None:
        """Write the secrets to a file that only its owner can read."""
        content = {"jwt_secret": self.jwt_secret, "passwords": self.passwords}
        write_private(self.path, json.dumps(content, indent=2) + "\n")


@contextmanager
def open_secrets(path: Path) -> Iterator[LocalSecrets]:
    """Load the secrets, or create them; other processes wait until the block ends."""
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            yield _read(path)
        else:
            new = LocalSecrets(jwt_secret=secrets.token_urlsafe(48), passwords={}, path=path)
            new.save()
            yield new


def _read(path: Path) -> LocalSecrets:
    try:
        return LocalSecrets(**json.loads(path.read_text(encoding="utf-8")), path=path)
    except (ValueError, TypeError) as error:
        raise SetupError(
            f"{path} is damaged. Restore it, or delete it: then all users must sign in again,\n"
            "and the passwords of the demo users, which only this file has, are lost."
        ) from error


def secrets_path_for(database_url: str) -> Path:
    """The secrets file for an external database: the same path for every form of its URL.

    For the embedded database of another portal it is that portal's own file.
    """
    if embedded := embedded_directory(database_url):
        return DataDirectory(embedded.parent).secrets
    parameters = conninfo_to_dict(database_url)
    location = "\n".join(str(parameters.get(name, "")) for name in ("host", "port", "dbname"))
    return cache_directory() / "secrets" / f"{hashlib.sha256(location.encode()).hexdigest()}.json"
