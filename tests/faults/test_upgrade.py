"""An upgrade under load: the code before the newest migration and this code side by side, no failed call."""

import asyncio
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from ops.migrate import current_revision, downgrade, head_revision, upgrade
from tests.faults.chains import think
from tests.faults.clients import Client
from tests.faults.hosts import REPOSITORY, Host
from tests.faults.trial import Site, Size, Trial
from tests.world import PASSWORD

MIGRATIONS = "migrations/versions"
JOBS = ("rebuild_roll_ups", "verify_leaderboard", "aggregate_monthly_savings", "reconcile_uploads")
NO_HISTORY = (
    "The test of the upgrade runs the code before the newest migration, and needs the git history for that.\n"
    "Clone the repository with its history: `git fetch --unshallow`, or fetch-depth: 0 in a workflow."
)


class SignIns:
    """A client that signs in, refreshes the session, reads its user and signs out, again and again."""

    def __init__(self, client: Client, email: str) -> None:
        self._client = client
        self._email = email

    async def __call__(self, stop: asyncio.Event) -> None:
        """Repeat until the event is set."""
        try:
            while not stop.is_set():
                await self._session()
                await think(0.2, stop)
        finally:
            await self._client.close()

    async def _session(self) -> None:
        tokens = await self._post("/auth/login", {"email": self._email, "password": PASSWORD})
        if tokens is not None:
            tokens = await self._post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})
        if tokens is not None:
            await self._post("/auth/logout", {}, token=tokens["access_token"])

    async def _post(self, path: str, body: object, *, token: str | None = None) -> dict[str, str] | None:
        """One call; only a refused connection is repeated, at the other host."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        while not (answer := await self._client.call(None, "POST", path, body, headers)).status:
            await asyncio.sleep(0.05)
        if not answer.is_success:
            self._client.ledger.complain(f"{path} got {answer.status}")
            return None
        tokens: dict[str, str] = answer.content["data"] if answer.content else {}
        return tokens


@pytest.fixture
def previous_code(tmp_path: Path, size: Size) -> Path:
    """The code before the newest migration. Without the git history the test fails, and says so."""
    if not size.is_full:
        pytest.skip("runs with --faults only: two hosts are replaced, which takes half a minute")
    directory = tmp_path / "previous"
    try:
        with tarfile.open(fileobj=BytesIO(git("archive", commit_before_newest_migration()))) as archive:
            archive.extractall(directory, filter="data")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.fail(f"{NO_HISTORY}\n{getattr(error, 'stderr', error)}")
    return directory


def commit_before_newest_migration() -> str:
    newest = max((REPOSITORY / MIGRATIONS).glob("[0-9]*.py"))
    added = git("log", "--diff-filter=A", "--format=%H", "--", f"{MIGRATIONS}/{newest.name}").decode().split()
    return f"{added[-1]}^" if added else "HEAD"  # a migration that is not committed yet


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=True).stdout


@pytest.fixture
def previous_release(site: Site, previous_code: Path) -> Iterator[Site]:
    """A site whose hosts have the previous code, on the schema that this code knows."""
    for host in site.hosts:
        host.stop()
    downgrade(site.world.database_url, "-1")
    for host in site.hosts:
        host.code = previous_code
        host.start()
    yield site
    for host in site.hosts:
        host.code = REPOSITORY


def replace(host: Host) -> None:
    """Replace a host by one with this code, as a deployment does: it completes what it has begun."""
    host.stop()
    host.code = REPOSITORY
    host.start()


def run_jobs(site: Site) -> None:
    for number, job in enumerate(JOBS):
        site.hosts[number % 2].run_function(job)


def test_no_call_fails_while_the_tables_are_migrated_and_the_hosts_replaced_one_by_one(
    previous_release: Site, trial: Trial
) -> None:
    site, url = previous_release, previous_release.world.database_url
    writers, portion = 8, 80
    people = [user.person for user in site.plants[:2]]
    signing_in = [SignIns(trial.client(number), person.email) for number, person in enumerate(people)]
    name = f"upgrade from {current_revision(url)} to {head_revision()} under {writers} writers"
    with trial.fault(name):
        with trial.load(*trial.writers(writers), *trial.readers(4), *signing_in):
            trial.wait_for_writes(portion)
            run_jobs(site)
            upgrade(url)
            assert current_revision(url) == head_revision()
            trial.wait_for_writes(portion)
            run_jobs(site)
            for number, host in enumerate(site.hosts):
                with trial.out_of_rotation(number):
                    trial.wait_for_writes(writers)
                    replace(host)
                trial.wait_for_writes(portion)
            run_jobs(site)
            trial.wait_for_writes(portion)
        assert trial.ledger.broken == []
        assert trial.ledger.refused == []
        assert site.world.query("SELECT name, error FROM job_runs WHERE state = 'failed'") == []
