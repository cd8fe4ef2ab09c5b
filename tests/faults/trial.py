"""A trial: clients work at a site while something breaks, and then every invariant is checked.

    with trial.fault("PostgreSQL killed"), trial.load(*trial.writers(16), *trial.readers(4)):
        site.postgres.kill()
        time.sleep(3)
        site.postgres.start()

When the outer block ends, the site must be whole again. The trial then waits for the blob triggers, compares
the database and the storage with the ledger, reports a row, and fails if anything was lost or doubled.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count

from functions.jobs.catalogue import reconcile_uploads
from tests.faults import invariants
from tests.faults.chains import Behaviour, Cast, Reader, Uploader, Writer, run_all
from tests.faults.clients import Client, User
from tests.faults.hosts import Host
from tests.faults.invariants import Findings
from tests.faults.ledger import UNAVAILABLE, Ledger
from tests.faults.report import Row
from tests.faults.servers import KillableAzurite, KillablePostgres, wait_until
from tests.faults.watch import MemoryWatcher, Prober
from tests.world import World

LONGEST_ANSWER = 10.0
LONGEST_HEALTH = 1.0
TRIGGER_SECONDS = 4.0
JOB_SECONDS = 30.0
RECOVERY_SECONDS = 60.0
DEREGISTRATION_SECONDS = 1.0
SHOWN = 20
"""How many findings of a kind a failure shows."""


@dataclass(frozen=True)
class Size:
    """The full size has the numbers that are promised; the bounded one runs with all other tests."""

    is_full: bool

    def pick(self, *, bounded: float, full: float) -> float:
        """The number of this size."""
        return full if self.is_full else bounded

    def count(self, *, bounded: int, full: int) -> int:
        """The whole number of this size."""
        return full if self.is_full else bounded


@dataclass
class Site:
    """Two hosts over one PostgreSQL and one Azurite. `world` reaches both servers without the hosts."""

    world: World
    hosts: list[Host]
    postgres: KillablePostgres
    azurite: KillableAzurite
    plants: list[User]
    """A user of each plant."""
    reviewers: list[User]
    """Users of headquarters."""

    @property
    def urls(self) -> list[str]:
        return [host.url for host in self.hosts]

    def user(self, email: str, plant: int | None = None) -> User:
        """Add a user of a plant (0 to 6) or of headquarters, who signs in."""
        person = self.world.add_person(email, plant=plant).sign_in()
        return User(person, str(person.tokens["access_token"]))


@dataclass
class Trial:
    """The load on a site, what was seen of it, and the check afterwards."""

    site: Site
    size: Size
    report: Callable[[Row], None]
    ledger: Ledger = field(default_factory=Ledger)
    clients: list[Client] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Other figures for the row of the report."""

    def __post_init__(self) -> None:
        self._names = count()
        self.prober = Prober(self.site.hosts)
        self.memory = MemoryWatcher(self.site.hosts)

    def writers(self, number: int, *, think_seconds: float = 0.0) -> list[Behaviour]:
        """Clients that take practices through the workflow, with all plants, half of them at each host."""
        site = self.site
        category = str(site.world.categories[0])
        return [
            Writer(
                f"practice {next(self._names)}",
                self.client(index),
                Cast(
                    author=site.plants[index % 7],
                    reviewer=site.reviewers[index % len(site.reviewers)],
                    copier=site.plants[(index + 1) % 7],
                    category_id=category,
                ),
                think_seconds=think_seconds,
            )
            for index in range(number)
        ]

    def readers(self, number: int, *, think_seconds: float = 0.5) -> list[Behaviour]:
        """Clients that read pages, with all plants and headquarters, half of them at each host."""
        users = [*self.site.plants, *self.site.reviewers]
        return [
            Reader(self.client(index), users[index % len(users)], think_seconds=think_seconds)
            for index in range(number)
        ]

    def client(self, first: int = 0) -> Client:
        """A client that starts with the host of this number and fails over to the other."""
        client = Client(self.site.urls, self.ledger, first)
        self.clients.append(client)
        return client

    @contextmanager
    def out_of_rotation(self, number: int) -> Iterator[None]:
        """Let no client begin a call at a host, as a load balancer does with one that will be stopped."""
        for client in self.clients:
            client.avoided.add(number)
        time.sleep(DEREGISTRATION_SECONDS)
        yield
        for client in self.clients:
            client.avoided.discard(number)

    def uploaders(self, number: int) -> list[Behaviour]:
        """Clients that upload photographs, each to a practice of its own."""
        authors = [self.site.plants[index % 7] for index in range(number)]
        return [
            Uploader(self.client(index), author, str(self.site.world.practice(author.person)["id"]))
            for index, author in enumerate(authors)
        ]

    @contextmanager
    def load(self, *behaviours: Behaviour) -> Iterator[None]:
        """Run clients until the block ends; they then finish what they have begun. Raises their errors."""
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()
        errors: list[BaseException] = []

        def run() -> None:
            try:
                loop.run_until_complete(run_all(behaviours, stop))
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread of the test
                errors.append(error)

        thread = threading.Thread(target=run, name="load", daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            loop.call_soon_threadsafe(_cancel_all, loop)
            raise
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()
        if errors:
            raise errors[0]

    def wait_for_writes(self, number: int) -> None:
        """Wait until this many more writes are acknowledged."""
        wanted = self.ledger.acknowledged + number
        wait_until(
            lambda: self.ledger.acknowledged >= wanted, RECOVERY_SECONDS, "no more writes are acknowledged"
        )

    def wait_for_uploads(self, number: int) -> None:
        """Wait until this many more blobs are uploaded."""
        wanted = len(self.ledger.uploaded) + number
        wait_until(
            lambda: len(self.ledger.uploaded) >= wanted, RECOVERY_SECONDS, "no more blobs are uploaded"
        )

    @contextmanager
    def observed(self) -> Iterator[None]:
        """Probe the health endpoints and sample the memory during the block."""
        with self.prober, self.memory:
            yield

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Observe the block, then check that nothing is lost, and report the row of the fault."""
        with self.observed():
            yield
        found = self.check()
        self.report(self.row(name, found))
        self.assert_held(found)

    def check(self) -> Findings:
        """Wait for the blob triggers, then compare everything with the ledger."""
        self.settle()
        return invariants.find(self.site.world, self.ledger)

    def settle(self) -> None:
        """Wait until every upload is recorded and has its thumbnail; what the triggers gave up, the job does.

        A trigger gives up a blob after five attempts, for example during an outage.
        """
        if not self._settles_within(TRIGGER_SECONDS):
            self.pass_a_night()
            self._settles_within(JOB_SECONDS)

    def pass_a_night(self) -> None:
        """Run the nightly reconciliation, which leaves alone what is younger than an hour."""
        self.site.world.query("UPDATE practice_images SET uploaded_at = uploaded_at - interval '2 hours'")
        self.run_job(reconcile_uploads.name)

    def run_job(self, job: str) -> None:
        """Run a job until it completes: after a kill, the database may still see the run of a dead host."""
        world = self.site.world
        query = "SELECT count(*) FROM job_runs WHERE name = %s AND state = 'completed'"
        before = world.query(query, job)

        def runs() -> bool:
            self.site.hosts[1].run_function(job)
            time.sleep(0.3)
            return world.query(query, job) != before

        wait_until(runs, RECOVERY_SECONDS, f"{job} does not complete")

    def is_settled(self) -> bool:
        """Whether every upload is recorded, and every photograph has its thumbnail."""
        return invariants.is_settled(self.site.world, self.ledger)

    def assert_no_errors(self) -> None:
        """Fail if a call got no answer, or was refused although nothing was broken.

        In the bounded size, other tests use the same processors: there, an instance may refuse for that.
        """
        allowed = {*range(200, 300), *([] if self.size.is_full else [UNAVAILABLE])}
        wrong = {status: count for status, count in self.ledger.statuses.items() if status not in allowed}
        assert not wrong, (wrong, self.ledger.refused[:SHOWN])

    def _settles_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not (settled := self.is_settled()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return settled

    def row(self, fault: str, found: Findings) -> Row:
        """The row of the report."""
        ledger = self.ledger
        return Row(
            fault="; ".join([fault, *self.remarks]),
            calls=ledger.calls,
            acknowledged=ledger.acknowledged,
            lost=len(found.lost),
            doubled=len(found.doubled),
            refused=ledger.statuses[UNAVAILABLE],
            unanswered=ledger.statuses[0],
            longest_answer=round(ledger.longest_answer, 2),
            longest_health=round(self.prober.longest["/health"], 2),
            peak_memory=round(self.memory.peak),
        )

    def assert_held(self, found: Findings) -> None:
        """Fail if anything does not hold. Only the full size, which runs alone, has limits of time."""
        kinds = {**asdict(found), "unexpected": self.ledger.unexpected, "health": self.prober.wrong}
        wrong = {kind: (len(cases), cases[:SHOWN]) for kind, cases in kinds.items() if cases}
        assert not wrong, wrong
        assert self.ledger.acknowledged > 0, "nothing was written"
        if self.size.is_full:
            assert self.ledger.longest_answer < LONGEST_ANSWER, self.ledger.slowest_call
            assert self.prober.longest["/health"] < LONGEST_HEALTH, self.prober.longest


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """End the clients at once, in the middle of their chains: the test has failed already."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
