"""A complete portal for benchmarks: real PostgreSQL and Azurite, deleted afterwards."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from functions import bootstrap
from local.azurite import Azurite
from local.postgres import throwaway_postgres
from local.storage import prepare_storage
from ops.migrate import upgrade
from tests.world import SetClock, World


@contextmanager
def benchmark_portal(settings: Mapping[str, str]) -> Iterator[World]:
    """A portal with these settings, until the block ends."""
    with throwaway_postgres() as server, tempfile.TemporaryDirectory() as directory:
        server.create_database("bench")
        upgrade(server.url("bench"))
        azurite = Azurite(Path(directory), in_memory=True)
        azurite.start()
        try:
            prepare_storage(azurite.connection_string, [])
            world = World(
                server.url("bench"), azurite.connection_string, SetClock(datetime.now(UTC)), settings
            )
            bootstrap.install(world.portal)
            yield world
            bootstrap.install(None)
            world.close()
        finally:
            azurite.stop()
