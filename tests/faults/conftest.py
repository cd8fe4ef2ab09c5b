"""Servers that tests may kill, started once for each test process, and a site of the test's own on them."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions import bootstrap
from local.storage import prepare_storage
from ops.migrate import upgrade
from tests.conftest import ACCOUNT_KEY, ACCOUNTS, new_database
from tests.e2e.instances import LEAP_DAY
from tests.faults.hosts import Host
from tests.faults.report import PROPERTY, Row
from tests.faults.servers import KillableAzurite, KillablePostgres
from tests.faults.trial import Site, Size, Trial
from tests.world import SetClock, World

NEVER = {f"{name}_SCHEDULE": LEAP_DAY for name in (
    "AGGREGATE_SAVINGS", "RATE_STARS", "RECONCILE_UPLOADS", "REBUILD_ROLL_UPS", "VERIFY_LEADERBOARD",
    "PURGE_EXPIRED", "REMIND_REVIEWERS",
)}  # fmt: skip
"""Schedules that do not fire during a test."""

REVIEWERS = 3


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Size:
    """The size of this run."""
    return Size(is_full=bool(request.config.getoption("--faults")))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[KillablePostgres]:
    """The PostgreSQL of this test process: durable, unlike that of the other tests."""
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:
        server = KillablePostgres(Path(directory) / "postgres")
        server.start()
        yield server
        server.start()  # a failed test may have left it killed
        server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: KillablePostgres) -> Iterator[str]:
    """The name of a database with the whole schema on this server: other tests have theirs on another."""
    with new_database(postgres_server, template="template0") as name:
        upgrade(postgres_server.url(name))
        yield name


@pytest.fixture(scope="session")
def unused_accounts() -> list[str]:
    """The accounts of `azurite` that no test has had yet."""
    return list(ACCOUNTS)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableAzurite]:
    """The Azurite of this test process, with its data on the disk."""
    server = KillableAzurite(
        tmp_path_factory.mktemp("azurite"), accounts=dict.fromkeys(ACCOUNTS, ACCOUNT_KEY)
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def host_settings() -> dict[str, str]:
    """Settings of the hosts that differ from the usual, such as DATABASE_URL; a module overrides this."""
    return {}


@pytest.fixture
def host_patch() -> str:
    """A module of tests.faults.patches that changes the portal in the hosts; a module overrides this."""
    return ""


@pytest.fixture
def site(
    tmp_path: Path,
    postgres_server: KillablePostgres,
    azurite: KillableAzurite,
    database_url: str,
    storage_connection_string: str,
    host_settings: dict[str, str],
    host_patch: str,
) -> Iterator[Site]:
    """Two running hosts with a database and a storage account of their own, and users who have signed in."""
    prepare_storage(storage_connection_string, [])
    world = World(database_url, storage_connection_string, SetClock(datetime.now(UTC)), NEVER)
    bootstrap.install(world.portal)
    settings = {**world.settings, **host_settings}
    hosts = [Host(tmp_path / f"host-{number}.log", settings, patch=host_patch) for number in (1, 2)]
    site = Site(world, hosts, postgres_server, azurite, [], [])
    with ExitStack() as running:
        running.callback(bootstrap.install, None)
        running.callback(world.close)
        running.callback(repair, site)
        for host in hosts:
            running.callback(host.stop)
            host.launch()
        site.plants += [site.user(f"plant{number}@amber.test", number) for number in range(7)]
        site.reviewers += [site.user(f"hq{number}@amber.test") for number in range(REVIEWERS)]
        for host in hosts:
            host.wait_until_ready()
        yield site


def repair(site: Site) -> None:
    """Start what a failed test has left killed: other tests use the same servers."""
    site.postgres.start()
    if not site.azurite.is_running():
        site.azurite.start()


@pytest.fixture
def trial(site: Site, size: Size, request: pytest.FixtureRequest) -> Trial:
    """A trial at the site; its rows are in the table at the end of the run."""

    def report(row: Row) -> None:
        request.node.user_properties.append((PROPERTY, asdict(row)))

    return Trial(site, size, report)
