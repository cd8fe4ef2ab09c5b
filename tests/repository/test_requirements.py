"""Every package is locked with its hashes, and installed with no others."""

import json
import re
from pathlib import Path

import pytest

from ops.lock import LOCKS, faults, resolved

ROOT = Path(__file__).resolve().parents[2]


def test_the_locked_packages_are_those_that_are_requested_and_each_has_a_hash() -> None:
    assert faults(ROOT) == []


def test_no_requirements_file_is_left_out_of_the_lock() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("requirements*/*.txt")}

    assert files | {"requirements.txt"} == {one.target for one in LOCKS}


def test_the_portal_runs_with_the_packages_of_its_lock() -> None:
    names = {pin.name for pin in resolved(ROOT / "requirements.txt")}

    assert {"azure-functions", "azure-identity", "certifi", "psycopg-binary", "pydantic-core"} <= names
    assert names & {"pytest", "ruff", "alembic", "httpx", "pip-audit"} == set()


@pytest.mark.parametrize("file", ["local/dev/environment.py", "ops/tools.py", ".github/workflows/deploy.yml"])
def test_packages_are_installed_with_required_hashes_only(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    installations = re.findall(r"pip(?:\", \"| )install", text)

    assert len(installations) == 1
    assert text.count("--require-hashes") == 1


@pytest.mark.parametrize("directory", ["local/npm", "tests/npm"])
def test_every_npm_package_is_locked_with_its_hash(directory: str) -> None:
    lock = json.loads((ROOT / directory / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}

    assert packages
    assert [name for name, one in packages.items() if not one["integrity"].startswith("sha512-")] == []
