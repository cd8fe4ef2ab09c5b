"""`dev.py up --func`: Azure Functions Core Tools."""

import json
import os
import sys
from pathlib import Path

import pytest

from local import core_tools
from local.errors import SetupError


def test_without_core_tools_the_message_says_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SetupError, match="npm install --global azure-functions-core-tools@4"):
        core_tools.command(7071)


def test_core_tools_get_the_sample_settings_with_the_real_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = {"IsEncrypted": False, "Values": {"STAR_POLICY": "banded", "JWT_SECRET": ""}, "Host": {}}
    (tmp_path / "local.settings.sample.json").write_text(json.dumps(sample))
    monkeypatch.setattr(core_tools, "ROOT", tmp_path)
    core_tools.write_settings({"JWT_SECRET": "generated"})
    core_tools.write_settings({"DATABASE_URL": "postgresql://x"})
    written = json.loads((tmp_path / "local.settings.json").read_text())
    values = {"STAR_POLICY": "banded", "JWT_SECRET": "generated", "DATABASE_URL": "postgresql://x"}
    assert written == {**sample, "Values": values}


def test_core_tools_use_the_python_with_the_packages() -> None:
    environment = core_tools.python_environment()
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
