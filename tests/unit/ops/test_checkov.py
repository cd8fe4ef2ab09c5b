"""`dev.py check infra`: when it passes, with a fake Python in place of the one with checkov."""

from pathlib import Path

import pytest

from local.dev.environment import Environment
from ops.checkov import CHECKOV, check
from ops.tools import Tools


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMBER_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("echo 'Failed checks: 0'", 0),
        ("echo 'Failed checks: 1'; exit 1", 1),
        ("echo '[ERROR]  Failed to run check' >&2", 1),  # checkov exits with 0 if a check crashes
    ],
)
def test_infra_passes_if_every_check_ran_and_none_failed(
    cache: Path, script: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    CHECKOV.python.parent.mkdir(parents=True)
    CHECKOV.python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    CHECKOV.python.chmod(0o755)

    assert check() == status
    assert "Failed" in capfd.readouterr().out


def test_changed_packages_get_a_new_installation(cache: Path, tmp_path: Path) -> None:
    tools = Tools("checkov", tmp_path)
    tools.requirements.write_text("checkov==1\n", encoding="utf-8")
    first = tools.python
    tools.requirements.write_text("checkov==2\n", encoding="utf-8")

    assert tools.python != first


def test_checkov_is_installed_only_for_commands_that_need_it(cache: Path, tmp_path: Path) -> None:
    def installs_checkov(*, checkov: bool) -> bool:
        steps = Environment(tmp_path).missing_steps(azurite=False, checkov=checkov)
        return any("checkov" in step.announcement for step in steps)

    assert installs_checkov(checkov=True)
    assert not installs_checkov(checkov=False)
