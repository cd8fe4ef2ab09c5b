"""Instances of one portal, each a process of the local host, on one database and one storage account."""

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
READY = "Portal host ready on "
PATIENCE_SECONDS = 30
LEAP_DAY = "0 0 0 29 2 *"
"""A schedule that hardly comes true while a test runs."""


@dataclass
class Instance:
    """One process that serves the portal."""

    url: str
    log: Path
    http: httpx.Client
    process: subprocess.Popen[str]

    def runs_now(self, function: str) -> None:
        assert self.http.post(f"/admin/functions/{function}", json={}).status_code == 202

    def logged(self, event: str) -> int:
        """How often it has logged an event."""
        return self.log.read_text(encoding="utf-8").count(f'"event": "{event}"')


@contextmanager
def serving(world: World, log: Path, **changed: str) -> Iterator[Instance]:
    """Serve the portal in a process of its own, with some settings that differ."""
    leap = {"AGGREGATE_SAVINGS_SCHEDULE": LEAP_DAY, "RATE_STARS_SCHEDULE": LEAP_DAY}
    settings = {**world.settings, **leap, **changed}
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "local.host", "--port", "0"],
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
            with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as http:
                yield Instance(url, log, http, process)
            process.terminate()
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()


def at(instance: Instance, person: Person) -> Person:
    """A person who goes on at another instance, with the token that they have."""
    instance.http.headers.update(
        {name: value for name, value in person.http.headers.items() if name == "authorization"}
    )
    return Person(person.email, person.role, person.plant_id, instance.http)
