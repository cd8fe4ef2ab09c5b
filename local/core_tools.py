"""Azure Functions Core Tools (`func`) instead of the local function host: `dev.py up --func`."""

import json
import os
import shutil
import sys
from pathlib import Path

from local.data_directory import ROOT, write_private
from local.errors import SetupError


def command(port: int) -> list[str]:
    """The command that starts Core Tools. Raises SetupError if they are not installed."""
    func = shutil.which("func")
    if func is None:
        raise SetupError(
            "--func needs Azure Functions Core Tools 4 (`func`) on PATH:\n"
            "https://learn.microsoft.com/azure/azure-functions/functions-run-local#install-the-azure-functions-core-tools\n"
            "or `npm install --global azure-functions-core-tools@4`. Or run without --func."
        )
    return [func, "start", "--port", str(port)]


def write_settings(settings: dict[str, str]) -> None:
    """Write `settings` to local.settings.json, which `func` needs. Other values in the file stay."""
    target = ROOT / "local.settings.json"
    source = target if target.exists() else ROOT / "local.settings.sample.json"
    content = json.loads(source.read_text(encoding="utf-8"))
    content["Values"] = {**content.get("Values", {}), **settings}
    write_private(target, json.dumps(content, indent=2) + "\n")


def python_environment() -> dict[str, str]:
    """Environment variables that make `func` use this Python, which has the portal's packages."""
    directory = Path(sys.executable).parent
    return {"VIRTUAL_ENV": sys.prefix, "PATH": f"{directory}{os.pathsep}{os.environ.get('PATH', '')}"}
