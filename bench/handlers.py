"""Plain handlers on a thread pool against async ones on an event loop, with the work of a list of practices.

Both send the very statements of `GET /best-practices` (the caller's session, then the list) over as many
connections, and turn the rows into JSON. What differs is who waits: a thread or a task (docs/adr, decision
2). The ratio says how much longer the async ones take.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from bench.portal import measured_portal
from tests.world import World, saving

CONNECTIONS: Final = 10
CALLS: Final = 1000
ROUNDS: Final = 7
PRACTICES: Final = 200

Statement = tuple[str, Any]


def measure() -> None:
    """Make the calls of both kinds in turn; print the medians of the rounds and their ratio."""
    with measured_portal({}) as world:
        statements = _statements_of_a_list(world)
        options: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}
        plain: list[float] = []
        on_a_loop: list[float] = []
        with (
            ConnectionPool(
                world.database_url, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=options
            ) as pool,
            asyncio.Runner() as runner,
        ):
            pool.wait()
            tasks = runner.run(_opened(world.database_url, options))
            pair: list[tuple[list[float], Callable[[], float]]] = [
                (plain, lambda: _time_of_threads(pool, statements)),
                (on_a_loop, lambda: runner.run(_time_of_tasks(tasks, statements))),
            ]
            for number in range(ROUNDS + 1):
                for times, calls in pair if number % 2 else reversed(pair):
                    times.append(calls())
            runner.run(tasks.close())
    threads, loop = statistics.median(plain[1:]), statistics.median(on_a_loop[1:])
    print(f"{CALLS} calls over {CONNECTIONS} connections, medians of {ROUNDS}")
    print(f"plain handlers, {CONNECTIONS} threads: {threads * 1000:.0f} ms")
    print(f"async handlers, one loop:    {loop * 1000:.0f} ms")
    print(f"async / plain: {loop / threads:.3f}")


def _statements_of_a_list(world: World) -> list[Statement]:
    """Call the list once, and keep what it sends to the database."""
    author = world.plant_user()
    for number in range(PRACTICES):
        world.practice(author, "submitted", title=f"Practice {number}", **saving(number))
    sent: list[Statement] = []
    execute = psycopg.Cursor.execute

    def listening(cursor: psycopg.Cursor[Any], query: Any, values: Any = None, **options: Any) -> Any:
        if query:
            sent.append((query if isinstance(query, str) else query.as_string(cursor), values))
        return execute(cursor, query, values, **options)

    psycopg.Cursor.execute = listening  # type: ignore[assignment, method-assign]
    try:
        answer = author.get("/best-practices")
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    if len(answer.json()["data"]) < 20:
        raise RuntimeError(f"the list was answered {answer.status_code}")
    return sent


def _time_of_threads(pool: ConnectionPool[Any], statements: list[Statement]) -> float:
    def call(_: int) -> str:
        with pool.connection() as connection:
            rows = [connection.execute(query.encode(), values).fetchall() for query, values in statements]
        return json.dumps(rows, default=str)

    # As the worker does: callers wait for a thread, and who has a thread finds a connection.
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        started = time.perf_counter()
        list(threads.map(call, range(CALLS)))
        return time.perf_counter() - started


async def _opened(url: str, options: dict[str, Any]) -> AsyncConnectionPool[Any]:
    pool = AsyncConnectionPool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=options, open=False)
    await pool.open(wait=True)
    return pool


async def _time_of_tasks(pool: AsyncConnectionPool[Any], statements: list[Statement]) -> float:
    async def call() -> str:
        async with pool.connection() as connection:
            rows = []
            for query, values in statements:
                rows.append(await (await connection.execute(query.encode(), values)).fetchall())
        return json.dumps(rows, default=str)

    started = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(CALLS)))
    return time.perf_counter() - started
