"""What the portal consists of: its bill of materials, and the known vulnerabilities of its packages.

`python -m ops.supply_chain bill SITE_PACKAGES FILE` writes the bill of installed packages, as CycloneDX.
`python -m ops.supply_chain vulnerabilities` asks OSV about Python packages, and the npm registry about npm's.

Standard library only; the tools are in a virtual environment of their own (requirements/supply-chain.in).
"""

import argparse
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from local.errors import SetupError
from local.node import LOCKED_PACKAGES, find_node
from ops.lock import APP, DEVELOPMENT, parts, pins
from ops.tools import ROOT, Tools

TOOLS: Final = Tools("supply-chain")
ASSETS: Final = ROOT / "functions" / "assets" / "README.md"
ASSET = re.compile(
    r"^\| `[\w.-]+\.(?:js|css)` \| (?:.* of )?([\w@/.-]+) ([\d.]+), ([\w.-]+) \|", re.MULTILINE
)

NPM_PACKAGES: Final = (LOCKED_PACKAGES, ROOT / "tests" / "npm")
NPM_LEVEL: Final = "high"
"""Vulnerabilities of npm packages below this level are shown, but do not fail: none runs in Azure."""

PYTHON_VULNERABILITIES: Final = "https://api.osv.dev/"
NPM_VULNERABILITIES: Final = "https://registry.npmjs.org/-/npm/v1/security/advisories/bulk"
CONNECT_SECONDS: Final = 10

PASSED, FAILED, NOT_CHECKED = 0, 1, 3
"""Exit statuses. `dev.py check` shows NOT_CHECKED as such; a step of a workflow fails with it."""


class BillError(Exception):
    """The installed packages are not those that are locked; the message names one."""


def write_bill(site_packages: Path, target: Path) -> None:
    """Write the bill of materials of the installed packages, and of the files from npm in functions/assets.

    Raises BillError if a package is not in requirements.txt in this version, or SetupError.
    """
    TOOLS.install()
    command = [
        str(TOOLS.python), "-W", "ignore", "-m", "cyclonedx_py", "requirements", "-",
        "--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application",
        "--output-reproducible", "--output-format", "JSON",
    ]  # fmt: skip
    text = installed_requirements((ROOT / APP.target).read_text(encoding="utf-8"), site_packages)
    result = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise SetupError("The bill of materials could not be written; see the output above.")
    bill: dict[str, Any] = json.loads(result.stdout)
    bill["components"] += asset_components(ASSETS.read_text(encoding="utf-8"))
    target.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def installed_requirements(locked: str, site_packages: Path) -> str:
    """The parts of a requirements file for the packages in a directory. Raises BillError."""
    installed = {
        pin
        for one in distributions(path=[str(site_packages)])
        for pin in pins(f"{one.metadata['Name']}=={one.version}")
    }
    found = {pin: part for part in parts(locked) for pin in pins(part) if pin in installed}
    if not installed or installed != found.keys():
        others = [f"{pin.name} {pin.version}" for pin in sorted(installed - found.keys())]
        raise BillError(f"In {site_packages}, but not in {APP.target}: {', '.join(others) or 'no package'}.")
    return "".join(found[pin] for pin in sorted(found))


def asset_components(table: str) -> list[dict[str, Any]]:
    """The npm packages whose files are in functions/assets, as components of a bill of materials."""
    return [
        {
            "type": "library",
            "bom-ref": f"asset-{name}",
            "name": name,
            "version": version,
            "purl": f"pkg:npm/{name}@{version}",
            "licenses": [{"license": {"id": license_id}}],
        }
        for name, version, license_id in sorted(set(ASSET.findall(table)))
    ]


def look_for_vulnerabilities() -> int:
    """Look in the packages that run in Azure, and in those that develop and test. Returns the exit status."""
    results = [_python_packages(), *(_npm_packages(directory) for directory in NPM_PACKAGES)]
    return next((status for status in (FAILED, NOT_CHECKED) if status in results), PASSED)


def _python_packages() -> int:
    if not _answers(PYTHON_VULNERABILITIES):
        return _not_checked("Python packages", PYTHON_VULNERABILITIES)
    TOOLS.install()
    exact = (
        "--disable-pip",
        "--require-hashes",
        "--vulnerability-service",
        "osv",
        "--progress-spinner",
        "off",
    )
    files = ("--requirement", APP.target, "--requirement", DEVELOPMENT.target)
    command = [str(TOOLS.python), "-m", "pip_audit", *exact, *files]
    return FAILED if subprocess.run(command, cwd=ROOT, check=False).returncode else PASSED


def _npm_packages(directory: Path) -> int:
    if not _answers(NPM_VULNERABILITIES, b"{}"):
        return _not_checked(f"npm packages of {directory.relative_to(ROOT)}", NPM_VULNERABILITIES)
    command = [*find_node().npm, "audit", "--package-lock-only", f"--audit-level={NPM_LEVEL}"]
    return FAILED if subprocess.run(command, cwd=directory, check=False).returncode else PASSED


def _answers(url: str, body: bytes | None = None) -> bool:
    """Whether a service answers at a URL, through the proxies of the environment, with anything but 405."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - constants
    try:
        urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError as answer:
        return answer.code != 405  # a mirror of the packages, without the service
    except OSError:
        return False
    return True


def _not_checked(what: str, url: str) -> int:
    print(f"Not checked: {what}: no network to {url}")
    return NOT_CHECKED


def main() -> int:
    """Run one of the two commands. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ops.supply_chain")
    commands = parser.add_subparsers(dest="command", required=True)
    bill = commands.add_parser("bill", help="write the bill of materials")
    bill.add_argument("site_packages", type=Path, help="directory with the installed packages")
    bill.add_argument("file", type=Path)
    commands.add_parser("vulnerabilities", help="look for known vulnerabilities")
    arguments = parser.parse_args()
    try:
        if arguments.command == "vulnerabilities":
            return look_for_vulnerabilities()
        write_bill(arguments.site_packages, arguments.file)
    except (BillError, SetupError) as error:
        print(error, file=sys.stderr)
        return FAILED
    return PASSED


if __name__ == "__main__":
    sys.exit(main())
