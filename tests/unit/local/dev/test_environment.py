"""The virtual environment of a checkout: which set-up steps are missing."""

import importlib.util
from pathlib import Path

import pytest

import local.node
from local.dev import environment
from local.dev.environment import REQUIREMENTS, Environment
from local.errors import SetupError
from local.stopping import Stopped
from tests.unit.local.dev.conftest import write_python_version


def announcements(checkout: Environment, *, azurite: bool = True) -> list[str]:
    return [step.announcement.partition(" (")[0] for step in checkout.missing_steps(azurite=azurite)]


def stop(*_: object, **__: object) -> None:
    raise Stopped


def test_a_fresh_clone_needs_the_environment_and_its_packages(
    checkout: Path, node_and_azurite_installed: None
) -> None:
    assert announcements(Environment(checkout)) == ["Creating .venv", "Installing Python packages"]


def test_a_complete_set_up_needs_nothing(ready: Environment) -> None:
    assert announcements(ready) == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_changed_requirements_file_is_installed(ready: Environment, name: str) -> None:
    (ready.root / name).write_text("waitress==3.0.2\n", encoding="utf-8")
    assert announcements(ready) == ["Installing Python packages"]


def test_an_interrupted_installation_is_repeated_from_the_start(ready: Environment) -> None:
    ready._stamp.unlink()
    assert announcements(ready) == ["Creating .venv", "Installing Python packages"]


def test_an_environment_without_its_description_is_created_again(ready: Environment) -> None:
    (ready.directory / "pyvenv.cfg").unlink()
    assert announcements(ready) == ["Creating .venv", "Installing Python packages"]


def test_another_python_version_gets_a_new_environment(ready: Environment) -> None:
    write_python_version(ready, "3.9.1")
    assert announcements(ready) == ["Creating .venv", "Installing Python packages"]


def test_without_node_on_path_it_comes_from_a_package(
    ready: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "node_on_path", lambda: None)
    assert announcements(ready) == ["Installing Node.js: none on PATH, or older than 20"]
    monkeypatch.setattr(Environment, "_require", lambda *_, **__: None)
    ready._install_node()
    assert announcements(ready) == []


def test_an_interrupted_installation_of_node_is_repeated(
    ready: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "node_on_path", lambda: None)
    monkeypatch.setattr(Environment, "_require", stop)
    with pytest.raises(Stopped):
        ready._install_node()
    assert announcements(ready) == ["Installing Node.js: none on PATH, or older than 20"]


def test_azurite_is_installed_only_for_commands_that_need_it(ready: Environment) -> None:
    local.node.azurite_script().unlink()
    assert announcements(ready, azurite=True) == [f"Installing Azurite into {local.node.cache_directory()}"]
    assert announcements(ready, azurite=False) == []


def test_a_failed_installation_says_what_to_do_and_is_repeated(ready: Environment) -> None:
    # The Python of this environment has no pip, so every installation fails.
    with pytest.raises(SetupError, match="run the same command again"):
        ready._install_packages()
    assert announcements(ready) == ["Creating .venv", "Installing Python packages"]


def test_without_ensurepip_the_message_names_the_package_to_install(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"apt-get install python3\.\d+-venv"):
        Environment(checkout)._create()


def test_packages_are_installed_with_hashes_only(ready: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(Environment, "_require", lambda self, command, *_, **__: commands.append(command))
    ready._install_packages()
    ready._install_node()
    assert [command[-1] for command in commands] == list(REQUIREMENTS)
    assert all("--require-hashes" in command for command in commands)
