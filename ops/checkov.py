"""Runs checkov, a security scanner, on infra/ and the workflows, in a virtual environment of its own.

checkov needs other versions of packages that the portal uses. Standard library only: dev.py uses this module
before any package is installed.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from local.locking import FileLock
from local.node import cache_directory

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "infra" / "checkov.txt"
SCOPE = ("--directory", "infra", "--directory", ".github", "--framework", "bicep", "github_actions")
QUIET = ("--compact", "--quiet", "--skip-download")


def checkov_python() -> Path:
    """The path of the Python with checkov. It may not be installed yet."""
    on_windows = sys.platform == "win32"
    return _directory() / ("Scripts/python.exe" if on_windows else "bin/python")


def _directory() -> Path:
    fingerprint = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()[:12]
    return (
        cache_directory() / f"checkov-{fingerprint}-python{sys.version_info.major}.{sys.version_info.minor}"
    )


def install() -> int:
    """Install checkov, atomically, unless it is in the cache. Returns the exit status."""
    directory = _directory()
    with FileLock(directory.with_name("checkov.lock")):
        if checkov_python().exists():
            return 0
        partial = directory.with_name(directory.name + ".partial")
        venv.create(partial, clear=True, with_pip=True)
        python = partial / checkov_python().relative_to(directory)
        # --no-deps: the file pins every package, and a newer Bicep parser than checkov asks for.
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-deps")
        command = [str(python), "-m", "pip", "install", *quiet, "--requirement", str(PACKAGES)]
        status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
        if status == 0:
            partial.rename(directory)  # only its scripts contain the old path, and we do not use them
        return status


def check() -> int:
    """Run all checks. Returns 1 if one failed without a skip comment, or could not run."""
    command = [str(checkov_python()), "-m", "checkov.main", *SCOPE, *QUIET]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(result.stdout, result.stderr, sep="\n")
    return 1 if result.returncode != 0 or "[ERROR" in result.stderr else 0


if __name__ == "__main__":
    sys.exit(install() if sys.argv[1:] == ["--install"] else check())
