"""`dev.py test`: its own options, and the number of test processes."""

import os
from pathlib import Path

MAX_TEST_PROCESSES = 8
"""Each test process starts its own PostgreSQL and Azurite."""

UNIT_TESTS = "tests/unit"
FAULT_TESTS = "tests/faults"
MEASURED_PACKAGES = ("bp_core", "adapters", "functions")
MIN_COVERAGE_PERCENT = 90


def pytest_arguments(root: Path, arguments: list[str]) -> list[str]:
    """The arguments for pytest: those of `dev.py test`, but --unit and --coverage replaced."""
    own = [argument for argument in arguments if argument not in ("--unit", "--coverage")]
    coverage = coverage_arguments(root, arguments) if "--coverage" in arguments else []
    if "--unit" in arguments:
        return [*coverage, UNIT_TESTS, *own]
    if "--faults" in arguments:  # an option of pytest too: it chooses the size
        return [*coverage, *own] if selects_files(root, own) else [*coverage, FAULT_TESTS, *own]
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
    options = ("--unit", "--faults", "-k", "-m", "--lf", "--last-failed", "--deselect", "--ignore")
    return selects_files(root, arguments) or any(argument.startswith(options) for argument in arguments)


def selects_files(root: Path, arguments: list[str]) -> bool:
    """Whether the arguments of `dev.py test` name files or directories."""
    return any((root / argument.partition("::")[0]).exists() for argument in arguments)


def processes_for_tests(root: Path, arguments: list[str]) -> int:
    """The number of test processes: 1 for a single file, a debugger, or if the arguments choose a number."""
    single = ("-n", "--numprocesses", "--dist", "--pdb", "--collect-only", "--co")
    files = [argument for argument in arguments if (root / argument.partition("::")[0]).is_file()]
    if len(files) == 1 or any(argument.startswith(single) for argument in arguments):
        return 1
    return min(os.cpu_count() or 1, MAX_TEST_PROCESSES)
