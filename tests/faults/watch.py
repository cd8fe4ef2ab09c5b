"""What is measured while something is broken: the health endpoints, and the memory of the hosts."""

import http.client
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil

from tests.faults.hosts import Host

HEALTH_ENDPOINTS = ("/health", "/health/db", "/health/status")
PROBE_SECONDS = 0.2
SAMPLE_SECONDS = 0.5
TIMEOUT_SECONDS = 60.0
MEGABYTE = 1_000_000


class Repeating:
    """Calls functions, each in a thread of its own, until the block ends."""

    def __init__(self, interval: float, actions: Sequence[Callable[[], None]]) -> None:
        self._interval = interval
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(each,), daemon=True) for each in actions]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, action: Callable[[], None]) -> None:
        while not self._stopping.wait(self._interval):
            action()


class Prober(Repeating):
    """Asks every health endpoint of every host five times a second, as a load balancer would."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.longest: dict[str, float] = dict.fromkeys(HEALTH_ENDPOINTS, 0.0)
        """The longest answer of each endpoint, in seconds."""
        self.wrong: list[str] = []
        """Answers of /health other than 200."""
        probes = [self._probe(host, path) for host in hosts for path in HEALTH_ENDPOINTS]
        super().__init__(PROBE_SECONDS, probes)

    def _probe(self, host: Host, path: str) -> Callable[[], None]:
        def probe() -> None:
            started = time.monotonic()
            with suppress(OSError, http.client.HTTPException):  # the host was killed
                status = _status(host.url, path)
                self.longest[path] = max(self.longest[path], time.monotonic() - started)
                if path == "/health" and status != http.client.OK:
                    self.wrong.append(f"{path} got {status}")

        return probe


def _status(url: str, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


class MemoryWatcher(Repeating):
    """Samples the resident memory of every host and the processes that it has started."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = hosts
        self.samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """By host: the time in seconds and the memory in megabytes."""
        super().__init__(SAMPLE_SECONDS, [self._sample])

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

    def _sample(self) -> None:
        for host in self._hosts:
            size = 0
            for process in host.tree():
                with suppress(psutil.Error):
                    size += process.memory_info().rss
            if size:
                self.samples[host.url].append((time.monotonic(), size / MEGABYTE))
