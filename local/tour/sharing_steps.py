"""Steps of the tour: headquarters benchmarks the practice, and another plant copies it (rules 5, 6)."""

from bp_core.leaderboard import COPIER_POINTS, ORIGIN_POINTS
from local.data_directory import Account
from local.tour.client import ApiClient
from local.tour.context import Tour
from local.tour.practice_steps import TAG, TITLE
from local.tour.report import check_equal


def benchmark_practice(tour: Tour, headquarters: ApiClient, practice: str) -> None:
    """A practice can be benchmarked once (rules 6). A benchmark alone gives no points (rules 5)."""
    with tour.report.step("Headquarters benchmarks the practice, so that other plants can copy it.") as step:
        count, points = _benchmark_count(headquarters), _points(headquarters)
        path = f"/benchmarking/benchmark/{practice.rpartition('/')[2]}"
        benchmark = headquarters.post(path, expected={201})
        headquarters.expect_error("POST", path, status=409, code="ALREADY_BENCHMARKED")
        check_equal("number of benchmarks", _benchmark_count(headquarters), count + 1)
        check_equal("points after a benchmark", _points(headquarters), points)
        step.summary = f"benchmarked on {benchmark['benchmarked_date']}, no points yet"


def copy_practice(tour: Tour, account: Account, practice: str) -> None:
    """A copy is a submitted practice without savings. Both plants get points (rules 5, 6)."""
    with tour.report.step(
        "Another plant finds the practice by its tag and copies it, once. Both plants get points."
    ) as step:
        other_plant = tour.portal.sign_in(account)
        points, practice_id = _points(other_plant), practice.rpartition("/")[2]
        check_equal("whether the plant can copy the practice", practice_id in _copyable(other_plant), True)
        body = {"original_practice_id": practice_id, "customized_title": f"{TITLE} (adapted)"}
        result = other_plant.post("/copy/implement", body, expected={201})
        other_plant.expect_error("POST", "/copy/implement", body, status=409, code="ALREADY_COPIED")
        copy, awarded = result["copied_practice"], result["points_awarded"]
        check_equal("status of a copy", copy["status"], "submitted")
        check_equal("title of a copy", copy["title"], body["customized_title"])
        check_equal("savings of a copy", copy["savings_amount"], None)
        check_equal("original of a copy", copy["copied_from"]["practice_id"], practice_id)
        check_equal("whether the plant can copy it again", practice_id in _copyable(other_plant), False)
        check_equal("points of the original plant", awarded["origin_points"], ORIGIN_POINTS)
        check_equal("points of the copying plant", awarded["copier_points"], COPIER_POINTS)
        _start_implementation(other_plant, result["copy_record"]["id"])
        points[awarded["origin_plant_id"]] += ORIGIN_POINTS
        points[awarded["copying_plant_id"]] += COPIER_POINTS
        check_equal("leaderboard", _points(other_plant), points)
        leader = other_plant.get("/leaderboard/current")[0]
        other_plant.post("/auth/logout")
        step.summary = (
            f"{ORIGIN_POINTS} points for the original plant, {COPIER_POINTS} for the copying plant;"
            f" {leader['plant_name']} leads with {leader['total_points']}"
        )


def _copyable(plant: ApiClient) -> set[str]:
    """The ids of the practices with the tag of the tour that a plant has not copied."""
    practices = plant.get_all("/best-practices", tag=TAG, not_copied_by_us="true")
    return {practice["id"] for practice in practices}


def _start_implementation(plant: ApiClient, copy_id: str) -> None:
    updated = plant.patch(f"/copy/{copy_id}", {"implementation_status": "in_progress"})
    check_equal("implementation status of the copy", updated["implementation_status"], "in_progress")


def _benchmark_count(client: ApiClient) -> int:
    return int(client.get("/benchmarking/total-count")["total_benchmarked"])


def _points(client: ApiClient) -> dict[str, int]:
    """The points of every plant this year, by plant id."""
    return {row["plant_id"]: row["total_points"] for row in client.get("/leaderboard/current")}
