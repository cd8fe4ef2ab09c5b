"""Benchmarks: practices that headquarters recommends to other plants (rules 6)."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

from bp_core.leaderboard import PointsUpdater
from bp_core.notifications import Notice, Notifier, excerpt
from bp_core.practices import workflow
from bp_core.practices.editor import PracticeEditor
from bp_core.shared.access import Caller, require_headquarters
from bp_core.shared.auditing import AuditTrail
from bp_core.shared.context import Context
from bp_core.shared.errors import AlreadyBenchmarked, NotBenchmarkable
from bp_core.shared.paging import Page
from bp_core.shared.schemas import LargePageQuery, RecentQuery, ResponseModel, Timestamp
from bp_core.shared.versions import ExpectedVersions


class BenchmarkQuery(LargePageQuery):
    """Filters a list of benchmarked practices by plant and category."""

    plant_id: UUID | None = None
    category_id: UUID | None = None


class Benchmark(ResponseModel):
    """The benchmark of a practice: who benchmarked it, and when."""

    id: UUID
    practice_id: UUID
    benchmarked_by_user_id: UUID
    benchmarked_date: date
    created_at: Timestamp


class ListedBenchmark(ResponseModel):
    """A benchmarked practice in a list."""

    id: UUID
    practice_id: UUID
    practice_title: Annotated[str, Field(examples=["Less scrap in brazing"])]
    category_id: UUID | None
    practice_category: Annotated[str | None, Field(examples=["Quality"])]
    plant_id: UUID
    plant_name: Annotated[str, Field(examples=["Supa"])]
    benchmarked_date: date
    copy_count: int
    created_at: Timestamp


class BenchmarkCount(ResponseModel):
    """The number of benchmarked practices."""

    total_benchmarked: int


class BenchmarkStore(Protocol):
    """Stores benchmarks. No method returns the benchmark of a deleted practice."""

    def add(self, practice_id: UUID, by_user_id: UUID, context: Context) -> Benchmark:
        """Insert the benchmark of a practice."""
        ...

    def remove(self, practice_id: UUID) -> Benchmark:
        """Delete and return the benchmark of a practice."""
        ...

    def benchmarks(self, query: BenchmarkQuery) -> Page[ListedBenchmark]:
        """List the benchmarked practices, newest benchmark first."""
        ...

    def count(self) -> int:
        """Count the benchmarked practices."""
        ...


@dataclass(frozen=True)
class BenchmarkService:
    """The use cases of benchmarks; they also update the points for copies (rules 5)."""

    store: BenchmarkStore
    editor: PracticeEditor
    points: PointsUpdater
    notifier: Notifier
    audit_trail: AuditTrail

    def benchmark(self, caller: Caller, practice_id: UUID, expected: ExpectedVersions = None) -> Benchmark:
        """Benchmark a practice, for headquarters; a submitted practice is approved. Notifies its plant.

        Raises Forbidden, NotFound, PreconditionFailed, NotBenchmarkable, AlreadyBenchmarked.
        """
        require_headquarters(caller)
        practice = self.editor.lock(practice_id, expected)
        if practice.is_benchmarked:
            raise AlreadyBenchmarked("The practice is already benchmarked.")
        if practice.status not in workflow.PUBLIC_STATUSES:
            raise NotBenchmarkable(f"A practice with the status {practice.status} cannot be benchmarked.")
        self.editor.save(caller, practice, replace(practice, status="approved", is_benchmarked=True))
        with self.points.updated(practice_id):
            benchmark = self.store.add(practice_id, caller.user_id, self.editor.context)
        self.audit_trail.record("practice.benchmarked", "practice", practice_id, after=_facts(benchmark))
        title = excerpt(practice.content.title)
        notice = Notice("practice_benchmarked", "Your practice is benchmarked", title, practice_id)
        self.notifier.notify_plant(practice.plant_id, notice)
        return benchmark

    def unbenchmark(self, caller: Caller, practice_id: UUID, expected: ExpectedVersions = None) -> None:
        """Delete the benchmark of a practice, for headquarters; the practice stays approved.

        Raises Forbidden, NotFound, PreconditionFailed, NotBenchmarked.
        """
        require_headquarters(caller)
        practice = self.editor.lock(practice_id, expected)
        workflow.require_benchmarked(practice)
        with self.points.updated(practice_id):
            benchmark = self.store.remove(practice_id)
        self.editor.save(caller, practice, replace(practice, is_benchmarked=False))
        self.audit_trail.record("practice.unbenchmarked", "practice", practice_id, before=_facts(benchmark))

    def search(self, query: BenchmarkQuery) -> Page[ListedBenchmark]:
        """Return one page of the benchmarked practices, newest benchmark first."""
        return self.store.benchmarks(query)

    def recent(self, query: RecentQuery) -> Page[ListedBenchmark]:
        """Return one page of the newest benchmarks."""
        return self.store.benchmarks(BenchmarkQuery(**query.model_dump()))

    def count(self) -> BenchmarkCount:
        """Count the benchmarked practices."""
        return BenchmarkCount(total_benchmarked=self.store.count())


def _facts(benchmark: Benchmark) -> dict[str, object]:
    return benchmark.model_dump(include={"benchmarked_by_user_id", "benchmarked_date"})
