"""Steps of the tour: savings after the approval, nightly jobs, stars of all plants (rules 3, 4)."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from bp_core.savings import MOST_STARS, SavingsRules
from bp_core.shared.calendar import Month
from local.tour.client import ApiClient, wait_for
from local.tour.context import Tour
from local.tour.report import check_equal
from local.tour.savings import PlantSavings, calculate_savings, count_approved, monthly_saving

NIGHTLY_TIMERS: Final = ("aggregate_monthly_savings", "rate_stars")
MAX_RECALCULATED: Final = 1000
"""The stars of a plant with more practices a year than this are not recalculated: it would take too long."""

ADMIN_REFUSED: Final = {401, 403, 404}
"""Statuses from a host that requires a key for its admin paths, as in Azure."""


def approve_practice(tour: Tour, plant: ApiClient, headquarters: ApiClient, practice: str) -> Month:
    """The approval adds exactly the saving of the practice to its month (rules 3). Returns the month."""
    rules = tour.rules
    with tour.report.step("Headquarters approves. The savings of the plant change immediately.") as step:
        submitted = plant.get(practice)
        plant_id = submitted["plant_id"]
        month = Month.of(date.fromisoformat(submitted["submitted_date"]))
        savings = calculate_savings(plant, plant_id, month, rules)
        before = _check_overview(plant, savings, rules)
        approved = headquarters.post(f"{practice}/approve")
        check_equal("status of an approved practice", approved["status"], "approved")
        headquarters.expect_error("POST", f"{practice}/approve", status=409, code="INVALID_TRANSITION")
        savings = savings.plus(monthly_saving(approved))
        check_equal("savings in the list", calculate_savings(plant, plant_id, month, rules), savings)
        after = _check_overview(plant, savings, rules)
        check_equal("practices of the month", after["monthly_count"], before["monthly_count"])
        fields = (("month", "monthly_savings"), ("year", "ytd_savings"), ("stars", "stars"))
        step.summary = ", ".join(f"{name} {before[field]} -> {after[field]}" for name, field in fields)
    return month


def _check_overview(plant: ApiClient, savings: PlantSavings, rules: SavingsRules) -> Mapping[str, Any]:
    """Check the overview in lakhs and in crores. Returns that in lakhs."""
    lakhs: dict[str, Any] = plant.get("/analytics/overview")
    savings.check_shown("overview in lakhs", lakhs, rules)
    crores = plant.get("/analytics/overview", currency="crores")
    savings.check_shown("overview in crores", crores, rules, "crores")
    return lakhs


def run_nightly_jobs(tour: Tour, headquarters: ApiClient) -> None:
    """The recalculation and the nightly timers find nothing to correct, and each run is recorded."""
    with tour.report.step("Run the nightly jobs now: recalculate the savings, then run two timers.") as step:
        recalculation = headquarters.post("/analytics/recalculate-savings")
        check_equal("state of the recalculation", recalculation["state"], "completed")
        corrected = [str(recalculation["rows"])]
        for name in NIGHTLY_TIMERS:
            run = _run_timer(headquarters, name)
            corrected.append(str(run["rows"]) if run else f"{name} not run (the host requires a key)")
        step.summary = f"rows corrected: {', '.join(corrected)}"


def _run_timer(headquarters: ApiClient, name: str) -> dict[str, Any] | None:
    """Run a timer now and wait for the record of the run. Returns None if the host does not allow it."""
    known = {run["id"] for run in headquarters.get("/jobs")}
    status = headquarters.run_function(name)
    if status in ADMIN_REFUSED:
        return None
    check_equal(f"status of the call that runs {name}", status, 202)

    def finished() -> dict[str, Any] | None:
        new = (run for run in headquarters.get("/jobs") if run["name"] == name and run["id"] not in known)
        return next((run for run in new if run["state"] != "running"), None)

    run = wait_for(f"record of the run of {name}", finished)
    check_equal(f"result of {name}, {run['error']}", (run["state"], run["trigger"]), ("completed", "timer"))
    return run


def show_stars(tour: Tour, headquarters: ApiClient, month: Month) -> None:
    """Every plant has the stars for its savings (rules 4)."""
    rules = tour.rules
    with tour.report.step(f"Check the stars of all plants in {month} (policy {rules.star_policy}).") as step:
        rows = headquarters.get("/analytics/star-ratings", year=month.year, month=month.month)
        recalculated = 0
        for row in rows:
            if count_approved(headquarters, row["plant_id"], month, rules) <= MAX_RECALCULATED:
                savings = calculate_savings(headquarters, row["plant_id"], month, rules)
                savings.check_shown(f"stars of {row['plant_name']}", row, rules)
                recalculated += 1
        headquarters.post("/auth/logout")
        step.summary = f"{recalculated} of {len(rows)} plants recalculated, all correct\n"
    _print_table(rows)


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    print(f"    {'plant':28}{'month':>10}{'year to date':>14}   stars   (lakhs)")
    for row in rows:
        stars = "★" * row["stars"] + "☆" * (MOST_STARS - row["stars"])
        print(f"    {row['plant_name']:28}{row['monthly_savings']:>10}{row['ytd_savings']:>14}   {stars}")
