"""What is measured while something is broken: the health endpoints, and the memory of the hosts."""

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from tests.faults.hosts import REPOSITORY, Host
from tests.faults.probe import HEALTH_ENDPOINTS

SAMPLE_SECONDS = 0.5
MEGABYTE = 1_000_000


class Prober:
    """Asks every health endpoint of every host five times a second, as a load balancer would."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._urls = [host.url for host in hosts]
        self.longest: dict[str, float] = dict.fromkeys(HEALTH_ENDPOINTS, 0.0)
        """The longest answer of each endpoint, in seconds."""
        self.wrong: list[str] = []
        """Answers of /health other than 200."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.probe", *self._urls],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            output, _ = self._process.communicate()
        finally:
            self._process.kill()
        seen = json.loads(output)
        self.longest = {path: max(longest, self.longest[path]) for path, longest in seen["longest"].items()}
        self.wrong += seen["wrong"]


class MemoryWatcher:
    """Samples the resident memory of every host and the processes that it has started."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = hosts
        self._stopping = threading.Event()
        self.samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """By host: the time in seconds and the memory in megabytes."""

    def __enter__(self) -> Self:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def peak(self) -> float:
        """The most that one host had, in megabytes."""
        return max((size for samples in self.samples.values() for _, size in samples), default=0.0)

    def around(self, moment: float, seconds: float) -> Mapping[str, float]:
        """The mean memory of each host in the seconds around a moment of `time.monotonic`."""
        near = {
            url: [size for at, size in samples if abs(at - moment) <= seconds]
            for url, samples in self.samples.items()
        }
        return {url: sum(sizes) / len(sizes) for url, sizes in near.items() if sizes}

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_SECONDS):
            for host in self._hosts:
                self._sample(host)

    def _sample(self, host: Host) -> None:
        size = 0
        for process in host.tree():
            with suppress(psutil.Error):
                size += process.memory_info().rss
        if size:
            self.samples[host.url].append((time.monotonic(), size / MEGABYTE))
