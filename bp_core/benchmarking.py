"""Benchmarking practices: what headquarters hold up for the other plants to copy (rules 6)."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol
from uuid import UUID

from bp_core.leaderboard import Points
from bp_core.notifications import Notice, Notifier, excerpt
from bp_core.practices import life, writing
from bp_core.practices.life import PracticeState
from bp_core.practices.store import Ledger, PracticeStore
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Moment
from bp_core.shared.errors import Conflict
from bp_core.shared.model import PageQuery, Shown, Timestamp
from bp_core.shared.paging import Page
from bp_core.shared.trail import Trail
from bp_core.shared.versions import ExpectedVersions

RECENT_BENCHMARKS = 10
"""How many benchmarks the list of the newest holds."""


class BenchmarkQuery(PageQuery):
    """Which benchmarked practices are wanted, of one plant or category or all."""

    plant_id: UUID | None = None
    category_id: UUID | None = None


class Benchmark(Shown):
    """That a practice is benchmarked, by whom and since when."""

    id: UUID
    practice_id: UUID
    benchmarked_by_user_id: UUID
    benchmarked_date: date
    created_at: Timestamp


class ListedBenchmark(Shown):
    """A benchmarked practice in a list."""

    id: UUID
    practice_id: UUID
    practice_title: str
    category_id: UUID | None
    practice_category: str | None
    plant_id: UUID
    plant_name: str
    benchmarked_date: date
    copy_count: int
    created_at: Timestamp


class BenchmarkCount(Shown):
    """How many practices are benchmarked."""

    total_benchmarked: int


class BenchmarkStore(Protocol):
    """Where the benchmarks are kept; those of a deleted practice are not found."""

    def add(self, practice_id: UUID, by_user_id: UUID, moment: Moment) -> Benchmark:
        """Keep that a practice is benchmarked."""
        ...

    def remove(self, practice_id: UUID) -> Benchmark:
        """Forget that a practice is benchmarked; tell what is forgotten."""
        ...

    def benchmarks(self, query: BenchmarkQuery) -> Page[ListedBenchmark]:
        """List the benchmarked practices, the newest benchmark first."""
        ...

    def count(self) -> int:
        """Count the benchmarked practices."""
        ...


@dataclass(frozen=True)
class Benchmarking:
    """Gives benchmarks and takes them away; points that are earned by copies go along (rules 5)."""

    store: BenchmarkStore
    practices: PracticeStore
    points: Points
    ledger: Ledger
    notifier: Notifier
    trail: Trail

    def benchmark(
        self, caller: Caller, practice_id: UUID, *, expected: ExpectedVersions = None, moment: Moment
    ) -> Benchmark:
        """Benchmark a practice, and approve it if it is only submitted; its plant is told.

        Raises NotFound, PreconditionFailed, Conflict (NOT_BENCHMARKABLE, ALREADY_BENCHMARKED).
        """
        practice = writing.held(self.practices, practice_id, expected)
        if practice.is_benchmarked:
            raise Conflict("The practice is benchmarked already.", code="ALREADY_BENCHMARKED")
        if practice.status not in life.SEEN_BY_ALL:
            raise Conflict(
                f"A practice that is {practice.status} cannot be benchmarked.", code="NOT_BENCHMARKABLE"
            )
        if practice.status == "submitted":
            writing.move(self.practices, self.ledger, caller, practice_id, "approved", moment=moment)
        with self.points.settled(practice_id):
            benchmark = self.store.add(practice_id, caller.user_id, moment)
        self._renew(practice_id, moment)
        self.trail.note("practice.benchmarked", "practice", practice_id, after=_facts(benchmark))
        notice = Notice(
            "practice_benchmarked",
            "Your practice is benchmarked",
            excerpt(practice.content.title),
            practice_id,
        )
        self.notifier.tell_plant(practice.plant_id, notice)
        return benchmark

    def unbenchmark(self, practice_id: UUID, *, expected: ExpectedVersions = None, moment: Moment) -> None:
        """Take a benchmark away; the practice stays approved.

        Raises NotFound, PreconditionFailed, Conflict (NOT_BENCHMARKED).
        """
        life.require_benchmarked(writing.held(self.practices, practice_id, expected))
        with self.points.settled(practice_id):
            benchmark = self.store.remove(practice_id)
        self._renew(practice_id, moment)
        self.trail.note("practice.unbenchmarked", "practice", practice_id, before=_facts(benchmark))

    def _renew(self, practice_id: UUID, moment: Moment) -> None:
        """Give the practice, which shows whether it is benchmarked, its next version."""
        practice: PracticeState = writing.held(self.practices, practice_id)
        self.practices.save(replace(practice, version=practice.version + 1), moment.at)


def _facts(benchmark: Benchmark) -> dict[str, object]:
    return benchmark.model_dump(include={"benchmarked_by_user_id", "benchmarked_date"})
