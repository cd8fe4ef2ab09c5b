"""`dev.py check infra`: when it passes, with a stand-in for the Python that has checkov."""

from pathlib import Path

import pytest

import dev
import local.checkov
from local.checkov import check, checkov_python


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMBER_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("echo 'Failed checks: 0'", 0),
        ("echo 'Failed checks: 1'; exit 1", 1),
        ("echo '[ERROR]  Failed to run check' >&2", 1),  # a check that breaks finds nothing unsafe
    ],
)
def test_infra_passes_where_every_check_was_made_and_none_failed(
    cache: Path, does: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    checkov_python().parent.mkdir(parents=True)
    checkov_python().write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    checkov_python().chmod(0o755)

    assert check() == status
    assert "Failed" in capfd.readouterr().out


def test_other_packages_are_another_installation(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = checkov_python()
    other = tmp_path / "checkov.txt"
    other.write_text("checkov==1\n", encoding="utf-8")
    monkeypatch.setattr(local.checkov, "PACKAGES", other)

    assert checkov_python() != first


def test_checkov_is_installed_where_it_is_wanted_only(cache: Path, tmp_path: Path) -> None:
    def announced(*, checkov: bool) -> bool:
        steps = dev.Environment(tmp_path).missing_steps(azurite=False, checkov=checkov)
        return any("checkov" in step.announcement for step in steps)

    assert announced(checkov=True)
    assert not announced(checkov=False)
