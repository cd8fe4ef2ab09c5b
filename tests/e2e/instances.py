"""Runs instances of one portal: function host processes with one database and one storage account."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.world import Person, World

REPOSITORY = Path(__file__).parents[2]
READY = "Function host ready on "
TIMEOUT_SECONDS = 30
LEAP_DAY = "0 0 0 29 2 *"
"""A schedule that does not fire during a test."""


@dataclass
class Instance:
    """A process that serves the portal."""

    url: str
    log: Path
    http: httpx.Client
    process: subprocess.Popen[str]

    def run_function(self, function: str) -> None:
        assert self.http.post(f"/admin/functions/{function}", json={}).status_code == 202

    def logged(self, event: str) -> int:
        """How often it logged an event."""
        return self.log.read_text(encoding="utf-8").count(f'"event": "{event}"')


@contextmanager
def serving(world: World, log: Path, **changed: str) -> Iterator[Instance]:
    """Serve the portal in a separate process; `changed` overrides settings."""
    schedules = {"AGGREGATE_SAVINGS_SCHEDULE": LEAP_DAY, "RATE_STARS_SCHEDULE": LEAP_DAY}
    settings = {**world.settings, **schedules, **changed}
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "function_host", "--port", "0"],
            cwd=REPOSITORY,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith(READY), log.read_text(encoding="utf-8")
            url = line.removeprefix(READY).strip()
            with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as http:
                yield Instance(url, log, http, process)
            process.terminate()
            process.wait(TIMEOUT_SECONDS)
        finally:
            process.kill()


def at(instance: Instance, person: Person) -> Person:
    """The same person, with the same token, as a client of another instance."""
    instance.http.headers.update(
        {name: value for name, value in person.http.headers.items() if name == "authorization"}
    )
    return Person(person.email, person.role, person.plant_id, instance.http)
