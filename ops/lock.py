"""Resolves the requirements (`dev.py lock`), and checks without a network that they are resolved.

NAME.in lists the direct requirements with their reasons. NAME.txt is what pip installs: these and everything
below them, with versions and the hashes of the files, for all supported Python versions and systems.

Standard library only: dev.py uses this module before any package is installed.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from local.errors import SetupError
from ops.tools import ROOT, Tools

UV: Final = Tools("uv")
OPTIONS: Final = (
    "--quiet", "--no-config", "--universal", "--generate-hashes",
    "--annotation-style", "line", "--custom-compile-command", "python3 dev.py lock",
)  # fmt: skip
OLDEST_PYTHON: Final = "3.11"

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", re.MULTILINE)
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


class Pin(NamedTuple):
    """A package in one version."""

    name: str
    version: str


@dataclass(frozen=True)
class Resolved:
    """One package of a NAME.txt: the hashes of its files, and the files or packages that ask for it."""

    hashes: frozenset[str]
    asked_for_by: frozenset[str]


@dataclass(frozen=True)
class Lock:
    """One file that pip installs, the files with its direct requirements, and what is special about it."""

    target: str
    sources: tuple[str, ...]
    options: tuple[str, ...] = ()
    python: str = OLDEST_PYTHON


def _lock(name: str, *options: str, python: str = OLDEST_PYTHON) -> Lock:
    return Lock(f"requirements/{name}.txt", (f"requirements/{name}.in",), options, python)


DEVELOPMENT: Final = Lock("requirements/dev.txt", ("requirements.in", "requirements/dev.in"))
APP: Final = Lock("requirements.txt", ("requirements.in",), ("--constraints", DEVELOPMENT.target))
LOCKS: Final = (
    _lock("uv"),
    DEVELOPMENT,  # decides the versions of what runs in Azure, too
    APP,
    _lock("worker", "--no-deps", python="3.13"),
    _lock("node"),
    _lock("supply-chain"),
    _lock("checkov", "--overrides", "requirements/checkov.overrides"),
)


def resolve(*, upgrade: bool) -> None:
    """Write all files that pip installs. What is in them keeps its version, unless `upgrade`.

    Raises SetupError.
    """
    UV.install()
    python = str(UV.python)  # its path depends on requirements/uv.txt, which may change below
    for lock in LOCKS:
        files = (*lock.sources, "--output-file", lock.target)
        options = (*OPTIONS, "--python-version", lock.python, *lock.options, *(["--upgrade"] * upgrade))
        command = [python, "-m", "uv", "pip", "compile", *files, *options]
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
            raise SetupError(f"{lock.target} could not be resolved; see the output above.")


def faults(root: Path) -> list[str]:
    """What is wrong with the files: a NAME.txt that is not that of its NAME.in, a package without a hash."""
    found = [fault for lock in LOCKS for fault in _faults_of(root, lock)]
    development = resolved(root / DEVELOPMENT.target)
    app = resolved(root / APP.target)
    different = [pin for pin in app if pin not in development or app[pin].hashes != development[pin].hashes]
    return found + [f"{APP.target}: {pin.name} differs from {DEVELOPMENT.target}" for pin in different]


def _faults_of(root: Path, lock: Lock) -> list[str]:
    locked = resolved(root / lock.target)
    wanted = {pin for source in lock.sources for pin in requested(root / source)}
    direct = {pin for pin, one in locked.items() if one.asked_for_by & {f"-r {one}" for one in lock.sources}}
    return [
        *(f"{lock.target}: {pin.name}=={pin.version} is missing" for pin in sorted(wanted - direct)),
        *(f"{lock.target}: {pin.name}=={pin.version} is not requested" for pin in sorted(direct - wanted)),
        *(f"{lock.target}: {pin.name} has no hash" for pin, one in locked.items() if not one.hashes),
    ]


def requested(source: Path) -> set[Pin]:
    """The direct requirements in a NAME.in."""
    return set(pins(source.read_text(encoding="utf-8")))


def resolved(target: Path) -> dict[Pin, Resolved]:
    """The packages in a NAME.txt. One that differs by Python version is there in each version."""
    return {pin: _resolved(part) for part in parts(target.read_text(encoding="utf-8")) for pin in pins(part)}


def parts(text: str) -> list[str]:
    """The text of each package in a NAME.txt: version, marker, hashes, and what asks for it."""
    starts = [match.start() for match in PIN.finditer(text)]
    return [text[start:end] for start, end in pairwise([*starts, len(text)])]


def pins(text: str) -> list[Pin]:
    """The packages in a text of requirements, with normalised names."""
    return [Pin(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in PIN.findall(text)]


def _resolved(part: str) -> Resolved:
    asked = part.partition("# via ")[2].splitlines()
    return Resolved(frozenset(HASH.findall(part)), frozenset(asked[0].split(", ") if asked else ()))


def main() -> int:
    """`python -m ops.lock [--upgrade | --check]`."""
    parser = argparse.ArgumentParser(prog="dev.py lock", description="Resolve the requirements.")
    parser.add_argument("--upgrade", action="store_true", help="also what is resolved, to its newest version")
    parser.add_argument("--check", action="store_true", help="only check that they are resolved")
    arguments = parser.parse_args()
    try:
        if not arguments.check:
            resolve(upgrade=arguments.upgrade)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    found = faults(ROOT)
    print(*(found or ["Every requirement is resolved, with hashes."]), sep="\n")
    if found:
        print("Run: python3 dev.py lock", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
