"""Runs checkov, a security scanner, on infra/ and the workflows, in a virtual environment of its own.

Standard library only: dev.py uses this module before any package is installed.
"""

import subprocess
import sys
from typing import Final

from local.errors import SetupError
from ops.tools import ROOT, Tools

CHECKOV: Final = Tools("checkov")
SCOPE: Final = ("--directory", "infra", "--directory", ".github", "--framework", "bicep", "github_actions")
QUIET: Final = ("--compact", "--quiet", "--skip-download")


def check() -> int:
    """Run all checks. Returns 1 if one failed without a skip comment, or could not run."""
    command = [str(CHECKOV.python), "-m", "checkov.main", *SCOPE, *QUIET]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(result.stdout, result.stderr, sep="\n")
    return 1 if result.returncode != 0 or "[ERROR" in result.stderr else 0


def main() -> int:
    """`python -m ops.checkov [--install]`."""
    if sys.argv[1:] != ["--install"]:
        return check()
    try:
        CHECKOV.install()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
