"""The data directory of one local portal: database, blobs, secrets, and `portal.json` for scripts."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.locking import FileLock

ROOT = Path(__file__).resolve().parent.parent
"""The root of the repository."""
DEFAULT_DATA_DIRECTORY = ROOT / ".local"


@dataclass(frozen=True)
class Account:
    """A user who can sign in to the local portal. `password` is None if another instance set it."""

    email: str
    password: str | None
    role: str
    plant: str | None


class DataDirectory:
    """The paths in the directory. The process that runs the portal has the `lock`.

    `restoring` has the data of a backup that is being restored, `restored` those of one that is complete, and
    `replaced` the data that the last restore replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.lock = FileLock(self.path / "up.lock", on_acquired=self._complete_restore)
        self.postgres = self.path / "postgres"
        self.azurite = self.path / "azurite"
        self.secrets = self.path / "secrets.json"
        self.portal = self.path / "portal.json"
        self.host_log = self.path / "host.log"
        self.host_pid = self.path / "host.pid"
        self.restoring, self.restored, self.replaced = (
            self.path / name for name in ("restoring", "restored", "replaced")
        )

    def delete_data(self) -> None:
        """Delete the embedded database and storage, and their secrets."""
        for directory in (self.postgres, self.azurite):
            shutil.rmtree(directory, ignore_errors=True)
        for file in (self.secrets, self.portal):
            file.unlink(missing_ok=True)

    def install_restored(self) -> None:
        """Replace the data by those in `restoring`, which are complete.

        One renaming decides: after an interruption, whoever next acquires the lock does the rest.
        """
        shutil.rmtree(self.replaced, ignore_errors=True)
        self.restoring.rename(self.restored)
        self._complete_restore()

    def _complete_restore(self) -> None:
        """Move the data in `restored` to their places, and what is there to `replaced`."""
        if not self.restored.exists():
            return
        self.portal.unlink(missing_ok=True)
        for current in (self.postgres, self.azurite, self.secrets):
            new = self.restored / current.name
            if not new.exists():
                continue  # moved before an interruption
            if current.exists():
                self.replaced.mkdir(exist_ok=True)
                current.rename(self.replaced / current.name)
            new.rename(current)
        shutil.rmtree(self.restored)

    def write_portal(
        self, *, base_url: str, database_url: str, storage_connection_string: str, accounts: list[Account]
    ) -> None:
        """Write `portal.json`: the addresses and accounts of the running portal, for scripts."""
        content = {
            "base_url": base_url,
            "database_url": database_url,
            "storage_connection_string": storage_connection_string,
            "accounts": [asdict(account) for account in accounts],
        }
        write_private(self.portal, json.dumps(content, indent=2) + "\n")

    def read_portal(self) -> dict[str, Any]:
        """Read `portal.json`."""
        content: dict[str, Any] = json.loads(self.portal.read_text(encoding="utf-8"))
        return content


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)  # otherwise the file could be empty after a power failure
    temporary.replace(path)
