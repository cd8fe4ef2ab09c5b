"""The virtual environment `.venv` of a checkout: what is missing, and its installation."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from local.dev import children
from local.errors import SetupError
from local.locking import FileLock
from local.node import OLDEST_NODE, azurite_script, cache_directory, node_on_path, write_to_disk
from local.stopping import hold
from ops.checkov import CHECKOV

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
DEVELOPMENT, WORKER, NODE = (f"requirements/{name}.txt" for name in ("dev", "worker", "node"))
REQUIREMENTS = (DEVELOPMENT, WORKER, NODE)
LAUNCH = "local.dev.launch"

_POLL_SECONDS = 0.2


class Step(NamedTuple):
    """A part of the set-up that has to run."""

    announcement: str
    run: Callable[[], None]


class Environment:
    """The virtual environment .venv and its packages.

    Its files `installed-*.txt` say what is installed completely. They are written last, so that an
    installation that ended early is repeated from the start. `check` is called during an installation; what
    it raises ends the installation.
    """

    def __init__(self, root: Path, check: Callable[[], None] = lambda: None) -> None:
        self.root = root
        self.check = check
        self.directory = root / ".venv"
        self.lock = FileLock(root / ".local" / "set-up.lock")
        on_windows = os.name == "nt"
        self.python = self.directory / ("Scripts/python.exe" if on_windows else "bin/python")
        self._stamp = self.directory / "installed-packages.txt"
        self._node_stamp = self.directory / "installed-node.txt"

    def missing_steps(self, *, azurite: bool, checkov: bool = False) -> list[Step]:
        """The steps that have to run before the environment can be used, in order."""
        steps = []
        is_complete = self._is_complete()
        if not is_complete:
            steps.append(Step("Creating .venv", self._create))
        if not is_complete or not self._has(self._stamp, *REQUIREMENTS):
            steps.append(
                Step("Installing Python packages (about 2 minutes the first time)", self._install_packages)
            )
        if azurite and node_on_path() is None and not (is_complete and self._has(self._node_stamp, NODE)):
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
        hold()  # from here on, a signal waits until the other program can handle it
        self.check()
        if os.name == "posix":
            os.execve(self.python, command, environment)  # noqa: S606 - without a shell
        return subprocess.run(command, env=environment, check=False).returncode

    def run_module(
        self,
        module: str,
        *arguments: str,
        directory: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> int:
        """Run a module that does not handle signals itself: they raise KeyboardInterrupt in it."""
        return self.run_python("-m", LAUNCH, module, *arguments, directory=directory, variables=variables)

    def _is_complete(self) -> bool:
        """Whether the environment was created and filled completely, even if its packages are old."""
        return self._stamp.exists() and self.python.exists() and self._version() == PYTHON_VERSION

    def _version(self) -> str:
        """The Python version of the environment, such as 3.11."""
        file = self.directory / "pyvenv.cfg"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return ".".join(settings.get("version", "").split(".")[:2])

    def _create(self) -> None:
        if importlib.util.find_spec("ensurepip") is None:
            raise SetupError(
                "This Python cannot create virtual environments: it has no ensurepip.\n"
                f"On Debian and Ubuntu install it with: sudo apt-get install python{PYTHON_VERSION}-venv"
            )
        self._stamp.unlink(missing_ok=True)
        self._require([sys.executable, "-m", "venv", "--clear", str(self.directory)], "A virtual environment")

    def _install_packages(self) -> None:
        self._stamp.unlink(missing_ok=True)
        self._pip("-r", DEVELOPMENT)
        self._pip("--no-deps", "--ignore-requires-python", "-r", WORKER)
        self._write(self._stamp, *REQUIREMENTS)

    def _install_node(self) -> None:
        self._pip("--ignore-installed", "-r", NODE)  # also over what an interrupted installation has left
        self._write(self._node_stamp, NODE)

    def _install_azurite(self) -> None:
        self._require([str(self.python), "-m", "local.node"], "Azurite")

    def _install_checkov(self) -> None:
        self._require([str(self.python), "-m", "ops.checkov", "--install"], "checkov")

    def _pip(self, *arguments: str) -> None:
        options = ("--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes")
        command = [str(self.python), "-m", "pip", "install", *options, *arguments]
        with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:  # pip leaves files if stopped
            self._require(command, "A package", TMPDIR=directory)

    def _require(self, command: list[str], what: str, **variables: str) -> None:
        status = children.run(
            command,
            directory=self.root,
            check=self.check,
            variables=variables,
            descriptors=self.lock.descriptors,
        )
        if status != 0:
            raise SetupError(
                f"{what} could not be installed; see the output above.\n"
                "Without a network, pip says that it finds no version of a package.\n"
                "After a network error, run the same command again: what was downloaded is kept."
            )

    def _has(self, stamp: Path, *requirements: str) -> bool:
        return stamp.exists() and stamp.read_text(encoding="utf-8") == self._fingerprint(*requirements)

    def _write(self, stamp: Path, *requirements: str) -> None:
        write_to_disk()  # so that after a power failure the stamp is not there without the packages
        stamp.write_text(self._fingerprint(*requirements), encoding="utf-8")

    def _fingerprint(self, *requirements: str) -> str:
        content = b"\0".join((self.root / name).read_bytes() for name in requirements)
        return hashlib.sha256(content).hexdigest()


def set_up(environment: Environment, *, azurite: bool, checkov: bool = False) -> None:
    """Install what is missing. Two commands that start together do it once. Raises SetupError."""
    if not environment.missing_steps(azurite=azurite, checkov=checkov):
        return
    _wait_for_lock(environment)
    try:
        steps = environment.missing_steps(azurite=azurite, checkov=checkov)
        for number, step in enumerate(steps, start=1):
            environment.check()
            print(f"{number}/{len(steps)} {step.announcement} ...", flush=True)
            step.run()
    finally:
        environment.lock.release()


def _wait_for_lock(environment: Environment) -> None:
    if not environment.lock.acquire(wait=False):
        print("Another command is installing packages. Waiting until it ends ...", flush=True)
        while not environment.lock.acquire(wait=False):
            environment.check()
            time.sleep(_POLL_SECONDS)
