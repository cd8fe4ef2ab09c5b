"""The npm packages of the tests."""

import hashlib
import shutil
from pathlib import Path
from typing import Final

from local.node import NpmPackages, cache_directory

PACKAGES: Final = Path(__file__).parents[1] / "npm"


def copy_with_packages(source: Path, directory: Path) -> Path:
    """Copy a directory of scripts and link node_modules into it. Installs the packages if missing."""
    lock = hashlib.sha256((PACKAGES / "package-lock.json").read_bytes()).hexdigest()[:12]
    packages = NpmPackages("the packages of the tests", PACKAGES, cache_directory() / f"tests-{lock}")
    packages.install()
    shutil.copytree(source, directory)
    (directory / "node_modules").symlink_to(packages.modules, target_is_directory=True)
    return directory
