"""Checkouts as `dev.py` finds them, and a cache in which Node.js and Azurite are installed."""

import sys
from pathlib import Path

import pytest

import local.node
from local.dev import environment
from local.dev.environment import REQUIREMENTS, Environment


@pytest.fixture
def node_and_azurite_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AMBER_CACHE_DIR", str(tmp_path / "cache"))
    script = local.node.azurite_script()
    script.parent.mkdir(parents=True)
    script.touch()
    monkeypatch.setattr(environment, "node_on_path", lambda: local.node.Node("node", ("npm",)))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing is installed."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "requirements").mkdir()
    for name in REQUIREMENTS:
        (root / name).write_text("# nothing\n", encoding="utf-8")
    return root


@pytest.fixture
def ready(checkout: Path, node_and_azurite_installed: None) -> Environment:
    """A checkout in which everything is installed, as far as its files show."""
    ready = Environment(checkout)
    ready.python.parent.mkdir(parents=True)
    ready.python.symlink_to(sys.executable)
    write_python_version(ready, ".".join(map(str, sys.version_info[:3])))
    ready._stamp.write_text(ready._fingerprint(*REQUIREMENTS), encoding="utf-8")
    return ready


def write_python_version(environment: Environment, version: str) -> None:
    settings = f"include-system-site-packages = false\nversion = {version}\n"
    (environment.directory / "pyvenv.cfg").write_text(settings, encoding="utf-8")
