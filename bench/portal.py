"""A whole portal to be measured: real PostgreSQL and Azurite, thrown away afterwards."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from functions import bootstrap
from local.azurite import Azurite
from local.migrate import upgrade
from local.postgres import throwaway_postgres
from local.storage import prepare_storage
from tests.world import SetClock, World


@contextmanager
def measured_portal(settings: Mapping[str, str]) -> Iterator[World]:
    """Run a portal with these settings for a while."""
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
