"""npm packages in the cache that all checkouts share."""

import subprocess
from pathlib import Path

import pytest

from local import node
from local.node import NpmPackages
from local.problems import StartError


def packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, status: int
) -> tuple[NpmPackages, list[str]]:
    """Packages that an npm which ends with `status` installs, and what it was asked to do."""
    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(" ".join(command[:2]))
        directory = Path(command[command.index("--prefix") + 1])
        assert (directory / "package.json").read_text() == "{}"
        (directory / "node_modules").mkdir()
        return subprocess.CompletedProcess(command, status, "", "no network\n")

    monkeypatch.setattr(node, "find_node", lambda: node.Node("node", ("npm",)))
    monkeypatch.setattr(subprocess, "run", run)
    locked = tmp_path / "locked"
    locked.mkdir()
    (locked / "package.json").write_text("{}")
    (tmp_path / "cache").mkdir()
    return NpmPackages("The tools", locked, tmp_path / "cache" / "tools-1"), asked


def test_packages_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools, asked = packages(tmp_path, monkeypatch, status=0)
    tools.install()
    tools.install()
    assert tools.modules.is_dir()
    assert asked == ["npm ci"]


def test_packages_that_npm_cannot_install_leave_nothing_behind_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, _ = packages(tmp_path, monkeypatch, status=1)
    with pytest.raises(StartError, match="npm could not install The tools:\nno network"):
        tools.install()
    assert not tools.directory.exists()
