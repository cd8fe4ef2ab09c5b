"""npm packages in the shared cache."""

import subprocess
from pathlib import Path

import pytest

from local import node
from local.errors import SetupError
from local.node import NpmPackages


def packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, status: int
) -> tuple[NpmPackages, list[str]]:
    """Packages, installed by a fake npm with this exit status, and the commands that it gets."""
    commands: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(" ".join(command[:2]))
        directory = Path(command[command.index("--prefix") + 1])
        assert (directory / "package.json").read_text() == "{}"
        (directory / "node_modules").mkdir()
        return subprocess.CompletedProcess(command, status, "", "no network\n")

    monkeypatch.setattr(node, "find_node", lambda: node.Node("node", ("npm",)))
    monkeypatch.setattr(subprocess, "run", run)
    source = tmp_path / "source"
    source.mkdir()
    (source / "package.json").write_text("{}")
    (tmp_path / "cache").mkdir()
    return NpmPackages("The tools", source, tmp_path / "cache" / "tools-1"), commands


def test_packages_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools, commands = packages(tmp_path, monkeypatch, status=0)
    tools.install()
    tools.install()
    assert tools.modules.is_dir()
    assert commands == ["npm ci"]


def test_a_failed_installation_leaves_no_partial_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, _ = packages(tmp_path, monkeypatch, status=1)
    with pytest.raises(SetupError, match="npm could not install The tools:\nno network"):
        tools.install()
    assert not tools.directory.exists()
