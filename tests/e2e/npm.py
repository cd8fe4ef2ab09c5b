"""The npm packages of the tests, and a directory that Node.js finds them from."""

import hashlib
import shutil
from pathlib import Path
from typing import Final

from local.node import NpmPackages, cache_directory

LOCKED: Final = Path(__file__).parents[1] / "npm"


def workshop(source: Path, directory: Path) -> Path:
    """A copy of a directory of scripts which has the packages beside it, installed if need be."""
    lock = hashlib.sha256((LOCKED / "package-lock.json").read_bytes()).hexdigest()[:12]
    packages = NpmPackages("the packages of the tests", LOCKED, cache_directory() / f"tests-{lock}")
    packages.install()
    shutil.copytree(source, directory)
    (directory / "node_modules").symlink_to(packages.modules, target_is_directory=True)
    return directory
