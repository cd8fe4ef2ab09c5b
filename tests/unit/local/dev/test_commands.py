"""The commands of dev.py."""

import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

import dev
from local.dev import children, commands


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
    assert commands.needs_azurite(command, arguments) is expected


def test_up_needs_no_azurite_with_external_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    assert not commands.needs_azurite("up", [])


@pytest.mark.parametrize("arguments", [[], ["serve"], ["--port", "1"]])
def test_an_unknown_command_prints_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(arguments, usage=dev.__doc__) == 2
    assert "usage: python3 dev.py COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["migrate", "-h"]])
def test_help_needs_no_set_up(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(arguments, usage=dev.__doc__) == 0
    assert "usage: python3 dev.py COMMAND" in capsys.readouterr().out


def test_help_names_every_command_and_the_options_of_test(capsys: pytest.CaptureFixture[str]) -> None:
    commands.main(["--help"], usage=dev.__doc__)
    shown = capsys.readouterr().out
    assert [name for name in (*commands.COMMANDS, "--unit", "--coverage") if f"  {name} " not in shown] == []


@pytest.fixture
def without_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signals of the test process stay as they are."""
    monkeypatch.setattr(commands, "StopSignals", lambda: Mock(check=lambda: None))


def test_the_requirements_are_resolved_without_the_environment(
    checkout: Path, without_signals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> int:
        ran.append(command)
        return 0

    monkeypatch.setattr(children, "run", run)
    monkeypatch.setattr(commands, "ROOT", checkout)
    assert commands.main(["lock", "--upgrade"], usage="") == 0
    assert ran == [[sys.executable, "-m", "ops.lock", "--upgrade"]]


def test_a_checkout_that_cannot_be_written_is_named(
    checkout: Path, without_signals: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".local").write_text("a file", encoding="utf-8")
    monkeypatch.setattr(commands, "ROOT", checkout)
    assert commands.main(["check", "lock"], usage="") == 1
    assert capsys.readouterr().err == f"\nThe set-up failed: File exists: {checkout / '.local'}\n"
