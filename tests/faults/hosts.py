"""A function host as a process of its own, which a test may kill and start again on the same port."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from tests.e2e.instances import READY
from tests.faults.servers import kill_all

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_SECONDS = 30


class Host:
    """A function host with the code in the directory `code`, after the import of a module `patch`, if any."""

    def __init__(
        self,
        log: Path,
        settings: Mapping[str, str],
        *,
        patch: str = "",
        code: Path = REPOSITORY,
    ) -> None:
        self.log = log
        self.settings = dict(settings)
        self._patch = patch
        self.code = code
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process and wait until it serves."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process. Its log is appended to."""
        with self.log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *self._module(), "--port", str(self.port)],
                cwd=self.code,
                env={**os.environ, "PYTHONPATH": str(self.code), **self.settings},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until a launched process serves."""
        output = self.process.stdout
        assert output is not None
        assert output.readline().startswith(READY), self.log.read_text(encoding="utf-8")[-4000:]

    def kill(self) -> None:
        """Kill the process with SIGKILL, and the process that examines files for it."""
        kill_all([*self.tree()[1:], psutil.Process(self.process.pid)])
        self._forget()

    def restart(self, **settings: str) -> None:
        """Start again after a kill or stop, with the same settings but those that are named."""
        self.settings.update(settings)
        self.start()

    def stop(self) -> None:
        """Stop the process if it runs: first with SIGTERM, as Azure does."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._forget()

    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def tree(self) -> list[psutil.Process]:
        """The process and its descendants; none if it does not run."""
        with suppress(psutil.NoSuchProcess, AssertionError):
            process = psutil.Process(self.process.pid)
            return [process, *process.children(recursive=True)]
        return []

    def run_function(self, name: str) -> None:
        """Run a function that has no route, such as a timer."""
        response = httpx.post(f"{self.url}/admin/functions/{name}", json={}, timeout=TIMEOUT_SECONDS)
        assert response.status_code == 202, response.text

    def logged(self, event: str) -> int:
        """How often it logged an event."""
        return self.log.read_text(encoding="utf-8").count(f'"event": "{event}"')

    @property
    def process(self) -> "subprocess.Popen[str]":
        """The running process."""
        assert self._process is not None, "the host does not run"
        return self._process

    def _module(self) -> list[str]:
        """The arguments of Python that run the function host."""
        if not self._patch:
            return ["-m", "function_host"]
        return ["-c", f"import sys, {self._patch}; from function_host.__main__ import main; sys.exit(main())"]

    def _forget(self) -> None:
        process, self._process = self.process, None
        process.wait(TIMEOUT_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
