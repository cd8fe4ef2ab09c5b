"""`dev.py check`: the checks, and their results."""

import subprocess
import sys
import time

from local.dev.environment import Environment

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
