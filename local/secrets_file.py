"""The secrets of a local portal, made at its first start: the key that signs tokens, and the demo passwords.

They stand beside the embedded database. For a database elsewhere they stand in the user's cache directory
under the name of that database, so that several instances of one portal sign with the same key.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from local.data_directory import write_private
from local.locking import FileLock
from local.node import cache_directory


@dataclass
class Secrets:
    """What must survive a restart; `passwords` by e-mail."""

    jwt_secret: str
    passwords: dict[str, str]
    path: Path

    def store(self) -> None:
        """Keep the secrets, readable by their owner only."""
        content = {"jwt_secret": self.jwt_secret, "passwords": self.passwords}
        write_private(self.path, json.dumps(content, indent=2) + "\n")


@contextmanager
def kept_secrets(path: Path) -> Iterator[Secrets]:
    """The secrets kept at `path`, or new ones; held against other processes until the end of the block."""
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            yield Secrets(**json.loads(path.read_text(encoding="utf-8")), path=path)
        else:
            new = Secrets(jwt_secret=secrets.token_urlsafe(48), passwords={}, path=path)
            new.store()
            yield new


def shared_secrets_path(database_url: str) -> Path:
    """Where this user's secrets for a database elsewhere are, whichever way its URL is written."""
    parameters = conninfo_to_dict(database_url)
    place = "\n".join(str(parameters.get(name, "")) for name in ("host", "port", "dbname"))
    return cache_directory() / "secrets" / f"{hashlib.sha256(place.encode()).hexdigest()}.json"
