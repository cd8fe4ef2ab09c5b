"""checkov, which looks for what is unsafe in infra/ and the workflows; in an environment of its own.

Its own, because it wants other versions of packages that the portal uses, and many more of them. Standard
library only, since dev.py uses it before anything is installed.
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
WHAT = ("--directory", "infra", "--directory", ".github", "--framework", "bicep", "github_actions")
QUIET = ("--compact", "--quiet", "--skip-download")


def checkov_python() -> Path:
    """The Python that has checkov, whether or not it is installed yet."""
    on_windows = sys.platform == "win32"
    return _directory() / ("Scripts/python.exe" if on_windows else "bin/python")


def _directory() -> Path:
    fingerprint = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()[:12]
    return (
        cache_directory() / f"checkov-{fingerprint}-python{sys.version_info.major}.{sys.version_info.minor}"
    )


def install() -> int:
    """Install checkov unless the cache has it, whole or not at all; the exit status."""
    directory = _directory()
    with FileLock(directory.with_name("checkov.lock")):
        if checkov_python().exists():
            return 0
        unfinished = directory.with_name(directory.name + ".unfinished")
        venv.create(unfinished, clear=True, with_pip=True)
        python = unfinished / checkov_python().relative_to(directory)
        # Every package is named there: checkov's own wish for an older parser of Bicep is not to be heeded.
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-deps")
        command = [str(python), "-m", "pip", "install", *quiet, "--requirement", str(PACKAGES)]
        status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
        if status == 0:
            unfinished.rename(directory)  # only its scripts name the old place, and none of them is used
        return status


def check() -> int:
    """Check everything; 1 if something is unsafe and unexplained, or a check could not be made."""
    command = [str(checkov_python()), "-m", "checkov.main", *WHAT, *QUIET]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr, sep="\n")
    return 1 if done.returncode != 0 or "[ERROR" in done.stderr else 0


if __name__ == "__main__":
    sys.exit(install() if sys.argv[1:] == ["--install"] else check())
