"""The commands of dev.py."""

import os
import sys

from local.data_directory import ROOT
from local.dev import children
from local.dev.checks import check
from local.dev.environment import Environment, set_up
from local.dev.launch import INTERRUPTED
from local.dev.testing import pytest_arguments
from local.errors import SetupError, reason
from local.stopping import Stopped, StopSignals


def up(environment: Environment, arguments: list[str]) -> int:
    """Start the portal."""
    return environment.run_python("-m", "local.up", *arguments)


def tour(environment: Environment, arguments: list[str]) -> int:
    """Run the main scenario against the running portal."""
    return environment.run_module("local.tour", *arguments)


def migrate(environment: Environment, arguments: list[str]) -> int:
    """Migrate the database."""
    return environment.run_module("ops.migrate", *arguments)


def backup(environment: Environment, arguments: list[str]) -> int:
    """Back up the local portal."""
    return environment.run_module("local.backups.create", *arguments)


def restore(environment: Environment, arguments: list[str]) -> int:
    """Restore the local portal."""
    return environment.run_module("local.backups.restore", *arguments)


def roles(environment: Environment, arguments: list[str]) -> int:
    """Create the database roles."""
    return environment.run_module("ops.roles", *arguments)


def test(environment: Environment, arguments: list[str]) -> int:
    """Run the tests."""
    root = environment.root
    data = root / ".local"
    data.mkdir(exist_ok=True)
    return environment.run_module(
        *("pytest", *pytest_arguments(root, arguments)),
        directory=root,
        variables={"COVERAGE_FILE": str(data / "coverage")},
    )


def bench(environment: Environment, arguments: list[str]) -> int:
    """Run benchmarks."""
    return environment.run_module("bench", *arguments, directory=environment.root)


def lock(environment: Environment, arguments: list[str]) -> int:
    """Resolve the requirements. Needs no packages, so it also works while these cannot be installed."""
    command = [sys.executable, "-m", "ops.lock", *arguments]
    return children.run(command, directory=environment.root, check=environment.check)


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
    environment = Environment(ROOT, StopSignals().check)
    try:
        if command != "lock":
            azurite, checkov = needs_azurite(command, rest), needs_checkov(command, rest)
            set_up(environment, azurite=azurite, checkov=checkov)
        return COMMANDS[command](environment, rest)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nThe set-up failed: {reason(error)}", file=sys.stderr)
        return 1
    except Stopped:
        print("\nStopped. The same command can be run again.", file=sys.stderr)
        return INTERRUPTED


def needs_azurite(command: str, arguments: list[str]) -> bool:
    """Whether the command starts Azurite."""
    if command == "up":
        return not os.environ.get("AzureWebJobsStorage")  # noqa: SIM112 - the name that Azure uses
    return command in ("backup", "restore", "bench") or (command == "test" and "--unit" not in arguments)


def needs_checkov(command: str, arguments: list[str]) -> bool:
    """Whether the command runs checkov."""
    return command == "check" and (not arguments or "infra" in arguments)
