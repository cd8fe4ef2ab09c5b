"""The directory in which `dev.py up` keeps one local portal: data, secrets, and what scripts may read."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.locking import FileLock

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
DEFAULT_DATA_DIRECTORY = ROOT / ".local"


@dataclass(frozen=True)
class Account:
    """A person who can sign in to the local portal; `password` is None where it was made elsewhere."""

    email: str
    password: str | None
    role: str
    plant: str | None


class DataDirectory:
    """Names the places in the directory; `lock` is held by the process that runs the portal in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.lock = FileLock(self.path / "up.lock")
        self.postgres = self.path / "postgres"
        self.azurite = self.path / "azurite"
        self.secrets = self.path / "secrets.json"
        self.portal = self.path / "portal.json"
        self.host_log = self.path / "host.log"
        self.host_pid = self.path / "host.pid"

    def forget(self) -> None:
        """Delete the embedded database and storage, and the secrets that belong to them."""
        for directory in (self.postgres, self.azurite):
            shutil.rmtree(directory, ignore_errors=True)
        for file in (self.secrets, self.portal):
            file.unlink(missing_ok=True)

    def write_portal(
        self, *, base_url: str, database_url: str, storage_connection_string: str, accounts: list[Account]
    ) -> None:
        """Tell scripts where the portal is and who can sign in: `portal.json`."""
        content = {
            "base_url": base_url,
            "database_url": database_url,
            "storage_connection_string": storage_connection_string,
            "accounts": [asdict(account) for account in accounts],
        }
        write_private(self.portal, json.dumps(content, indent=2) + "\n")

    def read_portal(self) -> dict[str, Any]:
        """What `write_portal` wrote."""
        content: dict[str, Any] = json.loads(self.portal.read_text(encoding="utf-8"))
        return content


def write_private(path: Path, text: str) -> None:
    """Replace a file, whole or not at all, by one that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
