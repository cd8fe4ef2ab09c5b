"""The commands of dev.py."""

import os
import subprocess
import sys

from local.data_directory import ROOT
from local.dev.checks import check
from local.dev.environment import Environment, set_up
from local.dev.testing import pytest_arguments
from local.errors import SetupError


def up(environment: Environment, arguments: list[str]) -> int:
    """Start the portal."""
    return environment.run_python("-m", "local.up", *arguments)


def tour(environment: Environment, arguments: list[str]) -> int:
    """Run the main scenario against the running portal."""
    return environment.run_python("-m", "local.tour", *arguments)


def migrate(environment: Environment, arguments: list[str]) -> int:
    """Migrate the database."""
    return environment.run_python("-m", "ops.migrate", *arguments)


def backup(environment: Environment, arguments: list[str]) -> int:
    """Back up the local portal."""
    return environment.run_python("-m", "local.backups.create", *arguments)


def restore(environment: Environment, arguments: list[str]) -> int:
    """Restore the local portal."""
    return environment.run_python("-m", "local.backups.restore", *arguments)


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
    "backup": backup,
    "restore": restore,
    "roles": roles,
}


def main(arguments: list[str], *, usage: str) -> int:
    """Install what is missing and run the command. Returns the exit status."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    is_help = command in ("-h", "--help", "help") or rest in (["-h"], ["--help"])
    if is_help or command not in COMMANDS:
        print(usage, file=sys.stdout if is_help else sys.stderr)
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
    return command in ("backup", "restore", "bench") or (command == "test" and "--unit" not in arguments)
