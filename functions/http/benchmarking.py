"""Benchmarks, and how far what is benchmarked has spread."""

from uuid import UUID

from bp_core import copying
from bp_core.benchmarking import (
    RECENT_BENCHMARKS,
    Benchmark,
    BenchmarkCount,
    BenchmarkQuery,
    ListedBenchmark,
)
from bp_core.copying import Copy, Spread
from bp_core.shared.access import Caller
from bp_core.shared.model import PageQuery
from bp_core.shared.paging import Page
from bp_core.shared.versions import ExpectedVersions
from functions.access import HEADQUARTERS, SIGNED_IN
from functions.answers import Reply
from functions.bootstrap import Unit
from functions.edge import endpoints

blueprint, endpoint = endpoints()


@endpoint(
    "POST",
    "/api/v1/benchmarking/benchmark/{practice_id:guid}",
    who=HEADQUARTERS,
    status=201,
    errors=("ALREADY_BENCHMARKED", "NOT_BENCHMARKABLE"),
)
def benchmark_practice(
    unit: Unit, caller: Caller, practice_id: UUID, expected: ExpectedVersions
) -> Benchmark:
    """Benchmark a practice, and approve it if it is only submitted."""
    return unit.benchmarking.benchmark(caller, practice_id, expected=expected, moment=unit.moment)


@endpoint(
    "DELETE",
    "/api/v1/benchmarking/unbenchmark/{practice_id:guid}",
    who=HEADQUARTERS,
    errors=("NOT_BENCHMARKED",),
)
def unbenchmark_practice(unit: Unit, practice_id: UUID, expected: ExpectedVersions) -> Reply[None]:
    """Take a benchmark away, and with it all points earned through the practice."""
    unit.benchmarking.unbenchmark(practice_id, expected=expected, moment=unit.moment)
    return Reply(None, message="The practice is no longer benchmarked.")


@endpoint("GET", "/api/v1/benchmarking/list", who=SIGNED_IN)
def list_benchmarks(unit: Unit, query: BenchmarkQuery) -> Page[ListedBenchmark]:
    """List the benchmarked practices, the newest benchmark first."""
    return unit.benchmarks.benchmarks(query)


@endpoint("GET", "/api/v1/benchmarking/recent", who=SIGNED_IN)
def list_recent_benchmarks(unit: Unit) -> list[ListedBenchmark]:
    """List the ten newest benchmarks."""
    return unit.benchmarks.benchmarks(BenchmarkQuery(limit=RECENT_BENCHMARKS)).items


@endpoint("GET", "/api/v1/benchmarking/total-count", who=SIGNED_IN)
def count_benchmarks(unit: Unit) -> BenchmarkCount:
    """Tell how many practices are benchmarked."""
    return BenchmarkCount(total_benchmarked=unit.benchmarks.count())


@endpoint("GET", "/api/v1/benchmarking/copy-spread", who=SIGNED_IN)
def list_copy_spread(unit: Unit, query: PageQuery) -> Page[Spread]:
    """List the benchmarked practices with who has copied them, the most copied first."""
    return unit.copies.benchmarked(query)


@endpoint("GET", "/api/v1/benchmarking/{practice_id:guid}/copies", who=SIGNED_IN)
def list_benchmark_copies(unit: Unit, caller: Caller, practice_id: UUID) -> list[Copy]:
    """List who has copied a practice, the first one first."""
    return copying.show_copies(unit.copies, caller, practice_id)
