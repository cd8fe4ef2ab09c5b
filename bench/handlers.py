"""Synchronous handlers on a thread pool against async handlers on an event loop (docs/adr, decision 2).

Both send the SQL statements of `GET /best-practices` (the caller's session, then the list) over the same
number of connections, and turn the rows into JSON. The ratio shows how much longer the async handlers take.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from bench.portal import benchmark_portal
from bench.statements import Statement, captured_statements
from tests.world import World, saving

CONNECTIONS: Final = 10
CALLS: Final = 1000
ROUNDS: Final = 7
PRACTICES: Final = 200


def measure() -> None:
    """Run both kinds of handlers in turn. Print the medians of the rounds and their ratio."""
    with benchmark_portal({}) as world:
        statements = _capture_list_statements(world)
        options: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}
        sync_times: list[float] = []
        async_times: list[float] = []
        with (
            ConnectionPool(
                world.database_url, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=options
            ) as pool,
            asyncio.Runner() as runner,
        ):
            pool.wait()
            async_pool = runner.run(_open_async_pool(world.database_url, options))
            pair: list[tuple[list[float], Callable[[], float]]] = [
                (sync_times, lambda: _time_sync(pool, statements)),
                (async_times, lambda: runner.run(_time_async(async_pool, statements))),
            ]
            for number in range(ROUNDS + 1):  # the first round is a warm-up
                for times, run in pair if number % 2 else reversed(pair):
                    times.append(run())
            runner.run(async_pool.close())
    sync_median, async_median = statistics.median(sync_times[1:]), statistics.median(async_times[1:])
    print(f"{CALLS} calls over {CONNECTIONS} connections, medians of {ROUNDS}")
    print(f"sync handlers, {CONNECTIONS} threads: {sync_median * 1000:.0f} ms")
    print(f"async handlers, one event loop: {async_median * 1000:.0f} ms")
    print(f"async / sync: {async_median / sync_median:.3f}")


def _capture_list_statements(world: World) -> list[Statement]:
    """Call the list of practices once. Returns the statements that it sends."""
    author = world.plant_user()
    for number in range(PRACTICES):
        world.practice(author, "submitted", title=f"Practice {number}", **saving(number))
    with captured_statements() as statements:
        response = author.get("/best-practices")
    if len(response.json()["data"]) < 20:
        raise RuntimeError(f"the list returned {response.status_code}")
    return statements


def _time_sync(pool: ConnectionPool[Any], statements: list[Statement]) -> float:
    def call(_: int) -> str:
        with pool.connection() as connection:
            rows = [connection.execute(query.encode(), values).fetchall() for query, values in statements]
        return json.dumps(rows, default=str)

    # Like the Python worker: calls wait for a thread, and every thread finds a free connection.
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        started = time.perf_counter()
        list(threads.map(call, range(CALLS)))
        return time.perf_counter() - started


async def _open_async_pool(url: str, options: dict[str, Any]) -> AsyncConnectionPool[Any]:
    pool = AsyncConnectionPool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=options, open=False)
    await pool.open(wait=True)
    return pool


async def _time_async(pool: AsyncConnectionPool[Any], statements: list[Statement]) -> float:
    async def call() -> str:
        async with pool.connection() as connection:
            rows = []
            for query, values in statements:
                rows.append(await (await connection.execute(query.encode(), values)).fetchall())
        return json.dumps(rows, default=str)

    started = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(CALLS)))
    return time.perf_counter() - started
