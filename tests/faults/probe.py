"""Probes the health endpoints of hosts until its standard input ends: `python -m tests.faults.probe URL ...`

It is a process of its own, as a load balancer is another machine: what it measures is not the delay of the
clients that drive the load. At the end it prints the longest answers and the wrong ones as JSON.
"""

import http.client
import json
import sys
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

HEALTH_ENDPOINTS = ("/health", "/health/db", "/health/status")
PROBE_SECONDS = 0.2
TIMEOUT_SECONDS = 60.0


class Probe(threading.Thread):
    """Asks one endpoint of one host five times a second."""

    def __init__(self, url: str, path: str, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self._netloc = urlsplit(url).netloc
        self._stopping = stopping
        self.path = path
        self.longest = 0.0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Probe until the event is set. A host that was killed refuses connections, or breaks them."""
        while not self._stopping.wait(PROBE_SECONDS):
            started = time.monotonic()
            with suppress(OSError, http.client.HTTPException):
                status = self._status()
                self.longest = max(self.longest, time.monotonic() - started)
                if self.path == "/health" and status != http.client.OK:
                    self.wrong.append(f"{self.path} got {status}")

    def _status(self) -> int:
        connection = http.client.HTTPConnection(self._netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", self.path)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()


def main(urls: list[str]) -> None:
    """Probe every endpoint of every host until the end of the input, and print what was seen."""
    stopping = threading.Event()
    probes = [Probe(url, path, stopping) for url in urls for path in HEALTH_ENDPOINTS]
    for probe in probes:
        probe.start()
    sys.stdin.read()
    stopping.set()
    longest = {
        path: max(probe.longest for probe in probes if probe.path == path) for path in HEALTH_ENDPOINTS
    }
    wrong = [each for probe in probes for each in probe.wrong]
    sys.stdout.write(json.dumps({"longest": longest, "wrong": wrong}))


if __name__ == "__main__":
    main(sys.argv[1:])
