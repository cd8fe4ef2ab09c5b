"""Endpoints of benchmarks and their copies."""

from uuid import UUID

from bp_core.benchmarking import Benchmark, BenchmarkCount, BenchmarkQuery, ListedBenchmark
from bp_core.copying import Copy, Spread
from bp_core.shared.access import Caller
from bp_core.shared.errors import AlreadyBenchmarked, NotBenchmarkable, NotBenchmarked
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery, RecentQuery
from bp_core.shared.versions import ExpectedVersions
from functions.edge.access import HEADQUARTERS, SIGNED_IN
from functions.edge.endpoint import endpoints
from functions.edge.responses import Reply
from functions.unit_of_work import UnitOfWork

blueprint, endpoint = endpoints()


@endpoint(
    "POST",
    "/api/v1/benchmarking/benchmark/{practice_id:guid}",
    who=HEADQUARTERS,
    status=201,
    errors=(AlreadyBenchmarked, NotBenchmarkable),
)
def benchmark_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Benchmark:
    """Benchmark a practice; a submitted practice is approved as well."""
    return work.benchmarking.benchmark(caller, practice_id, expected)


@endpoint(
    "DELETE",
    "/api/v1/benchmarking/unbenchmark/{practice_id:guid}",
    who=HEADQUARTERS,
    errors=(NotBenchmarked,),
)
def unbenchmark_practice(
    work: UnitOfWork, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Reply[None]:
    """Delete the benchmark of a practice, and all points for copies of it."""
    work.benchmarking.unbenchmark(caller, practice_id, expected)
    return Reply(None, message="The practice is no longer benchmarked.")


@endpoint("GET", "/api/v1/benchmarking/list", who=SIGNED_IN)
def list_benchmarks(work: UnitOfWork, query: BenchmarkQuery) -> Page[ListedBenchmark]:
    """List the benchmarked practices, newest benchmark first."""
    return work.benchmarking.search(query)


@endpoint("GET", "/api/v1/benchmarking/recent", who=SIGNED_IN)
def list_recent_benchmarks(work: UnitOfWork, query: RecentQuery) -> Page[ListedBenchmark]:
    """List the newest benchmarks, ten by default."""
    return work.benchmarking.recent(query)


@endpoint("GET", "/api/v1/benchmarking/total-count", who=SIGNED_IN)
def count_benchmarks(work: UnitOfWork) -> BenchmarkCount:
    """Count the benchmarked practices."""
    return work.benchmarking.count()


@endpoint("GET", "/api/v1/benchmarking/copy-spread", who=SIGNED_IN)
def list_copy_spread(work: UnitOfWork, caller: Caller, query: PageQuery) -> Page[Spread]:
    """List the benchmarked practices with the plants that copied them, most copied first."""
    return work.copying.benchmarked(caller, query)


@endpoint("GET", "/api/v1/benchmarking/{practice_id:guid}/copies", who=SIGNED_IN)
def list_benchmark_copies(
    work: UnitOfWork, caller: Caller, practice_id: UUID, query: PageQuery
) -> Page[Copy]:
    """List the copies of a practice, oldest first."""
    return work.copying.copies(caller, practice_id, query)
