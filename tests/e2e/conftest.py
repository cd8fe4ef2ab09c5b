"""What the end-to-end tests share."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import function_app
from functions import bootstrap
from functions.settings import load_settings
from local.data_directory import DataDirectory
from local.host import FunctionHost
from local.keeping import kept_secrets
from local.people import make_people
from local.storage import prepare_storage
from tests.e2e.instances import Instance, serving
from tests.world import ROUNDS, SETTINGS, World


@pytest.fixture(scope="module")
def open_directory() -> Iterator[Path]:
    """A temporary directory of the module that the database's own user may enter, if the tests run as root.

    Into pytest's tmp_path it may not: each start of pytest closes the directory above it to all others.
    """
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:
        yield Path(directory)


@pytest.fixture
def open_path(open_directory: Path) -> Path:
    """A directory of the test in there."""
    return Path(tempfile.mkdtemp(dir=open_directory))


@pytest.fixture
def data(tmp_path: Path, database_url: str, storage_connection_string: str) -> Iterator[DataDirectory]:
    """A portal that runs, as `dev.py up` would leave it: its place and its people are in portal.json."""
    data = DataDirectory(tmp_path / "data")
    with kept_secrets(data.secrets) as kept:
        accounts = make_people(database_url, kept, bcrypt_rounds=ROUNDS)
    prepare_storage(storage_connection_string, [])
    settings = {
        **{name: value for name, value in SETTINGS.items() if name.endswith("_SCHEDULE")},
        "DATABASE_URL": database_url,
        "AzureWebJobsStorage": storage_connection_string,
        "JWT_SECRET": kept.jwt_secret,
        "BCRYPT_ROUNDS": str(ROUNDS),
    }
    portal = bootstrap.build(load_settings(settings))
    bootstrap.install(portal)
    try:
        with FunctionHost(function_app.app, settings, poll_interval=0.2) as host:
            data.write_portal(
                base_url=host.base_url,
                database_url=database_url,
                storage_connection_string=storage_connection_string,
                accounts=accounts,
            )
            yield data
    finally:
        bootstrap.install(None)
        portal.close()


@pytest.fixture
def instances(world: World, tmp_path: Path) -> Iterator[tuple[Instance, Instance]]:
    """Two running instances of the test's portal."""
    with ExitStack() as running:
        first, second = (
            running.enter_context(serving(world, tmp_path / f"{name}.log")) for name in ("first", "second")
        )
        yield first, second
