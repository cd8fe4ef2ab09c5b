"""`dev.py check`: the checks, and their results."""

import shutil
import sys
import tempfile
import time

from local.dev import children
from local.dev.environment import LAUNCH, Environment

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
    with tempfile.TemporaryFile() as output:
        status = children.run(
            [str(environment.python), *_arguments(name)],
            directory=environment.root,
            check=environment.check,
            output=output,
        )
        outcome = {0: "ok", NOT_CHECKED: "NOT CHECKED"}.get(status, "FAILED")
        print(f"{outcome} ({time.monotonic() - start:.1f} s)", flush=True)
        if status != 0:
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
    return status


def _arguments(name: str) -> tuple[str, ...]:
    """The arguments of Python for a check. A module that is stopped stops what it has started."""
    option, *rest = CHECKS[name]
    return ("-m", LAUNCH, *rest) if option == "-m" else (option, *rest)
