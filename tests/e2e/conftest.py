"""Fixtures for the end-to-end tests."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import function_app
from function_host import FunctionHost
from functions import bootstrap
from functions.settings import load_settings
from local.data_directory import DataDirectory
from local.demo_users import create_demo_users
from local.secrets_file import open_secrets
from local.storage import prepare_storage
from tests.e2e.instances import Instance, serving
from tests.world import ROUNDS, SETTINGS, World


@pytest.fixture(scope="module")
def open_directory() -> Iterator[Path]:
    """A temporary directory that the user of the database server can read, if the tests run as root.

    It cannot read pytest's tmp_path: only its owner can read the directory above.
    """
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:
        yield Path(directory)


@pytest.fixture
def open_path(open_directory: Path) -> Path:
    """A directory of the test in open_directory."""
    return Path(tempfile.mkdtemp(dir=open_directory))


@pytest.fixture
def data(tmp_path: Path, database_url: str, storage_connection_string: str) -> Iterator[DataDirectory]:
    """A running portal with demo users and a portal.json, as after `dev.py up`."""
    data = DataDirectory(tmp_path / "data")
    with open_secrets(data.secrets) as local:
        accounts = create_demo_users(database_url, local, bcrypt_rounds=ROUNDS)
    prepare_storage(storage_connection_string, [])
    settings = {
        **{name: value for name, value in SETTINGS.items() if name.endswith("_SCHEDULE")},
        "DATABASE_URL": database_url,
        "AzureWebJobsStorage": storage_connection_string,
        "JWT_SECRET": local.jwt_secret,
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
    """Two instances of the portal of the test."""
    with ExitStack() as running:
        first, second = (
            running.enter_context(serving(world, tmp_path / f"{name}.log")) for name in ("first", "second")
        )
        yield first, second
