"""Does a dashboard cost more with a million practices than with a thousand? It must not: about 1.

Both portals have as many benchmarks: the most copied ones are found among all that there are.
"""

import statistics
import time
from typing import Final

import httpx

from bench.crowd import fill
from bench.portal import measured_portal
from functions import bootstrap
from tests.world import Person, World

FEW: Final = 1_000
MANY: Final = 1_000_000
TRIES: Final = 100


def measure() -> None:
    """Show the dashboard of a small and of a large portal in turn; print the medians and their ratio."""
    with measured_portal({}) as small, measured_portal({}) as large:
        readers = []
        for world, practices in ((small, FEW), (large, MANY)):
            bootstrap.install(world.portal)
            readers.append(world.headquarters())
            fill(world.database_url, practices, world.clock.now().date().isoformat())
        times: dict[World, list[float]] = {small: [], large: []}
        pairs = list(zip((small, large), readers, strict=True))
        for number in range(TRIES + 1):
            for world, reader in pairs if number % 2 else reversed(pairs):
                times[world].append(_time_of_dashboard(world, reader))
    few, many = (statistics.median(times[world][1:]) for world in (small, large))
    print(f"{FEW} practices:    median {few * 1000:.2f} ms of {TRIES}")
    print(f"{MANY} practices: median {many * 1000:.2f} ms of {TRIES}")
    print(f"ratio: {many / few:.3f}")


def _time_of_dashboard(world: World, reader: Person) -> float:
    bootstrap.install(world.portal)
    started = time.perf_counter()
    answer = reader.get("/analytics/dashboard")
    took = time.perf_counter() - started
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"the dashboard was answered {answer.status_code}")
    return took
