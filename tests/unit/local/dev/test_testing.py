"""`dev.py test`: the arguments of pytest."""

import os
from pathlib import Path

import pytest

from local.dev import testing


@pytest.mark.parametrize("arguments", [[], ["-x"], ["tests/unit"], ["a.py", "b.py"], ["-k", "stars"]])
def test_tests_use_every_core(arguments: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "a.py").touch()
    (checkout / "b.py").touch()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert testing.processes_for_tests(checkout, arguments) == 4
    assert testing.pytest_arguments(checkout, arguments) == ["-n", "4", *arguments]


@pytest.mark.parametrize("arguments", [["a.py"], ["a.py::test_it", "-x"], ["-n", "3"], ["-n0"], ["--pdb"]])
def test_a_single_file_or_a_chosen_number_of_processes_is_not_changed(
    arguments: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "a.py").touch()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert testing.processes_for_tests(checkout, arguments) == 1
    assert testing.pytest_arguments(checkout, arguments) == arguments


def test_unit_runs_only_the_unit_tests_in_one_process(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert testing.pytest_arguments(checkout, ["--unit", "-x"]) == ["tests/unit", "-x"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--faults"], ["tests/faults", "--faults"]),
        (["--faults", "-k", "killed"], ["tests/faults", "--faults", "-k", "killed"]),
        (["--faults", "a.py::test_it"], ["--faults", "a.py::test_it"]),
    ],
)
def test_faults_runs_only_the_fault_tests_in_one_process(
    arguments: list[str], expected: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "a.py").touch()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert testing.pytest_arguments(checkout, arguments) == expected


@pytest.fixture
def outside_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_coverage_measures_branches_of_the_product_and_has_a_minimum(
    checkout: Path, outside_of_github: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert testing.pytest_arguments(checkout, ["--coverage", "-x"]) == [
        "-n", "4", "--cov=bp_core", "--cov=adapters", "--cov=functions", "--cov-branch",
        "--cov-report=term:skip-covered", "--cov-fail-under=90", "-x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "selection", [["--unit"], ["tests"], ["tests/test_a.py::test_it"], ["-k", "stars"], ["--lf"]]
)
def test_coverage_of_selected_tests_has_no_minimum(
    selection: list[str], checkout: Path, outside_of_github: None
) -> None:
    (checkout / "tests").mkdir()
    (checkout / "tests" / "test_a.py").touch()
    arguments = testing.pytest_arguments(checkout, ["--coverage", *selection])
    assert "--cov=bp_core" in arguments
    assert not any(argument.startswith("--cov-fail-under") for argument in arguments)


def test_coverage_is_added_to_the_summary_of_a_github_workflow(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/tmp/summary.md")
    assert "--cov-report=markdown-append:/tmp/summary.md" in testing.pytest_arguments(
        checkout, ["--coverage"]
    )
