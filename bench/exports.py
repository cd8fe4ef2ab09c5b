"""How much memory does an export need? Each runs in a child process of its own, against a real portal.

Once with 2,000 practices of 120,000 characters each, which one import of 54 kB could create, and once with
100,000 practices of a usual length.
"""

import json
from collections.abc import Mapping
from typing import Final

import psycopg

from bench.child import MEGABYTE, Measured
from bench.child import measure as measure_child
from bench.portal import benchmark_portal
from bench.sample_data import insert_practices
from bp_core.practices.queries import ExportQuery
from bp_core.practices.schemas import ExportLink
from bp_core.shared.access import Caller
from functions import bootstrap
from functions.settings import load_settings
from tests.world import World

BOMB: Final = 2_000
LONG: Final = 24_000
"""The length of each of five texts, in characters."""

MANY: Final = 100_000
USUAL: Final = 400

LENGTHEN: Final = """
UPDATE best_practices SET description = long, problem_statement = long, solution = long, metrics = long,
                          implementation = long
FROM (SELECT string_agg(md5(n::text), ' ') AS words FROM generate_series(1, 1000) n) random,
     LATERAL (SELECT '🙂' || left(words, %(length)s::int - 1) AS long) text
"""

# Measured with all rows, and then the whole file, in memory.
BEFORE: Final[Mapping[str, str]] = {
    "2000 practices of 120000 characters, csv": "2777 MB, 6.1 s",
    "2000 practices of 120000 characters, xlsx": "1207 MB, 4.0 s",
    "100000 practices of 2000 characters, csv": "363 MB, 0.9 s for 10000",
    "100000 practices of 2000 characters, xlsx": "235 MB, 3.5 s for 10000",
}


def measure() -> None:
    """Export both sets of practices in both formats. Print the peak memory and CPU time, and the answer."""
    for practices, length in ((BOMB, LONG), (MANY, USUAL)):
        with benchmark_portal({}) as world:
            fill(world, practices, length)
            for file_format in ("csv", "xlsx"):
                used = measure_export(world, file_format)
                case = f"{practices} practices of {5 * length} characters, {file_format}"
                before = BEFORE.get(case, "")
                print(
                    f"{case:48} before: {before:24} now: {used.megabytes:4.0f} MB, {used.seconds:6.2f} s CPU:"
                    f" {used.answer}",
                    flush=True,
                )


def fill(world: World, practices: int, length: int) -> None:
    """Insert practices whose five long texts have this many characters each, which take 4 bytes in memory."""
    world.headquarters()
    insert_practices(world.database_url, practices, world.clock.now().date().isoformat())
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        connection.execute(LENGTHEN, {"length": length})


def measure_export(world: World, file_format: str) -> Measured:
    """Export all practices in a child process, for headquarters."""
    [(user_id,)] = world.query("SELECT id FROM users WHERE role = 'hq' LIMIT 1")
    asked = {"settings": world.settings, "user_id": str(user_id), "format": file_format}
    return measure_child(export, json.dumps(asked).encode())


def export(asked: bytes) -> str:
    """Export all practices of a portal; return how many there are and how large the file is."""
    wanted = json.loads(asked)
    portal = bootstrap.build(load_settings(wanted["settings"]))
    caller = Caller(wanted["user_id"], None, "hq", None)
    limits = portal.settings.expensive_limits
    try:
        with portal.unit_of_work(transaction=False, limits=limits) as work:
            found = work.spreadsheets.export(caller, ExportQuery(format=wanted["format"]))
    finally:
        portal.close()
    if isinstance(found, ExportLink):
        return f"{found.rows} rows, {found.size / MEGABYTE:.1f} MB behind a URL"
    return f"{len(found.data) / MEGABYTE:.1f} MB"
