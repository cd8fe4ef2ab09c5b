"""Tools that need other packages than the portal: each in a virtual environment in the shared cache.

Standard library only: dev.py uses this module before any package is installed.
"""

import hashlib
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.errors import SetupError
from local.locking import FileLock
from local.node import cache_directory, move_complete

ROOT: Final = Path(__file__).resolve().parent.parent
REQUIREMENTS: Final = ROOT / "requirements"


@dataclass(frozen=True)
class Tools:
    """The packages of `requirements/NAME.txt`."""

    name: str
    directory_of_requirements: Path = REQUIREMENTS

    @property
    def requirements(self) -> Path:
        """The file with every package, its version and its hashes."""
        return self.directory_of_requirements / f"{self.name}.txt"

    @property
    def python(self) -> Path:
        """The path of the Python with these packages. It may not be installed yet."""
        return self._directory / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def _directory(self) -> Path:
        fingerprint = hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:12]
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return cache_directory() / f"{self.name}-{fingerprint}-python{version}"

    def install(self) -> None:
        """Install the packages, atomically, unless they are in the cache. Raises SetupError if pip fails."""
        directory = self._directory
        with FileLock(directory.with_name(f"{self.name}.lock")):
            if self.python.exists():
                return
            partial = directory.with_name(directory.name + ".partial")
            venv.create(partial, clear=True, with_pip=True)
            python = partial / self.python.relative_to(directory)
            quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
            # --no-deps: the file has all packages, and one of checkov's is newer than checkov asks for.
            exact = ("--require-hashes", "--no-deps", "--requirement", str(self.requirements))
            command = [str(python), "-m", "pip", "install", *quiet, *exact]
            if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode != 0:
                raise SetupError(f"{self.name} could not be installed; see the output above.")
            move_complete(partial, directory)  # only its scripts contain the old path, and we do not use them
