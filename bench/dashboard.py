"""Is the dashboard slower with a million practices than with a thousand? The ratio should be about 1.

Both portals have the same number of benchmarks, because the dashboard reads all of them to find the most
copied.
"""

import statistics
import time
from typing import Final

import httpx

from bench.portal import benchmark_portal
from bench.sample_data import insert_practices
from functions import bootstrap
from tests.world import Person, World

SMALL: Final = 1_000
LARGE: Final = 1_000_000
ROUNDS: Final = 100


def measure() -> None:
    """Call the dashboard of a small and of a large portal in turn. Print the medians and their ratio."""
    with benchmark_portal({}) as small, benchmark_portal({}) as large:
        users = []
        for world, practices in ((small, SMALL), (large, LARGE)):
            bootstrap.install(world.portal)
            users.append(world.headquarters())
            insert_practices(world.database_url, practices, world.clock.now().date().isoformat())
        times: dict[World, list[float]] = {small: [], large: []}
        pairs = list(zip((small, large), users, strict=True))
        for number in range(ROUNDS + 1):  # the first round is a warm-up
            for world, user in pairs if number % 2 else reversed(pairs):
                times[world].append(_time_dashboard(world, user))
    small_median, large_median = (statistics.median(times[world][1:]) for world in (small, large))
    print(f"{SMALL} practices:    median {small_median * 1000:.2f} ms of {ROUNDS}")
    print(f"{LARGE} practices: median {large_median * 1000:.2f} ms of {ROUNDS}")
    print(f"ratio: {large_median / small_median:.3f}")


def _time_dashboard(world: World, user: Person) -> float:
    bootstrap.install(world.portal)
    started = time.perf_counter()
    response = user.get("/analytics/dashboard")
    seconds = time.perf_counter() - started
    if response.status_code != httpx.codes.OK:
        raise RuntimeError(f"the dashboard returned {response.status_code}")
    return seconds
